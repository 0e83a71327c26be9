// run: runs as a whole, and the execution of plans.
#include <unistd.h>

#include <cstdio>

#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"
#include "exec/worker.h"

namespace holdfast::cli {
namespace {

Json json_of(const RunInfo& run) {
  Json json = {{"id", run.id},
               {"name", run.name},
               {"state", run_state_name(run.state)},
               {"created_us", run.created_us}};
  if (run.ended_us != 0) json["ended_us"] = run.ended_us;
  if (run.key) json["key"] = *run.key;
  if (run.session) json["session"] = *run.session;
  if (!run.error.empty()) json["error"] = run.error;
  if (run.input) json["input"] = Json::parse(*run.input, nullptr, false);
  if (run.output) set_bytes(json, "output", *run.output);
  return json;
}

struct StartArguments {
  std::string name, key, input, session;
};

Status start(const Context& context, const StartArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const StartedRun started,
                  space.runs().start({.name = arguments.name,
                                      .key = optional_text(arguments.key),
                                      .input = optional_text(arguments.input),
                                      .session = optional_text(arguments.session)}));
  if (context.output().json()) {
    context.output().print({{"id", started.id}, {"existed", started.existed}});
  } else {
    context.output().line(started.id + (started.existed ? "  (was started already)" : ""));
  }
  return store.close();
}

struct ListArguments {
  RunListOptions options;
  std::string state;
};

Status list(const Context& context, const ListArguments& arguments) {
  RunListOptions options = arguments.options;
  for (const RunState state : {RunState::running, RunState::paused, RunState::completed,
                               RunState::failed, RunState::cancelled}) {
    if (run_state_name(state) == arguments.state) options.state = state;
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto runs, space.runs().list(options));
  const Output& output = context.output();
  Table table({"id", "state", "created", "ended", "name"});
  for (const RunInfo& run : runs) {
    if (output.json()) {
      output.print(json_of(run));
      continue;
    }
    table.add({run.id, std::string(run_state_name(run.state)), shown_time(run.created_us),
               shown_time(run.ended_us), one_line(run.name, 60)});
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

std::string progress_text(const RunProgress& progress) {
  std::string text = std::to_string(progress.completed) + " of " +
                     std::to_string(progress.total()) + " steps completed";
  const auto add = [&](uint64_t count, std::string_view state) {
    if (count > 0) text.append(", ").append(std::to_string(count)).append(" ").append(state);
  };
  add(progress.running, "running");
  add(progress.ready, "ready");
  add(progress.waiting, "waiting");
  add(progress.delayed, "delayed");
  add(progress.failed, "failed");
  add(progress.indeterminate, "indeterminate");
  add(progress.undo_due + progress.undoing, "to be undone");
  return text;
}

Status show(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const RunInfo run, space.runs().get(id));
  HOLDFAST_ASSIGN(const RunProgress progress, space.runs().progress(id));
  const Output& output = context.output();
  if (output.json()) {
    Json json = json_of(run);
    json["steps"] = {{"waiting", progress.waiting},
                     {"ready", progress.ready},
                     {"delayed", progress.delayed},
                     {"running", progress.running},
                     {"completed", progress.completed},
                     {"failed", progress.failed},
                     {"indeterminate", progress.indeterminate},
                     {"undo_due", progress.undo_due},
                     {"undoing", progress.undoing}};
    output.print(json);
    return Status::ok();
  }
  Facts facts;
  facts.add("run", run.id);
  facts.add("name", printable(run.name));
  facts.add("state", std::string(run_state_name(run.state)));
  facts.add("created", shown_time(run.created_us));
  if (run.ended_us != 0) facts.add("ended", shown_time(run.ended_us));
  if (run.key) facts.add("key", printable(*run.key));
  if (!run.error.empty()) facts.add("error", printable(run.error));
  facts.add("progress", progress_text(progress));
  if (run.output) facts.add("output", one_line(*run.output, 200));
  facts.print(output);
  return Status::ok();
}

Status timeline(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  const Runs runs = space.runs(snapshot);
  const Output& output = context.output();
  std::string cursor;
  while (true) {
    HOLDFAST_ASSIGN(const auto events, runs.timeline(id, cursor));
    if (events.empty()) return Status::ok();
    cursor = events.back().cursor;
    for (const RunEvent& event : events) {
      if (output.json()) {
        Json json = {{"at_us", event.at_us}, {"what", event.what}};
        if (!event.key.empty()) json["key"] = event.key;
        if (event.attempt != 0) json["attempt"] = event.attempt;
        if (!event.by.empty()) json["by"] = event.by;
        if (!event.detail.empty()) json["detail"] = event.detail;
        output.print(json);
        continue;
      }
      std::string line = output.dim(time_text(event.at_us)) + "  " + event.what;
      if (!event.key.empty()) line += "  " + printable(event.key);
      if (event.attempt > 1) line += "  attempt " + std::to_string(event.attempt);
      if (!event.by.empty()) line += "  by " + printable(event.by);
      if (!event.detail.empty()) line += "  " + output.dim(printable(event.detail));
      output.line(line);
    }
  }
}

struct ChangeArguments {
  std::string id;
  std::optional<std::string> text;
  bool dry_run = false;
};
using Change = std::function<Status(const Runs&, const ChangeArguments&)>;

Status change(const Context& context, const ChangeArguments& arguments, const Change& work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(work(space.runs(), arguments));
  return store.close();
}

struct ExecArguments {
  std::string plan, key, holder;
  double lease_seconds = 30;
  bool wait_for_gates = false;
};

Status execute(const Context& context, const ExecArguments& arguments) {
  const std::string file = arguments.plan == "-" ? "" : arguments.plan;
  const auto argument = file.empty() ? std::optional<std::string>("-") : std::nullopt;
  HOLDFAST_ASSIGN(const std::string text, read_value(argument, file));
  HOLDFAST_ASSIGN(exec::Plan plan, exec::parse_plan(text));
  if (!arguments.key.empty()) plan.run.key = arguments.key;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const StartedRun started, exec::start_plan(store, space, plan));
  exec::WorkerOptions options;
  options.holder =
      arguments.holder.empty() ? "process " + std::to_string(::getpid()) : arguments.holder;
  options.lease = std::chrono::milliseconds(static_cast<int64_t>(arguments.lease_seconds * 1000));
  options.wait_for_gates = arguments.wait_for_gates;
  HOLDFAST_ASSIGN(const auto location, context.store_location());
  options.environment = {{"HOLDFAST_STORE", location.path}, {"HOLDFAST_SPACE", space.path()}};
  options.say = [](const std::string& line) {
    std::fprintf(stderr, "holdfast: %s\n", printable(line).c_str());
  };
  options.say("run " + started.id + (started.existed ? " goes on" : " begins"));
  HOLDFAST_TRY(exec::work_on(space, started.id, options));
  HOLDFAST_ASSIGN(const RunProgress progress, space.runs().progress(started.id));
  if (context.output().json()) {
    context.output().print({{"id", started.id}, {"completed", progress.completed}});
  } else {
    context.output().line(started.id + "  " + progress_text(progress));
  }
  return store.close();
}

Status check_removal(const Context& context, const std::string& id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
  return space.runs(transaction).remove(id);
}

Status remove(const Context& context, const ChangeArguments& arguments) {
  if (arguments.dry_run) {
    HOLDFAST_TRY(check_removal(context, arguments.id));
    return show(context, arguments.id);
  }
  return change(context, arguments,
                [](const Runs& runs, const ChangeArguments& a) { return runs.remove(a.id); });
}

void add_remove(Commands& commands, CLI::App* family) {
  auto arguments = arguments_of<ChangeArguments>();
  CLI::App* command =
      commands.add_to(family, "remove", "Delete a run that has ended, with all it holds",
                      "holdfast run remove 01890a5d-ac96-774b-bcce-b302099a8057 --dry-run",
                      [arguments](const Context& context) { return remove(context, *arguments); });
  command->add_option("run", arguments->id, "Its id")->required();
  add_dry_run(command, arguments->dry_run);
}

void add_changes(Commands& commands, CLI::App* family) {
  const auto add = [&](const std::string& name, const std::string& purpose,
                       const std::string& text_name, const Change& work) {
    auto arguments = arguments_of<ChangeArguments>();
    CLI::App* command = commands.add_to(
        family, name, purpose, "holdfast run " + name + " 01890a5d-ac96-774b-bcce-b302099a8057",
        [arguments, work](const Context& context) { return change(context, *arguments, work); });
    command->add_option("run", arguments->id, "Its id")->required();
    if (!text_name.empty()) command->add_option("--" + text_name, arguments->text, "Kept with it");
  };
  using A = const ChangeArguments&;
  add("finish", "Complete a run whose steps are all completed", "output",
      [](const Runs& runs, A a) { return runs.finish(a.id, a.text); });
  add("fail", "End a run without success; resume can take it up again", "error",
      [](const Runs& runs, A a) { return runs.fail(a.id, a.text.value_or("")); });
  add("cancel", "End a run for good; whoever is at work loses its lease", "reason",
      [](const Runs& runs, A a) { return runs.cancel(a.id, a.text.value_or("")); });
  add("pause", "Let nobody begin another step", "",
      [](const Runs& runs, A a) { return runs.pause(a.id); });
  add("resume", "Go on with a paused or failed run; interrupted steps go where their policy says",
      "", [](const Runs& runs, A a) -> Status {
        HOLDFAST_TRY(runs.resume(a.id));
        return runs.settle(a.id).status();
      });
  add_remove(commands, family);
}

void add_exec(Commands& commands, CLI::App* family) {
  auto arguments = arguments_of<ExecArguments>();
  CLI::App* command = commands.add_to(
      family, "exec", "Execute a plan of shell steps; killed, it goes on where it was",
      "echo '{\"name\":\"hello\",\"steps\":[{\"key\":\"a\",\"run\":\"echo hi\"}]}' |\n"
      "    holdfast run exec -\n\n"
      "A step: key, run, undo, after [keys], gates [names], on_interrupt (ask, retry, compensate,\n"
      "fail), attempts, interruptions, timeout_seconds, backoff_seconds. Any number of processes\n"
      "may execute one plan. Exit codes: 0 completed, 1 a step failed, 3 it waits for a gate or\n"
      "for somebody to say how an interrupted step went.",
      [arguments](const Context& context) { return execute(context, *arguments); });
  command->add_option("plan", arguments->plan, "A JSON file; - reads stdin")->required();
  command->add_option("--key", arguments->key,
                      "Names the run (else \"key\" of the plan, or its name): with another key it "
                      "is executed anew");
  command->add_option("--holder", arguments->holder, "Who this worker is, for people");
  as_duration(command->add_option("--lease", arguments->lease_seconds,
                                  "A worker that is stopped for so long loses its step"))
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command->add_flag("--wait-for-gates", arguments->wait_for_gates,
                    "Wait where only gates are left");
}

}  // namespace

