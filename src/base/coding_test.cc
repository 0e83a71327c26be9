#include "base/coding.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace holdfast {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

std::vector<uint64_t> interesting_values() {
  std::vector<uint64_t> values = {0, 1, kMax};
  for (int shift = 1; shift < 64; ++shift) {
    const uint64_t power = uint64_t{1} << shift;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

TEST(Coding, VarintsRoundTrip) {
  for (const uint64_t value : interesting_values()) {
    std::string bytes;
    append_varint(bytes, value);
    EXPECT_EQ(bytes.size(), varint_size(value));
    bytes += "rest";
    std::string_view left = bytes;
    EXPECT_EQ(take_varint(left), value);
    EXPECT_EQ(left, "rest");
  }
}

TEST(Coding, TruncatedVarintIsRefusedAndNothingIsTaken) {
  for (const uint64_t value : interesting_values()) {
    std::string bytes;
    append_varint(bytes, value);
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::string_view left = std::string_view(bytes).substr(0, size);
      EXPECT_EQ(take_varint(left), std::nullopt);
      EXPECT_EQ(left.size(), size);
    }
  }
}

TEST(Coding, OverLongVarintIsRefused) {
  const std::string eleven_bytes = std::string(10, '\x80') + '\x01';
  const std::string sixty_five_bits = std::string(9, '\xff') + '\x02';
  const std::string padded_zero("\x80\x00", 2);
  const std::string padded_one("\x81\x80\x00", 3);
  for (const std::string& bytes : {eleven_bytes, sixty_five_bits, padded_zero, padded_one}) {
    std::string_view left = bytes;
    EXPECT_EQ(take_varint(left), std::nullopt);
    EXPECT_EQ(left, bytes);
  }
}

TEST(Coding, StringsRoundTrip) {
  std::string bytes;
  const std::string with_zero("a\0b", 3);
  const std::string longer(300, 'x');
  append_string(bytes, "");
  append_string(bytes, with_zero);
  append_string(bytes, longer);
  std::string_view left = bytes;
  EXPECT_EQ(take_string(left), "");
  EXPECT_EQ(take_string(left), with_zero);
  EXPECT_EQ(take_string(left), longer);
  EXPECT_TRUE(left.empty());
}

TEST(Coding, TruncatedStringIsRefusedAndNothingIsTaken) {
  std::string bytes;
  append_string(bytes, "content");
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view left = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(take_string(left), std::nullopt);
    EXPECT_EQ(left.size(), size);
  }
}

TEST(Coding, StringLengthBeyondMemoryIsRefused) {
  std::string bytes;
  append_varint(bytes, kMax);
  std::string_view left = bytes;
  EXPECT_EQ(take_string(left), std::nullopt);
}

TEST(Coding, FixedWidthIntegersAreLittleEndianAtAnyAlignment) {
  char bytes[12] = {};
  store_le<uint32_t>(bytes + 1, 0x01020304);
  EXPECT_EQ(std::string_view(bytes, 6), std::string_view("\0\4\3\2\1\0", 6));
  EXPECT_EQ(load_le<uint32_t>(bytes + 1), 0x01020304u);
}

}  // namespace
}  // namespace holdfast
