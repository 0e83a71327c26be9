// Encoder: the vector of a text's pieces, by a model.
//
// Who: model/ and embed/. Thread-safety: one thread at a time per object.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model.h"
#include "vector/network.h"

namespace holdfast::model {

class Encoder {
 public:
  // `model` must outlive it.
  explicit Encoder(const Model& model,
                   const vector::NetworkKernels& kernels = vector::network_kernels())
      : model_(model), kernels_(kernels) {}

  // Of length 1. Pieces beyond the model's positions are not read.
  std::vector<float> encode(std::span<const uint16_t> pieces);

 private:
  void apply(Layer layer, const std::vector<float>& values, vector::Finish finish,
             std::vector<float>& out);
  void normalize(Norm norm, const std::vector<float>& values);
  void begin(std::span<const uint16_t> pieces);
  // Adds to `states_` what each row learns from the others.
  void attend(Norm norm, Layer attention, Layer join, const std::vector<float>& values);
  void mix(uint32_t width);
  void think(Norm norm, Layer ramp, Layer back);

  const Model& model_;
  const vector::NetworkKernels& kernels_;
  size_t rows_ = 0;
  std::vector<float> inputs_;  // rows_ * width
  std::vector<float> states_;  // rows_ * hidden
  std::vector<float> normal_, wide_, mixed_, weights_;
  vector::ByteRows bytes_;
};

}  // namespace holdfast::model
