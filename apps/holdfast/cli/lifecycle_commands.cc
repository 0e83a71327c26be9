// edit, supersede, reinforce, consolidate, forget, restore: what happens to an observation after it
// was remembered.
#include <utility>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/observation_text.h"
#include "cli/progress_line.h"

namespace holdfast::cli {
namespace {

struct EditArguments {
  std::string id;
  std::optional<std::string> content, title, source, kind, session, run, metadata;
  std::string file;
  std::optional<std::string> valid_from, valid_to;
  std::optional<std::vector<std::string>> tags;
  std::optional<double> confidence, importance, trust;
  std::optional<uint32_t> revision;
};

// Empty takes the time away.
Result<std::optional<int64_t>> parse_time_change(const std::optional<std::string>& text) {
  if (text && text->empty()) return std::optional<int64_t>(kNoTime);
  return parse_time_option(text.value_or(""));
}

// Whether `a` names anything that is to change.
bool changes_something(const EditArguments& a) {
  return a.content || !a.file.empty() || a.title || a.source || a.kind || a.session || a.run ||
         a.metadata || a.tags || a.confidence || a.importance || a.trust || a.valid_from ||
         a.valid_to;
}

Status edit(const Context& context, const EditArguments& arguments) {
  if (!changes_something(arguments)) {
    return Status(StatusCode::kInvalidArgument,
                  "say what is to change: --content TEXT, --title TEXT, --tag TAG ...; see: "
                  "holdfast edit --help");
  }
  ObservationEdit change;
  if (arguments.content || !arguments.file.empty()) {
    HOLDFAST_ASSIGN(change.content, read_value(arguments.content, arguments.file));
  }
  change.title = arguments.title;
  change.source = arguments.source;
  change.kind = arguments.kind;
  change.session = arguments.session;
  change.run = arguments.run;
  change.metadata = arguments.metadata;
  change.tags = arguments.tags;
  change.confidence = arguments.confidence;
  change.importance = arguments.importance;
  change.trust = arguments.trust;
  change.revision = arguments.revision;
  HOLDFAST_ASSIGN(change.valid_from_us, parse_time_change(arguments.valid_from));
  HOLDFAST_ASSIGN(change.valid_to_us, parse_time_change(arguments.valid_to));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Observation edited, space.observations().edit(arguments.id, change));
  print_observation(context.output(), edited);
  return store.close();
}

struct SupersedeArguments {
  std::string id, file, valid_from;
  std::optional<std::string> content;
};

// The successor has the labels of what it supersedes.
Status supersede(const Context& context, const SupersedeArguments& arguments) {
  HOLDFAST_ASSIGN(std::string content, read_value(arguments.content, arguments.file));
  HOLDFAST_ASSIGN(const auto valid_from_us, parse_time_option(arguments.valid_from));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Observation old, space.observations().get(arguments.id));
  NewObservation successor = old;
  successor.content = std::move(content);
  successor.key.reset();
  successor.embedding.reset();
  successor.happened_us.reset();
  successor.valid_from_us = valid_from_us;
  successor.valid_to_us.reset();
  HOLDFAST_ASSIGN(const std::string id, space.observations().supersede(old.id, successor));
  if (context.output().json()) {
    context.output().print({{"id", id}, {"supersedes", old.id}});
  } else {
    context.output().line(id);
  }
  return store.close();
}

struct ReinforceArguments {
  std::vector<std::string> ids;
  std::string how = "used";
};

Status reinforce(const Context& context, const ReinforceArguments& arguments) {
  Reinforcement reinforcement = Reinforcement::access;
  if (arguments.how == "confirmed") reinforcement = Reinforcement::confirmation;
  if (arguments.how == "contradicted") reinforcement = Reinforcement::contradiction;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.observations().reinforce(arguments.ids, reinforcement));
  return store.close();
}

Status consolidate(const Context& context, ConsolidationOptions options) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  std::vector<Consolidated> done;
  {
    ProgressLine line;
    options.progress = shown_on(line);
    HOLDFAST_ASSIGN(done, space.observations().consolidate(options));
  }
  const Output& output = context.output();
  Table table({options.dry_run ? "would be merged" : "id", "sources", "content"});
  for (const Consolidated& one : done) {
    if (output.json()) {
      output.print({{"id", one.id.empty() ? Json() : Json(one.id)},
                    {"sources", one.sources},
                    {"content", one.content}});
    } else {
      table.add({one.id.empty() ? one.sources.front() + " ..." : one.id,
                 std::to_string(one.sources.size()), one_line(one.content, 60)});
    }
  }
  if (!table.empty()) table.print(output);
  return options.dry_run ? Status::ok() : store.close();
}

struct ForgetArguments {
  std::string id;
  bool purge = false;
  bool dry_run = false;
};

Status forget(const Context& context, const ForgetArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Observations observations = space.observations();
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(const Observation observation, observations.get(arguments.id));
    print_observation(context.output(), observation);
    return Status::ok();
  }
  HOLDFAST_TRY(arguments.purge ? observations.remove(arguments.id)
                               : observations.forget(arguments.id));
  return store.close();
}

