#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"

namespace holdfast::cli {
namespace {

Json json_of(const Record& record) {
  Json json = {{"id", record.id},
               {"kind", record_kind_name(record.kind)},
               {"state", record_state_name(record.state)},
               {"title", record.title}};
  for (const auto& [name, text] : record.fields) json["fields"][name] = text;
  json["confidence"] = record.confidence;
  json["confirmations"] = record.confirmations;
  json["contradictions"] = record.contradictions;
  if (!record.outcome.empty()) json["outcome"] = record.outcome;
  if (!record.tags.empty()) json["tags"] = record.tags;
  json["revision"] = record.revision;
  json["created"] = time_text(record.created_us);
  json["changed"] = time_text(record.changed_us);
  return json;
}

// After a change: what it is now.
void print_changed(const Output& output, const Record& record) {
  if (output.json()) return output.print(json_of(record));
  output.line(record.id + "  " + std::string(record_state_name(record.state)) + ", confidence " +
              fixed(record.confidence, 2));
}

struct AddArguments {
  NewRecord record;
  std::map<std::string, std::string> fields;  // by option, "" where none was given
  std::string source, session, run, key;
};

Status add(const Context& context, const AddArguments& arguments) {
  NewRecord record = arguments.record;
  for (const auto& [name, text] : arguments.fields) {
    if (!text.empty()) record.fields[name] = text;
  }
  record.source = optional_text(arguments.source);
  record.session = optional_text(arguments.session);
  record.run = optional_text(arguments.run);
  record.key = optional_text(arguments.key);
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Record added, space.records().add(record));
  print_changed(context.output(), added);
  return store.close();
}

struct ListArguments {
  RecordListOptions options;
  std::string kind, state, since;
};

Status list(const Context& context, const ListArguments& arguments) {
  RecordListOptions options = arguments.options;
  options.kind = parse_record_kind(arguments.kind);
  options.state = parse_record_state(arguments.state);
  HOLDFAST_ASSIGN(options.since_us, parse_time_option(arguments.since));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto records, space.records().list(options));
  Table table({"id", "kind", "state", "confidence", "title"});
  for (const Record& record : records) {
    if (context.output().json()) {
      context.output().print(json_of(record));
      continue;
    }
    table.add({record.id, std::string(record_kind_name(record.kind)),
               std::string(record_state_name(record.state)), fixed(record.confidence, 2),
               one_line(record.title, 80)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status show(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Record record, space.records().get(id));
  const Output& output = context.output();
  if (output.json()) {
    output.print(json_of(record));
    return Status::ok();
  }
  Facts facts;
  facts.add("id", record.id);
  facts.add(std::string(record_kind_name(record.kind)), one_line(record.title, 200));
  facts.add("state", std::string(record_state_name(record.state)) +
                         (record.outcome.empty() ? "" : ": " + one_line(record.outcome, 200)));
  facts.add("confidence", fixed(record.confidence, 2) + " (" +
                              with_separators(record.confirmations) + " for, " +
                              with_separators(record.contradictions) + " against)");
  for (const std::string_view name : record_fields(record.kind)) {
    const auto field = record.fields.find(std::string(name));
    if (field != record.fields.end()) facts.add(std::string(name), one_line(field->second, 500));
  }
  for (const std::string& tag : record.tags) facts.add("tag", one_line(tag, 60));
  facts.add("changed", shown_time(record.changed_us));
  facts.print(output);
  return Status::ok();
}

struct ChangeArguments {
  std::string id, why;
  Evidence evidence;
  bool against = false;
  bool force = false;
  RecordEdit edit;
  std::vector<std::string> fields, tags;
};

using Change = std::function<Result<Record>(const Records&, const ChangeArguments&)>;

Status change(const Context& context, const ChangeArguments& arguments, const Change& work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Record changed, work(space.records(), arguments));
  print_changed(context.output(), changed);
  return store.close();
}

Result<Record> edit(const Records& records, const ChangeArguments& arguments) {
  RecordEdit wanted = arguments.edit;
  if (!arguments.tags.empty()) wanted.tags = arguments.tags;
  for (const std::string& text : arguments.fields) {
    const size_t sign = text.find('=');
    if (sign == text.npos) {
      return Status(StatusCode::kInvalidArgument, "write --set FIELD=TEXT");
    }
    wanted.fields[text.substr(0, sign)] = text.substr(sign + 1);
  }
  return records.edit(arguments.id, wanted);
}

struct RemoveArguments {
  std::string id;
  bool dry_run = false;
};

Status remove(const Context& context, const RemoveArguments& arguments) {
  if (arguments.dry_run) return show(context, arguments.id);
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.records().remove(arguments.id));
  return store.close();
}

// --- The command line

const std::map<RecordKind, const char*> kExamples = {
    {RecordKind::failure,
     "holdfast record failure \"Deploy hung\" --cause \"lock held by a dead job\" --fix \"use "
     "claims\""},
    {RecordKind::heuristic,
     "holdfast record heuristic \"Read the log first\" --because \"a restart truncates it\""},
    {RecordKind::experiment,
     "holdfast record experiment \"Two workers\" --hypothesis \"twice as fast\" --method "
     "\"bench\""},
    {RecordKind::decision,
     "holdfast record decision \"One store\" --choice \"embedded\" --alternatives \"a server\""}};

void add_kind(Commands& commands, CLI::App* family, RecordKind kind) {
  auto arguments = arguments_of<AddArguments>();
  arguments->record.kind = kind;
  const std::string name(record_kind_name(kind));
  CLI::App* command =
      commands.add_to(family, name, "Record a " + name + "; recall finds it", kExamples.at(kind),
                      [arguments](const Context& context) { return add(context, *arguments); });
  NewRecord& record = arguments->record;
  command->add_option("title", record.title, "In a line")->required();
  for (const std::string_view field : record_fields(kind)) {
    const std::string option(field);
    command->add_option("--" + option, arguments->fields[option], "Its " + option);
  }
  command->add_option("--confidence", record.confidence, "0 to 1")->capture_default_str();
  command->add_option("--tag", record.tags, "May be given again")->allow_extra_args(false);
  command->add_option("--source", arguments->source, "Where it comes from");
  command->add_option("--session", arguments->session, "Of which session");
  command->add_option("--run", arguments->run, "In which run");
  command->add_option("--key", arguments->key, "Adding again with this key adds nothing");
}

CLI::App* add_change(Commands& commands, CLI::App* family,
                     const std::shared_ptr<ChangeArguments>& arguments, const std::string& name,
                     const std::string& purpose, const std::string& example, const Change& work) {
  CLI::App* command = commands.add_to(
      family, name, purpose, example,
      [arguments, work](const Context& context) { return change(context, *arguments, work); });
  command->add_option("id", arguments->id, "The record's id, or the beginning of it")->required();
  return command;
}

void add_evidence(Commands& commands, CLI::App* family) {
  for (const bool speaks_for : {true, false}) {
    auto arguments = arguments_of<ChangeArguments>();
    CLI::App* command = add_change(
        commands, family, arguments, speaks_for ? "confirm" : "contradict",
        speaks_for ? "It held up once more" : "It did not hold",
        speaks_for
            ? "holdfast record confirm 01890a5d-ac96 --evidence run/42"
            : "holdfast record contradict 01890a5d-ac96 --evidence run/43 --note \"failed on ARM\"",
        [speaks_for](const Records& records, const ChangeArguments& given) {
          return speaks_for ? records.confirm(given.id, given.evidence)
                            : records.contradict(given.id, given.evidence);
        });
    command->add_option("--evidence", arguments->evidence.evidence,
                        "What shows it, such as run/42; counted once");
    command->add_option("--note", arguments->evidence.note, "Kept with the evidence");
  }
}

void add_moves(Commands& commands, CLI::App* family) {
  auto promoted = arguments_of<ChangeArguments>();
  CLI::App* command =
      add_change(commands, family, promoted, "promote", "Let a heuristic or decision be a rule",
                 "holdfast record promote 01890a5d-ac96 --why \"held four times\"",
                 [](const Records& records, const ChangeArguments& given) {
                   return records.promote(given.id, given.why, given.force);
                 });
  command->add_option("--why", promoted->why, "The reason");
  command->add_flag("--force", promoted->force, "With less evidence than it takes");

  auto closed = arguments_of<ChangeArguments>();
  add_change(commands, family, closed, "close", "It came to an end: fixed, concluded, replaced",
             "holdfast record close 01890a5d-ac96 \"fixed in 1.2\"",
             [](const Records& records, const ChangeArguments& given) {
               return records.close(given.id, given.why);
             })
      ->add_option("outcome", closed->why, "How it ended")
      ->required();

  auto reopened = arguments_of<ChangeArguments>();
  add_change(commands, family, reopened, "reopen", "Take back that it was promoted or closed",
             "holdfast record reopen 01890a5d-ac96 --why \"it is back\"",
             [](const Records& records, const ChangeArguments& given) {
               return records.reopen(given.id, given.why);
             })
      ->add_option("--why", reopened->why, "The reason");

  auto retracted = arguments_of<ChangeArguments>();
  add_change(commands, family, retracted, "retract", "It was wrong; for good",
             "holdfast record retract 01890a5d-ac96 \"it was luck\"",
             [](const Records& records, const ChangeArguments& given) {
               return records.retract(given.id, given.why);
             })
      ->add_option("why", retracted->why, "The reason")
      ->required();

  auto edited = arguments_of<ChangeArguments>();
  command = add_change(commands, family, edited, "edit", "Change title, fields or tags",
                       "holdfast record edit 01890a5d-ac96 --set \"fix=restart the relay\"", edit);
  command->add_option("--title", edited->edit.title, "The new title");
  command->add_option("--set", edited->fields, "FIELD=TEXT; without text it goes away")
      ->allow_extra_args(false);
  command->add_option("--tag", edited->tags, "These tags instead; may be given again")
      ->allow_extra_args(false);
  command->add_option("--revision", edited->edit.revision, "Only if it is at this revision");
}

void add_looking(Commands& commands, CLI::App* family) {
  auto listed = arguments_of<ListArguments>();
  CLI::App* command =
      commands.add_to(family, "ls", "List records, newest first",
                      "holdfast record ls --kind heuristic --state promoted",
                      [listed](const Context& context) { return list(context, *listed); });
  command->add_option("--kind", listed->kind, "Only of this kind")
      ->check(CLI::IsMember({"failure", "heuristic", "experiment", "decision"}));
  command->add_option("--state", listed->state, "Only in this state")
      ->check(CLI::IsMember({"open", "promoted", "closed", "retracted"}));
  command->add_option("--tag", listed->options.tags, "Only with this tag; may be given again")
      ->allow_extra_args(false);
  command->add_option("--since", listed->since, "Only from this time on");
  command->add_option("--after", listed->options.after, "Behind this id, the last of a page");
  command->add_option("--limit", listed->options.limit, "At most so many")->capture_default_str();

  auto shown = arguments_of<std::string>();
  commands
      .add_to(family, "show", "Print a record", "holdfast record show 01890a5d-ac96",
              [shown](const Context& context) { return show(context, *shown); })
      ->add_option("id", *shown, "The record's id, or the beginning of it")
      ->required();
  auto removed = arguments_of<RemoveArguments>();
  command =
      commands.add_to(family, "rm", "Remove a record for good", "holdfast record rm 01890a5d-ac96",
                      [removed](const Context& context) { return remove(context, *removed); });
  command->add_option("id", removed->id, "The record's id, or the beginning of it")->required();
  add_dry_run(command, removed->dry_run);
}

}  // namespace

void add_record_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupMemory, "record",
      "What was learned: failures, heuristics, experiments, decisions, and how they held up",
      "holdfast record failure \"Deploy hung\" --cause \"a dead job held the lock\"\n"
      "  holdfast record ls --kind failure");
  for (const RecordKind kind :
       {RecordKind::failure, RecordKind::heuristic, RecordKind::experiment, RecordKind::decision}) {
    add_kind(commands, family, kind);
  }
  add_evidence(commands, family);
  add_moves(commands, family);
  add_looking(commands, family);
}

}  // namespace holdfast::cli
