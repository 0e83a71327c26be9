#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace holdfast {
namespace {

std::string pseudo_random_bytes(size_t size) {
  std::mt19937 generator(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

// One bit at a time, straight from the definition.
uint32_t crc32c_by_definition(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, PublishedVectorsMatch) {
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  for (const auto implementation : crc32c_implementations()) {
    EXPECT_EQ(implementation("", 0), 0u);
    EXPECT_EQ(implementation("123456789", 0), 0xe3069283u);
    EXPECT_EQ(implementation(std::string(32, '\0'), 0), 0x8a9136aau);
    EXPECT_EQ(implementation(std::string(32, '\xff'), 0), 0x62a8ab43u);
    EXPECT_EQ(implementation(ascending, 0), 0x46dd794eu);
  }
}

TEST(Crc32c, AllImplementationsAgreeAtEverySizeAndAlignment) {
  const std::string bytes = pseudo_random_bytes(16 << 10);
  const Crc32cImplementation portable = crc32c_implementations().front();
  for (const auto implementation : crc32c_implementations()) {
    for (size_t size = 0; size < 2600; ++size) {
      const std::string_view part = std::string_view(bytes).substr(size % 67, size);
      ASSERT_EQ(implementation(part, 0), portable(part, 0)) << size;
      ASSERT_EQ(implementation(part, 0xfedc1234), portable(part, 0xfedc1234)) << size;
    }
    for (size_t size = 4000; size < 9000; size += 7) {
      const std::string_view part = std::string_view(bytes).substr(size % 67, size);
      ASSERT_EQ(implementation(part, 0), portable(part, 0)) << size;
    }
    EXPECT_EQ(implementation(bytes, 0), crc32c_by_definition(bytes));
  }
}

TEST(Crc32c, EveryAlignmentOfAPageGivesTheSame) {
  const std::string page = pseudo_random_bytes(4096);
  const uint32_t expected = crc32c_by_definition(page);
  for (size_t offset = 0; offset < 64; ++offset) {
    const std::string shifted = std::string(offset, 'x') + page;
    for (const auto implementation : crc32c_implementations()) {
      ASSERT_EQ(implementation(std::string_view(shifted).substr(offset), 0), expected) << offset;
    }
  }
}

TEST(Crc32c, SplitAnywhereEqualsWhole) {
  const std::string bytes = pseudo_random_bytes(4500);
  const std::string_view whole = bytes;
  const uint32_t expected = crc32c_by_definition(whole);
  for (size_t split = 0; split <= whole.size(); ++split) {
    ASSERT_EQ(crc32c(whole.substr(split), crc32c(whole.substr(0, split))), expected) << split;
  }
}

TEST(Crc32c, AnyFlippedBitChangesTheSum) {
  std::string bytes = pseudo_random_bytes(4096);
  const uint32_t before = crc32c(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<char>(1 << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    ASSERT_NE(crc32c(bytes), before) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
}

}  // namespace
}  // namespace holdfast
