#include "store/maintenance.h"

#include <chrono>
#include <exception>

#include "store/append.h"
#include "store/checkpoint.h"
#include "store/headroom.h"
#include "store/load.h"
#include "store/published.h"
#include "store/sync.h"

namespace holdfast::store {
namespace {

// Half the bound that batched durability promises.
constexpr uint64_t kIntervalUs = 50'000;
constexpr uint64_t kLookAgainUs = 500;
constexpr uint64_t kLoadPauseUs = 20'000;

// Brings to the disk what is in the log now. While commits come in, applying is left to those who
// do it in large batches.
Status sync_and_apply_if_idle(const Context& context) {
  ControlBlock& control = context.control();
  const uint64_t version = read_tail(control.tail).version;
  if (control.synced.version.load() >= version) return Status::ok();
  while (control.synced.version.load() < version) {
    HOLDFAST_ASSIGN(const bool led, try_sync(context, true));
    if (!led) context.os.sleep_us(kLookAgainUs);  // another leads, perhaps for less
  }
  // The next commit of a load may take its time to be put together.
  if (load_bytes(context)) context.os.sleep_us(kLoadPauseUs);
  return read_tail(control.tail).version == version ? try_apply_tail(context) : Status::ok();
}

}  // namespace

bool upkeep_due(const Context& context) {
  ControlBlock& control = context.control();
  const log::Lsn tail = read_tail(control.tail).lsn;
  return control.state.prepared_segment.load() < log::lsn_segment(tail) + 1 ||
         checkpoint_due(context);
}

Status maintain_once(const Context& context) {
  ControlBlock& control = context.control();
  if (engine_state(control) != EngineState::kRunning) return Status::ok();
  HOLDFAST_TRY(sync_and_apply_if_idle(context));
  HOLDFAST_TRY(prepare_segments(context, true));
  return checkpoint_if_due(context);
}

Status checkpoint_if_due(const Context& context) {
  if (!checkpoint_due(context)) return Status::ok();
  HOLDFAST_TRY(try_apply_tail(context));
  const auto done = try_checkpoint(context);
  return done ? Status::ok() : done.status();
}

bool Maintenance::ask(std::atomic<bool>& work, Helper& helper, void (Maintenance::*run)()) {
  if (work.load(std::memory_order_relaxed)) return true;  // it knows
  const std::lock_guard lock(mutex_);
  if (stopping_) return true;
  if (!helper.thread.joinable()) {
    helper.changed.emplace();
    try {
      helper.thread = std::thread(run, this);  // it waits for the mutex
    } catch (const std::exception&) {
      return false;
    }
  }
  work = true;
  helper.changed->notify_one();
  return true;
}

bool Maintenance::wake() {
  return ask(work_, upkeep_, &Maintenance::run_upkeep);
}
bool Maintenance::apply_soon() {
  return ask(apply_, tree_, &Maintenance::run_tree);
}
bool Maintenance::retain_soon() {
  return ask(retain_, tree_, &Maintenance::run_tree);
}

void Maintenance::stop() {
  Helper* const helpers[] = {&upkeep_, &tree_};
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Helper* helper : helpers) {
      if (helper->changed) helper->changed->notify_one();
    }
  }
  for (Helper* helper : helpers) {
    if (helper->thread.joinable()) helper->thread.join();
  }
}

void Maintenance::apply_while_asked(std::unique_lock<std::mutex>& lock) {
  while (apply_ && !stopping_) {
    apply_ = false;
    lock.unlock();
    const uint64_t before = read_latest_root(context_.control()).version;
    const Status done = apply_and_replenish(context_);
    // What was committed meanwhile may be worth it again, and nobody may be left to ask.
    const bool advanced = done && read_latest_root(context_.control()).version > before;
    const bool again = advanced && apply_worth_it(context_);
    lock.lock();
    if (again) apply_ = true;
  }
}

// Step by step, so that a batch waits for one at most.
void Maintenance::retain_while_due(std::unique_lock<std::mutex>& lock) {
  while (retain_ && !apply_ && !stopping_) {
    lock.unlock();
    const bool more = retain_step_();
    lock.lock();
    if (!more) retain_ = false;
  }
}

void Maintenance::run_tree() {
  context_.attachment->identify();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    tree_.changed->wait(lock, [this] { return apply_ || retain_ || stopping_; });
    apply_while_asked(lock);
    retain_while_due(lock);
  }
}

void Maintenance::run_upkeep() {
  context_.attachment->identify();
  std::unique_lock lock(mutex_);
  while (true) {
    upkeep_.changed->wait(lock, [this] { return work_ || stopping_; });
    // Work that comes within the interval is covered by the same sync.
    const Deadline due(context_.os, kIntervalUs);
    while (!stopping_ && !due.passed()) {
      upkeep_.changed->wait_for(lock, std::chrono::microseconds(due.wait_us(kIntervalUs)));
    }
    if (stopping_) return;
    work_ = false;
    lock.unlock();
    // A failing disk shows in the state, which every call reports; here there is nobody to tell.
    (void)maintain_once(context_);
    lock.lock();
  }
}

}  // namespace holdfast::store
