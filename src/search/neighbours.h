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

namespace holdfast::search {

// The first eight bytes of a term as a number, which sorts as they do.
inline uint64_t head_of(std::string_view term) {
  uint64_t head = 0;
  for (size_t i = 0; i < 8; ++i) head = head << 8 | (i < term.size() ? uint8_t(term[i]) : 0u);
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
