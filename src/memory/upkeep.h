// Upkeep: has the indexes of a space looked after behind the backs of those who write to it, by a
// thread that is made when there is something to do and ends when that is done.
//
// Who: memory/space.cc. Process-safety: every process may do it at any time; of two that do the
// same one conflicts. Thread-safety: any thread, but for the end.
// Invariants:
//   1. One run at a time: of several all but one would conflict and have worked for nothing.
//   2. The first run is the caller's own: handles that live for a few writes have no use for a
//      thread, and who closed its store would do nothing that lasts.
//   3. After at most kEnough observations there is a run, or one is at work. A thread that finds so
//      many at its end goes on, as nobody may write again; a run of the caller's own leaves them to
//      who writes next, or to a thread.
//   4. Who is kBehindMax observations ahead of a run waits for its end, however many write.
//   5. No run outlives it. What a run throws is lost: nothing of it is owed to who wrote.
#pragma once

#include <atomic>
#include <condition_variable>
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
  void run_here(std::unique_lock<std::mutex>& lock, const Work& work);
  bool start_thread(const Work& work);
  void run_while_due(const Work& work);

  const bool has_thread_;
  std::atomic<size_t> behind_{0};  // observations that no run was told of
  std::mutex mutex_;               // of what follows; not held by a run
  std::condition_variable told_;   // a run was told of all there were, or has ended
  bool has_run_ = false;
  bool is_at_work_ = false;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace holdfast::memory
