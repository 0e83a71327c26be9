// SpanMap: for every key, from which version on the log still has to be followed to know it.
//
// Who: care/salvage. One thread at a time.
// Invariants:
//   1. Every key belongs to exactly one span.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "care/tree_walk.h"

namespace holdfast::care {

class SpanMap {
 public:
  SpanMap() { spans_[""] = std::nullopt; }

  void assign(const KeySpan& span, std::optional<uint64_t> version);
  std::optional<uint64_t> at(std::string_view key) const;
  // Spans without a version, joined where they touch.
  std::vector<KeySpan> unassigned() const;
  // The lowest version of all spans that have one.
  std::optional<uint64_t> version_min() const;
  // Spans that have one below `version`, or none, within `within`.
  std::vector<KeySpan> behind(uint64_t version, const KeySpan& within) const;

 private:
  void cut(const std::string& key);
  std::map<std::string, std::optional<uint64_t>, std::less<>> spans_;  // by their first key
};

}  // namespace holdfast::care
