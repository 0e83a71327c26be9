// Upkeep: has the indexes of a space looked after behind the backs of those who write to it, by a
// thread that is made when there is something to do and ends when that is done.
//
// Who: memory/space.cc. Process-safety: every process may do it at any time; of two that do the
// same one conflicts. Thread-safety: any thread, but for the end.
// Invariants:
//   1. One run at a time: of several all but one would conflict and have worked for nothing.
//   2. The first run is the caller's own: handles that live for a few writes have no use for a
//      thread, and who closed its store would do nothing that lasts.
//   3. After at most kEnough observations there is a run, or one is at work.
//   4. Writes are never ahead of a run by many more than kBehindMax observations for each thread
//      that writes: then one of them waits.
//   5. No run outlives it.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>

namespace holdfast::memory {

class Upkeep {
 public:
  // What is written is passed through one by one by each recall until a run comes to it.
  static constexpr size_t kEnough = 64;
  static constexpr size_t kBehindMax = 4096;
  // After so many observations were written, at least: a few steps of what is due.
  using Work = std::function<void(size_t observations)>;

  // `has_thread`: false: every run is the caller's own.
  explicit Upkeep(bool has_thread) : has_thread_(has_thread) {}
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;
  ~Upkeep();  // REQUIRES: nobody calls run() any more. Waits for the run that is at work.

  // Counts `observations`; whether there are enough for a run.
  bool count(size_t observations);
  // Has `work` done with what was counted, unless a run is at work.
  void run(const Work& work);

 private:
  void start(size_t observations, const Work& work);

  const bool has_thread_;
  std::mutex mutex_;  // held by who starts a run, does one, or waits for one
  bool has_run_ = false;
  std::thread thread_;
  std::atomic<bool> is_at_work_{false};  // thread_
  std::atomic<size_t> behind_{0};        // observations that no run was told of
};

}  // namespace holdfast::memory
