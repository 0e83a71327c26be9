#include "store/key_sort.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace holdfast::store {
namespace {

struct Thing {
  std::string_view key;
  uint32_t order;
};

// With so many other keys behind them that they are not sorted as the few.
void expect_sorted_like_stable_sort(std::vector<std::string> keys) {
  for (size_t i = 0; i <= kFewThings; ++i) keys.push_back(keys.empty() ? "z" : keys.front() + "z");
  std::vector<Thing> things;
  for (const std::string& key : keys) things.push_back({key, static_cast<uint32_t>(things.size())});
  std::vector<Thing> expected = things;
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Thing& a, const Thing& b) { return a.key < b.key; });
  sort_by_key(things);
  ASSERT_EQ(things.size(), expected.size());
  for (size_t i = 0; i < things.size(); ++i) {
    EXPECT_EQ(things[i].key, expected[i].key);
    EXPECT_EQ(things[i].order, expected[i].order);
  }
}

TEST(KeySortTest, NothingAndFewThingsAreSorted) {
  std::vector<Thing> things;
  sort_by_key(things);
  EXPECT_TRUE(things.empty());
  things = {{"b", 0}, {"a", 1}, {"b", 2}};
  sort_by_key(things);
  EXPECT_EQ(things[0].order, 1u);
  EXPECT_EQ(things[1].order, 0u);
  EXPECT_EQ(things[2].order, 2u);
}

TEST(KeySortTest, ShorterKeysAndZerosComeFirst) {
  const std::string zero(1, '\0');
  expect_sorted_like_stable_sort({"p" + zero + zero, "p" + zero, "p", "q", "p" + zero + "a"});
}

TEST(KeySortTest, BytesAreUnsigned) {
  expect_sorted_like_stable_sort({"k\xff", "k\x7f", "k\x80", "k\x01"});
}

TEST(KeySortTest, KeysThatDifferLateAreCompared) {
  expect_sorted_like_stable_sort({"b123456789", "a123456789", "a123456788", "a12345678"});
}

TEST(KeySortTest, EqualKeysKeepTheirOrder) {
  std::mt19937 random(7);
  for (const size_t size_max : {2, 12}) {
    std::vector<std::string> keys;
    for (int i = 0; i < 2000; ++i) {
      std::string key = "shared/";
      for (size_t size = random() % size_max; size > 0; --size) {
        key.push_back(static_cast<char>("\0a\xffz"[random() % 4]));
      }
      keys.push_back(key);
    }
    expect_sorted_like_stable_sort(keys);
  }
}

}  // namespace
}  // namespace holdfast::store
