// The context that a hook gives to an agent: what is remembered, within a budget of tokens, the
// best in full, then shorter, then as an index of what else there is.
//
// Thread-safety: pure functions.
// Invariants:
//   1. The text is never over the budget.
//   2. It stands between the marks of holdfast/digest.h, which nothing in it can close: what was
//      injected is not captured again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "holdfast/recall.h"

namespace holdfast::hooks {

// How much of an observation is shown.
enum class Detail : uint8_t {
  kIndex,     // what it is about
  kTimeline,  // and when it was, where it came from, the best of it
  kFull,      // all of it, up to some 2,000 bytes
};

struct ContextOptions {
  size_t tokens_max = 1'500;  // as holdfast::estimate_tokens guesses
  Detail most = Detail::kFull;
  std::string heading = {};  // a line at the beginning
};

struct ContextText {
  std::string text = {};  // empty: nothing fits
  size_t tokens = 0;
  std::vector<std::string> ids = {};
  size_t left_out = 0;
};

// The first half of the budget is for the first ones as `most` says, up to three quarters for the
// next ones one step shorter, the rest for the index.
ContextText make_context(std::span<const RecallHit> hits, const ContextOptions& options);

}  // namespace holdfast::hooks
