#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "cli/commands.h"
#include "cli/embedding.h"
#include "cli/input.h"
#include "cli/observation_text.h"
#include "cli/progress_line.h"
#include "cli/shown_time.h"
#include "holdfast/digest.h"

namespace holdfast::cli {
namespace {

constexpr const char* kWhereHelp = "Only what this filter lets pass";
constexpr const char* kSubSpacesHelp = "Also of the spaces below this one";

struct RememberArguments {
  std::optional<std::string> content;
  std::string file, title, source, kind, session, run, metadata, happened, key;
  std::string valid_from, valid_to, on_duplicate = "allow";
  std::string vector_file, model, model_version;
  std::string language;
  std::vector<std::string> tags, derived_from;
  std::optional<double> confidence, importance, trust;
};

Result<NewObservation> new_observation(const RememberArguments& arguments) {
  NewObservation observation;
  HOLDFAST_ASSIGN(observation.content, read_value(arguments.content, arguments.file));
  observation.title = optional_text(arguments.title);
  observation.source = optional_text(arguments.source);
  observation.kind = optional_text(arguments.kind);
  observation.session = optional_text(arguments.session);
  observation.run = optional_text(arguments.run);
  observation.tags = arguments.tags;
  observation.metadata = optional_text(arguments.metadata);
  observation.confidence = arguments.confidence;
  observation.importance = arguments.importance;
  observation.trust = arguments.trust;
  observation.derived_from = arguments.derived_from;
  HOLDFAST_ASSIGN(observation.valid_from_us, parse_time_option(arguments.valid_from));
  HOLDFAST_ASSIGN(observation.valid_to_us, parse_time_option(arguments.valid_to));
  HOLDFAST_ASSIGN(observation.happened_us, parse_time_option(arguments.happened));
  observation.key = optional_text(arguments.key);
  observation.language = optional_text(arguments.language);
  if (!arguments.vector_file.empty()) {
    observation.embedding.emplace();
    observation.embedding->model = arguments.model;
    observation.embedding->model_version = arguments.model_version;
    HOLDFAST_ASSIGN(observation.embedding->values, read_vector(arguments.vector_file));
  }
  return observation;
}

Status remember(const Context& context, const RememberArguments& arguments) {
  HOLDFAST_ASSIGN(NewObservation observation, new_observation(arguments));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  AddOptions options;
  if (arguments.on_duplicate == "refuse") options.duplicates.action = OnDuplicate::refuse;
  if (arguments.on_duplicate == "merge") options.duplicates.action = OnDuplicate::merge;
  HOLDFAST_ASSIGN(auto added, space.observations().add_all({&observation, 1}, options));
  const Output& output = context.output();
  if (output.json()) {
    output.print({{"id", added[0].id},
                  {"existed", added[0].existed},
                  {"duplicate", added[0].is_duplicate},
                  {"redactions", added[0].redactions.size()}});
  } else {
    const bool existed = added[0].existed || added[0].is_duplicate;
    output.line(added[0].id + (existed ? "  (was there already)" : ""));
    for (const Redaction& one : added[0].redactions) {
      std::fprintf(stderr, "holdfast: a secret was left out: %s\n", one.name.c_str());
    }
  }
  return store.close();
}

struct RecallArguments {  // of recall and why-not
  std::string id;         // of the observation that is missed
  std::vector<std::string> words;
  std::string kind, source, session, run, since, until, as_of;
  std::string vector_file;
  RecallVector vector;
  std::optional<double> vector_weight;
  bool by_rank = false;
  bool embed = false;
  bool no_embed = false;
  RecallQuery query;
  size_t tokens = 0;  // 0: hits one by one
  bool reinforce = false;
};

// Counts all hits as used.
Status count_used(const Space& space, const std::vector<RecallHit>& hits) {
  std::vector<std::string> ids;
  for (const RecallHit& hit : hits) ids.push_back(hit.observation.id);
  return space.observations().reinforce(ids, Reinforcement::access);
}

Result<RecallQuery> query_of(const RecallArguments& arguments) {
  RecallQuery query = arguments.query;
  for (const std::string& word : arguments.words)
    query.text += (query.text.empty() ? "" : " ") + word;
  query.kind = optional_text(arguments.kind);
  query.source = optional_text(arguments.source);
  query.session = optional_text(arguments.session);
  query.run = optional_text(arguments.run);
  HOLDFAST_ASSIGN(query.since_us, parse_time_option(arguments.since));
  HOLDFAST_ASSIGN(query.until_us, parse_time_option(arguments.until));
  HOLDFAST_ASSIGN(query.as_of_us, parse_time_option(arguments.as_of));
  if (!arguments.vector_file.empty()) {
    query.vector = arguments.vector;
    HOLDFAST_ASSIGN(query.vector->values, read_vector(arguments.vector_file));
  }
  query.vector_weight = arguments.vector_weight.value_or(query.vector_weight);
  if (arguments.by_rank) query.fusion = Fusion::reciprocal_rank;
  return query;
}

Status add_vector(const Context& context, const Space& space, const RecallArguments& arguments,
                  RecallQuery& query) {
  if (query.vector) return Status::ok();
  const QueryEmbedding how = arguments.embed      ? QueryEmbedding::kRequired
                             : arguments.no_embed ? QueryEmbedding::kNone
                                                  : QueryEmbedding::kWherePossible;
  return embed_query(context, space, how, arguments.vector_weight, query);
}

Status print_digest(const Output& output, const std::vector<RecallHit>& hits, size_t tokens) {
  const RecallDigest digest = make_digest(hits, {.tokens_max = tokens});
  if (output.json()) {
    output.print({{"text", digest.text},
                  {"tokens", digest.tokens},
                  {"ids", digest.ids},
                  {"left_out", digest.left_out}});
  } else {
    output.raw(digest.text);
  }
  return Status::ok();
}

Status recall(const Context& context, const RecallArguments& arguments) {
  HOLDFAST_ASSIGN(RecallQuery query, query_of(arguments));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(add_vector(context, space, arguments, query));
  HOLDFAST_ASSIGN(auto hits, space.recall(query));
  if (hits.empty()) {
    return Status(StatusCode::kNotFound, "nothing in space " + space.path() + " matches \"" +
                                             one_line(query.text, 80) + "\"");
  }
  if (arguments.reinforce) HOLDFAST_TRY(count_used(space, hits));
  if (arguments.tokens > 0) return print_digest(context.output(), hits, arguments.tokens);
  for (size_t i = 0; i < hits.size(); ++i) print_hit(context.output(), i + 1, hits[i]);
  return arguments.reinforce ? store.close() : Status::ok();
}

const char* name_of(RecallReason reason) {
  constexpr const char* kNames[] = {"found",     "not_in_space",   "forgotten",
                                    "filtered",  "word_condition", "no_common_word",
                                    "no_vector", "outranked",      "crowded_out"};
  return kNames[static_cast<size_t>(reason)];
}

Status why_not(const Context& context, const RecallArguments& arguments) {
  HOLDFAST_ASSIGN(RecallQuery query, query_of(arguments));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(add_vector(context, space, arguments, query));
  HOLDFAST_ASSIGN(RecallVerdict verdict, space.why_not(query, arguments.id));
  std::string reason = name_of(verdict.reason);
  if (verdict.reason == RecallReason::found && arguments.tokens > 0) {
    HOLDFAST_ASSIGN(const auto hits, space.recall(query));
    const RecallDigest digest = make_digest(hits, {.tokens_max = arguments.tokens});
    HOLDFAST_ASSIGN(const Observation observation, space.observations().get(arguments.id));
    if (std::find(digest.ids.begin(), digest.ids.end(), observation.id) == digest.ids.end()) {
      reason = "over_budget";
      verdict.message += ", but does not fit into " + std::to_string(arguments.tokens) +
                         " tokens beside those before it";
    }
  }
  if (context.output().json()) {
    Json json = {{"reason", reason}, {"message", verdict.message}};
    if (verdict.place) json["place"] = *verdict.place;
    if (verdict.score) json["score"] = *verdict.score;
    json["last_score"] = verdict.last_score;
    for (const ScoreTerm& one : verdict.explanation) json["explanation"].push_back(json_of(one));
    context.output().print(json);
    return Status::ok();
  }
  context.output().line(reason + ": " + printable(verdict.message));
  for (const ScoreTerm& one : verdict.explanation) {
    context.output().line("    " + explained(one));
  }
  return Status::ok();
}

Status reindex(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  uint64_t count = 0;
  {
    ProgressLine line;
    HOLDFAST_ASSIGN(count, space.observations().reindex(shown_on(line)));
  }
  if (context.output().json()) {
    context.output().print({{"observations", count}});
  } else {
    context.output().line(std::to_string(count) + " observations indexed anew");
  }
  return store.close();
}

// Prints or, if one is named, sets the language of what is added to the space.
Status language(const Context& context, const std::string& name) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(ObservationSettings settings, space.observations().settings());
  if (!name.empty()) {
    settings.language = name;
    HOLDFAST_TRY(space.observations().configure(settings));
  }
  const std::string set = settings.language.value_or("en");
  if (context.output().json()) {
    context.output().print({{"language", set}});
  } else {
    context.output().line(set);
  }
  return store.close();
}

Status show(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Observation observation, space.observations().get(id));
  HOLDFAST_ASSIGN(const Strength strength, space.observations().strength(observation.id));
  print_observation(context.output(), observation, strength);
  return Status::ok();
}

