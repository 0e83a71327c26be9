// A hash of bytes for tables in memory; never written to a file, so that it may change.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/coding.h"

namespace holdfast {

// Every bit of the result depends on all of `bytes` and of `seed`. Who cannot know the seed cannot
// choose keys that meet. Eight bytes at a time: multiplied by an odd number whose bits look random,
// the high half folded onto the low one, which alone decides about a table's slot.
inline uint64_t hash_of(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFactor = 0x9fb21c651e98df25;
  const auto mixed = [](uint64_t value) {
    value *= kFactor;
    return value ^ value >> 32;
  };
  uint64_t hash = mixed(seed ^ bytes.size() * kFactor);
  for (; bytes.size() >= sizeof(uint64_t); bytes.remove_prefix(sizeof(uint64_t))) {
    hash = mixed(hash ^ load_le<uint64_t>(bytes.data()));
  }
  uint64_t rest = 0;
  for (const char c : bytes) rest = rest << 8 | static_cast<uint8_t>(c);
  return mixed(hash ^ rest);
}

}  // namespace holdfast
