#include "memory/json_check.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::memory {
namespace {

TEST(JsonCheck, AcceptsJson) {
  for (const char* text : {"{}", "[]", "0", "-1.5e+10", "\"\"", "true", "null", " [1, 2] ",
                           "{\"a\": {\"b\": [1]}}", "\"\\u00e9\\n\\\"\"", "1E5", "[[],{}]"}) {
    EXPECT_FALSE(json_first_bad_byte(text)) << text;
  }
}

TEST(JsonCheck, NamesTheFirstBadByte) {
  EXPECT_EQ(json_first_bad_byte(""), 0u);
  EXPECT_EQ(json_first_bad_byte("{} x"), 3u);
  EXPECT_EQ(json_first_bad_byte("[1,]"), 3u);
  EXPECT_EQ(json_first_bad_byte("{\"a\" 1}"), 5u);
  EXPECT_EQ(json_first_bad_byte("01"), 1u);
  EXPECT_EQ(json_first_bad_byte("1."), 2u);
  EXPECT_EQ(json_first_bad_byte("\"a\nb\""), 2u);
  EXPECT_EQ(json_first_bad_byte("\"\\x\""), 2u);
  EXPECT_EQ(json_first_bad_byte("\"\\u12g4\""), 5u);
  EXPECT_EQ(json_first_bad_byte("\"open"), 5u);
  EXPECT_EQ(json_first_bad_byte("nul"), 0u);
  EXPECT_EQ(json_first_bad_byte("+1"), 0u);
}

TEST(JsonCheck, DepthIsBounded) {
  const std::string open(kJsonDepthMax, '[');
  const std::string close(kJsonDepthMax, ']');
  EXPECT_FALSE(json_first_bad_byte(open + close));
  EXPECT_TRUE(json_first_bad_byte("[" + open + close + "]"));
  EXPECT_TRUE(json_first_bad_byte(std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace holdfast::memory
