#include <memory>
#include <utility>

#include "base/time_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/held.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

Json json_of(const RunInfo& run) {
  Json json = {{"run", run.id},
               {"name", run.name},
               {"state", run_state_name(run.state)},
               {"created", time_text(run.created_us)}};
  if (!run.error.empty()) json["error"] = run.error;
  if (run.input) json["input"] = *run.input;
  if (run.output) json["output"] = *run.output;
  return json;
}

Json json_of(const StepInfo& step) {
  Json json = {
      {"step", step.key}, {"state", step_state_name(step.state)}, {"attempts", step.attempts}};
  if (!step.holder.empty()) json["holder"] = step.holder;
  if (!step.error.empty()) json["error"] = step.error;
  return json;
}

Json json_of(const StepLease& lease) {
  Json json = {{"lease", lease.lease_id},
               {"step", lease.key},
               {"attempt", lease.attempt},
               {"undo", lease.is_undo},
               {"expires", time_text(lease.expires_us)}};
  if (lease.input) json["input"] = *lease.input;
  if (!lease.last_error.empty()) json["last_error"] = lease.last_error;
  return json;
}

Result<Json> start(const Runs& runs, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "name"));
  NewRun run;
  run.name = arguments["name"].get<std::string>();
  run.key = text_of(arguments, "key");
  run.input = text_of(arguments, "input");
  HOLDFAST_ASSIGN(const StartedRun started, runs.start(run));
  return structured_result({{"run", started.id}, {"existed", started.existed}});
}

Result<Json> list(const Runs& runs, const Json& arguments) {
  constexpr size_t kListed = 50;
  HOLDFAST_ASSIGN(const auto found,
                  runs.list({.after = arguments.value("after", ""), .limit = kListed}));
  Budget budget(arguments);
  Json list = Json::array();
  for (const RunInfo& run : found) {
    Json json = json_of(run);
    json.erase("input");  // show has them
    json.erase("output");
    if (!budget.spend_first(json, "error")) break;
    list.push_back(std::move(json));
  }
  const bool more = list.size() < found.size() || found.size() == kListed;
  return structured_result({{"runs", std::move(list)}, {"more", more}});
}

Result<Json> show(const Runs& runs, const std::string& id, const Json& arguments) {
  HOLDFAST_ASSIGN(const RunInfo run, runs.get(id));
  HOLDFAST_ASSIGN(const auto steps, runs.steps(id));
  HOLDFAST_ASSIGN(const auto gates, runs.gates(id));
  HOLDFAST_ASSIGN(const RunProgress progress, runs.progress(id));
  Budget budget(arguments);
  Json json = json_of(run);
  for (const char* member : {"input", "output", "error"}) {  // half of it is for the steps
    cut_text(json, member, budget.tokens() / 2);
  }
  (void)budget.spend(json);
  json["steps"] = Json::array();
  for (const StepInfo& step : steps) {
    Json one = json_of(step);
    if (!budget.spend(one)) break;
    json["steps"].push_back(std::move(one));
  }
  json["steps_left_out"] = progress.total() - json["steps"].size();
  json["gates"] = Json::array();
  for (const GateInfo& gate : gates) {
    Json one = {
        {"gate", gate.name}, {"state", gate_state_name(gate.state)}, {"prompt", gate.prompt}};
    if (!budget.spend(one)) break;
    json["gates"].push_back(std::move(one));
  }
  json["gates_left_out"] = gates.size() - json["gates"].size();
  return structured_result(std::move(json));
}

