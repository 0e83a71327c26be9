#include "base/base64.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Base64, WritesWhatTheStandardWrites) {
  EXPECT_EQ(base64_text(""), "");
  EXPECT_EQ(base64_text("f"), "Zg==");
  EXPECT_EQ(base64_text("fo"), "Zm8=");
  EXPECT_EQ(base64_text("foo"), "Zm9v");
  EXPECT_EQ(base64_text("\xfb\xff"), "+/8=");
}

TEST(Base64, ReadsWhatItWrites) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(base64_bytes(base64_text(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
}

TEST(Base64, RefusesAllElse) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg=a",
                           "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v", "Zm9v\n", "-_8="}) {
    EXPECT_EQ(base64_bytes(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace holdfast
