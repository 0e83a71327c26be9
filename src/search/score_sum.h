// ScoreSum: the score of a document from those of its terms.
//
// Who: search/ only. Thread-safety: one thread at a time per object.
// Invariants:
//   1. It is the sum in the order of the terms, so that it does not depend on the order in which
//      they were added; of a term and those related to it the greatest score counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "search/text_query.h"

namespace holdfast::search {

class ScoreSum {
 public:
  ScoreSum() = default;
  explicit ScoreSum(const std::vector<QueryTerm>& terms);

  // Of a term of the query. Returns by how much the sum rises.
  double add(uint32_t term, double score) {
    double& most = most_[group_[term]];
    return score > most ? score - std::exchange(most, score) : 0;
  }
  // The sum, which begins anew.
  double take() {
    double sum = 0;
    for (double& most : most_) sum += std::exchange(most, 0);
    return sum;
  }

 private:
  std::vector<uint32_t> group_;  // by term
  std::vector<double> most_;     // by group, which are in the order of their first terms
};

inline ScoreSum::ScoreSum(const std::vector<QueryTerm>& terms) {
  uint32_t groups = 0;
  for (const QueryTerm& term : terms) {
    group_.push_back(term.related_to ? group_[*term.related_to] : groups++);
  }
  most_.resize(groups);
}

}  // namespace holdfast::search
