// Model: a small sentence model as it stands in its file (docs/format.md, "A sentence model"),
// mapped and read in place.
//
// Text becomes pieces (tokenizer.h), pieces become a vector (encoder.h): each piece has a row of
// numbers, to which its place is added; two layers of attention follow, the first of which makes
// the rows longer; their mean goes through a last layer.
//
// Who: model/ and embed/. Thread-safety: a Model never changes; any number of threads.
// Invariants:
//   1. What a Model points to matched the checksum of the file when it was opened.
//   2. Every link and number that is used as a place was found to be within its bounds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "os/os.h"
#include "vector/network.h"

namespace holdfast::model {

struct Shape {
  uint32_t pieces = 0;  // rows of numbers; 0 is that of what is unknown
  uint32_t width = 0;   // of a piece's row
  uint32_t hidden = 0;  // of the rows behind the first layer, and of the vector
  uint32_t ramp = 0;    // of a layer's middle
  uint32_t heads = 0;
  uint32_t positions = 0;  // pieces of a text that are read
  uint32_t nodes = 0;      // of the pieces' tree

  bool operator==(const Shape&) const = default;
};
// Errors: Corruption: no model has this shape.
Status check_shape(const Shape& shape);

// A tree of the bytes of all pieces. Its root is node 0; children follow each other by byte.
struct Node {
  uint32_t first_child = 0;
  uint16_t piece = 0;  // that ends here; 0: none
  uint8_t children = 0;
  uint8_t byte = 0;
};
static_assert(sizeof(Node) == 8);

enum class Layer : uint8_t {
  kAttention0,  // query, key and value
  kJoin0,
  kWiden0,      // what the first layer adds its results to
  kWiden0Rest,  // what rounding left over of it: its weights are the coarsest
  kRamp0,
  kBack0,
  kAttention1,
  kJoin1,
  kRamp1,
  kBack1,
  kLast,
};
constexpr size_t kLayers = 11;

enum class Norm : uint8_t { kAttention0, kRamp0, kAttention1, kRamp1 };
constexpr size_t kNorms = 4;

struct NormView {
  const float* gain = nullptr;
  const float* bias = nullptr;
};

class Model {
 public:
  // Errors: those of the file; Corruption: it is damaged or no model; Unsupported: of a newer form.
  static Result<std::unique_ptr<Model>> open(os::Os& os, const std::string& path);
  // The same of bytes in memory. REQUIRES: aligned to 64 bytes; they outlive it.
  static Result<std::unique_ptr<Model>> of(std::string_view bytes);

  const Shape& shape() const { return shape_; }
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }

  const Node& node(uint32_t i) const { return nodes_[i]; }
  float piece_score(uint32_t piece) const { return scores_[piece]; }
  // The row of a piece is its scale times these.
  const int8_t* row(uint32_t piece) const { return rows_ + size_t{piece} * shape_.width; }
  float row_scale(uint32_t piece) const { return row_scales_[piece]; }
  const float* place(uint32_t position) const { return places_ + size_t{position} * shape_.width; }
  const NormView& norm(Norm norm) const { return norms_[static_cast<size_t>(norm)]; }
  const vector::ByteMatrix& layer(Layer layer) const { return layers_[static_cast<size_t>(layer)]; }

 private:
  friend class ModelWriter;
  Status read(std::string_view bytes);
  Status check_nodes() const;

  std::unique_ptr<os::Mapping> mapping_;
  Shape shape_;
  std::string name_, version_;
  const Node* nodes_ = nullptr;
  const float* scores_ = nullptr;
  const float* row_scales_ = nullptr;
  const int8_t* rows_ = nullptr;
  const float* places_ = nullptr;
  std::array<NormView, kNorms> norms_;
  std::array<vector::ByteMatrix, kLayers> layers_;
};

// A matrix of f32, input by input: weights[input * outputs + output].
struct FloatMatrix {
  uint32_t inputs = 0, outputs = 0;
  std::vector<float> weights, bias;
};
struct FloatNorm {
  std::vector<float> gain, bias;
};
struct Piece {
  std::string text;  // empty: none that a text can have
  float score = 0;
};
// What a model file is made of. kWiden0Rest is computed.
struct Source {
  Shape shape;  // `nodes` is computed
  std::string name, version;
  std::vector<Piece> pieces;  // the first `pieces` rows or fewer
  std::vector<float> rows, places;
  std::array<FloatNorm, kNorms> norms;
  std::array<FloatMatrix, kLayers> layers;
};
// The bytes of a model file. Errors: InvalidArgument: the sizes do not fit each other.
Result<std::string> model_file(const Source& source);

}  // namespace holdfast::model
