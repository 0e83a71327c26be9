// Random: a small seeded generator, the only source of chance in a simulated machine.
//
// Who: this room and simulation tests. Not thread-safe.
// Invariant: the same seed gives the same numbers on every machine.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace holdfast::sim {

// How likely something is at each trial, with what trials_until() would compute again and again.
struct Odds {
  explicit Odds(double chance) : probability(chance), log_of_miss(std::log1p(-chance)) {}
  double probability;
  double log_of_miss;
};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64.
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // In [0, bound). REQUIRES: bound > 0.
  uint64_t below(uint64_t bound) { return next() % bound; }

  bool chance(double probability) {
    return probability > 0 && static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }

  // How many trials until one succeeds: at least 1, UINT64_MAX for never. One call in place of a
  // draw per trial keeps the step of a machine cheap.
  uint64_t trials_until(const Odds& odds) {
    if (odds.probability <= 0) return UINT64_MAX;
    if (odds.probability >= 1) return 1;
    const double uniform = (static_cast<double>(next() >> 11) + 1) * 0x1p-53;  // (0, 1]
    const double trials = std::log(uniform) / odds.log_of_miss;
    return trials > 1e18 ? UINT64_MAX : 1 + static_cast<uint64_t>(trials);
  }

  void fill(char* out, size_t size) {
    for (; size >= 8; size -= 8, out += 8) {
      const uint64_t value = next();
      std::memcpy(out, &value, 8);
    }
    const uint64_t value = next();
    std::memcpy(out, &value, size);
  }

 private:
  uint64_t state_;
};

}  // namespace holdfast::sim
