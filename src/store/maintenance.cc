#include "store/maintenance.h"

#include <chrono>

#include "store/append.h"
#include "store/checkpoint.h"
#include "store/published.h"
#include "store/sync.h"

namespace holdfast::store {
namespace {

// Half the bound that batched durability promises.
constexpr uint64_t kIntervalUs = 50'000;

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
  if (read_tail(control.tail).version > control.synced.version.load()) {
    HOLDFAST_TRY(flush(context, context.deadline()));
  }
  HOLDFAST_TRY(prepare_segments(context, true));
  if (!checkpoint_due(context)) return Status::ok();
  const auto done = try_checkpoint(context);
  return done ? Status::ok() : done.status();
}

void Maintenance::start_or_notify() {
  if (!thread_.joinable()) {
    changed_.emplace();
    thread_ = std::thread([this] { run(); });
  } else {
    changed_->notify_one();
  }
}

void Maintenance::wake() {
  if (work_.load(std::memory_order_relaxed)) return;  // it knows
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  work_ = true;
  start_or_notify();
}

void Maintenance::apply_soon() {
  if (apply_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  apply_ = true;
  start_or_notify();
}

void Maintenance::retain_soon() {
  if (retain_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  retain_ = true;
  start_or_notify();
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (changed_) changed_->notify_one();
  }
  if (thread_.joinable()) thread_.join();
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

// Step by step, so that what is more urgent waits for one at most.
void Maintenance::retain_while_due(std::unique_lock<std::mutex>& lock) {
  while (retain_ && !apply_ && !stopping_) {
    lock.unlock();
    const bool more = retain_step_();
    lock.lock();
    if (!more) retain_ = false;
    if (work_) return;
  }
}

// Work that comes within the interval is covered by the same sync.
void Maintenance::gather(std::unique_lock<std::mutex>& lock) {
  const Deadline due(context_.os, kIntervalUs);
  const auto asked = [this] { return apply_ || retain_ || stopping_; };
  while (!stopping_ && !due.passed()) {
    const std::chrono::microseconds left(due.wait_us(kIntervalUs));
    if (!changed_->wait_for(lock, left, asked)) continue;
    apply_while_asked(lock);
    retain_while_due(lock);
  }
}

void Maintenance::run() {
  context_.attachment->identify();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_->wait(lock, [this] { return work_ || apply_ || retain_ || stopping_; });
    apply_while_asked(lock);
    retain_while_due(lock);
    if (!work_) continue;
    gather(lock);
    if (stopping_) return;
    work_ = false;
    lock.unlock();
    // A failing disk shows in the state, which every call reports; here there is nobody to tell.
    (void)maintain_once(context_);
    lock.lock();
  }
}

}  // namespace holdfast::store
