// What is measured of a kind, and the processes that do it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "bench/engine.h"
#include "bench/histogram.h"

namespace holdfast::bench {

struct Outcome {
  double rate = 0;
  double p50_us = 0;
  double p99_us = 0;
  double max_us = 0;
};

inline Outcome outcome_of(const Histogram& durations, double rate) {
  return {rate, static_cast<double>(durations.percentile_ns(0.5)) / 1e3,
          static_cast<double>(durations.percentile_ns(0.99)) / 1e3,
          static_cast<double>(durations.max_ns()) / 1e3};
}

inline pid_t start(const std::function<void()>& body) {
  const pid_t child = fork();
  require(child >= 0, "cannot fork");
  if (child == 0) {
    body();
    _exit(0);
  }
  return child;
}

inline void join(pid_t child) {
  int state = 0;
  require(waitpid(child, &state, 0) == child && state == 0, "a worker failed");
}

}  // namespace holdfast::bench
