// Plan: a file of shell steps, as `holdfast run exec` reads it.
//
// {"name": "release",
//  "gates": [{"name": "go", "prompt": "to production?"}],
//  "steps": [{"key": "build", "run": "make", "on_interrupt": "retry"},
//            {"key": "ship", "run": "./ship", "undo": "./unship", "on_interrupt": "compensate",
//             "after": ["build"], "gates": ["go"], "attempts": 3, "timeout_seconds": 600}]}
//
// on_interrupt: ask (default), retry, compensate (needs undo), fail. Steps stand in an order in
// which each comes after those it waits for. Unknown members are refused.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/run.h"

namespace holdfast::exec {

// The input of a step, as JSON: {"run": "...", "undo": "...", "timeout_ms": 600000}. So a worker
// needs no plan.
struct ShellStep {
  std::string run = {};
  std::string undo = {};
  std::chrono::milliseconds timeout{0};  // then it is killed and has failed; 0: none
};
// The store takes a step from a worker that much later than the worker is to kill its command, so
// that the command is gone before anybody begins it again.
constexpr std::chrono::milliseconds kTimeoutGrace{30'000};
std::string encode_shell_step(const ShellStep& step);
// Errors: InvalidArgument: the step is not one of a plan.
Result<ShellStep> decode_shell_step(std::string_view input);

struct Plan {
  NewRun run = {};  // its input is the plan's text
  std::vector<NewGate> gates = {};
  std::vector<NewStep> steps = {};
};

// Errors: InvalidArgument, with the place.
Result<Plan> parse_plan(std::string_view text);
// "ask", "retry", "compensate", "fail". Errors: InvalidArgument.
Result<OnInterrupt> parse_on_interrupt(std::string_view text);
std::string_view on_interrupt_name(OnInterrupt policy);

}  // namespace holdfast::exec
