#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>

#include "base/crc32c.h"
#include "model/layout.h"

namespace holdfast::model {
namespace {

Status unfit(const std::string& what) {
  return Status(StatusCode::kInvalidArgument, "this makes no sentence model: " + what);
}

struct Branch {
  std::map<uint8_t, Branch> children;
  uint16_t piece = 0;
};

// Level by level: the children of a node follow each other.
std::vector<Node> nodes_of(const std::vector<Piece>& pieces) {
  Branch root;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].text.empty()) continue;
    Branch* branch = &root;
    for (const char byte : pieces[i].text) branch = &branch->children[static_cast<uint8_t>(byte)];
    branch->piece = static_cast<uint16_t>(i);
  }
  std::vector<Node> nodes = {Node()};
  std::deque<std::pair<const Branch*, size_t>> open = {{&root, 0}};
  for (; !open.empty(); open.pop_front()) {
    const auto [branch, at] = open.front();
    nodes[at].first_child = static_cast<uint32_t>(nodes.size());
    nodes[at].children = static_cast<uint8_t>(branch->children.size());
    for (const auto& [byte, child] : branch->children) {
      open.emplace_back(&child, nodes.size());
      nodes.push_back({.piece = child.piece, .byte = byte});
    }
  }
  return nodes;
}

// The scale by which the greatest number becomes 127.
float scale_of(float greatest) {
  return greatest > 0 ? greatest / 127 : 1;
}
int8_t byte_of(float value, float scale) {
  return static_cast<int8_t>(std::clamp(std::lrint(value / scale), -127l, 127l));
}

}  // namespace

class ModelWriter {
 public:
  explicit ModelWriter(const Source& source)
      : source_(source), nodes_(nodes_of(source.pieces)), shape_(source.shape) {
    shape_.nodes = static_cast<uint32_t>(nodes_.size());
  }

  Result<std::string> write();

 private:
  Status check() const;
  void put_rows();
  // What the bytes leave over of each weight.
  FloatMatrix put_matrix(const MatrixPlace& place, const FloatMatrix& matrix);
  template <typename T>
  void put(uint64_t offset, const std::vector<T>& values) {
    std::memcpy(bytes_.data() + offset, values.data(), values.size() * sizeof(T));
  }

  const Source& source_;
  const std::vector<Node> nodes_;
  Shape shape_;
  Layout layout_;
  std::string bytes_;
};

Status ModelWriter::check() const {
  if (!check_shape(shape_)) return unfit("its shape is none");
  const size_t row_numbers = size_t{shape_.pieces} * shape_.width;
  if (source_.pieces.size() > shape_.pieces || source_.rows.size() != row_numbers ||
      source_.places.size() != size_t{shape_.positions} * shape_.width) {
    return unfit("a table has another size");
  }
  for (size_t i = 0; i < kNorms; ++i) {
    const size_t count = size_of(shape_, static_cast<Norm>(i));
    if (source_.norms[i].gain.size() != count || source_.norms[i].bias.size() != count) {
      return unfit("a norm has another size");
    }
  }
  for (size_t i = 0; i < kLayers; ++i) {
    if (static_cast<Layer>(i) == Layer::kWiden0Rest) continue;
    const FloatMatrix& layer = source_.layers[i];
    const std::pair<uint32_t, uint32_t> size = size_of(shape_, static_cast<Layer>(i));
    if (std::pair(layer.inputs, layer.outputs) != size || layer.bias.size() != size.second ||
        layer.weights.size() != size_t{size.first} * size.second) {
      return unfit("layer " + std::to_string(i) + " has another size");
    }
  }
  if (source_.name.size() >= kNameSize || source_.version.size() >= kNameSize) {
    return unfit("its name is too long");
  }
  return Status::ok();
}

void ModelWriter::put_rows() {
  std::vector<int8_t> rows(source_.rows.size());
  std::vector<float> scales(shape_.pieces);
  for (size_t piece = 0; piece < shape_.pieces; ++piece) {
    const float* const row = source_.rows.data() + piece * shape_.width;
    float greatest = 0;
    for (size_t i = 0; i < shape_.width; ++i) greatest = std::max(greatest, std::fabs(row[i]));
    scales[piece] = scale_of(greatest);
    for (size_t i = 0; i < shape_.width; ++i) {
      rows[piece * shape_.width + i] = byte_of(row[i], scales[piece]);
    }
  }
  put(layout_.rows, rows);
  put(layout_.row_scales, scales);
}

FloatMatrix ModelWriter::put_matrix(const MatrixPlace& place, const FloatMatrix& matrix) {
  std::vector<int8_t> weights(matrix.weights.size());
  std::vector<float> scales(matrix.outputs);
  std::vector<int32_t> sums(matrix.outputs);
  FloatMatrix rest = {matrix.inputs, matrix.outputs, matrix.weights,
                      std::vector<float>(matrix.outputs)};
  for (uint32_t output = 0; output < matrix.outputs; ++output) {
    const auto weight = [&](uint32_t input) {
      return matrix.weights[size_t{input} * matrix.outputs + output];
    };
    float greatest = 0;
    for (uint32_t i = 0; i < matrix.inputs; ++i)
      greatest = std::max(greatest, std::fabs(weight(i)));
    const float scale = scale_of(greatest);
    scales[output] = scale;
    for (uint32_t i = 0; i < matrix.inputs; ++i) {
      const int8_t byte = byte_of(weight(i), scale);
      weights[vector::weight_place(matrix.inputs, output, i)] = byte;
      sums[output] += byte;
      rest.weights[size_t{i} * matrix.outputs + output] -= scale * static_cast<float>(byte);
    }
  }
  put(place.weights, weights);
  put(place.scales, scales);
  put(place.sums, sums);
  put(place.bias, matrix.bias);
  return rest;
}

Result<std::string> ModelWriter::write() {
  HOLDFAST_TRY(check());
  layout_ = layout_of(shape_);
  bytes_.assign(layout_.size, 0);
  put(layout_.nodes, nodes_);
  std::vector<float> scores;
  for (const Piece& piece : source_.pieces) scores.push_back(piece.score);
  put(layout_.scores, scores);
  put_rows();
  put(layout_.places, source_.places);
  for (size_t i = 0; i < kNorms; ++i) {
    put(layout_.norms[i].gain, source_.norms[i].gain);
    put(layout_.norms[i].bias, source_.norms[i].bias);
  }
  FloatMatrix widen_rest;
  for (size_t i = 0; i < kLayers; ++i) {
    const auto layer = static_cast<Layer>(i);
    const bool is_rest = layer == Layer::kWiden0Rest;
    FloatMatrix rest = put_matrix(layout_.layers[i], is_rest ? widen_rest : source_.layers[i]);
    if (layer == Layer::kWiden0) widen_rest = std::move(rest);
  }
  Header header;
  header.size = layout_.size;
  header.shape = shape_;
  source_.name.copy(header.name, kNameSize);
  source_.version.copy(header.version, kNameSize);
  std::memcpy(bytes_.data(), &header, sizeof(header));
  header.crc = crc32c(std::string_view(bytes_).substr(kCrcEnd));
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return std::move(bytes_);
}

Result<std::string> model_file(const Source& source) {
  return ModelWriter(source).write();
}

}  // namespace holdfast::model
