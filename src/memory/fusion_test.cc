#include "memory/fusion.h"

#include <gtest/gtest.h>

#include <cmath>

namespace holdfast::memory {
namespace {

std::vector<FusionScores> candidates() {
  return {{.text = 4, .similarity = 0.2},
          {.text = 2, .similarity = 0.8},
          {.text = 0, .similarity = 0.5},
          {.text = 1, .similarity = std::nullopt}};
}

TEST(Fusion, ConvexTakesEachAsAShareOfTheBest) {
  auto all = candidates();
  fuse(Fusion::convex, 0.25, 8, all);
  EXPECT_DOUBLE_EQ(all[0].text_share, 0.75);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 0);
  EXPECT_DOUBLE_EQ(all[1].text_share, 0.375);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.25);
  EXPECT_DOUBLE_EQ(all[2].text_share, 0);
  EXPECT_DOUBLE_EQ(all[2].vector_share, 0.125);
  EXPECT_DOUBLE_EQ(all[3].vector_share, 0) << "it has no vector";
}

TEST(Fusion, TheVectorWeighsMoreWhereWordsAreMissing) {
  const auto vector_share = [](double vector_weight, double text_max) {
    auto all = candidates();
    fuse(Fusion::convex, vector_weight, text_max, all);
    EXPECT_NEAR(all[0].text_share + all[1].vector_share, 1, 1e-12) << "the weights";
    return all[1].vector_share;
  };
  const double e = std::exp(1.0);
  EXPECT_NEAR(vector_share(0.25, 4), 1 / (1 + 3 * e), 1e-12) << "the best text has all";
  EXPECT_NEAR(vector_share(0.25, 8), 0.25, 1e-12) << "half";
  EXPECT_NEAR(vector_share(0.25, 1e9), 1 / (1 + 3 / e), 1e-6) << "next to nothing";
  EXPECT_NEAR(vector_share(0.25, 2), 1 / (1 + 3 * e), 1e-12) << "more than it could";
  EXPECT_EQ(vector_share(0, 1e9), 0);
  EXPECT_EQ(vector_share(1, 4), 1);
}

// Of parts from 0.1 to 0.9: the third says it in one of its parts.
TEST(Fusion, APartCountsAsMuchAsTheWhole) {
  auto all = candidates();
  all[0].part = 0.1;
  all[2].part = 0.9;
  all[3].part = 0.9;
  fuse(Fusion::convex, 0.25, 8, all);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 0);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.25) << "it has no parts: the whole stands for them";
  EXPECT_DOUBLE_EQ(all[2].vector_share, 0.1875) << "half of the range, and all of it";
  EXPECT_DOUBLE_EQ(all[3].vector_share, 0) << "it has no vector";
  EXPECT_DOUBLE_EQ(all[0].text_share, 0.75);
  fuse(Fusion::reciprocal_rank, 0.5, 8, all);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.5 / 61);
  EXPECT_DOUBLE_EQ(all[2].vector_share, 0.5 / 62);
}

TEST(Fusion, ReciprocalRankTakesPlacesOnly) {
  auto all = candidates();
  fuse(Fusion::reciprocal_rank, 0.5, 8, all);
  EXPECT_DOUBLE_EQ(all[0].text_share, 0.5 / 61);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 0.5 / 63);
  EXPECT_DOUBLE_EQ(all[1].text_share, 0.5 / 62);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.5 / 61);
  EXPECT_DOUBLE_EQ(all[2].text_share, 0) << "it has none of the words";
  EXPECT_DOUBLE_EQ(all[3].text_share, 0.5 / 63);
}

TEST(Fusion, WhereAllAreAsNearAllHaveTheShare) {
  std::vector<FusionScores> all = {{.similarity = 0.5}, {.similarity = 0.5}};
  fuse(Fusion::convex, 1, 0, all);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 1);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 1);
  fuse(Fusion::convex, 1, 0, {});
}

}  // namespace
}  // namespace holdfast::memory
