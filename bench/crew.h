// Crew: the workers of one run, as processes (or as threads of one process, where an engine wants
// that), from opening the store to SIGKILL at full load.
//
// Who: workloads. The driving process has no threads and no open store, so it may fork.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bench/board.h"
#include "bench/engine.h"
#include "bench/machine.h"

namespace holdfast::bench {

// A Board in shared memory, unmapped at the end.
class SharedBoard {
 public:
  SharedBoard();
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  ~SharedBoard();
  Board& operator*() const { return *board_; }
  Board* operator->() const { return board_; }

 private:
  Board* board_;
};

class Crew {
 public:
  using Body = std::function<void(Session& session, uint32_t worker)>;
  struct Plan {
    Body prepare;  // before the run; may be empty
    Body body;     // never returns: goes on until the process is killed
  };

  // Starts the workers and returns when each has opened the store and prepared itself.
  Crew(const Engine& engine, const Setup& setup, uint32_t count, Board& board, const Plan& plan);
  ~Crew();  // kill()
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Warms up, then measures for `seconds`, then kills all at full load and books what they were
  // waiting for.
  CpuUse run(double warm_up_seconds, double seconds);
  // Lets all go; syncs are counted from now on. The caller ends it with kill().
  void go();
  // Until `done` says so; fails when a worker ends early.
  void wait_until(const std::function<bool()>& done);
  void kill();

 private:
  void start_process(const std::function<void()>& main);
  void work(const Engine& engine, const Setup& setup, uint32_t worker, const Plan& plan);
  void require_alive();
  void book_waiting(uint64_t now_ns);

  Board& board_;
  uint32_t count_;
  int gate_[2];  // the driver closes its end to let all workers go at once
  std::vector<pid_t> processes_;
};

// Runs `work` in a fresh process, which is killed when this one dies.
pid_t start_apart(const std::function<void()>& work);
// Waits for it; false when it failed.
bool wait_for(pid_t process);
// Whether it has ended, without waiting for it.
bool has_ended(pid_t process);
inline bool run_apart(const std::function<void()>& work) {
  return wait_for(start_apart(work));
}

}  // namespace holdfast::bench
