#include "vector/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace holdfast::vector {
namespace {

class Draw {
 public:
  std::vector<float> floats(size_t count, float scale = 1) {
    std::normal_distribution<float> normal(0, scale);
    std::vector<float> out(count);
    for (float& value : out) value = normal(engine_);
    return out;
  }
  int8_t byte() { return static_cast<int8_t>(static_cast<int>(engine_() % 255) - 127); }

 private:
  std::mt19937 engine_{7};
};

struct OwnMatrix {
  OwnMatrix(Draw& draw, uint32_t in, uint32_t out)
      : weights(size_t{in} * out),
        scales(draw.floats(out, 0.01f)),
        bias(draw.floats(out)),
        sums(out) {
    for (uint32_t o = 0; o < out; ++o) {
      for (uint32_t i = 0; i < in; ++i) {
        const int8_t byte = draw.byte();
        weights[weight_place(in, o, i)] = byte;
        sums[o] += byte;
      }
    }
    matrix = {in, out, weights.data(), scales.data(), sums.data(), bias.data()};
  }

  std::vector<int8_t> weights;
  std::vector<float> scales, bias;
  std::vector<int32_t> sums;
  ByteMatrix matrix;
};

void expect_near(const std::vector<float>& seen, const std::vector<float>& expected,
                 const std::string& what) {
  ASSERT_EQ(seen.size(), expected.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_NEAR(seen[i], expected[i], 1e-4f * (1 + std::fabs(expected[i]))) << what << " " << i;
  }
}

constexpr size_t kLengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 100, 768, 1023};
constexpr size_t kRowCounts[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 21};

std::vector<float> applied(const NetworkKernels& kernels, const ByteMatrix& matrix,
                           const std::vector<float>& values, Finish finish) {
  const size_t rows = values.size() / matrix.inputs;
  std::vector<float> out(rows * matrix.outputs, 0.5f);
  ByteRows bytes;
  kernels.to_bytes(values.data(), rows, matrix.inputs, bytes);
  kernels.apply(matrix, bytes, rows, finish, out.data());
  return out;
}

TEST(Network, TheBestOfThisMachineIsChosen) {
  EXPECT_STREQ(network_kernels().name, every_network_kernels().front().name);
}

TEST(Network, LayersAreThoseOfPlainLoops) {
  Draw draw;
  for (const auto& [in, out] : {std::pair(4u, 16u), {20u, 48u}, {64u, 32u}, {260u, 80u}}) {
    const OwnMatrix own(draw, in, out);
    for (const size_t rows : kRowCounts) {
      const std::vector<float> values = draw.floats(rows * in);
      for (const Finish finish : {Finish::kStore, Finish::kRamp, Finish::kAdd}) {
        const auto expected = applied(plain_network_kernels(), own.matrix, values, finish);
        for (const NetworkKernels& one : every_network_kernels()) {
          expect_near(applied(one, own.matrix, values, finish), expected,
                      std::string(one.name) + " " + std::to_string(rows));
        }
      }
    }
  }
}

// 127 * 255 for each input: no 16 bits hold two of them, and no sum may wrap.
TEST(Network, TheGreatestBytesDoNotOverflow) {
  constexpr uint32_t kInputs = kNetworkInputsMax;
  std::vector<int8_t> weights(size_t{kInputs} * kPanelOutputs);
  for (uint32_t o = 0; o < kPanelOutputs; ++o) {
    for (uint32_t i = 0; i < kInputs; ++i) {
      weights[weight_place(kInputs, o, i)] = o % 2 == 0 ? 127 : -127;
    }
  }
  const std::vector<float> scales(kPanelOutputs, 1);
  const std::vector<float> bias(kPanelOutputs);
  std::vector<int32_t> sums;
  for (uint32_t o = 0; o < kPanelOutputs; ++o) {
    sums.push_back(static_cast<int32_t>(kInputs) * (o % 2 == 0 ? 127 : -127));
  }
  const ByteMatrix matrix = {kInputs,       kPanelOutputs, weights.data(),
                             scales.data(), sums.data(),   bias.data()};
  for (const float sign : {1.0f, -1.0f}) {
    const std::vector<float> values(kInputs, 255 * sign);
    for (const NetworkKernels& one : every_network_kernels()) {
      const std::vector<float> out = applied(one, matrix, values, Finish::kStore);
      for (uint32_t o = 0; o < kPanelOutputs; ++o) {
        const float expected = sign * (o % 2 == 0 ? 1.0f : -1.0f) * 255 * 127 * kInputs;
        ASSERT_FLOAT_EQ(out[o], expected) << one.name;
      }
    }
  }
}

