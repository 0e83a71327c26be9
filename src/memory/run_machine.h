// The status machines of runs and steps: which moves are legal. Nothing else decides it.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include "holdfast/run.h"

namespace holdfast::memory {

constexpr size_t kStepStates = 9;

bool may_move(RunState from, RunState to);
bool may_move(StepState from, StepState to);

// Whether a lease is held in this state.
constexpr bool is_leased(StepState state) {
  return state == StepState::running || state == StepState::undoing;
}
constexpr bool has_ended(RunState state) {
  return state == RunState::completed || state == RunState::failed || state == RunState::cancelled;
}

}  // namespace holdfast::memory
