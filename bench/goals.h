// Goals: what is asked of Holdfast, as data, each beside what the same run measured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/summary.h"

namespace holdfast::bench {

enum class Bound : uint8_t { kAtLeast, kAtMost };

// `figure` of Holdfast in `workload` is at least, or at most, `factor` times the same figure of
// `beside`: an engine, "sqlite*" (the better of its variants), "peers" (the best of all that are
// neither Holdfast nor a floor), or "" for an absolute bound.
struct Goal {
  std::string_view workload;
  uint32_t processes;
  std::string_view figure;
  Bound bound;
  double factor;
  std::string_view beside;
  std::string_view beside_workload = {};  // where it is another
  std::string_view ours = "holdfast";
};

struct Outcome {
  const Goal* goal;
  double measured = 0;
  double limit = 0;
  std::string beside;  // the engine that sets the limit
  // 1 or more: the goal is met.
  double ratio() const;
};

// Those goals for which the run has both sides.
std::vector<Outcome> judge(const Summaries& summaries);

// "at least 0.85 x group_floor"
std::string describe(const Outcome& outcome);

}  // namespace holdfast::bench
