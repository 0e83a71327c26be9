#include "cli/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::cli {
namespace {

std::string nested(size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(JsonTextTest, WhatIsNestedTooDeeplyIsRefused) {
  for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
    EXPECT_FALSE(parse_json(nested(kJsonDepthMax, open, close)).is_discarded());
    EXPECT_TRUE(parse_json(nested(kJsonDepthMax + 1, open, close)).is_discarded());
    EXPECT_TRUE(parse_json(nested(1'000'000, open, close)).is_discarded());
  }
}

TEST(JsonTextTest, BracketsInStringsAndBesideEachOtherAreNotNested) {
  const std::string brackets(10'000, '[');
  EXPECT_EQ(parse_json("[\"" + brackets + "\"]")[0], brackets);
  EXPECT_EQ(parse_json(R"(["\"[", "\\"])")[0], "\"[");
  std::string flat = "[[]";
  for (int i = 0; i < 10'000; ++i) flat += ",[]";
  EXPECT_EQ(parse_json(flat + "]").size(), 10'001u);
}

TEST(JsonTextTest, WhatIsNoJsonIsRefused) {
  for (const char* text : {"", "[", "]", "{]", "\"a", "[\"\\", "\"\xff\""}) {
    EXPECT_TRUE(parse_json(text).is_discarded()) << text;
  }
}

}  // namespace
}  // namespace holdfast::cli
