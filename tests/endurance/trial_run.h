// A pass over some of the simulation tests, in a forked child that ends at the first failure.
#pragma once

#include <cstdint>
#include <string>

#include "os/sim/crash_loop.h"

namespace holdfast::sim {

struct TrialOptions {
  std::string filter;  // of gtest
  LoopPolicy policy = {.failures_max = 1};
  int fault = 0;  // planted_fault
};

struct TrialRun {
  std::string test;  // which failed; "": none
  std::string message;
  LoopTotals totals;
  double seconds = 0;
  double processor_seconds = 0;
};

// One that runs, beside others.
class TrialProcess {
 public:
  explicit TrialProcess(const TrialOptions& options);
  TrialProcess(const TrialProcess&) = delete;
  TrialProcess& operator=(const TrialProcess&) = delete;
  // REQUIRES: finish() was called.
  ~TrialProcess();

  // The child, for waitpid.
  int pid() const { return pid_; }
  // `status`: what waitpid said of it.
  TrialRun finish(int status);

 private:
  struct Finding;
  std::string filter_;
  Finding* finding_;
  int pid_;
  double begin_seconds_;
};

// Runs one and waits for it.
TrialRun play(const TrialOptions& options);

// In this process, with gtest's own output. Returns the exit code.
int play_here(const std::string& filter);

}  // namespace holdfast::sim
