// step and gate: the steps of a run, begun and ended by any program, and what they wait for.
#include <cstdio>

#include "base/time_text.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "exec/plan.h"

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

struct StepArguments {
  std::string run, key, input, policy = "ask", lease_id, holder, file, decision, by;
  std::optional<std::string> text;
  std::vector<std::string> after, gates;
  uint32_t attempts = 1;
  double timeout_seconds = 0, lease_seconds = 600, wait_seconds = 0;
  bool final = false;
  bool dry_run = false;
};

milliseconds in_ms(double seconds) {
  return milliseconds(static_cast<int64_t>(seconds * 1000));
}

// Opens the space, does `work` on its runs, closes the store.
using Work = std::function<Status(const Runs& runs, const Output& output)>;
Status with_runs(const Context& context, const Work& work, bool dry_run = false) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  if (dry_run) {
    HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
    return work(space.runs(transaction), context.output());
  }
  HOLDFAST_TRY(work(space.runs(), context.output()));
  return store.close();
}

Result<NewStep> new_step(const StepArguments& arguments) {
  NewStep step;
  step.key = arguments.key;
  step.input = optional_text(arguments.input);
  step.after = arguments.after;
  step.gates = arguments.gates;
  HOLDFAST_ASSIGN(step.on_interrupt, exec::parse_on_interrupt(arguments.policy));
  step.attempts_max = arguments.attempts;
  step.timeout = in_ms(arguments.timeout_seconds);
  return step;
}

StepLease lease_of(const StepArguments& arguments) {
  StepLease lease;
  lease.run_id = arguments.run;
  lease.key = arguments.key;
  lease.lease_id = arguments.lease_id;
  return lease;
}

void print_lease(const Output& output, const StepLease& lease) {
  if (!output.json()) return output.line(lease.lease_id + (lease.is_undo ? "  undo" : ""));
  Json json = {{"key", lease.key},
               {"lease_id", lease.lease_id},
               {"attempt", lease.attempt},
               {"is_undo", lease.is_undo},
               {"expires_us", lease.expires_us}};
  if (lease.input) json["input"] = Json::parse(*lease.input, nullptr, false);
  output.print(json);
}

Json json_of(const StepInfo& step) {
  Json json = {{"key", step.key},
               {"state", step_state_name(step.state)},
               {"after", step.after},
               {"gates", step.gates},
               {"on_interrupt", exec::on_interrupt_name(step.on_interrupt)},
               {"attempts", step.attempts},
               {"failures", step.failures},
               {"interruptions", step.interruptions},
               {"created_us", step.created_us}};
  if (step.started_us != 0) json["started_us"] = step.started_us;
  if (step.ended_us != 0) json["ended_us"] = step.ended_us;
  if (step.due_us != 0) json["due_us"] = step.due_us;
  if (!step.holder.empty()) json["holder"] = step.holder;
  if (!step.error.empty()) json["error"] = step.error;
  if (step.input) json["input"] = Json::parse(*step.input, nullptr, false);
  if (step.output) set_bytes(json, "output", *step.output);
  return json;
}

Status define(const Runs& runs, const Output& output, const StepArguments& arguments) {
  HOLDFAST_ASSIGN(const NewStep step, new_step(arguments));
  HOLDFAST_ASSIGN(const auto existed, runs.define(arguments.run, std::span(&step, 1)));
  if (output.json()) output.print({{"key", step.key}, {"existed", existed.front() ? true : false}});
  return Status::ok();
}

Status start(const Runs& runs, const Output& output, const StepArguments& arguments) {
  HOLDFAST_ASSIGN(const NewStep step, new_step(arguments));
  HOLDFAST_ASSIGN(const StepBegin begun, runs.begin(arguments.run, step,
                                                    {.lease = in_ms(arguments.lease_seconds),
                                                     .wait = in_ms(arguments.wait_seconds),
                                                     .bound_to_handle = false,
                                                     .holder = arguments.holder}));
  if (begun.lease) {
    print_lease(output, *begun.lease);
  } else if (output.json()) {
    Json json = {{"key", step.key}, {"completed", true}};
    set_bytes(json, "output", begun.output);
    output.print(json);
  } else {
    std::fprintf(stderr, "holdfast: completed already; this is what it returned\n");
    output.raw(begun.output);
  }
  return Status::ok();
}

