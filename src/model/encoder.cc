#include "model/encoder.h"

#include <algorithm>
#include <cmath>

namespace holdfast::model {
namespace {

using vector::Finish;

constexpr float kVarianceMin = 1e-6f;

}  // namespace

void Encoder::apply(Layer layer, const std::vector<float>& values, Finish finish,
                    std::vector<float>& out) {
  const vector::ByteMatrix& matrix = model_.layer(layer);
  const size_t rows = values.size() / matrix.inputs;
  out.resize(rows * matrix.outputs);
  kernels_.to_bytes(values.data(), rows, matrix.inputs, bytes_);
  kernels_.apply(matrix, bytes_, rows, finish, out.data());
}

void Encoder::normalize(Norm norm, const std::vector<float>& values) {
  const NormView& view = model_.norm(norm);
  const size_t count = values.size() / rows_;
  normal_.resize(values.size());
  for (size_t row = 0; row < rows_; ++row) {
    kernels_.normalize(values.data() + row * count, view.gain, view.bias, kVarianceMin, count,
                       normal_.data() + row * count);
  }
}

// The row of each piece counts twice beside that of its place.
void Encoder::begin(std::span<const uint16_t> pieces) {
  const uint32_t width = model_.shape().width;
  rows_ = pieces.size();
  inputs_.resize(rows_ * width);
  for (size_t row = 0; row < rows_; ++row) {
    const int8_t* const bytes = model_.row(pieces[row]);
    const float scale = 2 * model_.row_scale(pieces[row]);
    const float* const place = model_.place(static_cast<uint32_t>(row));
    float* const out = inputs_.data() + row * width;
    for (uint32_t i = 0; i < width; ++i) out[i] = scale * static_cast<float>(bytes[i]) + place[i];
  }
}

// wide_ has the query, the key and the value of each row, each of all heads; mixed_ gets the values
// of all rows, weighted by how well their keys fit the row's query.
void Encoder::mix(uint32_t width) {
  const uint32_t size = width / model_.shape().heads;
  const float scale = 1 / std::sqrt(static_cast<float>(size));
  mixed_.assign(rows_ * width, 0);
  weights_.resize(rows_);
  for (uint32_t begin = 0; begin < width; begin += size) {
    for (size_t row = 0; row < rows_; ++row) {
      const float* const query = wide_.data() + row * 3 * width + begin;
      for (size_t other = 0; other < rows_; ++other) {
        const float* const key = wide_.data() + (other * 3 + 1) * width + begin;
        weights_[other] = scale * kernels_.dot(query, key, size);
      }
      kernels_.softmax(weights_.data(), rows_);
      float* const out = mixed_.data() + row * width + begin;
      for (size_t other = 0; other < rows_; ++other) {
        const float* const value = wide_.data() + (other * 3 + 2) * width + begin;
        kernels_.add_scaled(out, weights_[other], value, size);
      }
    }
  }
}

void Encoder::attend(Norm norm, Layer attention, Layer join, const std::vector<float>& values) {
  normalize(norm, values);
  apply(attention, normal_, Finish::kStore, wide_);
  mix(model_.layer(attention).inputs);
  apply(join, mixed_, Finish::kAdd, states_);
}

void Encoder::think(Norm norm, Layer ramp, Layer back) {
  normalize(norm, states_);
  apply(ramp, normal_, Finish::kRamp, wide_);
  apply(back, wide_, Finish::kAdd, states_);
}

std::vector<float> Encoder::encode(std::span<const uint16_t> pieces) {
  const uint32_t hidden = model_.shape().hidden;
  pieces = pieces.first(std::min<size_t>(pieces.size(), model_.shape().positions));
  std::vector<float> mean(hidden);
  if (!pieces.empty()) {
    begin(pieces);
    apply(Layer::kWiden0, inputs_, Finish::kStore, states_);
    apply(Layer::kWiden0Rest, inputs_, Finish::kAdd, states_);
    attend(Norm::kAttention0, Layer::kAttention0, Layer::kJoin0, inputs_);
    think(Norm::kRamp0, Layer::kRamp0, Layer::kBack0);
    attend(Norm::kAttention1, Layer::kAttention1, Layer::kJoin1, states_);
    think(Norm::kRamp1, Layer::kRamp1, Layer::kBack1);
    const float share = 1 / static_cast<float>(rows_);
    for (size_t row = 0; row < rows_; ++row) {
      kernels_.add_scaled(mean.data(), share, states_.data() + row * hidden, hidden);
    }
  }
  std::vector<float> out;
  apply(Layer::kLast, mean, Finish::kStore, out);
  double square = 0;
  for (float& value : out) {
    value = std::tanh(value);
    square += static_cast<double>(value) * value;
  }
  const auto scale = static_cast<float>(1 / std::sqrt(std::max(square, 1e-12)));
  for (float& value : out) value *= scale;
  return out;
}

}  // namespace holdfast::model