Result<Json> begin_step(Peer& peer, const Runs& runs, const std::string& id, Held<StepLease>& held,
                        const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "step"));
  NewStep step;
  step.key = arguments["step"].get<std::string>();
  step.input = text_of(arguments, "input");
  step.after = texts_of(arguments, "after_steps");
  step.gates = texts_of(arguments, "gates");
  const std::string on_interrupt = arguments.value("on_interrupt", "ask");
  step.on_interrupt = on_interrupt == "retry"  ? OnInterrupt::retry
                      : on_interrupt == "fail" ? OnInterrupt::fail
                                               : OnInterrupt::ask;
  StepLeaseOptions options;
  options.lease = seconds_of(arguments, "lease_seconds", 300);
  options.holder = arguments.value("holder", "");
  Patience patience(peer, arguments);
  while (true) {
    options.wait = patience.step();
    auto begun = runs.begin(id, step, options);
    if (begun && begun->completed) {
      return structured_result({{"completed", true}, {"output", begun->output}});
    }
    if (begun) {
      held.keep(peer.owner(), begun->lease->lease_id, *begun->lease, begun->lease->expires_us);
      Json json = json_of(*begun->lease);
      json["completed"] = false;
      return structured_result(std::move(json));
    }
    if (begun.status().code() != StatusCode::kBusy || !patience.another()) return begun.status();
  }
}

// complete_step, fail_step: of a step that this client has begun.
Result<Json> settle_step(Peer& peer, const Runs& runs, Held<StepLease>& held,
                         const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "lease"));
  const auto name = arguments["lease"].get<std::string>();
  const auto lease = held.find(peer.owner(), name);
  if (!lease) {
    return Status(StatusCode::kNotFound,
                  "this client does not hold lease " + cli::one_line(name, 60) +
                      "; a lease ends with the server that took it: begin the step again");
  }
  if (arguments["action"] == "complete_step") {
    HOLDFAST_TRY(runs.complete(*lease, arguments.value("output", "null")));
  } else {
    HOLDFAST_TRY(runs.fail(*lease, arguments.value("error", "failed")));
  }
  held.drop(peer.owner(), name);
  return structured_result({{"step", lease->key}});
}

// retry_step, resolve_step: of a step that failed, or of which nobody knows how it went.
Result<Json> decide(const Runs& runs, const std::string& id, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "step"));
  const auto key = arguments["step"].get<std::string>();
  if (arguments["action"] == "retry_step") {
    HOLDFAST_TRY(runs.retry(id, key));
  } else {
    HOLDFAST_TRY(needs(arguments, "decision"));
    const auto word = arguments["decision"].get<std::string>();
    const StepDecision decision = word == "completed" ? StepDecision::complete
                                  : word == "retry"   ? StepDecision::retry
                                                      : StepDecision::fail;
    const std::string output =
        decision == StepDecision::complete ? arguments.value("output", "null") : "";
    HOLDFAST_TRY(runs.resolve(id, key, decision, output, arguments.value("holder", "")));
  }
  HOLDFAST_ASSIGN(const StepInfo step, runs.step(id, key));
  return structured_result(json_of(step));
}

// finish, fail, cancel, resume.
Result<Json> conclude(const Runs& runs, const std::string& id, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  const std::string why = arguments.value("error", "");
  if (action == "finish") {
    const auto output = text_of(arguments, "output");
    HOLDFAST_TRY(runs.finish(id, output ? std::optional<std::string_view>(*output) : std::nullopt));
  } else if (action == "fail") {
    HOLDFAST_TRY(runs.fail(id, why));
  } else if (action == "cancel") {
    HOLDFAST_TRY(runs.cancel(id, why));
  } else {
    HOLDFAST_TRY(runs.resume(id));
  }
  HOLDFAST_ASSIGN(const RunInfo run, runs.get(id));
  return structured_result(json_of(run));
}

Result<Json> run(Peer& peer, Memory& memory, Held<StepLease>& held, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Runs runs = space.runs();
  if (action == "start") return start(runs, arguments);
  if (action == "list") return list(runs, arguments);
  if (action == "complete_step" || action == "fail_step") {
    return settle_step(peer, runs, held, arguments);
  }
  HOLDFAST_TRY(needs(arguments, "run"));
  const auto id = arguments["run"].get<std::string>();
  if (action == "show") return show(runs, id, arguments);
  if (action == "begin_step") return begin_step(peer, runs, id, held, arguments);
  if (action == "retry_step" || action == "resolve_step") return decide(runs, id, arguments);
  return conclude(runs, id, arguments);
}

