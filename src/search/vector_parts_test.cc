#include "search/vector_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "holdfast/vector.h"

namespace holdfast::search {
namespace {

using testing::HasSubstr;

double cosine(const VectorPart& a, const VectorPart& b) {
  double product = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(square_a * square_b);
}

std::vector<VectorPart> random_parts(size_t count, size_t dimension, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<VectorPart> parts(count, VectorPart(dimension));
  for (VectorPart& part : parts) {
    for (float& value : part) value = 3 * normal(random);
  }
  return parts;
}

TEST(VectorParts, TheNearestIsThatOfTheVectorsThemselves) {
  for (const size_t dimension : {2u, 7u, 8u, 100u, 513u}) {
    const auto parts = random_parts(9, dimension, 1);
    for (const VectorPart& query : random_parts(20, dimension, 2)) {
      double nearest = -1;
      for (const VectorPart& part : parts) nearest = std::max(nearest, cosine(part, query));
      EXPECT_NEAR(**nearest_part(encode_parts(parts), query), nearest, 0.01);
    }
    EXPECT_NEAR(**nearest_part(encode_parts(parts), parts[3]), 1, 0.001);
  }
}

TEST(VectorParts, TheirDirectionsComeBackAndStay) {
  const auto parts = random_parts(5, 64, 3);
  const std::string bytes = encode_parts(parts);
  EXPECT_EQ(bytes.size(), 3 + 5 * (4 + 64));
  const auto back = decode_parts(bytes);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_GT(cosine((*back)[i], parts[i]), 0.9999);
    EXPECT_NEAR(cosine((*back)[i], (*back)[i]), 1, 1e-6);
  }
  const auto again = decode_parts(encode_parts(*back));
  ASSERT_TRUE(again);
  EXPECT_GT(cosine((*again)[2], (*back)[2]), 0.999999) << "each copy is as good as the first";
}

TEST(VectorParts, OfAnotherDimensionThereIsNoNearest) {
  const std::string bytes = encode_parts(random_parts(2, 8, 4));
  EXPECT_EQ(*nearest_part(bytes, std::vector<float>{1, 0}), std::nullopt);
  EXPECT_EQ(*nearest_part(encode_parts({}), std::vector<float>{1, 0}), std::nullopt);
  EXPECT_TRUE(decode_parts(encode_parts({}))->empty());
}

TEST(VectorParts, WhatHasNoDirectionOrIsTooMuchIsRefused) {
  const auto refused = [](const std::vector<VectorPart>& parts) {
    return check_parts(parts).code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(check_parts({}));
  EXPECT_TRUE(check_parts(random_parts(kVectorPartsMax, 2, 5)));
  EXPECT_TRUE(refused(random_parts(kVectorPartsMax + 1, 2, 5)));
  EXPECT_TRUE(refused({{1}})) << "one number";
  EXPECT_TRUE(refused({VectorPart(kDimensionMax + 1, 1.0f)}));
  EXPECT_TRUE(refused({{1, 0}, {1, 0, 0}}));
  EXPECT_TRUE(refused({{0, 0}}));
  EXPECT_TRUE(refused({{1, std::numeric_limits<float>::quiet_NaN()}}));
  EXPECT_TRUE(refused({{1, std::numeric_limits<float>::infinity()}}));
}

TEST(VectorParts, WrongBytesAreCorruptionWhateverTheyAre) {
  const std::string good = encode_parts(random_parts(3, 16, 6));
  const VectorPart query(16, 1.0f);
  for (size_t size = 0; size < good.size(); ++size) {
    const bool is_whole = size >= 3 && (size - 3) % 20 == 0;
    EXPECT_EQ(nearest_part(good.substr(0, size), query).is_ok(), is_whole) << size;
    EXPECT_EQ(decode_parts(good.substr(0, size)).is_ok(), is_whole) << size;
  }
  std::string other = good;
  other[0] = 2;
  EXPECT_EQ(decode_parts(other).status().code(), StatusCode::kUnsupported);
  for (const auto& [at, byte] : {std::pair{1, '\0'}, {2, '\x7f'}, {6, '\x7f'}, {6, '\xbf'}}) {
    std::string bad = good;
    bad[static_cast<size_t>(at)] = byte;
    if (at == 6) bad[5] = byte == '\x7f' ? '\x80' : bad[5];  // infinite; less than nothing
    EXPECT_EQ(nearest_part(bad, query).status().code(), StatusCode::kCorruption) << at;
    EXPECT_THAT(nearest_part(bad, query).status().message(), HasSubstr("embed --anew"));
  }
}

}  // namespace
}  // namespace holdfast::search
