#include "exec/plan.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>

namespace holdfast::exec {
namespace {

using Json = nlohmann::json;

Status invalid(const std::string& place, const std::string& what) {
  return Status(StatusCode::kInvalidArgument, "the plan: " + place + " " + what);
}

Status check_members(const Json& object, const std::string& place,
                     std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return invalid(place, "must be an object");
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    for (const std::string_view one : known) found = found || one == name;
    if (!found) return invalid(place, "has a member \"" + name + "\" that means nothing");
  }
  return Status::ok();
}

Result<std::string> text_of(const Json& object, const std::string& place, const char* name,
                            bool required) {
  const auto found = object.find(name);
  if (found == object.end()) {
    if (required) return invalid(place, std::string("needs \"") + name + "\"");
    return std::string();
  }
  if (!found->is_string()) return invalid(place, std::string("\"") + name + "\" must be a string");
  return found->get<std::string>();
}

Result<std::vector<std::string>> texts_of(const Json& object, const std::string& place,
                                          const char* name) {
  std::vector<std::string> texts;
  const auto found = object.find(name);
  if (found == object.end()) return texts;
  for (const Json& one : *found) {
    if (!found->is_array() || !one.is_string()) {
      return invalid(place, std::string("\"") + name + "\" must be an array of strings");
    }
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

Result<double> number_of(const Json& object, const std::string& place, const char* name,
                         double absent) {
  const auto found = object.find(name);
  if (found == object.end()) return absent;
  constexpr double kNumberMax = 1e8;
  const bool is_fit =
      found->is_number() && found->get<double>() >= 0 && found->get<double>() <= kNumberMax;
  if (!is_fit) return invalid(place, std::string("\"") + name + "\" must be a number from 0 up");
  return found->get<double>();
}

std::chrono::milliseconds seconds(double count) {
  return std::chrono::milliseconds(std::llround(count * 1000));
}

Result<NewStep> parse_step(const Json& object, const std::string& place) {
  HOLDFAST_TRY(check_members(object, place,
                             {"key", "run", "undo", "after", "gates", "on_interrupt", "attempts",
                              "interruptions", "timeout_seconds", "backoff_seconds"}));
  NewStep step;
  ShellStep shell;
  HOLDFAST_ASSIGN(step.key, text_of(object, place, "key", true));
  HOLDFAST_ASSIGN(shell.run, text_of(object, place, "run", true));
  HOLDFAST_ASSIGN(shell.undo, text_of(object, place, "undo", false));
  HOLDFAST_ASSIGN(step.after, texts_of(object, place, "after"));
  HOLDFAST_ASSIGN(step.gates, texts_of(object, place, "gates"));
  HOLDFAST_ASSIGN(const std::string policy, text_of(object, place, "on_interrupt", false));
  if (!policy.empty()) {
    HOLDFAST_ASSIGN(step.on_interrupt, parse_on_interrupt(policy));
  }
  HOLDFAST_ASSIGN(const double attempts, number_of(object, place, "attempts", 1));
  HOLDFAST_ASSIGN(const double interruptions, number_of(object, place, "interruptions", 100));
  HOLDFAST_ASSIGN(const double timeout, number_of(object, place, "timeout_seconds", 0));
  HOLDFAST_ASSIGN(const double backoff, number_of(object, place, "backoff_seconds", 1));
  step.attempts_max = static_cast<uint32_t>(attempts);
  step.interruptions_max = static_cast<uint32_t>(interruptions);
  shell.timeout = seconds(timeout);
  if (shell.timeout.count() > 0) step.timeout = shell.timeout + kTimeoutGrace;
  step.backoff_first = seconds(backoff);
  if (step.on_interrupt == OnInterrupt::compensate && shell.undo.empty()) {
    return invalid(place, "is compensated when interrupted, so it needs \"undo\"");
  }
  step.input = encode_shell_step(shell);
  return step;
}

// Of all steps before it a step may wait for, and none has its key.
Status check_place(const NewStep& step, const std::vector<NewStep>& before,
                   const std::string& place) {
  const auto is_before = [&](const std::string& key) {
    return std::any_of(before.begin(), before.end(),
                       [&](const NewStep& one) { return one.key == key; });
  };
  if (is_before(step.key)) return invalid(place, "has the key \"" + step.key + "\" of one before");
  for (const std::string& key : step.after) {
    if (is_before(key)) continue;
    return invalid(place, "waits for \"" + key + "\", which is no step before it");
  }
  return Status::ok();
}

}  // namespace

std::string encode_shell_step(const ShellStep& step) {
  Json json = {{"run", step.run}};
  if (!step.undo.empty()) json["undo"] = step.undo;
  if (step.timeout.count() > 0) json["timeout_ms"] = step.timeout.count();
  return json.dump();
}

Result<ShellStep> decode_shell_step(std::string_view input) {
  const Json json = Json::parse(input, nullptr, /*allow_exceptions=*/false);
  const bool is_shell = json.is_object() && json.contains("run") && json["run"].is_string();
  if (!is_shell) {
    return Status(StatusCode::kInvalidArgument,
                  "the step's input names no shell command; only plans can be executed");
  }
  ShellStep step;
  step.run = json["run"];
  if (json.contains("undo") && json["undo"].is_string()) step.undo = json["undo"];
  if (json.contains("timeout_ms") && json["timeout_ms"].is_number_integer()) {
    step.timeout = std::chrono::milliseconds(json["timeout_ms"].get<int64_t>());
  }
  return step;
}

Result<OnInterrupt> parse_on_interrupt(std::string_view text) {
  for (const OnInterrupt policy :
       {OnInterrupt::ask, OnInterrupt::retry, OnInterrupt::compensate, OnInterrupt::fail}) {
    if (on_interrupt_name(policy) == text) return policy;
  }
  return Status(StatusCode::kInvalidArgument,
                "\"" + std::string(text) + "\" is not ask, retry, compensate or fail");
}

std::string_view on_interrupt_name(OnInterrupt policy) {
  switch (policy) {
    case OnInterrupt::ask:
      return "ask";
    case OnInterrupt::retry:
      return "retry";
    case OnInterrupt::compensate:
      return "compensate";
    case OnInterrupt::fail:
      return "fail";
  }
  return "?";
}

Result<Plan> parse_plan(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return invalid("the text", "is not JSON");
  HOLDFAST_TRY(check_members(json, "it", {"name", "key", "gates", "steps"}));
  Plan plan;
  HOLDFAST_ASSIGN(plan.run.name, text_of(json, "it", "name", true));
  HOLDFAST_ASSIGN(const std::string key, text_of(json, "it", "key", false));
  plan.run.key = key.empty() ? "exec/" + plan.run.name : key;
  plan.run.input = std::string(text);
  const Json none = Json::array();
  const Json& gates = json.contains("gates") ? json["gates"] : none;
  const Json& steps = json.contains("steps") ? json["steps"] : none;
  if (!gates.is_array() || !steps.is_array()) return invalid("gates and steps", "must be arrays");
  for (const Json& object : gates) {
    const std::string place = "gate " + std::to_string(plan.gates.size() + 1);
    HOLDFAST_TRY(check_members(object, place, {"name", "prompt", "timeout_seconds"}));
    NewGate& gate = plan.gates.emplace_back();
    HOLDFAST_ASSIGN(gate.name, text_of(object, place, "name", true));
    HOLDFAST_ASSIGN(gate.prompt, text_of(object, place, "prompt", false));
    HOLDFAST_ASSIGN(const double timeout, number_of(object, place, "timeout_seconds", 0));
    gate.timeout = seconds(timeout);
  }
  for (const Json& object : steps) {
    const std::string place = "step " + std::to_string(plan.steps.size() + 1);
    HOLDFAST_ASSIGN(NewStep step, parse_step(object, place));
    HOLDFAST_TRY(check_place(step, plan.steps, place));
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

}  // namespace holdfast::exec
