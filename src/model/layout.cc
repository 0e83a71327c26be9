#include "model/layout.h"

#include <tuple>

namespace holdfast::model {

Status check_shape(const Shape& shape) {
  const auto within = [](uint32_t value, uint32_t least, uint32_t most, uint32_t multiple) {
    return value >= least && value <= most && value % multiple == 0;
  };
  const bool fits = within(shape.pieces, 1, 65'535, 1) && within(shape.width, 16, 4096, 16) &&
                    within(shape.hidden, 16, 4096, 16) && within(shape.ramp, 16, 8192, 16) &&
                    within(shape.heads, 1, 64, 1) && within(shape.positions, 1, 1024, 1) &&
                    within(shape.nodes, 1, 1u << 22, 1) && shape.width % shape.heads == 0 &&
                    shape.hidden % shape.heads == 0;
  if (fits) return Status::ok();
  return Status(StatusCode::kCorruption, "it is of a shape that no sentence model has");
}

std::pair<uint32_t, uint32_t> size_of(const Shape& shape, Layer layer) {
  const uint32_t width = shape.width;
  const uint32_t hidden = shape.hidden;
  switch (layer) {
    case Layer::kAttention0:
      return {width, 3 * width};
    case Layer::kJoin0:
    case Layer::kWiden0:
    case Layer::kWiden0Rest:
      return {width, hidden};
    case Layer::kAttention1:
      return {hidden, 3 * hidden};
    case Layer::kRamp0:
    case Layer::kRamp1:
      return {hidden, shape.ramp};
    case Layer::kBack0:
    case Layer::kBack1:
      return {shape.ramp, hidden};
    case Layer::kJoin1:
    case Layer::kLast:
      break;
  }
  return {hidden, hidden};
}

uint32_t size_of(const Shape& shape, Norm norm) {
  return norm == Norm::kAttention0 ? shape.width : shape.hidden;
}

Layout layout_of(const Shape& shape) {
  Layout layout;
  uint64_t end = sizeof(Header);
  const auto take = [&](uint64_t size) {
    const uint64_t begin = end;
    end += (size + kAlignment - 1) / kAlignment * kAlignment;
    return begin;
  };
  const uint64_t row_numbers = uint64_t{shape.pieces} * shape.width;
  layout.nodes = take(uint64_t{shape.nodes} * sizeof(Node));
  layout.scores = take(uint64_t{shape.pieces} * sizeof(float));
  layout.row_scales = take(uint64_t{shape.pieces} * sizeof(float));
  layout.rows = take(row_numbers);
  layout.places = take(uint64_t{shape.positions} * shape.width * sizeof(float));
  for (size_t i = 0; i < kNorms; ++i) {
    NormPlace& norm = layout.norms[i];
    norm.count = size_of(shape, static_cast<Norm>(i));
    norm.gain = take(uint64_t{norm.count} * sizeof(float));
    norm.bias = take(uint64_t{norm.count} * sizeof(float));
  }
  for (size_t i = 0; i < kLayers; ++i) {
    MatrixPlace& layer = layout.layers[i];
    std::tie(layer.inputs, layer.outputs) = size_of(shape, static_cast<Layer>(i));
    layer.scales = take(uint64_t{layer.outputs} * sizeof(float));
    layer.bias = take(uint64_t{layer.outputs} * sizeof(float));
    layer.sums = take(uint64_t{layer.outputs} * sizeof(int32_t));
    layer.weights = take(uint64_t{layer.inputs} * layer.outputs);
  }
  layout.size = end;
  return layout;
}

}  // namespace holdfast::model
