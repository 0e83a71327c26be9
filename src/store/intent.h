// Intent: how the holder of APPLY changes the allocator and publishes a tree so that dying at any
// store leaves nothing half-done. A plan is written down whole, the intent's state says that it
// is decided, and then it is carried out; a take-over carries it out again from the start.
//
// Who: the holder of APPLY.
// Invariants:
//   1. Before the state is stored nothing visible has changed; after it every step is idempotent.
//   2. Pages are taken, retired and their tree published by one plan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/page_allocation.h"
#include "store/published.h"

namespace holdfast::store {

struct RetiredRun {
  uint32_t pgno = 0;
  uint32_t count = 0;  // 0: struck out
  uint64_t birth = 0;
  uint64_t death = 0;
};

RetiredRun load_retired(const Context& context, uint64_t index);
RetiredRun load_held(const Context& context, uint64_t buffer, uint64_t index);
// Strikes out entry `index` of the retired queue: its pages are live again.
void strike_retired(const Context& context, uint64_t index);

struct PublishPlan {
  PublishedRoot root;
  std::vector<Extent> taken;
  uint64_t pages_taken = 0;
  uint64_t hint = 0;
  std::vector<RetiredRun> retired;
};
// Errors: NoSpace, TooLarge (more runs than the block can describe); nothing has changed then.
Status carry_out(const Context& context, const PublishPlan& plan);

struct ReclaimPlan {
  std::vector<Extent> freed;
  uint64_t retired_head = 0;
  // What is held on: appended to the valid held buffer, or, with `held_replaced`, all of the
  // other one.
  std::vector<RetiredRun> held;
  bool held_replaced = false;
};
Status carry_out(const Context& context, const ReclaimPlan& plan);

// Completes what a dead holder had decided, and recounts what it may have left miscounted.
void redo_intent(const Context& context);

}  // namespace holdfast::store
