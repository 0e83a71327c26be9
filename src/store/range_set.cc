#include "store/range_set.h"

#include <algorithm>

namespace holdfast::store {

void RangeSet::add(std::string_view begin, std::string_view end) {
  if (end.empty()) {
    if (!unbounded_begin_ || begin < *unbounded_begin_) unbounded_begin_ = begin;
    return;
  }
  if (begin >= end) return;
  std::string first(begin);
  std::string last(end);
  // Joins every range that touches the new one.
  auto next = ranges_.upper_bound(first);
  if (next != ranges_.begin() && std::prev(next)->second >= first) --next;
  while (next != ranges_.end() && next->first <= last) {
    first = std::min(first, next->first);
    last = std::max(last, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace(std::move(first), std::move(last));
}

void RangeSet::clear() {
  ranges_.clear();
  unbounded_begin_.reset();
}

bool RangeSet::contains(std::string_view key) const {
  return end_of(key).has_value();
}

std::optional<std::string_view> RangeSet::end_of(std::string_view key) const {
  if (unbounded_begin_ && key >= *unbounded_begin_) return std::string_view();
  const auto next = ranges_.upper_bound(key);
  if (next == ranges_.begin() || key >= std::prev(next)->second) return std::nullopt;
  const std::string& end = std::prev(next)->second;
  return unbounded_begin_ && end >= *unbounded_begin_ ? std::string_view() : std::string_view(end);
}

bool RangeSet::overlaps(std::string_view begin, std::string_view end) const {
  if (!end.empty() && begin >= end) return false;
  if (contains(begin)) return true;
  if (unbounded_begin_ && (end.empty() || *unbounded_begin_ < end)) return true;
  const auto next = ranges_.upper_bound(begin);
  return next != ranges_.end() && (end.empty() || next->first < end);
}

}  // namespace holdfast::store
