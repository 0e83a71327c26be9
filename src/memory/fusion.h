// Fusion: one score of what the words say and what a vector says.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <optional>
#include <span>

#include "holdfast/recall.h"

namespace holdfast::memory {

// Of one candidate; the shares are filled in.
struct FusionScores {
  double text = 0;                        // BM25; 0: it has none of the words
  std::optional<double> similarity = {};  // more is nearer; nullopt: it has no vector
  std::optional<double> part = {};        // cosine of the nearest part; nullopt: it has none
  double text_share = 0;
  double vector_share = 0;
};

// Shares depend on all candidates; `text_max` is what a text could score that has all of the words.
// REQUIRES: `vector_weight` is 0 to 1.
// How near a candidate is, is its similarity; where any has parts, the mean of what that is between
//   the least and the greatest, and the nearest part between the least and the greatest of these.
// convex: of the weights, as much as the text score is of the greatest, and as the nearness is
//   between the least and the greatest. The less the greatest text score is of `text_max`, the more
//   the vector weighs; at half of it, `vector_weight`.
// reciprocal_rank: the weights over 60 and the place by text score, and by nearness.
void fuse(Fusion fusion, double vector_weight, double text_max, std::span<FusionScores> candidates);

}  // namespace holdfast::memory