struct ListArguments {
  ObservationListOptions options;
  std::string kind, source, session, run, metadata, since, until, as_of, tier;
  bool oldest_first = false;
  bool forgotten = false;
};

constexpr size_t kIdSize = 36;

// How many characters of their ids tell `observations` apart, and any two that were not made in the
// same millisecond: on a terminal the text needs the room.
size_t telling_size(const std::vector<Observation>& observations) {
  constexpr size_t kToTheCounter = 18;  // "01890a5d-ac96-774b"
  std::set<std::string> seen;
  for (const Observation& observation : observations) {
    if (!seen.insert(observation.id.substr(0, kToTheCounter)).second) return kIdSize;
  }
  return kToTheCounter;
}

Status list(const Context& context, const ListArguments& arguments) {
  ObservationListOptions options = arguments.options;
  options.kind = optional_text(arguments.kind);
  options.source = optional_text(arguments.source);
  options.session = optional_text(arguments.session);
  options.run = optional_text(arguments.run);
  if (!arguments.metadata.empty()) {
    HOLDFAST_ASSIGN(options.metadata, parse_member(arguments.metadata));
  }
  HOLDFAST_ASSIGN(options.as_of_us, parse_time_option(arguments.as_of));
  if (arguments.tier == "hot") options.tier = Tier::hot;
  if (arguments.tier == "warm") options.tier = Tier::warm;
  if (arguments.tier == "cold") options.tier = Tier::cold;
  options.newest_first = !arguments.oldest_first;
  HOLDFAST_ASSIGN(options.since_us, parse_time_option(arguments.since));
  HOLDFAST_ASSIGN(options.until_us, parse_time_option(arguments.until));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(auto observations, arguments.forgotten ? space.observations().forgotten(options)
                                                         : space.observations().list(options));
  const Output& output = context.output();
  std::vector<std::string> names = {"id", "created", "title", "content"};
  if (options.with_sub_spaces) names.insert(names.begin(), "space");
  Table table(names);
  const size_t id_size = output.terminal() ? telling_size(observations) : kIdSize;
  for (const Observation& observation : observations) {
    if (output.json()) {
      output.print(json_of(observation));
      continue;
    }
    std::vector<std::string> row = {
        observation.id.substr(0, id_size), shown_time(observation.created_us),
        one_line(observation.title.value_or(""), 32), one_line(observation.content, 60)};
    if (options.with_sub_spaces) row.insert(row.begin(), one_line(observation.space, 32));
    table.add(row);
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

void add_remember(Commands& commands) {
  auto arguments = arguments_of<RememberArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "remember", "Keep a text so that recall finds it",
                   "holdfast remember \"login fails when the clock is behind\" --source tool:bash",
                   [arguments](const Context& context) { return remember(context, *arguments); });
  command->add_option("content", arguments->content, "The text; - reads stdin");
  command->add_option("--file", arguments->file, "Read the text from this file");
  command->add_option("--title", arguments->title, "Counts double in recall");
  command->add_option("--source", arguments->source,
                      "Where it came from: tool:bash, a path, a URL");
  command->add_option("--kind", arguments->kind, "note, fact, section ...");
  command->add_option("--session", arguments->session, "Of which session of an agent");
  command->add_option("--run", arguments->run, "In which run");
  command->add_option("--tag", arguments->tags, "A tag; may be given again")
      ->allow_extra_args(false);
  command->add_option("--metadata", arguments->metadata, "JSON");
  command->add_option("--confidence", arguments->confidence, "0 to 1");
  command->add_option("--importance", arguments->importance, "0 to 1");
  command->add_option("--trust", arguments->trust, "How far the source is to be trusted, 0 to 1");
  command
      ->add_option("--derived-from", arguments->derived_from,
                   "Id of what it was concluded from; may be given again")
      ->allow_extra_args(false);
  command->add_option("--valid-from", arguments->valid_from, "It holds from then");
  command->add_option("--valid-to", arguments->valid_to, "It holds until then");
  command
      ->add_option("--on-duplicate", arguments->on_duplicate,
                   "What is done when one of the newest says the same")
      ->check(CLI::IsMember({"allow", "refuse", "merge"}))
      ->capture_default_str();
  command->add_option("--happened", arguments->happened, "When it happened: 2026-01-31T09:05:00Z");
  command->add_option("--key", arguments->key,
                      "Idempotency key: with the same key nothing is added again");
  command->add_option("--language", arguments->language,
                      "In which it is written: de, german (else that of the space)");
  CLI::Option* vector = command->add_option("--vector", arguments->vector_file,
                                            "File with its embedding, a JSON array; - reads stdin");
  command->add_option("--model", arguments->model, "What has computed the vector")->needs(vector);
  command->add_option("--model-version", arguments->model_version, "Which version of it")
      ->needs(vector);
}

// What is asked, and by what it is filtered.
void add_query_options(CLI::App* command, const std::shared_ptr<RecallArguments>& arguments) {
  command->add_option("--limit", arguments->query.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kRecallLimitMax))
      ->capture_default_str();
  command->add_option("--kind", arguments->kind, "Only of this kind");
  command->add_option("--source", arguments->source, "Only from this source");
  command->add_option("--session", arguments->session, "Only of this session");
  command->add_option("--run", arguments->run, "Only of this run");
  command->add_option("--tag", arguments->query.tags, "Only with this tag; may be given again")
      ->allow_extra_args(false);
  command->add_option("--since", arguments->since, "Only added at or after this time");
  command->add_option("--until", arguments->until, "Only added before this time");
  command->add_option("--as-of", arguments->as_of, "What held at this time (else now)");
  command->add_option("--trust-min", arguments->query.trust_min, "Only what is trusted that far");
  command->add_option("--where", arguments->query.where, kWhereHelp);
}

