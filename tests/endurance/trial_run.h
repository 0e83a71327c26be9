// One pass over some of the simulation tests, in a forked child that ends at the first failure.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::sim {

struct TrialOptions {
  std::string filter;  // of gtest
  uint64_t seed_shift = 0;
  int fault = 0;  // planted_fault
  unsigned batch_seconds_max = ~0u;
};

struct TrialRun {
  std::string test;  // which failed; "": none
  std::string message;
  uint64_t runs = 0;  // of scenarios, of all loops
  double seconds = 0;
};

TrialRun play(const TrialOptions& options);

// In this process, with gtest's own output. Returns the exit code.
int play_here(const std::string& filter);

}  // namespace holdfast::sim