void add_run_commands(Commands& commands) {
  CLI::App* family = commands.add_family(kGroupRuns, "run", "Work in steps that survives crashes",
                                         "holdfast run exec plan.json");
  auto start_arguments = arguments_of<StartArguments>();
  CLI::App* command = commands.add_to(
      family, "start", "Begin a run and print its id", "holdfast run start review --key pr-7",
      [start_arguments](const Context& context) { return start(context, *start_arguments); });
  command->add_option("name", start_arguments->name, "What it is")->required();
  command->add_option("--key", start_arguments->key,
                      "Idempotency key: with the same key the same run");
  command->add_option("--input", start_arguments->input, "JSON");
  command->add_option("--session", start_arguments->session, "Of which session of an agent");

  auto list_arguments = arguments_of<ListArguments>();
  command = commands.add_to(
      family, "list", "List runs, newest first", "holdfast run list --state running",
      [list_arguments](const Context& context) { return list(context, *list_arguments); });
  command->add_option("--state", list_arguments->state, "Only in this state")
      ->check(CLI::IsMember({"running", "paused", "completed", "failed", "cancelled"}));
  command->add_option("--after", list_arguments->options.after, "Id of the last one seen");
  command->add_option("--limit", list_arguments->options.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kRunListLimitMax))
      ->capture_default_str();

  for (const auto& [name, purpose, action] :
       {std::tuple("show", "Print a run and how far it is", &show),
        std::tuple("timeline", "Print everything that happened to a run", &timeline)}) {
    auto id = arguments_of<std::string>();
    commands
        .add_to(family, name, purpose,
                "holdfast run " + std::string(name) + " 01890a5d-ac96-774b-bcce-b302099a8057",
                [id, action = action](const Context& context) { return action(context, *id); })
        ->add_option("run", *id, "Its id")
        ->required();
  }
  add_changes(commands, family);
  add_exec(commands, family);
}

}  // namespace holdfast::cli