Json answer_schema() {
  return object_schema({
      {"run", text_schema("Its id")},
      {"existed", flag_schema("start: the run goes on")},
      {"runs", objects_schema("list")},
      {"more", flag_schema("list: go on with after")},
      {"name", text_schema("What the run is")},
      {"state", text_schema("Of the run, or of the step")},
      {"created", text_schema("When the run was")},
      {"input", text_schema("Of the run, or of the step")},
      {"output", text_schema("Of the run, or of a step that was completed")},
      {"error", text_schema("Of the run, or of the step")},
      {"cut", flag_schema("show: a text was cut")},
      {"steps", objects_schema("show")},
      {"steps_left_out", count_schema("show: for want of tokens")},
      {"gates", objects_schema("show")},
      {"gates_left_out", count_schema("show: for want of tokens")},
      {"completed", flag_schema("begin_step: it was done before; output is what came of it")},
      {"lease", text_schema("begin_step: for complete_step or fail_step")},
      {"step", text_schema("Its key")},
      {"attempt", count_schema("begin_step: which one this is")},
      {"attempts", count_schema("retry_step, resolve_step: so far")},
      {"holder", text_schema("retry_step, resolve_step: who does it")},
      {"undo", flag_schema("begin_step: what it did is to be undone")},
      {"expires", text_schema("begin_step: when the lease does")},
      {"last_error", text_schema("begin_step: of the attempt before")},
  });
}

}  // namespace

void add_run_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "run", .title = "Run"};
  tool.description =
      "Work in steps that are done once, whatever crashes: start a run; begin a step before doing "
      "it (one that is completed gives back its output instead), complete or fail it with the "
      "lease that begin_step gave; finish the run. Who comes after a crash starts the run with the "
      "same key and begins the same steps; of one that may have been done, find out, then resolve "
      "it.";
  tool.effect = Effect::kChanges;
  tool.input = object_schema({
      {"action",
       word_schema("What to do",
                   {"start", "list", "show", "begin_step", "complete_step", "fail_step",
                    "retry_step", "resolve_step", "finish", "fail", "cancel", "resume"}),
       true},
      {"name", text_schema("start: what the run is")},
      {"key", text_schema("start: with the same key the same run is gone on with")},
      {"run", text_schema("The run that start gave")},
      {"step", text_schema("begin_step, retry_step, resolve_step: its key within the run")},
      {"input", text_schema("start, begin_step: JSON, or any text")},
      {"after_steps", list_schema("begin_step: steps that must be completed before",
                                  {{"type", "string"}}, 0, kStepDependenciesMax)},
      {"gates", list_schema("begin_step: gates that must be approved before", {{"type", "string"}},
                            0, kStepDependenciesMax)},
      {"on_interrupt",
       word_schema("begin_step: if its agent dies before it says how it went: ask (if not given) "
                   "waits for resolve_step, retry may do it twice",
                   {"ask", "retry", "fail"})},
      {"lease", text_schema("complete_step, fail_step: what begin_step gave")},
      {"decision", word_schema("resolve_step: how it went, or what is to be done",
                               {"completed", "retry", "fail"})},
      {"output", text_schema("complete_step, resolve_step, finish: JSON, or any text; it is kept")},
      {"error", text_schema("fail_step, fail, cancel: why")},
      {"lease_seconds", number_schema("begin_step: 300 if not given", 0.001, 604'800)},
      {"wait_seconds", number_schema("begin_step: wait while another does it", 0, 3600)},
      {"holder", text_schema("begin_step, resolve_step: who you are, for the others")},
      {"after", text_schema("list: the last run of the page before")},
      Budget::property(),
  });
  tool.output = answer_schema();
  auto held = std::make_shared<Held<StepLease>>();
  tool.run = [&memory, held](Peer& peer, const Json& arguments) {
    return run(peer, memory, *held, arguments);
  };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
