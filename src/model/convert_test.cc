#include "model/convert.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/encoder.h"
#include "model/test_model.h"
#include "model/tokenizer.h"

namespace holdfast::model {
namespace {

using Json = nlohmann::json;

// A package of the form of the real one, with other numbers, in two shards.
class PackageMaker {
 public:
  PackageMaker() {
    add_layer("Layer_0/TransformerLayer/", 256);
    add("module_apply_default/Encoder_en/KonaTransformer/SequenceMask/Const", {}, "int32");
    add_layer("Layer_1/TransformerLayer/", 512);
    add_folded("Layer_0/TransformerLayer/dense/kernel/ConcatPartitions/concat", {256, 512});
    add_folded("Layer_0/TransformerLayer/dense/bias/ConcatPartitions/concat", {512});
    add_folded("TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1", {1, 128});
    add("module/Embeddings_en", {8002, 256});
    add("module/Encoder_en/hidden_layers/tanh_layer_0/weights", {512, 512});
    add("module/Encoder_en/hidden_layers/tanh_layer_0/bias", {512});
    for (const char* mark : {"\ufffd", "<s>", "</s>", "x1", "x2", "x3"}) {
      vocabulary_.push_back({mark, 0});
    }
    vocabulary_.push_back({"\u2581the", -1.5});
    vocabulary_.push_back({":", nullptr});
  }

  PackageFiles files() const {
    PackageFiles files;
    Json group = {{"paths", {"group1-shard1of2", "group1-shard2of2"}}, {"weights", weights_}};
    files["model.json"] = Json({{"weightsManifest", {group}}}).dump();
    files["vocab.json"] = vocabulary_.dump();
    files["group1-shard1of2"] = bytes_.substr(0, 4'000'000);
    files["group1-shard2of2"] = bytes_.substr(4'000'000);
    return files;
  }

  Json& weights() { return weights_; }

 private:
  void add(const std::string& name, const std::vector<size_t>& shape,
           const std::string& type = "float32") {
    weights_.push_back({{"name", name}, {"shape", Json(shape)}, {"dtype", type}});
    if (shape.empty()) weights_.back()["shape"] = Json::array();
    size_t count = 1;
    for (const size_t extent : shape) count *= extent;
    for (size_t i = 0; i < count; ++i) {
      const float value = static_cast<float>(static_cast<int>(number_++ * 7919 % 201) - 100) / 100;
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
  }
  void add_folded(const std::string& name, const std::vector<size_t>& shape) {
    add("module_apply_default/Encoder_en/KonaTransformer/Encode/" + name, shape);
  }
  void add_layer(const std::string& name, size_t width) {
    const std::string own = "module/Encoder_en/KonaTransformer/Encode/" + name;
    const std::string end = "/ConcatPartitions/concat";
    const auto add_norm = [&](const std::string& of, size_t count) {
      const std::string norm = of + "layer_prepostprocess/layer_norm/layer_norm_";
      add_folded(norm + "scale" + end, {count});
      add_folded(norm + "bias" + end, {count});
    };
    add_norm(name, width);
    add_norm(name + "FFN/", 512);
    const std::string attention = "MultiheadAttention/";
    add(own + attention + "qkv_transform_single/kernel/part_0", {1, 1, width, 3 * width});
    add_folded(name + attention + "qkv_transform_single/bias" + end, {3 * width});
    add(own + attention + "output_transform_single/kernel/part_0", {1, 1, width, 512});
    add_folded(name + attention + "output_transform_single/bias" + end, {512});
    add_folded("TransformerStack/" + name + "FFN/conv1/Tensordot/Reshape_1", {512, 1536});
    add_folded(name + "FFN/conv1/bias" + end, {1536});
    add_folded("TransformerStack/" + name + "FFN/conv2/Tensordot/Reshape_1", {1536, 512});
    add_folded(name + "FFN/conv2/bias" + end, {512});
  }

  Json weights_ = Json::array();
  Json vocabulary_ = Json::array();
  std::string bytes_;
  uint32_t number_ = 0;
};

TEST(Convert, APackageBecomesAModelThatEncodes) {
  const auto file = convert_package(PackageMaker().files());
  ASSERT_TRUE(file) << file.status().to_string();
  EXPECT_LT(file->size(), size_t{8'000'000});
  AlignedBytes bytes(*file);
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model) << model.status().to_string();
  EXPECT_EQ((*model)->name(), "use-lite-en");
  EXPECT_EQ((*model)->shape().heads, 4u);
  // The marks stand for no text; a piece without a probability is certain.
  const Tokenizer tokenizer(**model);
  EXPECT_EQ(tokenizer.pieces("the:"), (std::vector<uint16_t>{6, 7}));
  EXPECT_EQ(tokenizer.pieces("x1"), std::vector<uint16_t>{0});
  EXPECT_EQ((*model)->place(0)[0], 0);    // sine
  EXPECT_EQ((*model)->place(0)[128], 1);  // cosine
  EXPECT_EQ(Encoder(**model).encode(tokenizer.pieces("the:")).size(), 512u);
}

TEST(Convert, ItsOrderOfInputsAndOutputsIsTheGraphs) {
  PackageMaker maker;
  const auto file = convert_package(maker.files());
  ASSERT_TRUE(file);
  AlignedBytes bytes(*file);
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  // The first tensors: the norms (2 * 256 and 2 * 512 numbers), then the kernel, input by input.
  const vector::ByteMatrix& layer = (*model)->layer(Layer::kAttention0);
  const PackageFiles files = maker.files();
  for (const auto& [input, output] : {std::pair(0u, 1u), {1u, 0u}, {255u, 767u}, {17u, 300u}}) {
    const size_t at = 2 * 256 + 2 * 512 + input * 768 + output;
    float expected = 0;
    std::memcpy(&expected, files.at("group1-shard1of2").data() + at * sizeof(float), sizeof(float));
    const int8_t byte = layer.weights[vector::weight_place(layer.inputs, output, input)];
    EXPECT_NEAR(layer.scales[output] * static_cast<float>(byte), expected, 0.005);
  }
}

TEST(Convert, EveryMissingFileIsNamed) {
  const PackageFiles whole = PackageMaker().files();
  for (const auto& [name, content] : whole) {
    PackageFiles files = whole;
    files.erase(name);
    const Status status = convert_package(files).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(name), std::string_view::npos) << status.message();
  }
}

TEST(Convert, WhatIsCutOrOfAnotherFormIsRefused) {
  const PackageMaker maker;
  const auto refuses = [](const PackageFiles& files) {
    return convert_package(files).status().code() == StatusCode::kInvalidArgument;
  };
  for (const char* name : {"model.json", "vocab.json", "group1-shard2of2"}) {
    PackageFiles files = maker.files();
    files[name].resize(files[name].size() / 2);
    EXPECT_TRUE(refuses(files)) << name;
    files[name] = "[[1, 2], {}]";
    EXPECT_TRUE(refuses(files)) << name;
  }
  for (const char* member : {"name", "shape", "dtype"}) {
    PackageMaker other;
    other.weights()[3].erase(member);
    EXPECT_TRUE(refuses(other.files())) << member;
  }
  PackageMaker huge;
  huge.weights()[3]["shape"] = {uint64_t{1} << 40, uint64_t{1} << 40};
  EXPECT_TRUE(refuses(huge.files()));
}

}  // namespace
}  // namespace holdfast::model
