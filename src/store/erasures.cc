#include "store/erasures.h"

#include <iterator>

namespace holdfast::store {

void Erasures::add(std::string_view begin, std::string_view end, uint64_t order) {
  if (!end.empty() && begin >= end) return;
  auto piece = pieces_.lower_bound(begin);
  if (piece != pieces_.begin()) {
    Piece& before = std::prev(piece)->second;
    if (before.end.empty() || before.end > begin) {
      pieces_.emplace(begin, before);  // the part from `begin` on; covered below
      before.end = begin;
    }
  }
  piece = pieces_.lower_bound(begin);
  while (piece != pieces_.end() && (end.empty() || piece->first < end)) {
    const Piece covered = piece->second;
    if (!end.empty() && (covered.end.empty() || covered.end > end)) pieces_.emplace(end, covered);
    piece = pieces_.erase(piece);
  }
  pieces_.insert_or_assign(begin, Piece{end, order});
}

std::optional<uint64_t> Erasures::order_at(std::string_view key) const {
  const auto next = pieces_.upper_bound(key);
  if (next == pieces_.begin()) return std::nullopt;
  const Piece& piece = std::prev(next)->second;
  if (!piece.end.empty() && key >= piece.end) return std::nullopt;
  return piece.order;
}

std::vector<tree::KeyRange> Erasures::ranges() const {
  std::vector<tree::KeyRange> joined;
  for (const auto& [begin, piece] : pieces_) {
    if (!joined.empty() && joined.back().end == begin) {
      joined.back().end = piece.end;
    } else {
      joined.push_back({begin, piece.end});
    }
  }
  return joined;
}

}  // namespace holdfast::store