TEST(Network, BytesAreNearTheirNumbers) {
  Draw draw;
  // One output each that is its input.
  std::vector<int8_t> weights(size_t{16} * 16);
  std::vector<int32_t> sums(16, 1);
  for (uint32_t i = 0; i < 16; ++i) weights[weight_place(16, i, i)] = 1;
  const std::vector<float> scales(16, 1);
  const std::vector<float> bias(16);
  const ByteMatrix same = {16, 16, weights.data(), scales.data(), sums.data(), bias.data()};
  for (const NetworkKernels& one : every_network_kernels()) {
    for (const float shift : {-5.0f, 0.0f, 5.0f}) {
      std::vector<float> values = draw.floats(16);
      for (float& value : values) value += shift;
      float least = 0;
      float most = 0;
      for (const float value : values) {
        least = std::min(least, value);
        most = std::max(most, value);
      }
      const std::vector<float> out = applied(one, same, values, Finish::kStore);
      for (size_t i = 0; i < 16; ++i) {
        ASSERT_NEAR(out[i], values[i], (most - least) / 255) << one.name;
      }
    }
    EXPECT_EQ(applied(one, same, std::vector<float>(16), Finish::kStore), std::vector<float>(16));
  }
}

TEST(Network, RowsAreNormalizedAsByPlainLoops) {
  Draw draw;
  for (const size_t count : kLengths) {
    const std::vector<float> values = draw.floats(count, 3);
    const std::vector<float> gain = draw.floats(count);
    const std::vector<float> bias = draw.floats(count);
    std::vector<float> expected(count);
    plain_network_kernels().normalize(values.data(), gain.data(), bias.data(), 1e-6f, count,
                                      expected.data());
    for (const NetworkKernels& one : every_network_kernels()) {
      std::vector<float> out(count);
      one.normalize(values.data(), gain.data(), bias.data(), 1e-6f, count, out.data());
      expect_near(out, expected, one.name);
    }
  }
}

TEST(Network, SharesAreThoseOfPlainLoopsAndSumToOne) {
  Draw draw;
  for (const size_t count : kLengths) {
    const std::vector<float> values = draw.floats(count, 8);
    std::vector<float> expected = values;
    plain_network_kernels().softmax(expected.data(), count);
    for (const NetworkKernels& one : every_network_kernels()) {
      std::vector<float> out = values;
      one.softmax(out.data(), count);
      expect_near(out, expected, one.name);
      float sum = 0;
      for (const float share : out) sum += share;
      EXPECT_NEAR(sum, 1, 1e-4) << one.name;
    }
  }
}

TEST(Network, SumsOfFloatsAreThoseOfPlainLoops) {
  Draw draw;
  for (const size_t count : kLengths) {
    const std::vector<float> a = draw.floats(count);
    const std::vector<float> b = draw.floats(count);
    std::vector<float> expected = a;
    plain_network_kernels().add_scaled(expected.data(), 0.3f, b.data(), count);
    const float product = plain_network_kernels().dot(a.data(), b.data(), count);
    for (const NetworkKernels& one : every_network_kernels()) {
      EXPECT_NEAR(one.dot(a.data(), b.data(), count), product,
                  1e-5f * static_cast<float>(count) + 1e-5f)
          << one.name;
      std::vector<float> out = a;
      one.add_scaled(out.data(), 0.3f, b.data(), count);
      expect_near(out, expected, one.name);
    }
  }
}

}  // namespace
}  // namespace holdfast::vector