Status restore(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.observations().restore(id));
  return store.close();
}

void add_edit(Commands& commands) {
  auto arguments = arguments_of<EditArguments>();
  CLI::App* command =
      commands.add(kGroupMemory, "edit", "Change an observation; what it was is kept",
                   "holdfast edit 01890a5d-ac96-774b-bcce --tag clock --importance 0.9",
                   [arguments](const Context& context) { return edit(context, *arguments); });
  command->add_option("id", arguments->id, "Its id, or a prefix that no other has")->required();
  command->add_option("--content", arguments->content, "The new text; - reads stdin");
  command->add_option("--file", arguments->file, "Read the new text from this file");
  command->add_option("--title", arguments->title,
                      "Empty takes it away, as of all texts, tags and times here");
  command->add_option("--source", arguments->source, "Where it came from");
  command->add_option("--kind", arguments->kind, "note, fact, section ...");
  command->add_option("--session", arguments->session, "Of which session of an agent");
  command->add_option("--run", arguments->run, "In which run");
  command
      ->add_option_function<std::vector<std::string>>(
          "--tag",
          [arguments](std::vector<std::string> tags) {
            if (tags.size() == 1 && tags[0].empty()) tags.clear();
            arguments->tags = std::move(tags);
          },
          "All tags anew; may be given again")
      ->allow_extra_args(false);
  command->add_option("--metadata", arguments->metadata, "JSON");
  command->add_option("--confidence", arguments->confidence, "0 to 1");
  command->add_option("--importance", arguments->importance, "0 to 1");
  command->add_option("--trust", arguments->trust, "0 to 1");
  command->add_option("--valid-from", arguments->valid_from, "It holds from then");
  command->add_option("--valid-to", arguments->valid_to, "It holds until then");
  command->add_option("--revision", arguments->revision, "Only if it is at this revision");
}

}  // namespace

void add_lifecycle_commands(Commands& commands) {
  add_edit(commands);
  auto superseded = arguments_of<SupersedeArguments>();
  CLI::App* command = commands.add(
      kGroupMemory, "supersede", "Say what holds instead; the old one is found as of then",
      "holdfast supersede 01890a5d-ac96-774b-bcce \"the port is 8080\"",
      [superseded](const Context& context) { return supersede(context, *superseded); });
  command->add_option("id", superseded->id, "What is superseded")->required();
  command->add_option("content", superseded->content, "What holds now; - reads stdin");
  command->add_option("--file", superseded->file, "Read it from this file");
  command->add_option("--valid-from", superseded->valid_from, "It holds from then (else from now)");

  auto reinforced = arguments_of<ReinforceArguments>();
  command = commands.add(
      kGroupMemory, "reinforce", "Say that observations were used, or proved true or false",
      "holdfast reinforce 01890a5d-ac96-774b-bcce --how confirmed\n"
      "  holdfast recall clock --strength 0.5    # what is strong comes first",
      [reinforced](const Context& context) { return reinforce(context, *reinforced); });
  command->add_option("id", reinforced->ids, "Their ids, or prefixes that no other has")
      ->required();
  command->add_option("--how", reinforced->how, "What became of them")
      ->check(CLI::IsMember({"used", "confirmed", "contradicted"}))
      ->capture_default_str();

  auto consolidation = arguments_of<ConsolidationOptions>();
  command = commands.add(
      kGroupMemory, "consolidate", "Merge what says the same into one that is derived from it",
      "holdfast consolidate --dry-run\n  holdfast consolidate --similarity 0.9 --recent 5000",
      [consolidation](const Context& context) { return consolidate(context, *consolidation); });
  command->add_flag("--dry-run", consolidation->dry_run, "Only say what would be merged");
  command
      ->add_option("--similarity", consolidation->similarity_min,
                   "Share of words that both have, of those that either has")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command->add_option("--recent", consolidation->recent, "Compare so many of the newest")
      ->check(CLI::Range(size_t{1}, kConsolidatedMax))
      ->capture_default_str();

  auto forgotten = arguments_of<ForgetArguments>();
  command = commands.add(
      kGroupMemory, "forget", "Take an observation out of every list and search",
      "holdfast forget 01890a5d-ac96-774b-bcce\n  holdfast forget --purge 01890a5d-ac96-774b-bcce",
      [forgotten](const Context& context) { return forget(context, *forgotten); });
  command->add_option("id", forgotten->id, "Its id, or a prefix that no other has")->required();
  command->add_flag("--purge", forgotten->purge, "For good: it cannot be restored");
  add_dry_run(command, forgotten->dry_run);

  auto restored = arguments_of<std::string>();
  commands
      .add(kGroupMemory, "restore", "Bring back what was forgotten",
           "holdfast restore 01890a5d-ac96-774b-bcce",
           [restored](const Context& context) { return restore(context, *restored); })
      ->add_option("id", *restored, "Its id")
      ->required();
}

}  // namespace holdfast::cli
