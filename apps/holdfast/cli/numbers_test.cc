// Numbers on the command line: which ones are taken, and what is said of the others.
#include "cli/numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands_fixture.h"

namespace holdfast::cli {
namespace {

using ::testing::HasSubstr;

class NumbersTest : public StoreCommandsTest {
 protected:
  void expect_refused(const std::vector<std::string>& words, const std::string& why) {
    EXPECT_EQ(run(words), kExitUsage) << ::testing::PrintToString(words);
    EXPECT_THAT(error_, HasSubstr(why));
    EXPECT_LT(error_.size(), size_t{300});
  }
};

TEST_F(NumbersTest, DigitsAreDecimal) {
  EXPECT_EQ(run({"count", "c", "010"}), kExitOk) << error_;
  EXPECT_EQ(run({"count", "c"}), kExitOk);
  EXPECT_EQ(out_, "10\n");
  EXPECT_EQ(run({"count", "c", "+2"}), kExitOk) << error_;
  EXPECT_EQ(run({"count", "c", "-3"}), kExitOk) << error_;
  EXPECT_EQ(run({"count", "c"}), kExitOk);
  EXPECT_EQ(out_, "9\n");
  for (const char* text : {"0x10", "1 ", " 1", "1e3", "", "+-1", "1.5"}) {
    int64_t number = 7;
    EXPECT_FALSE(CLI::detail::lexical_cast(text, number)) << text;
    EXPECT_EQ(number, 7);
  }
  for (const char* text : {"nan", "inf", "-inf", "0x1p3", "1e999", ""}) {
    double number = 7;
    EXPECT_FALSE(CLI::detail::lexical_cast(text, number)) << text;
  }
  double number = 0;
  EXPECT_TRUE(CLI::detail::lexical_cast("2.5e1", number));
  EXPECT_EQ(number, 25);
}

TEST_F(NumbersTest, WhatIsBeyondTheRangeIsRefusedAndTheRangeNamed) {
  const std::string whole = "is not a whole number from 0 to 18446744073709551615";
  expect_refused({"count", "c", "99999999999999999999"},
                 "delta = 99999999999999999999 is not a whole number from -9223372036854775808 to "
                 "9223372036854775807");
  expect_refused({"space", "limit", "S", "--observations", "-5"}, "--observations = -5 " + whole);
  expect_refused({"cache", "configure", "c", "--bytes-max", "-1"}, "--bytes-max = -1 " + whole);
  expect_refused({"cas", "k", "-1", "x"}, "= -1 " + whole);
  expect_refused({"queue", "configure", "q", "--depth", "-1"}, "--depth = -1 ");
  expect_refused({"event", "retain", "s", "--count", "-1"}, "--count = -1 " + whole);
  expect_refused({"artifact", "prune", "a", "--keep", "-1"}, "--keep = -1 " + whole);
  expect_refused({"recall", "x", "--per-source", "-1"}, "--per-source = -1 " + whole);
  expect_refused({"queue", "push", "q", "x", "--priority", "2147483648"}, "-2147483648 to");
  expect_refused({"recall", "x", "--trust-min", "nan"},
                 "--trust-min = nan is not a decimal number");
}

TEST_F(NumbersTest, AboveZeroIsSaidInFewWords) {
  expect_refused({"registry", "publish", "tool", "g", "abc"},
                 "version: Value abc is not a number above 0");
  expect_refused({"registry", "publish", "tool", "g", "1.5"}, "is not a whole number from 0");
  expect_refused({"watch", "--for", "0"}, "--for: ");
  expect_refused({"watch", "--for", "0"}, "is not a number above 0");
}

}  // namespace
}  // namespace holdfast::cli
