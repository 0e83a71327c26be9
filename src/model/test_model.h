// A small model of numbers drawn at random, for tests.
#pragma once

#include <cmath>
#include <random>

#include "model/layout.h"
#include "model/model.h"

namespace holdfast::model {

constexpr Shape kTestShape = {
    .pieces = 24, .width = 16, .hidden = 32, .ramp = 48, .heads = 2, .positions = 12, .nodes = 0};

// Pieces of "the cat", "the cats" and so on; 0 is what is unknown, 1 stands for no text.
inline std::vector<Piece> test_pieces() {
  return {{"", 0},           {"", 0},    {"\u2581", -4}, {"\u2581the", -1},
          {"\u2581cat", -3}, {"s", -3},  {"t", -5},      {"h", -5},
          {"e", -5},         {"c", -5},  {"a", -5},      {"\u2581t", -4.5f},
          {"he", -4},        {"at", -4}, {"\u00e9", -6}, {"cats", -9}};
}

inline Source test_source(uint32_t seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  const auto floats = [&](size_t count, float scale) {
    std::vector<float> out(count);
    for (float& value : out) value = scale * normal(engine);
    return out;
  };
  Source source;
  source.shape = kTestShape;
  source.name = "test";
  source.version = "1";
  source.pieces = test_pieces();
  source.rows = floats(size_t{kTestShape.pieces} * kTestShape.width, 1);
  source.places = floats(size_t{kTestShape.positions} * kTestShape.width, 0.5f);
  for (size_t i = 0; i < kNorms; ++i) {
    const uint32_t count = size_of(kTestShape, static_cast<Norm>(i));
    source.norms[i] = {floats(count, 1), floats(count, 0.1f)};
  }
  for (size_t i = 0; i < kLayers; ++i) {
    const auto [inputs, outputs] = size_of(kTestShape, static_cast<Layer>(i));
    const float scale = 1 / std::sqrt(static_cast<float>(inputs));
    source.layers[i] = {inputs, outputs, floats(size_t{inputs} * outputs, scale),
                        floats(outputs, 0.1f)};
  }
  return source;
}

// Bytes as a mapping would have them.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::string_view bytes)
      : blocks_((bytes.size() + kAlignment - 1) / kAlignment), size_(bytes.size()) {
    bytes.copy(data(), size_);
  }
  char* data() { return reinterpret_cast<char*>(blocks_.data()); }
  std::string_view view() { return {data(), size_}; }

 private:
  struct alignas(kAlignment) Block {
    char bytes[kAlignment];
  };
  std::vector<Block> blocks_;
  size_t size_;
};

}  // namespace holdfast::model
