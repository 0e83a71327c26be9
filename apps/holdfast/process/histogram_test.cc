#include "process/histogram.h"

#include <gtest/gtest.h>

namespace holdfast::process {
namespace {

TEST(Histogram, EveryValueLiesInItsBucket) {
  for (uint64_t value : {0ull, 1ull, 15ull, 16ull, 17ull, 31ull, 32ull, 1000ull, 123456789ull,
                         0x7FFFFFFFFFFFFFFFull, 0xFFFFFFFFFFFFFFFFull}) {
    size_t bucket = Histogram::bucket_of(value);
    EXPECT_GE(Histogram::upper_end(bucket), value);
    if (bucket > 0) {
      EXPECT_LT(Histogram::upper_end(bucket - 1), value);
    }
  }
}

TEST(Histogram, QuantilesAreWithinSixPercent) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 10000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.count(), 10000u);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 5000, 330);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.99)), 9900, 640);
  EXPECT_EQ(histogram.quantile(1.0), 10000u);
  EXPECT_EQ(histogram.max(), 10000u);
}

TEST(Histogram, NothingRecordedIsZero) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.99), 0u);
}

}  // namespace
}  // namespace holdfast::process
