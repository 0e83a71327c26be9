// Erasures: the ranges of keys that a stretch of the log deletes, and where in it.
//
// Who: batch.h, replay.h. Single-threaded. Views must outlive it.
// Invariant: of every key the last range that covers it is known, and no other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "tree/erase_range.h"

namespace holdfast::store {

class Erasures {
 public:
  // Lays [begin, end) over what was added before; an empty end: to the last key. `order` grows
  // from call to call.
  void add(std::string_view begin, std::string_view end, uint64_t order);

  bool empty() const { return pieces_.empty(); }
  size_t piece_count() const { return pieces_.size(); }
  // The order of the last range that covers `key`.
  std::optional<uint64_t> order_at(std::string_view key) const;
  // All that is covered: ascending, disjoint, neighbours joined.
  std::vector<tree::KeyRange> ranges() const;

 private:
  struct Piece {
    std::string_view end;
    uint64_t order;
  };
  std::map<std::string_view, Piece> pieces_;  // by begin, disjoint
};

}  // namespace holdfast::store