Status take(const Runs& runs, const Output& output, const StepArguments& arguments) {
  HOLDFAST_ASSIGN(const auto lease,
                  runs.take(arguments.run, {.lease = in_ms(arguments.lease_seconds),
                                            .wait = in_ms(arguments.wait_seconds),
                                            .bound_to_handle = false,
                                            .holder = arguments.holder}));
  if (!lease) return Status(StatusCode::kNotFound, "there is no step to do now");
  if (!output.json()) output.line(printable(lease->key));
  print_lease(output, *lease);
  return Status::ok();
}

Status complete(const Runs& runs, const Output&, const StepArguments& arguments) {
  std::string result;
  if (arguments.text || !arguments.file.empty()) {
    HOLDFAST_ASSIGN(result, read_value(arguments.text, arguments.file));
  }
  return runs.complete(lease_of(arguments), result);
}

Status resolve(const Runs& runs, const Output&, const StepArguments& arguments) {
  constexpr std::pair<std::string_view, StepDecision> kDecisions[] = {
      {"complete", StepDecision::complete},
      {"retry", StepDecision::retry},
      {"compensate", StepDecision::compensate},
      {"fail", StepDecision::fail}};
  for (const auto& [name, decision] : kDecisions) {
    if (name != arguments.decision) continue;
    return runs.resolve(arguments.run, arguments.key, decision, arguments.text.value_or(""),
                        arguments.by);
  }
  return Status(StatusCode::kInvalidArgument, "decide complete, retry, compensate or fail");
}

