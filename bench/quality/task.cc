#include "bench/quality/task.h"

#include <algorithm>
#include <cmath>

namespace holdfast::bench {

void Quality::add(const std::vector<std::string>& ranked, const std::set<std::string>& answers) {
  constexpr size_t kDepth = 10;
  ++questions;
  double in_5 = 0;
  double in_10 = 0;
  double gain = 0;
  double gain_max = 0;
  bool is_first = true;
  for (size_t i = 0; i < kDepth; ++i) {
    const double discount = 1 / std::log2(static_cast<double>(i) + 2);
    if (i < answers.size()) gain_max += discount;
    if (i >= ranked.size() || !answers.contains(ranked[i])) continue;
    gain += discount;
    in_5 += i < 5 ? 1 : 0;
    in_10 += 1;
    if (is_first) reciprocal_rank += 1 / static_cast<double>(i + 1);
    is_first = false;
  }
  const auto all = static_cast<double>(answers.size());
  recall_5 += in_5 / all;
  recall_10 += in_10 / all;
  any_5 += in_5 > 0 ? 1 : 0;
  all_5 += in_5 == all ? 1 : 0;
  ndcg_10 += gain / gain_max;
}

double separation(std::vector<double> greater, std::vector<double> less) {
  if (greater.empty() || less.empty()) return 0;
  std::sort(less.begin(), less.end());
  double sum = 0;
  for (const double one : greater) {
    const auto [first, last] = std::equal_range(less.begin(), less.end(), one);
    sum += static_cast<double>(first - less.begin()) + static_cast<double>(last - first) / 2;
  }
  return sum / static_cast<double>(greater.size()) / static_cast<double>(less.size());
}

}  // namespace holdfast::bench
