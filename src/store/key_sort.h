// Sorts things by their `key` (a std::string_view), equal ones in the order they had. For hundreds
// of thousands that lie all over the memory: compares eight bytes behind what all keys share, and
// looks at the keys themselves only where these are the same.
//
// Who: store/. Stateless. Needs 16 bytes of memory for each thing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "tree/page_builder.h"

namespace holdfast::store {

// So few are sorted as they are.
inline constexpr size_t kFewThings = 32;

struct SortKey {
  uint64_t head;   // the bytes behind the shared ones, the first the most significant
  uint32_t index;  // where it stood
};

inline uint64_t sort_head(std::string_view key) {
  char bytes[8] = {};
  key.copy(bytes, sizeof(bytes));
  uint64_t head;
  std::memcpy(&head, bytes, sizeof(head));
  return __builtin_bswap64(head);
}

// Puts things[order[i].index] at i, for every i; leaves `order` spoilt.
template <typename Thing>
void permute(std::vector<Thing>& things, std::vector<SortKey>& order) {
  for (uint32_t start = 0; start < things.size(); ++start) {
    if (order[start].index == start) continue;
    Thing first = std::move(things[start]);
    uint32_t hole = start;
    while (order[hole].index != start) {
      const uint32_t from = order[hole].index;
      things[hole] = std::move(things[from]);
      order[hole].index = hole;
      hole = from;
    }
    things[hole] = std::move(first);
    order[hole].index = hole;
  }
}

template <typename Thing>
void sort_by_key(std::vector<Thing>& things) {
  const auto by_key = [](const Thing& a, const Thing& b) { return a.key < b.key; };
  if (std::is_sorted(things.begin(), things.end(), by_key)) return;
  if (things.size() <= kFewThings) return std::stable_sort(things.begin(), things.end(), by_key);
  const std::string_view first = things.front().key;
  size_t shared = first.size();
  for (const Thing& thing : things) {
    shared = std::min<size_t>(shared, tree::common_prefix(first.substr(0, shared), thing.key));
  }
  std::vector<SortKey> order;
  order.reserve(things.size());
  for (const Thing& thing : things) {
    order.push_back({sort_head(thing.key.substr(shared)), static_cast<uint32_t>(order.size())});
  }
  std::sort(order.begin(), order.end(), [&](const SortKey& a, const SortKey& b) {
    if (a.head != b.head) return a.head < b.head;
    const int compared = things[a.index].key.compare(things[b.index].key);
    return compared != 0 ? compared < 0 : a.index < b.index;
  });
  permute(things, order);
}

}  // namespace holdfast::store
