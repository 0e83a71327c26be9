#include "memory/fusion.h"

#include <algorithm>
#include <cmath>
#include <limits>
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

// From the least value to the greatest; nothing lies between these if all are equal.
class Range {
 public:
  void add(double value) {
    least_ = std::min(least_, value);
    greatest_ = std::max(greatest_, value);
  }
  bool is_empty() const { return least_ > greatest_; }
  double share(double value) const {
    return greatest_ > least_ ? (value - least_) / (greatest_ - least_) : 1;
  }

 private:
  double least_ = std::numeric_limits<double>::infinity();
  double greatest_ = -std::numeric_limits<double>::infinity();
};

// How near each candidate is that has a vector: the similarity, and where there are parts, half as
// much its share of these as that of the similarities.
std::vector<std::optional<double>> nearness_of(std::span<const FusionScores> candidates) {
  Range similarities;
  Range parts;
  for (const FusionScores& one : candidates) {
    if (one.similarity) similarities.add(*one.similarity);
    if (one.similarity && one.part) parts.add(*one.part);
  }
  std::vector<std::optional<double>> nearness;
  for (const FusionScores& one : candidates) {
    std::optional<double>& value = nearness.emplace_back(one.similarity);
    if (!value || parts.is_empty()) continue;
    const double of_all = similarities.share(*value);
    value = (of_all + (one.part ? parts.share(*one.part) : of_all)) / 2;
  }
  return nearness;
}

void fuse_convex(double vector_weight, double text_max,
                 std::span<const std::optional<double>> nearness,
                 std::span<FusionScores> candidates) {
  double text_best = 0;
  for (const FusionScores& one : candidates) text_best = std::max(text_best, one.text);
  Range range;
  for (const std::optional<double>& one : nearness) {
    if (one) range.add(*one);
  }
  const double missing = text_max > 0 ? std::clamp(1 - text_best / text_max, 0.0, 1.0) : 0.5;
  const double weight = weight_beside(vector_weight, missing);
  for (size_t i = 0; i < candidates.size(); ++i) {
    FusionScores& one = candidates[i];
    if (text_best > 0) one.text_share = (1 - weight) * one.text / text_best;
    if (nearness[i]) one.vector_share = weight * range.share(*nearness[i]);
  }
}

// `values` are those of the candidates. Equal ones share the best place of theirs.
void add_ranks(std::span<FusionScores> candidates, double weight, double FusionScores::*share,
               std::span<const std::optional<double>> values) {
  std::vector<double> sorted;
  for (const std::optional<double>& value : values) {
    if (value) sorted.push_back(*value);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!values[i]) continue;
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), *values[i], std::greater<>());
    candidates[i].*share = weight / (kRankOffset + 1 + static_cast<double>(place - sorted.begin()));
  }
}

}  // namespace

void fuse(Fusion fusion, double vector_weight, double text_max,
          std::span<FusionScores> candidates) {
  const auto nearness = nearness_of(candidates);
  if (fusion == Fusion::convex) return fuse_convex(vector_weight, text_max, nearness, candidates);
  std::vector<std::optional<double>> texts;
  for (const FusionScores& one : candidates) {
    texts.push_back(one.text > 0 ? std::optional(one.text) : std::nullopt);
  }
  add_ranks(candidates, 1 - vector_weight, &FusionScores::text_share, texts);
  add_ranks(candidates, vector_weight, &FusionScores::vector_share, nearness);
}

}  // namespace holdfast::memory