Status list(const Runs& runs, const Output& output, const StepArguments& arguments) {
  Table table({"step", "state", "attempts", "holder", "error"});
  std::string after;
  while (true) {
    HOLDFAST_ASSIGN(const auto steps, runs.steps(arguments.run, {.after = after}));
    if (steps.empty()) break;
    after = steps.back().key;
    for (const StepInfo& step : steps) {
      if (output.json()) {
        output.print(json_of(step));
        continue;
      }
      table.add({one_line(step.key, 40), std::string(step_state_name(step.state)),
                 std::to_string(step.attempts), one_line(step.holder, 24),
                 one_line(step.error, 60)});
    }
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

Status show(const Runs& runs, const Output& output, const StepArguments& arguments) {
  HOLDFAST_ASSIGN(const StepInfo step, runs.step(arguments.run, arguments.key));
  if (output.json()) {
    output.print(json_of(step));
    return Status::ok();
  }
  Facts facts;
  facts.add("step", printable(step.key));
  facts.add("state", std::string(step_state_name(step.state)));
  for (const std::string& key : step.after) facts.add("after", printable(key));
  for (const std::string& name : step.gates) facts.add("gate", printable(name));
  facts.add("on interrupt", std::string(exec::on_interrupt_name(step.on_interrupt)));
  facts.add("attempts", std::to_string(step.attempts));
  if (step.due_us != 0) facts.add("due", time_text(step.due_us));
  if (!step.holder.empty()) facts.add("holder", printable(step.holder));
  if (!step.error.empty()) facts.add("error", printable(step.error));
  if (step.input) facts.add("input", one_line(*step.input, 200));
  if (step.output) facts.add("output", one_line(*step.output, 200));
  facts.print(output);
  return Status::ok();
}

Status reset(const Runs& runs, const Output& output, const StepArguments& arguments) {
  HOLDFAST_ASSIGN(const auto keys, runs.reset(arguments.run, arguments.key));
  for (const std::string& key : keys) {
    if (output.json()) {
      output.print({{"key", key}});
    } else {
      output.line(printable(key));
    }
  }
  return Status::ok();
}

using StepAction = Status (*)(const Runs&, const Output&, const StepArguments&);

class StepFamily {
 public:
  explicit StepFamily(Commands& commands)
      : commands_(commands),
        family_(commands.add_family(kGroupRuns, "step", "The steps of a run",
                                    "holdfast step start RUN fetch --input '{\"url\":\"u\"}'")) {}

  // Command `name` on a run, and on a step of it unless `key` is false.
  CLI::App* add(const std::string& name, const std::string& purpose, const std::string& example,
                const std::shared_ptr<StepArguments>& arguments, StepAction action,
                bool has_key = true) {
    CLI::App* command =
        commands_.add_to(family_, name, purpose, "holdfast step " + name + " " + example,
                         [arguments, action](const Context& context) {
                           const auto work = [&](const Runs& runs, const Output& output) {
                             return action(runs, output, *arguments);
                           };
                           return with_runs(context, work, arguments->dry_run);
                         });
    command->add_option("run", arguments->run, "The run's id")->required();
    if (has_key) command->add_option("key", arguments->key, "The step's key")->required();
    return command;
  }

 private:
  Commands& commands_;
  CLI::App* family_;
};

void add_definition(CLI::App* command, StepArguments& arguments) {
  command->add_option("--input", arguments.input, "JSON");
  command->add_option("--after", arguments.after, "Key of a step to wait for; may be given again")
      ->allow_extra_args(false);
  command->add_option("--gate", arguments.gates, "Name of a gate to wait for; may be given again")
      ->allow_extra_args(false);
  command->add_option("--on-interrupt", arguments.policy, "What is done when its worker dies")
      ->check(CLI::IsMember({"ask", "retry", "compensate", "fail"}))
      ->capture_default_str();
  command->add_option("--attempts", arguments.attempts, "That may fail")->capture_default_str();
  as_duration(command->add_option("--timeout-of-attempt", arguments.timeout_seconds,
                                  "How long one may take; 0: any time"));
}

void add_leasing(CLI::App* command, StepArguments& arguments) {
  as_duration(command->add_option("--lease", arguments.lease_seconds,
                                  "How long until others may settle it"))
      ->capture_default_str();
  as_duration(command->add_option("--wait", arguments.wait_seconds, "How long to wait for it"));
  command->add_option("--holder", arguments.holder, "Who does it, for people");
}

void add_attempts(StepFamily& family) {
  auto arguments = arguments_of<StepArguments>();
  CLI::App* command = family.add("start", "Begin a step, or print what it returned",
                                 "RUN fetch --lease 60", arguments, &start);
  add_definition(command, *arguments);
  add_leasing(command, *arguments);

  arguments = arguments_of<StepArguments>();
  command = family.add("take", "Begin the next step that can be done", "RUN", arguments, &take,
                       /*has_key=*/false);
  add_leasing(command, *arguments);

  const auto with_lease = [&](const std::string& name, const std::string& purpose,
                              StepAction action) {
    arguments = arguments_of<StepArguments>();
    command = family.add(name, purpose, "RUN fetch --lease-id ID", arguments, action);
    command->add_option("--lease-id", arguments->lease_id, "What start or take printed")
        ->required();
  };
  with_lease("complete", "Say that a step is done, and what it returned", &complete);
  command->add_option("output", arguments->text, "What it returned; - reads stdin");
  command->add_option("--file", arguments->file, "Read it from this file");
  with_lease("fail", "Say that a step failed and left nothing",
             [](const Runs& runs, const Output&, const StepArguments& a) {
               return runs.fail(lease_of(a), a.text.value_or(""), a.final);
             });
  command->add_option("error", arguments->text, "Why");
  command->add_flag("--final", arguments->final, "Use no further attempts");
  with_lease("heartbeat", "Keep the lease for longer",
             [](const Runs& runs, const Output& output, const StepArguments& a) -> Status {
               HOLDFAST_ASSIGN(const auto lease,
                               runs.heartbeat(lease_of(a), in_ms(a.lease_seconds)));
               print_lease(output, lease);
               return Status::ok();
             });
  as_duration(command->add_option("--lease", arguments->lease_seconds, "How long from now on"))
      ->capture_default_str();
}

void add_step_family(Commands& commands) {
  StepFamily family(commands);
  add_attempts(family);
  auto arguments = arguments_of<StepArguments>();
  add_definition(
      family.add("define", "Add a step to a run", "RUN test --after build", arguments, &define),
      *arguments);
  family.add("list", "List the steps of a run", "RUN", arguments_of<StepArguments>(), &list,
             /*has_key=*/false);
  family.add("show", "Print one step", "RUN build", arguments_of<StepArguments>(), &show);
  family.add("retry", "Give a failed step its attempts again", "RUN build",
             arguments_of<StepArguments>(),
             [](const Runs& runs, const Output&, const StepArguments& a) {
               return runs.retry(a.run, a.key);
             });
  arguments = arguments_of<StepArguments>();
  add_dry_run(family.add("reset", "Do a step again, and what came of it", "RUN build --dry-run",
                         arguments, &reset),
              arguments->dry_run);
  arguments = arguments_of<StepArguments>();
  CLI::App* command = family.add("resolve", "Say what became of an indeterminate step",
                                 "RUN ship complete", arguments, &resolve);
  command->add_option("decision", arguments->decision, "complete, retry, compensate or fail")
      ->required()
      ->check(CLI::IsMember({"complete", "retry", "compensate", "fail"}));
  command->add_option("--output", arguments->text, "What it returned, for complete");
  command->add_option("--by", arguments->by, "Who decides");
}

struct GateArguments {
  std::string run, name, prompt, by, comment;
  double timeout_seconds = 0;
};

Status list_gates(const Runs& runs, const Output& output, const std::string& run) {
  HOLDFAST_ASSIGN(const auto gates, runs.gates(run));
  Table table({"gate", "state", "by", "prompt", "comment"});
  for (const GateInfo& gate : gates) {
    if (output.json()) {
      output.print({{"name", gate.name},
                    {"state", gate_state_name(gate.state)},
                    {"prompt", gate.prompt},
                    {"created_us", gate.created_us},
                    {"expires_us", gate.expires_us},
                    {"decided_us", gate.decided_us},
                    {"by", gate.decided_by},
                    {"comment", gate.comment}});
      continue;
    }
    table.add({one_line(gate.name, 40), std::string(gate_state_name(gate.state)),
               one_line(gate.decided_by, 24), one_line(gate.prompt, 40),
               one_line(gate.comment, 40)});
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

void add_gate_family(Commands& commands) {
  CLI::App* family = commands.add_family(kGroupRuns, "gate", "What steps wait for: an approval",
                                         "holdfast gate approve RUN deploy --by ann");
  using GateAction = std::function<Status(const Runs&, const Output&, const GateArguments&)>;
  const auto add = [&](const std::string& name, const std::string& purpose, bool has_name,
                       const GateAction& action) {
    auto arguments = arguments_of<GateArguments>();
    CLI::App* command = commands.add_to(
        family, name, purpose, "holdfast gate " + name + " RUN" + (has_name ? " deploy" : ""),
        [arguments, action](const Context& context) {
          return with_runs(context, [&](const Runs& runs, const Output& output) {
            return action(runs, output, *arguments);
          });
        });
    command->add_option("run", arguments->run, "The run's id")->required();
    if (has_name) command->add_option("name", arguments->name, "The gate's name")->required();
    return std::pair(command, arguments);
  };
  auto [open, opened] = add(
      "open", "Add a gate to a run", true,
      [](const Runs& runs, const Output&, const GateArguments& a) {
        return runs
            .open_gate(a.run,
                       {.name = a.name, .prompt = a.prompt, .timeout = in_ms(a.timeout_seconds)})
            .status();
      });
  open->add_option("--prompt", opened->prompt, "What is to be approved");
  as_duration(
      open->add_option("--expires", opened->timeout_seconds, "It expires after so long; 0: never"));
  for (const bool approved : {true, false}) {
    auto [command, decided] =
        add(approved ? "approve" : "reject", approved ? "Open it for good" : "Close it for good",
            true, [approved](const Runs& runs, const Output&, const GateArguments& a) {
              return runs.decide_gate(a.run, a.name, approved, a.by, a.comment);
            });
    command->add_option("--by", decided->by, "Who decides");
    command->add_option("--comment", decided->comment, "Why");
  }
  add("list", "List the gates of a run", false,
      [](const Runs& runs, const Output& output, const GateArguments& a) {
        return list_gates(runs, output, a.run);
      });
}

}  // namespace

void add_step_commands(Commands& commands) {
  add_step_family(commands);
  add_gate_family(commands);
}

}  // namespace holdfast::cli
