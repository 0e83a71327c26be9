#include "memory/fusion.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace holdfast::memory {
namespace {

constexpr double kRankOffset = 60;

// The odds of the vector, times e where no text has any of the words, and divided by e where one
// has all that it could.
double weight_beside(double vector_weight, double missing) {
  const double odds = vector_weight * std::exp(2 * missing - 1);
  return odds / (odds + 1 - vector_weight);
}

void fuse_convex(double vector_weight, double text_max, std::span<FusionScores> candidates) {
  double text_best = 0;
  std::optional<double> least;
  std::optional<double> greatest;
  for (const FusionScores& one : candidates) {
    text_best = std::max(text_best, one.text);
    if (!one.similarity) continue;
    least = std::min(least.value_or(*one.similarity), *one.similarity);
    greatest = std::max(greatest.value_or(*one.similarity), *one.similarity);
  }
  const double missing = text_max > 0 ? std::clamp(1 - text_best / text_max, 0.0, 1.0) : 0.5;
  const double weight = weight_beside(vector_weight, missing);
  for (FusionScores& one : candidates) {
    if (text_best > 0) one.text_share = (1 - weight) * one.text / text_best;
    if (!one.similarity) continue;
    const double range = *greatest - *least;
    one.vector_share = weight * (range > 0 ? (*one.similarity - *least) / range : 1);
  }
}

// Equal ones share the best place of theirs.
template <typename Value>
void add_ranks(std::span<FusionScores> candidates, double weight, double FusionScores::*share,
               const Value& value_of) {
  std::vector<double> values;
  for (const FusionScores& one : candidates) {
    if (const std::optional<double> value = value_of(one)) values.push_back(*value);
  }
  std::sort(values.begin(), values.end(), std::greater<>());
  for (FusionScores& one : candidates) {
    const std::optional<double> value = value_of(one);
    if (!value) continue;
    const auto place = std::lower_bound(values.begin(), values.end(), *value, std::greater<>());
    one.*share = weight / (kRankOffset + 1 + static_cast<double>(place - values.begin()));
  }
}

}  // namespace

void fuse(Fusion fusion, double vector_weight, double text_max,
          std::span<FusionScores> candidates) {
  if (fusion == Fusion::convex) return fuse_convex(vector_weight, text_max, candidates);
  add_ranks(candidates, 1 - vector_weight, &FusionScores::text_share, [](const FusionScores& one) {
    return one.text > 0 ? std::optional(one.text) : std::nullopt;
  });
  add_ranks(candidates, vector_weight, &FusionScores::vector_share,
            [](const FusionScores& one) { return one.similarity; });
}

}  // namespace holdfast::memory
