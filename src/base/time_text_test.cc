#include "base/time_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace holdfast {
namespace {

TEST(TimeText, KnownTimesAreWrittenInUtc) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_text(1'000'000'000'000'250), "2001-09-09T01:46:40.000250Z");
  EXPECT_EQ(time_text(1'709'208'000'000'000), "2024-02-29T12:00:00.000000Z");
  EXPECT_EQ(time_text(253'402'300'799'999'999), "9999-12-31T23:59:59.999999Z");
}

TEST(TimeText, TimesBeyondTheStandardAreANumber) {
  EXPECT_EQ(time_text(253'402'300'800'000'000), "253402300800000000 us");
  EXPECT_EQ(time_text(std::numeric_limits<int64_t>::min()), "-9223372036854775808 us");
}

TEST(TimeText, TextRoundTrips) {
  for (int64_t us = -62'167'219'200'000'000; us < 253'402'300'800'000'000;
       us += 97'654'321'123'457) {
    ASSERT_EQ(parse_time(time_text(us)), us) << time_text(us);
  }
}

TEST(TimeText, OffsetsAndFractionsAreUnderstood) {
  const int64_t noon = 1'709'208'000'000'000;
  for (const char* text : {"2024-02-29T12:00:00Z", "2024-02-29t12:00:00z", "2024-02-29 12:00:00.0Z",
                           "2024-02-29T14:00:00+02:00", "2024-02-29T06:30:00-05:30",
                           "2024-02-29T12:00:00-00:00", "2024-03-01T00:30:00.0000009+12:30"}) {
    EXPECT_EQ(parse_time(text), noon) << text;
  }
  EXPECT_EQ(parse_time("2024-02-29T12:00:00.5Z"), noon + 500'000);
  EXPECT_EQ(parse_time("2024-02-29T12:00:00.123456789Z"), noon + 123'456);
}

TEST(TimeText, LeapSecondIsTheSecondAfterIt) {
  EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
}

TEST(TimeText, WhatIsNotATimeIsRefused) {
  for (const char* text :
       {"", "2024-02-29", "2024-02-29T12:00:00", "2023-02-29T12:00:00Z", "2024-13-01T12:00:00Z",
        "2024-00-01T12:00:00Z", "2024-04-31T12:00:00Z", "2024-02-29T24:00:00Z",
        "2024-02-29T12:60:00Z", "2024-02-29T12:00:61Z", "2024-02-29T12:00:00.Z",
        "2024-02-29T12:00:00+2:00", "2024-02-29T12:00:00+24:00", "2024-02-29T12:00:00Z ",
        "24-02-29T12:00:00Z", "+024-02-29T12:00:00Z", "now"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace holdfast
