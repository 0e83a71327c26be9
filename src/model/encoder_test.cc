#include "model/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/test_model.h"

namespace holdfast::model {
namespace {

using Rows = std::vector<std::vector<float>>;

// The same network, of the numbers that the file was made of, as one would write it down.
class PlainEncoder {
 public:
  explicit PlainEncoder(const Source& source) : source_(source) {}

  std::vector<float> encode(const std::vector<uint16_t>& pieces) const {
    Rows inputs;
    for (size_t p = 0; p < pieces.size(); ++p) {
      inputs.emplace_back();
      for (size_t i = 0; i < kTestShape.width; ++i) {
        inputs[p].push_back(2 * source_.rows[pieces[p] * kTestShape.width + i] +
                            source_.places[p * kTestShape.width + i]);
      }
    }
    Rows states = applied(Layer::kWiden0, inputs);
    add(states, attended(Norm::kAttention0, Layer::kAttention0, Layer::kJoin0, inputs));
    add(states, thought(Norm::kRamp0, Layer::kRamp0, Layer::kBack0, states));
    add(states, attended(Norm::kAttention1, Layer::kAttention1, Layer::kJoin1, states));
    add(states, thought(Norm::kRamp1, Layer::kRamp1, Layer::kBack1, states));
    Rows mean(1, std::vector<float>(kTestShape.hidden));
    for (const auto& state : states) {
      for (size_t i = 0; i < state.size(); ++i) {
        mean[0][i] += state[i] / static_cast<float>(states.size());
      }
    }
    std::vector<float> out = applied(Layer::kLast, mean)[0];
    float square = 0;
    for (float& value : out) {
      value = std::tanh(value);
      square += value * value;
    }
    for (float& value : out) value /= std::sqrt(square);
    return out;
  }

 private:
  Rows applied(Layer layer, const Rows& values) const {
    const FloatMatrix& matrix = source_.layers[static_cast<size_t>(layer)];
    Rows out;
    for (const auto& row : values) {
      out.push_back(matrix.bias);
      for (size_t i = 0; i < matrix.inputs; ++i) {
        for (size_t o = 0; o < matrix.outputs; ++o) {
          out.back()[o] += row[i] * matrix.weights[i * matrix.outputs + o];
        }
      }
    }
    return out;
  }
  Rows normalized(Norm norm, const Rows& values) const {
    const FloatNorm& own = source_.norms[static_cast<size_t>(norm)];
    Rows out = values;
    for (auto& row : out) {
      float mean = 0;
      float square = 0;
      const auto count = static_cast<float>(row.size());
      for (const float value : row) mean += value / count;
      for (const float value : row) square += (value - mean) * (value - mean) / count;
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = (row[i] - mean) / std::sqrt(square + 1e-6f) * own.gain[i] + own.bias[i];
      }
    }
    return out;
  }
  Rows attended(Norm norm, Layer attention, Layer join, const Rows& values) const {
    const Rows all = applied(attention, normalized(norm, values));
    const size_t width = values[0].size();
    const size_t size = width / kTestShape.heads;
    Rows mixed(values.size(), std::vector<float>(width));
    for (size_t p = 0; p < values.size(); ++p) {
      for (size_t head = 0; head < kTestShape.heads; ++head) {
        std::vector<float> weights;
        float sum = 0;
        for (const auto& other : all) {
          float product = 0;
          for (size_t i = head * size; i < (head + 1) * size; ++i) {
            product += all[p][i] * other[width + i];
          }
          weights.push_back(std::exp(product / std::sqrt(static_cast<float>(size))));
          sum += weights.back();
        }
        for (size_t other = 0; other < all.size(); ++other) {
          for (size_t i = head * size; i < (head + 1) * size; ++i) {
            mixed[p][i] += weights[other] / sum * all[other][2 * width + i];
          }
        }
      }
    }
    return applied(join, mixed);
  }
  Rows thought(Norm norm, Layer ramp, Layer back, const Rows& values) const {
    Rows middle = applied(ramp, normalized(norm, values));
    for (auto& row : middle) {
      for (float& value : row) value = std::max(value, 0.0f);
    }
    return applied(back, middle);
  }
  static void add(Rows& to, const Rows& values) {
    for (size_t p = 0; p < to.size(); ++p) {
      for (size_t i = 0; i < to[p].size(); ++i) to[p][i] += values[p][i];
    }
  }

  const Source& source_;
};

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  double square_a = 0;
  double square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(square_a * square_b);
}

TEST(Encoder, IsTheNetworkWrittenDownOnEveryInstructionSet) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    const Source source = test_source(seed);
    AlignedBytes bytes(*model_file(source));
    const auto model = Model::of(bytes.view());
    ASSERT_TRUE(model);
    std::mt19937 engine(seed);
    for (size_t count = 1; count <= kTestShape.positions; ++count) {
      std::vector<uint16_t> pieces(count);
      for (uint16_t& piece : pieces) piece = static_cast<uint16_t>(engine() % kTestShape.pieces);
      const std::vector<float> expected = PlainEncoder(source).encode(pieces);
      std::vector<vector::NetworkKernels> every = vector::every_network_kernels();
      every.push_back(vector::plain_network_kernels());
      for (const vector::NetworkKernels& kernels : every) {
        const std::vector<float> seen = Encoder(**model, kernels).encode(pieces);
        EXPECT_GT(cosine(seen, expected), 0.999) << kernels.name << " " << seed << " " << count;
        EXPECT_NEAR(cosine(seen, seen), 1, 1e-6);
      }
    }
  }
}

TEST(Encoder, TheOrderOfPiecesMatters) {
  AlignedBytes bytes(*model_file(test_source()));
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  Encoder encoder(**model);
  const uint16_t one[] = {3, 4, 5};
  const uint16_t other[] = {5, 4, 3};
  EXPECT_LT(cosine(encoder.encode(one), encoder.encode(other)), 0.999);
}

TEST(Encoder, WhatIsBeyondItsPositionsIsNotRead) {
  AlignedBytes bytes(*model_file(test_source()));
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  Encoder encoder(**model);
  std::vector<uint16_t> pieces(kTestShape.positions, 3);
  const std::vector<float> whole = encoder.encode(pieces);
  pieces.resize(3 * kTestShape.positions, 9);
  EXPECT_EQ(encoder.encode(pieces), whole);
}

TEST(Encoder, NoPiecesHaveAVectorToo) {
  AlignedBytes bytes(*model_file(test_source()));
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  Encoder encoder(**model);
  const std::vector<float> nothing = encoder.encode({});
  EXPECT_NEAR(cosine(nothing, nothing), 1, 1e-6);
  for (const float value : nothing) EXPECT_TRUE(std::isfinite(value));
}

// What a longer text has left behind in its buffers.
TEST(Encoder, IsTheSameAfterALongerText) {
  AlignedBytes bytes(*model_file(test_source()));
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  const std::vector<uint16_t> pieces = {3, 4};
  const std::vector<float> fresh = Encoder(**model).encode(pieces);
  Encoder used(**model);
  const std::vector<uint16_t> longer(kTestShape.positions, 7);
  static_cast<void>(used.encode(longer));
  EXPECT_EQ(used.encode(pieces), fresh);
}

}  // namespace
}  // namespace holdfast::model