// How what is found is ranked and chosen.
void add_ranking_options(CLI::App* command, const std::shared_ptr<RecallArguments>& arguments) {
  command
      ->add_option("--strength", arguments->query.strength_weight,
                   "How far use, confirmation and age count beside the words, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option(
      "--tokens", arguments->tokens,
      "One text for a prompt, of at most so many tokens by a guess on the high side");
  command
      ->add_option("--links", arguments->query.link_weight,
                   "How much links from the best hits count, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      ->add_option("--variety", arguments->query.variety,
                   "How much likeness to a better hit counts against one, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--as-typed", arguments->query.as_typed,
                    "Take words as they are: not unknown ones as others that are spelt alike, nor "
                    "others that are related to those of a question");
  command->add_option("--per-source", arguments->query.per_source_max,
                      "At most so many of one source; 0: any number");
  command->add_option("--per-session", arguments->query.per_session_max,
                      "At most so many of one session; 0: any number");
}

void add_vector_options(CLI::App* command, const std::shared_ptr<RecallArguments>& arguments) {
  CLI::Option* vector =
      command->add_option("--vector", arguments->vector_file,
                          "Also what is near this: a file with a JSON array; - reads stdin");
  command->add_option("--vector-space", arguments->vector.space, "Where the vector belongs")
      ->needs(vector)
      ->capture_default_str();
  command
      ->add_option("--vector-weight", arguments->vector_weight,
                   "How much the vector counts beside the words (else as its model is worth)")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--by-rank", arguments->by_rank, "Join both by reciprocal ranks");
  CLI::Option* embed = command->add_flag(
      "--embed", arguments->embed,
      "By the vector of the words, too; an error where that cannot be had (else where it can)");
  command->add_flag("--no-embed", arguments->no_embed, "By words alone")
      ->excludes(embed)
      ->excludes(vector);
  embed->excludes(vector);
}

