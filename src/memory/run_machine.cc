#include "memory/run_machine.h"

#include <initializer_list>

namespace holdfast {
namespace memory {
namespace {

template <typename State>
bool is_among(State state, std::initializer_list<State> states) {
  for (const State one : states) {
    if (one == state) return true;
  }
  return false;
}

}  // namespace

bool may_move(RunState from, RunState to) {
  using enum RunState;
  switch (from) {
    case running:
      return is_among(to, {paused, completed, failed, cancelled});
    case paused:
      return is_among(to, {running, failed, cancelled});
    case failed:
      return is_among(to, {running, cancelled});
    case completed:
    case cancelled:
      return false;
  }
  return false;
}

bool may_move(StepState from, StepState to) {
  using enum StepState;
  switch (from) {
    case waiting:
      return to == ready;
    case ready:
      return is_among(to, {running, waiting});
    case delayed:
      return is_among(to, {running, waiting});
    case running:
      return is_among(to, {completed, failed, delayed, ready, indeterminate, undo_due});
    case completed:
    case failed:
      return is_among(to, {ready, waiting});
    case indeterminate:
      return is_among(to, {completed, ready, undo_due, failed});
    case undo_due:
      return to == undoing;
    case undoing:
      return is_among(to, {ready, failed, undo_due, indeterminate});
  }
  return false;
}

}  // namespace memory

std::string_view run_state_name(RunState state) {
  switch (state) {
    case RunState::running:
      return "running";
    case RunState::paused:
      return "paused";
    case RunState::completed:
      return "completed";
    case RunState::failed:
      return "failed";
    case RunState::cancelled:
      return "cancelled";
  }
  return "?";
}

std::string_view step_state_name(StepState state) {
  switch (state) {
    case StepState::waiting:
      return "waiting";
    case StepState::ready:
      return "ready";
    case StepState::delayed:
      return "delayed";
    case StepState::running:
      return "running";
    case StepState::completed:
      return "completed";
    case StepState::failed:
      return "failed";
    case StepState::indeterminate:
      return "indeterminate";
    case StepState::undo_due:
      return "undo_due";
    case StepState::undoing:
      return "undoing";
  }
  return "?";
}

std::string_view gate_state_name(GateState state) {
  switch (state) {
    case GateState::waiting:
      return "waiting";
    case GateState::approved:
      return "approved";
    case GateState::rejected:
      return "rejected";
    case GateState::expired:
      return "expired";
  }
  return "?";
}

}  // namespace holdfast
