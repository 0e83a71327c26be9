#include "bench/histogram.h"

#include <gtest/gtest.h>

namespace holdfast::bench {
namespace {

TEST(Histogram, EmptyGivesZero) {
  Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile_ns(0.5), 0u);
  EXPECT_EQ(histogram.max_ns(), 0u);
}

TEST(Histogram, PercentilesAreWithinOnePercentAtEveryScale) {
  for (uint64_t value = 1; value < (uint64_t{1} << 40); value = value * 3 / 2 + 1) {
    Histogram histogram;
    for (int i = 0; i < 100; ++i) histogram.record(value);
    histogram.record(value * 2);
    const double found = static_cast<double>(histogram.percentile_ns(0.5));
    EXPECT_NEAR(found, static_cast<double>(value), 0.01 * static_cast<double>(value) + 0.5);
    EXPECT_EQ(histogram.max_ns(), value * 2);
  }
}

TEST(Histogram, PercentilesDivideTheSamples) {
  Histogram histogram;
  for (uint64_t i = 1; i <= 1000; ++i) histogram.record(i * 1000);
  EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(0.5)), 500'000, 8'000);
  EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(0.99)), 990'000, 16'000);
  EXPECT_EQ(histogram.percentile_ns(1.0), 1'000'000u);
  EXPECT_EQ(histogram.mean_ns(), 500'500u);
}

TEST(Histogram, MergeAddsCountsAndKeepsTheMaximum) {
  Histogram one;
  Histogram two;
  one.record(10);
  two.record(30);
  two.record(20);
  one.merge(two);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one.max_ns(), 30u);
  EXPECT_EQ(one.percentile_ns(0.5), 20u);
}

TEST(Histogram, AbsurdDurationsAreCountedInTheLastBucket) {
  Histogram histogram;
  histogram.record(~uint64_t{0});
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.max_ns(), ~uint64_t{0});
}

}  // namespace
}  // namespace holdfast::bench