void add_recall(Commands& commands) {
  auto arguments = arguments_of<RecallArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "recall", "Find what was remembered, best first",
                   "holdfast recall \"clock login\" --limit 5\n"
                   "  holdfast recall 'clock* AND login -door \"too late\"'\n"
                   "  holdfast recall clock --strength 0.5 --reinforce --explain",
                   [arguments](const Context& context) { return recall(context, *arguments); });
  command->add_option("query", arguments->words, "What to look for")->required();
  add_query_options(command, arguments);
  command->add_flag("--sub-spaces", arguments->query.with_sub_spaces, kSubSpacesHelp);
  add_ranking_options(command, arguments);
  add_vector_options(command, arguments);
  command->add_flag("--reinforce", arguments->reinforce, "Count what is found as used");
  command->add_flag("--explain", arguments->query.explain, "Say what each word adds to a score");
  command->add_option("--snippet", arguments->query.snippet_size, "Bytes of each result, about")
      ->check(CLI::Range(size_t{16}, kSnippetSizeMax))
      ->capture_default_str();
}

void add_why_not(Commands& commands) {
  auto arguments = arguments_of<RecallArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "why-not", "Say why a recall does not return an observation",
                   "holdfast why-not 01890a5d-ac96-774b \"clock login\" --limit 5",
                   [arguments](const Context& context) { return why_not(context, *arguments); });
  command->add_option("id", arguments->id, "Its id, or a prefix that no other has")->required();
  command->add_option("query", arguments->words, "What was looked for")->required();
  add_query_options(command, arguments);
  add_ranking_options(command, arguments);
  add_vector_options(command, arguments);
}

