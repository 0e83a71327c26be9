#include "model/model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/coding.h"
#include "base/crc32c.h"
#include "model/test_model.h"
#include "os/os.h"

namespace holdfast::model {
namespace {

std::string test_file() {
  auto file = model_file(test_source());
  EXPECT_TRUE(file) << file.status().to_string();
  return *file;
}

Status status_of(const std::string& bytes) {
  AlignedBytes aligned(bytes);
  return Model::of(aligned.view()).status();
}

std::string with_right_checksum(std::string bytes) {
  store_le<uint32_t>(bytes.data() + 12, crc32c(std::string_view(bytes).substr(kCrcEnd)));
  return bytes;
}

TEST(ModelFile, HoldsWhatItWasMadeOf) {
  const Source source = test_source();
  AlignedBytes bytes(test_file());
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model) << model.status().to_string();
  EXPECT_EQ((*model)->name(), "test");
  EXPECT_EQ((*model)->version(), "1");
  const uint32_t width = kTestShape.width;
  for (uint32_t piece = 0; piece < kTestShape.pieces; ++piece) {
    const float scale = (*model)->row_scale(piece);
    for (uint32_t i = 0; i < width; ++i) {
      ASSERT_NEAR(scale * static_cast<float>((*model)->row(piece)[i]),
                  source.rows[piece * width + i], scale / 2 + 1e-6f);
    }
  }
  EXPECT_EQ((*model)->piece_score(3), -1);
  EXPECT_EQ((*model)->place(2)[5], source.places[2 * width + 5]);
  EXPECT_EQ((*model)->norm(Norm::kRamp1).bias[3], source.norms[3].bias[3]);
  const FloatMatrix& back = source.layers[static_cast<size_t>(Layer::kBack0)];
  const vector::ByteMatrix& stored = (*model)->layer(Layer::kBack0);
  for (uint32_t o = 0; o < stored.outputs; ++o) {
    EXPECT_EQ(stored.bias[o], back.bias[o]);
    for (uint32_t i = 0; i < stored.inputs; ++i) {
      const auto byte = stored.weights[vector::weight_place(stored.inputs, o, i)];
      ASSERT_NEAR(stored.scales[o] * static_cast<float>(byte), back.weights[i * back.outputs + o],
                  stored.scales[o] / 2 + 1e-6f);
    }
  }
}

TEST(ModelFile, TheCoarsestLayerHasItsRestBeside) {
  const Source source = test_source();
  AlignedBytes bytes(test_file());
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  const FloatMatrix& widen = source.layers[static_cast<size_t>(Layer::kWiden0)];
  const vector::ByteMatrix& coarse = (*model)->layer(Layer::kWiden0);
  const vector::ByteMatrix& rest = (*model)->layer(Layer::kWiden0Rest);
  for (uint32_t o = 0; o < coarse.outputs; ++o) {
    EXPECT_EQ(rest.bias[o], 0);
    for (uint32_t i = 0; i < coarse.inputs; ++i) {
      const size_t place = vector::weight_place(coarse.inputs, o, i);
      const float sum = coarse.scales[o] * static_cast<float>(coarse.weights[place]) +
                        rest.scales[o] * static_cast<float>(rest.weights[place]);
      ASSERT_NEAR(sum, widen.weights[i * widen.outputs + o], coarse.scales[o] / 200);
    }
  }
}

TEST(ModelFile, EveryChangedByteIsFound) {
  const std::string whole = test_file();
  for (size_t at = 0; at < whole.size(); at += 7) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const Status status = status_of(changed);
    ASSERT_FALSE(status.is_ok()) << at;
    EXPECT_TRUE(status.code() == StatusCode::kCorruption ||
                status.code() == StatusCode::kUnsupported)
        << at;
  }
}

TEST(ModelFile, EveryCutIsFound) {
  const std::string whole = test_file();
  for (size_t size = 0; size < whole.size(); size += 61) {
    EXPECT_EQ(status_of(whole.substr(0, size)).code(), StatusCode::kCorruption) << size;
  }
  EXPECT_EQ(status_of(whole + std::string(64, 0)).code(), StatusCode::kCorruption);
}

TEST(ModelFile, LinksThatLeadAstrayAreRefusedThoughTheChecksumIsRight) {
  const std::string whole = test_file();
  AlignedBytes bytes(whole);
  const auto model = Model::of(bytes.view());
  ASSERT_TRUE(model);
  const uint64_t nodes = layout_of((*model)->shape()).nodes;
  // The root would be its own child; a child beyond the end; a piece that is none.
  for (const auto& [at, value] :
       {std::pair(nodes, 0u), {nodes, 1u << 30}, {nodes + sizeof(Node) + 4, 0xffffu}}) {
    std::string changed = whole;
    store_le<uint32_t>(changed.data() + at, value);
    EXPECT_EQ(status_of(with_right_checksum(changed)).code(), StatusCode::kCorruption);
  }
  EXPECT_TRUE(status_of(with_right_checksum(whole)).is_ok());
}

TEST(ModelFile, ANewerFormatIsRefusedAsSuch) {
  std::string newer = test_file();
  store_le<uint32_t>(newer.data() + 8, kFormat + 1);
  EXPECT_EQ(status_of(newer).code(), StatusCode::kUnsupported);
}

TEST(ModelFile, IsOpenedFromAFile) {
  const auto os = os::make_memory_os();
  const std::string bytes = test_file();
  {
    const auto file = os->open("m", os::OpenMode::kCreate);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, bytes));
  }
  const auto model = Model::open(*os, "m");
  ASSERT_TRUE(model) << model.status().to_string();
  EXPECT_EQ((*model)->name(), "test");
  EXPECT_EQ(Model::open(*os, "other").status().code(), StatusCode::kNotFound);
}

TEST(ModelFile, SizesThatDoNotFitAreRefused) {
  Source source = test_source();
  source.rows.pop_back();
  EXPECT_EQ(model_file(source).status().code(), StatusCode::kInvalidArgument);
  source = test_source();
  source.layers[2].outputs = 16;
  EXPECT_EQ(model_file(source).status().code(), StatusCode::kInvalidArgument);
  source = test_source();
  source.name = std::string(kNameSize, 'x');
  EXPECT_EQ(model_file(source).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::model
