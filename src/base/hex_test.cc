#include "base/hex.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Hex, WritesEveryByteAsTwoDigits) {
  EXPECT_EQ(hex_text(std::string_view("\x00\x9f\xff", 3)), "009fff");
  EXPECT_EQ(hex_text(""), "");
}

TEST(Hex, ReadsDigitsOfEitherCaseAndNothingElse) {
  EXPECT_EQ(hex_value('0'), 0);
  EXPECT_EQ(hex_value('9'), 9);
  EXPECT_EQ(hex_value('a'), 10);
  EXPECT_EQ(hex_value('F'), 15);
  for (const char c : {'/', ':', '@', 'G', '`', 'g', ' ', '\0', '\xff'}) {
    EXPECT_EQ(hex_value(c), std::nullopt) << static_cast<int>(c);
  }
}

}  // namespace
}  // namespace holdfast
