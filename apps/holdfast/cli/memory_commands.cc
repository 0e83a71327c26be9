#include <cstdio>
#include <utility>

#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/observation_text.h"

namespace holdfast::cli {
namespace {

struct RememberArguments {
  std::optional<std::string> content;
  std::string file, title, source, kind, session, run, metadata, happened, key;
  std::vector<std::string> tags;
  std::optional<double> confidence;
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
  HOLDFAST_ASSIGN(observation.happened_us, parse_time_option(arguments.happened));
  observation.key = optional_text(arguments.key);
  return observation;
}

Status remember(const Context& context, const RememberArguments& arguments) {
  HOLDFAST_ASSIGN(NewObservation observation, new_observation(arguments));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(auto added, space.observations().add_all({&observation, 1}));
  const Output& output = context.output();
  if (output.json()) {
    output.print({{"id", added[0].id}, {"existed", added[0].existed}});
  } else {
    output.line(added[0].id + (added[0].existed ? "  (was there already)" : ""));
  }
  return store.close();
}

struct RecallArguments {
  std::vector<std::string> words;
  std::string kind, source, session, run, since, until;
  RecallQuery query;
};

Status recall(const Context& context, const RecallArguments& arguments) {
  RecallQuery query = arguments.query;
  for (const std::string& word : arguments.words)
    query.text += (query.text.empty() ? "" : " ") + word;
  query.kind = optional_text(arguments.kind);
  query.source = optional_text(arguments.source);
  query.session = optional_text(arguments.session);
  query.run = optional_text(arguments.run);
  HOLDFAST_ASSIGN(query.since_us, parse_time_option(arguments.since));
  HOLDFAST_ASSIGN(query.until_us, parse_time_option(arguments.until));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(auto hits, space.recall(query));
  if (hits.empty()) {
    return Status(StatusCode::kNotFound, "nothing in space " + space.path() + " matches \"" +
                                             one_line(query.text, 80) + "\"");
  }
  for (size_t i = 0; i < hits.size(); ++i) print_hit(context.output(), i + 1, hits[i]);
  return Status::ok();
}

Status show(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Observation observation, space.observations().get(id));
  print_observation(context.output(), observation);
  return Status::ok();
}

struct ListArguments {
  ObservationListOptions options;
  std::string kind, since, until;
  bool oldest_first = false;
};

Status list(const Context& context, const ListArguments& arguments) {
  ObservationListOptions options = arguments.options;
  options.kind = optional_text(arguments.kind);
  options.newest_first = !arguments.oldest_first;
  HOLDFAST_ASSIGN(options.since_us, parse_time_option(arguments.since));
  HOLDFAST_ASSIGN(options.until_us, parse_time_option(arguments.until));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(auto observations, space.observations().list(options));
  const Output& output = context.output();
  Table table({"id", "created", "title", "content"});
  for (const Observation& observation : observations) {
    if (output.json()) {
      output.print(json_of(observation));
      continue;
    }
    table.add({observation.id, time_text(observation.created_us).substr(0, 19),
               one_line(observation.title.value_or(""), 32), one_line(observation.content, 60)});
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
  command->add_option("--happened", arguments->happened, "When it happened: 2026-01-31T09:05:00Z");
  command->add_option("--key", arguments->key,
                      "Idempotency key: with the same key nothing is added again");
}

void add_recall(Commands& commands) {
  auto arguments = arguments_of<RecallArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "recall", "Find what was remembered, best first",
                   "holdfast recall \"clock login\" --limit 5",
                   [arguments](const Context& context) { return recall(context, *arguments); });
  command->add_option("query", arguments->words, "What to look for")->required();
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
  command->add_option("--snippet", arguments->query.snippet_size, "Bytes of each result, about")
      ->check(CLI::Range(size_t{16}, kSnippetSizeMax))
      ->capture_default_str();
}

void add_list(Commands& commands) {
  auto arguments = arguments_of<ListArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "list", "List observations, newest first",
                   "holdfast list --limit 20 --kind fact",
                   [arguments](const Context& context) { return list(context, *arguments); });
  command->add_option("--limit", arguments->options.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kObservationListLimitMax))
      ->capture_default_str();
  command->add_option("--after", arguments->options.after, "Id of the last one seen");
  command->add_option("--kind", arguments->kind, "Only of this kind");
  command->add_option("--since", arguments->since, "Only added at or after this time");
  command->add_option("--until", arguments->until, "Only added before this time");
  command->add_flag("--oldest", arguments->oldest_first, "Oldest first");
}

}  // namespace

void add_memory_commands(Commands& commands) {
  add_remember(commands);
  add_recall(commands);
  auto id = arguments_of<std::string>();
  commands
      .add(kGroupMemory, "show", "Print one observation whole", "holdfast show 01890a5d-ac96-774b",
           [id](const Context& context) { return show(context, *id); })
      ->add_option("id", *id, "Its id, or a prefix that no other has")
      ->required();
  add_list(commands);
}

}  // namespace holdfast::cli
