#include "base/ordered_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace holdfast {
namespace {

std::string encoded(std::string_view value) {
  std::string out;
  append_ordered_string(out, value);
  return out;
}

std::string encoded(uint64_t value) {
  std::string out;
  append_ordered_u64(out, value);
  return out;
}

// Every string of at most three bytes of an alphabet with the delicate ones in it.
std::vector<std::string> delicate_strings() {
  const std::string alphabet("\x00\x01\x02\x61\xfe\xff", 6);
  std::vector<std::string> strings = {""};
  for (size_t begin = 0, length = 0; length < 3; ++length) {
    const size_t end = strings.size();
    for (; begin < end; ++begin) {
      for (const char byte : alphabet) strings.push_back(strings[begin] + byte);
    }
  }
  return strings;
}

TEST(OrderedKey, StringsKeepTheirOrder) {
  const std::vector<std::string> strings = delicate_strings();
  for (const std::string& a : strings) {
    for (const std::string& b : strings) ASSERT_EQ(a < b, encoded(a) < encoded(b));
  }
}

TEST(OrderedKey, NoEncodedStringIsAPrefixOfAnother) {
  const std::vector<std::string> strings = delicate_strings();
  for (const std::string& a : strings) {
    for (const std::string& b : strings) {
      if (a == b) continue;
      ASSERT_NE(encoded(a).substr(0, encoded(b).size()), encoded(b));
    }
  }
}

TEST(OrderedKey, TuplesOfStringsKeepTheirOrder) {
  std::vector<std::string> strings = delicate_strings();
  strings.resize(43);
  for (const std::string& a : strings) {
    for (const std::string& b : strings) {
      const auto tuple = std::make_pair(a, b);
      const auto other = std::make_pair(b, std::string("m"));
      ASSERT_EQ(tuple < other, encoded(a) + encoded(b) < encoded(b) + encoded("m"));
    }
  }
}

TEST(OrderedKey, StringsRoundTrip) {
  for (const std::string& value : delicate_strings()) {
    const std::string bytes = encoded(value) + "rest";
    std::string_view left = bytes;
    ASSERT_EQ(take_ordered_string(left), value);
    ASSERT_EQ(left, "rest");
  }
}

TEST(OrderedKey, TruncatedOrMalformedStringIsRefusedAndNothingIsTaken) {
  const std::string whole = encoded(std::string_view("a\0b", 3));
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string_view left = std::string_view(whole).substr(0, size);
    EXPECT_EQ(take_ordered_string(left), std::nullopt);
    EXPECT_EQ(left.size(), size);
  }
  std::string_view unknown_mark("a\0\2\0\1", 5);
  EXPECT_EQ(take_ordered_string(unknown_mark), std::nullopt);
  EXPECT_EQ(unknown_mark.size(), 5u);
}

TEST(OrderedKey, IntegersKeepTheirOrderAndRoundTrip) {
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  const std::vector<uint64_t> values = {0, 1, 255, 256, 65535, 1u << 31, max / 2, max / 2 + 1, max};
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  for (const uint64_t a : values) {
    for (const uint64_t b : values) EXPECT_EQ(a < b, encoded(a) < encoded(b));
    const std::string bytes = encoded(a);
    std::string_view left = bytes;
    EXPECT_EQ(take_ordered_u64(left), a);
    EXPECT_TRUE(left.empty());
    left = std::string_view(bytes).substr(1);
    EXPECT_EQ(take_ordered_u64(left), std::nullopt);
    EXPECT_EQ(left.size(), 7u);
  }
}

TEST(OrderedKey, PrefixEndIsJustAboveAllThatBeginsWithThePrefix) {
  EXPECT_EQ(ordered_prefix_end("ab"), "ac");
  EXPECT_EQ(ordered_prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(ordered_prefix_end(std::string(1, '\x7f')), std::string(1, '\x80'));
  EXPECT_EQ(ordered_prefix_end("\xff\xff"), "");
  EXPECT_EQ(ordered_prefix_end(""), "");
}

}  // namespace
}  // namespace holdfast
