#include "store/range_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace holdfast::store {
namespace {

std::string text_of(const RangeSet& ranges) {
  std::string text;
  ranges.for_each([&](std::string_view begin, std::string_view end) {
    text += "[" + std::string(begin) + "," + std::string(end) + ")";
  });
  return text;
}

TEST(RangeSetTest, RangesThatTouchAreJoined) {
  RangeSet ranges;
  ranges.add("b", "d");
  ranges.add("f", "h");
  EXPECT_EQ(text_of(ranges), "[b,d)[f,h)");
  ranges.add("d", "f");
  EXPECT_EQ(text_of(ranges), "[b,h)");
  ranges.add("g", "");
  EXPECT_EQ(text_of(ranges), "[b,)");
  ranges.add("a", "");
  EXPECT_EQ(text_of(ranges), "[a,)");
}

TEST(RangeSetTest, TheEndOfARangeIsThatOfWhatItWasJoinedWith) {
  RangeSet ranges;
  ranges.add("b", "d");
  EXPECT_EQ(ranges.end_of("a"), std::nullopt);
  EXPECT_EQ(ranges.end_of("b"), "d");
  EXPECT_EQ(ranges.end_of("d"), std::nullopt);
  ranges.add("c", "");
  EXPECT_EQ(ranges.end_of("b"), "");
}

TEST(RangeSetTest, ARangeThatEndsWhereTheUnboundedOneBeginsHasNoEnd) {
  RangeSet ranges;
  ranges.add("b", "d");
  ranges.add("d", "");
  EXPECT_EQ(ranges.end_of("b"), "");
  EXPECT_EQ(ranges.end_of("c"), "");
  RangeSet apart;
  apart.add("b", "d");
  apart.add("e", "");
  EXPECT_EQ(apart.end_of("b"), "d");
}

TEST(RangeSetTest, RandomRangesMatchASetOfKeys) {
  std::mt19937 random(5);
  const auto key = [&] { return std::string(1, static_cast<char>('a' + random() % 20)); };
  for (int round = 0; round < 300; ++round) {
    RangeSet ranges;
    std::set<char> in;
    for (unsigned i = 0; i < random() % 6; ++i) {
      const std::string begin = key();
      const std::string end = random() % 8 == 0 ? "" : key();
      ranges.add(begin, end);
      for (char c = begin[0]; c < (end.empty() ? '{' : end[0]); ++c) in.insert(c);
    }
    for (char c = 'a'; c < 'u'; ++c) {
      ASSERT_EQ(ranges.contains(std::string(1, c)), in.count(c) == 1) << text_of(ranges) << c;
    }
    const std::string begin = key();
    const std::string end = key();
    const bool overlaps = begin < end && in.lower_bound(begin[0]) != in.lower_bound(end[0]);
    ASSERT_EQ(ranges.overlaps(begin, end), overlaps) << text_of(ranges) << begin << end;
    ASSERT_EQ(ranges.overlaps(begin, ""), in.lower_bound(begin[0]) != in.end());
  }
}

}  // namespace
}  // namespace holdfast::store
