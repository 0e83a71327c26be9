#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace holdfast {
namespace {

std::string utf8_of(uint32_t point) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  const auto next = [&](int shift) { return byte(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), next(0)};
  if (point < 0x10000) return {byte(0xe0 | point >> 12), next(6), next(0)};
  return {byte(0xf0 | point >> 18), next(12), next(6), next(0)};
}

TEST(Utf8, EveryCharacterIsValidAndEverySurrogateIsNot) {
  for (uint32_t point = 0; point < 0x110000; ++point) {
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    ASSERT_EQ(utf8_valid(utf8_of(point)), !surrogate) << point;
  }
  EXPECT_FALSE(utf8_valid(utf8_of(0x110000)));
}

TEST(Utf8, OnlyTheCharactersOfTwoBytesAreValidPairs) {
  int valid_pairs = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      valid_pairs += utf8_valid(text);
    }
  }
  EXPECT_EQ(valid_pairs, 128 * 128 + (0x800 - 0x80));
}

TEST(Utf8, OverLongFormsAreRefused) {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                           "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_EQ(utf8_first_bad_byte(text), 0u);
  }
}

TEST(Utf8, OffsetOfTheFirstBadByteIsReported) {
  EXPECT_EQ(utf8_first_bad_byte(""), std::nullopt);
  EXPECT_EQ(utf8_first_bad_byte("plain text of some length"), std::nullopt);
  for (size_t size = 0; size < 40; ++size) {
    const std::string before(size, 'a');
    EXPECT_EQ(utf8_first_bad_byte(before + "\x80 and more text"), size);
    EXPECT_EQ(utf8_first_bad_byte(before + "\xe2\x82"), size) << "truncated at the end";
    EXPECT_EQ(utf8_first_bad_byte(before + "\xe2\x82\xac\xff"), size + 3);
  }
}

TEST(Utf8, APrefixEndsBetweenCharacters) {
  const std::string_view text =
      "a\xe2\x82\xac"
      "b";
  EXPECT_EQ(utf8_prefix(text, 0), "");
  EXPECT_EQ(utf8_prefix(text, 1), "a");
  EXPECT_EQ(utf8_prefix(text, 2), "a");
  EXPECT_EQ(utf8_prefix(text, 3), "a");
  EXPECT_EQ(utf8_prefix(text, 4), "a\xe2\x82\xac");
  EXPECT_EQ(utf8_prefix(text, 99), text);
}

}  // namespace
}  // namespace holdfast
