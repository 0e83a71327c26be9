#include "vector/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

namespace holdfast::vector {
namespace {

class Numbers {
 public:
  std::vector<float> floats(size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> out(count);
    for (float& value : out) value = normal(engine_);
    return out;
  }
  std::string bytes(size_t count) {
    std::string out(count, 0);
    for (char& byte : out) byte = static_cast<char>(engine_() & 0xff);
    return out;
  }

 private:
  std::mt19937 engine_{7};
};

// One byte off every alignment.
std::string unaligned(const std::vector<float>& values) {
  std::string out(1 + values.size() * sizeof(float), 0);
  std::memcpy(out.data() + 1, values.data(), values.size() * sizeof(float));
  return out;
}

constexpr size_t kCounts[] = {1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 100, 768, 1023, 8192};

TEST(Kernels, TheBestOfThisMachineIsChosen) {
  EXPECT_STREQ(kernels().name, every_kernels().front().name);
}

TEST(Kernels, SumsAreThoseOfPlainLoops) {
  Numbers numbers;
  const Kernels& plain = plain_kernels();
  for (const Kernels& one : every_kernels()) {
    for (const size_t count : kCounts) {
      const std::vector<float> a = numbers.floats(count);
      const std::string b = unaligned(numbers.floats(count));
      const float near = 1e-5f * static_cast<float>(count) + 1e-5f;
      EXPECT_NEAR(one.dot(a.data(), b.data() + 1, count), plain.dot(a.data(), b.data() + 1, count),
                  near)
          << one.name << " " << count;
      EXPECT_NEAR(one.distance_square(a.data(), b.data() + 1, count),
                  plain.distance_square(a.data(), b.data() + 1, count), near)
          << one.name << " " << count;
      EXPECT_NEAR(one.square_sum(b.data() + 1, count), plain.square_sum(b.data() + 1, count), near)
          << one.name << " " << count;
    }
  }
}

TEST(Kernels, HadamardIsThatOfPlainLoopsAndItsOwnInverse) {
  Numbers numbers;
  for (const Kernels& one : every_kernels()) {
    for (size_t count = 1; count <= 8192; count *= 2) {
      const std::vector<float> before = numbers.floats(count);
      std::vector<float> values = before;
      std::vector<float> expected = before;
      one.hadamard(values.data(), count);
      plain_kernels().hadamard(expected.data(), count);
      EXPECT_EQ(values, expected) << one.name << " " << count;
      one.hadamard(values.data(), count);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NEAR(values[i] / static_cast<float>(count), before[i], 1e-4) << one.name;
      }
    }
  }
}

TEST(Kernels, GroupsAreScoredAsByPlainLoops) {
  Numbers numbers;
  for (const Kernels& one : every_kernels()) {
    for (const size_t rows : {1u, 2u, 31u, 96u, 256u, 257u, 1024u}) {
      CodeQuery query{.tables = {}, .base = 0.5f, .scale = 0.01f, .offset = -3, .slack = 1.5f};
      const std::string tables = numbers.bytes(rows * 32);
      // The most there can be, too: no sum may overflow.
      for (const char byte : tables) {
        query.tables.push_back(rows == 257 ? 127 : static_cast<uint8_t>(byte) & 127);
      }
      std::string group = unaligned(numbers.floats(3 * kGroupSize));
      group += numbers.bytes(rows * kGroupSize);
      ASSERT_EQ(group.size(), 1 + group_size_bytes(rows));
      float expected[kGroupSize];
      float bounds[kGroupSize];
      plain_kernels().score_group(query, group.data() + 1, 0, expected);
      std::vector<float> sorted(expected, expected + kGroupSize);
      std::sort(sorted.begin(), sorted.end());
      const float threshold = (sorted[40] + sorted[41]) / 2;
      const uint64_t over = one.score_group(query, group.data() + 1, threshold, bounds);
      for (size_t i = 0; i < kGroupSize; ++i) {
        ASSERT_NEAR(bounds[i], expected[i], 1e-4f * (1 + std::fabs(expected[i]))) << one.name;
        ASSERT_EQ(over >> i & 1, bounds[i] > threshold ? 1u : 0u) << one.name << " " << i;
      }
      EXPECT_NE(over, 0u);
      EXPECT_NE(~over, 0u);
    }
  }
}

}  // namespace
}  // namespace holdfast::vector
