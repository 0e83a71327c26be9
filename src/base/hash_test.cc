#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace holdfast {
namespace {

TEST(HashTest, DependsOnEveryByteAndOnTheSeed) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string bytes(size, 'a');
    std::set<uint64_t> seen = {hash_of(bytes, 1), hash_of(bytes, 2), hash_of(bytes + '\0', 1)};
    for (size_t i = 0; i < size; ++i) {
      std::string other = bytes;
      other[i] = 'b';
      seen.insert(hash_of(other, 1));
    }
    EXPECT_EQ(seen.size(), size + 3);
  }
}

TEST(HashTest, SpreadsCountersOverTheLowBits) {
  constexpr size_t kSlots = 1024;
  constexpr size_t kKeys = 16 * kSlots;
  std::vector<size_t> slots(kSlots);
  for (size_t i = 0; i < kKeys; ++i) ++slots[hash_of("key/" + std::to_string(i), 7) % kSlots];
  // Of chance alone each has 16, give or take 4: none is empty, and none has three times as many.
  for (const size_t count : slots) {
    EXPECT_GT(count, 0u);
    EXPECT_LT(count, 48u);
  }
}

}  // namespace
}  // namespace holdfast
