// Neighbours: what a document's index says of the words beside a word, in a byte. Of each place
// where the word stands, the word behind it sets one of the lower four bits and the word before it
// one of the upper four, by the bytes of its term. Who lacks a bit lacks the phrase; who has it may
// have it, which the text itself tells (phrase.h).
//
// Who: search/ only. Thread-safety: pure functions.
// Invariants:
//   1. They are stored: another choice of bits is another kTextFormat.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/coding.h"

namespace holdfast::search {

// The first eight bytes of a term as a number, which sorts as they do; zeros where it has none.
inline uint64_t head_of(std::string_view term) {
  if (term.size() >= 8) return __builtin_bswap64(load_le<uint64_t>(term.data()));
  if (term.size() >= 4) {  // two halves, which overlap
    const uint64_t first = __builtin_bswap32(load_le<uint32_t>(term.data()));
    const uint64_t last = __builtin_bswap32(load_le<uint32_t>(term.data() + term.size() - 4));
    return first << 32 | last << 8 * (8 - term.size());
  }
  uint64_t head = 0;
  for (size_t i = 0; i < term.size(); ++i) head |= uint64_t{uint8_t(term[i])} << 8 * (7 - i);
  return head;
}

// The bit of a word that stands behind another one, by the head of its term: the upper bits of a
// product with the golden ratio, which depend on all of the head (Knuth, The Art of Computer
// Programming 3, 6.4).
inline uint8_t neighbour_behind(uint64_t head) {
  return static_cast<uint8_t>(1u << (head * 0x9e3779b97f4a7c15 >> 62));
}
inline uint8_t neighbour_before(uint64_t head) {
  return static_cast<uint8_t>(neighbour_behind(head) << 4);
}

}  // namespace holdfast::search
