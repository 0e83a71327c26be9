// Maintenance: what keeps a store in shape beside the commits: syncs of batched commits, writing
// them into the tree, prepared log segments, checkpoints, trimming of histories. In long-lived
// handles a helper thread does it; without one the calls do it themselves. Every process may do it
// at any time; the locks sort that out.
//
// Thread-safety: any thread.
// Invariants:
//   1. The thread starts when there is something to do, and ends with stop().
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

// Whether a segment should be prepared or a checkpoint written.
bool upkeep_due(const Context& context);

class Maintenance {
 public:
  // `retain`: a step of trimming; whether more is due.
  Maintenance(const Context& context, std::function<bool()> retain)
      : context_(context), retain_step_(std::move(retain)) {}
  ~Maintenance() { stop(); }

  // Starts the thread, or tells it that there is work.
  void wake();
  // Has the thread apply the log's tail now, if nobody else is at it.
  void apply_soon();
  // Has the thread trim histories while that is due, beside its other work.
  void retain_soon();
  // Whether it was asked to and has not done it yet.
  bool retain_asked() const { return retain_.load(std::memory_order_relaxed); }
  void stop();

 private:
  void run();
  void start_or_notify();
  void apply_while_asked(std::unique_lock<std::mutex>& lock);
  void retain_while_due(std::unique_lock<std::mutex>& lock);
  void gather(std::unique_lock<std::mutex>& lock);
  const Context& context_;
  const std::function<bool()> retain_step_;
  std::mutex mutex_;
  std::optional<std::condition_variable> changed_;  // made with the thread
  bool stopping_ = false;
  std::atomic<bool> work_{false};   // set under the mutex, looked at without
  std::atomic<bool> apply_{false};  // the same
  std::atomic<bool> retain_{false};
  std::thread thread_;
};

}  // namespace holdfast::store