void add_list(Commands& commands) {
  auto arguments = arguments_of<ListArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "list", "List observations, newest first",
                   "holdfast list --limit 20 --kind fact\n"
                   "  holdfast list --where 'confidence >= 0.8 AND NOT tag = draft' --sub-spaces",
                   [arguments](const Context& context) { return list(context, *arguments); });
  command->add_option("--limit", arguments->options.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kObservationListLimitMax))
      ->capture_default_str();
  command->add_option("--after", arguments->options.after, "Id of the last one seen");
  command->add_option("--kind", arguments->kind, "Only of this kind");
  command->add_option("--since", arguments->since, "Only added at or after this time");
  command->add_option("--until", arguments->until, "Only added before this time");
  command->add_option("--source", arguments->source, "Only from this source");
  command->add_option("--session", arguments->session, "Only of this session");
  command->add_option("--run", arguments->run, "Only of this run");
  command->add_option("--tag", arguments->options.tags, "Only with this tag; may be given again")
      ->allow_extra_args(false);
  command->add_option("--metadata", arguments->metadata, "Only with this member: branch=main");
  command->add_option("--as-of", arguments->as_of, "Only what held at this time");
  command->add_option("--where", arguments->options.where, kWhereHelp);
  command->add_flag("--sub-spaces", arguments->options.with_sub_spaces, kSubSpacesHelp);
  command->add_option("--tier", arguments->tier, "Only of this tier")
      ->check(CLI::IsMember({"hot", "warm", "cold"}));
  command->add_flag("--oldest", arguments->oldest_first, "Oldest first");
  command->add_flag("--forgotten", arguments->forgotten, "What was forgotten, instead");
}

}  // namespace

void add_memory_commands(Commands& commands) {
  add_remember(commands);
  add_recall(commands);
  add_why_not(commands);
  auto id = arguments_of<std::string>();
  commands
      .add(kGroupMemory, "show", "Print one observation whole", "holdfast show 01890a5d-ac96-774b",
           [id](const Context& context) { return show(context, *id); })
      ->add_option("id", *id, "Its id, or a prefix that no other has")
      ->required();
  add_list(commands);
  auto name = arguments_of<std::string>();
  commands
      .add(kGroupMemory, "language", "Print or set the language of what is remembered from now on",
           "holdfast language german",
           [name](const Context& context) { return language(context, *name); })
      ->add_option("language", *name, "Its code or its name: de, german");
  commands.add(kGroupMemory, "reindex", "Make the search index of a space anew",
               "holdfast reindex --space acme/web",
               [](const Context& context) { return reindex(context); });
}

}  // namespace holdfast::cli
