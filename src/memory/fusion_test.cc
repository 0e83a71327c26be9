#include "memory/fusion.h"

#include <gtest/gtest.h>

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
  fuse(Fusion::convex, 0.25, all);
  EXPECT_DOUBLE_EQ(all[0].text_share, 0.75);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 0);
  EXPECT_DOUBLE_EQ(all[1].text_share, 0.375);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.25);
  EXPECT_DOUBLE_EQ(all[2].text_share, 0);
  EXPECT_DOUBLE_EQ(all[2].vector_share, 0.125);
  EXPECT_DOUBLE_EQ(all[3].vector_share, 0) << "it has no vector";
}

TEST(Fusion, ReciprocalRankTakesPlacesOnly) {
  auto all = candidates();
  fuse(Fusion::reciprocal_rank, 0.5, all);
  EXPECT_DOUBLE_EQ(all[0].text_share, 0.5 / 61);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 0.5 / 63);
  EXPECT_DOUBLE_EQ(all[1].text_share, 0.5 / 62);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 0.5 / 61);
  EXPECT_DOUBLE_EQ(all[2].text_share, 0) << "it has none of the words";
  EXPECT_DOUBLE_EQ(all[3].text_share, 0.5 / 63);
}

TEST(Fusion, WhereAllAreAsNearAllHaveTheShare) {
  std::vector<FusionScores> all = {{.similarity = 0.5}, {.similarity = 0.5}};
  fuse(Fusion::convex, 1, all);
  EXPECT_DOUBLE_EQ(all[0].vector_share, 1);
  EXPECT_DOUBLE_EQ(all[1].vector_share, 1);
  fuse(Fusion::convex, 1, {});
}

}  // namespace
}  // namespace holdfast::memory
