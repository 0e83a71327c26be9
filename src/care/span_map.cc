#include "care/span_map.h"

namespace holdfast::care {
namespace {

void append(std::vector<KeySpan>& spans, KeySpan span) {
  if (span.empty()) return;
  if (!spans.empty() && spans.back().upper == span.lower) {
    spans.back().upper = std::move(span.upper);
  } else {
    spans.push_back(std::move(span));
  }
}

}  // namespace

// Makes `key` the first of a span.
void SpanMap::cut(const std::string& key) {
  const auto after = spans_.upper_bound(key);
  const auto before = std::prev(after);
  if (before->first != key) spans_.emplace_hint(after, key, before->second);
}

void SpanMap::assign(const KeySpan& span, std::optional<uint64_t> version) {
  if (span.empty()) return;
  cut(span.lower);
  if (span.upper) cut(*span.upper);
  const auto first = spans_.find(span.lower);
  const auto last = span.upper ? spans_.find(*span.upper) : spans_.end();
  first->second = version;
  spans_.erase(std::next(first), last);
}

std::optional<uint64_t> SpanMap::at(std::string_view key) const {
  return std::prev(spans_.upper_bound(key))->second;
}

std::vector<KeySpan> SpanMap::unassigned() const {
  std::vector<KeySpan> spans;
  for (auto it = spans_.begin(); it != spans_.end(); ++it) {
    if (it->second) continue;
    const auto next = std::next(it);
    append(spans, {it->first, next == spans_.end() ? std::nullopt : std::optional(next->first)});
  }
  return spans;
}

std::optional<uint64_t> SpanMap::version_min() const {
  std::optional<uint64_t> least;
  for (const auto& [key, version] : spans_) {
    if (version && (!least || *version < *least)) least = version;
  }
  return least;
}

std::vector<KeySpan> SpanMap::behind(uint64_t version, const KeySpan& within) const {
  std::vector<KeySpan> spans;
  for (auto it = std::prev(spans_.upper_bound(within.lower)); it != spans_.end(); ++it) {
    if (within.upper && it->first >= *within.upper) break;
    if (it->second && *it->second >= version) continue;
    const auto next = std::next(it);
    const KeySpan span{it->first, next == spans_.end() ? std::nullopt : std::optional(next->first)};
    append(spans, span.intersection(within));
  }
  return spans;
}

}  // namespace holdfast::care
