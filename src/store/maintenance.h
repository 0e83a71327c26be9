// Maintenance: what keeps a store in shape beside the commits: syncs of batched commits, writing
// them into the tree, prepared log segments, checkpoints, trimming of histories. In long-lived
// handles two helper threads do it, one what changes the tree, one the rest, so that a large batch
// delays no sync; without them the calls do it themselves. Every process may do it at any time; the
// locks sort that out.
//
// Thread-safety: any thread.
// Invariants:
//   1. A thread starts when there is something to do for it, and ends with stop().
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "store/context.h"

namespace holdfast::store {

// Does what is due now. Errors are those of the disk; the work stays due.
Status maintain_once(const Context& context);

// Writes one with everything in it that is synced. Errors: those of apply and of a checkpoint.
Status checkpoint_if_due(const Context& context);

// Whether a segment should be prepared or a checkpoint written.
bool upkeep_due(const Context& context);

class Maintenance {
 public:
  // `retain`: a step of trimming; whether more is due.
  Maintenance(const Context& context, std::function<bool()> retain)
      : context_(context), retain_step_(std::move(retain)) {}
  ~Maintenance() { stop(); }

  // Of each: false, if there is no thread and none is to be had (EAGAIN): it stays undone.
  // Has the log synced soon, and done what else is due.
  bool wake();
  // Has the log's tail applied now, if nobody else is at it.
  bool apply_soon();
  // Has histories trimmed while that is due, beside other work.
  bool retain_soon();
  // Whether it was asked to and has not done it yet.
  bool retain_asked() const { return retain_.load(std::memory_order_relaxed); }
  void stop();

 private:
  // A thread and what wakes it.
  struct Helper {
    std::optional<std::condition_variable> changed;  // made with the thread
    std::thread thread;
  };

  bool ask(std::atomic<bool>& work, Helper& helper, void (Maintenance::*run)());
  void run_upkeep();
  void run_tree();
  void apply_while_asked(std::unique_lock<std::mutex>& lock);
  void retain_while_due(std::unique_lock<std::mutex>& lock);

  const Context& context_;
  const std::function<bool()> retain_step_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::atomic<bool> work_{false};   // set under the mutex, looked at without
  std::atomic<bool> apply_{false};  // the same
  std::atomic<bool> retain_{false};
  Helper upkeep_;  // does work_
  Helper tree_;    // applies and retains
};

}  // namespace holdfast::store
