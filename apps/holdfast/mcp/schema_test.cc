#include "mcp/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::mcp {
namespace {

using testing::HasSubstr;

class SchemaTest : public testing::Test {
 protected:
  const Json schema_ = object_schema({
      {"text", text_schema("A text"), true},
      {"word", word_schema("A word", {"one", "two"})},
      {"count", integer_schema("A count", 1, 10)},
      {"share", number_schema("A share", 0, 1)},
      {"flag", flag_schema("A flag")},
      {"names", list_schema("Names", {{"type", "string"}}, 1, 2)},
      {"any", map_schema("Anything")},
  });
  std::string misfit_of(const char* text) const {
    return misfit(schema_, Json::parse(text)).value_or("");
  }
};

TEST_F(SchemaTest, TakesWhatFits) {
  EXPECT_EQ(misfit_of(R"({"text":""})"), "");
  EXPECT_EQ(misfit_of(R"({"text":"a","word":"two","count":10,"share":0.5,"flag":true,
                          "names":["a"],"any":{"b":[1]}})"),
            "");
  EXPECT_EQ(misfit_of(R"({"text":"","count":3.0})"), "");
}

TEST_F(SchemaTest, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(misfit_of(R"({"text":"","count":1e300})"), "arguments.count must be at most 10");
  EXPECT_EQ(misfit_of(R"({"text":"","count":9223372036854775808})"),
            "arguments.count must be at most 10");
  EXPECT_EQ(misfit_of("[]"), "arguments must be an object");
  EXPECT_EQ(misfit_of("{}"), "arguments must have \"text\"");
  EXPECT_EQ(misfit_of(R"({"text":1})"), "arguments.text must be a string");
  EXPECT_THAT(misfit_of(R"({"text":"","wrod":"one"})"), HasSubstr("has no \"wrod\"; there is"));
  EXPECT_THAT(misfit_of(R"({"text":"","word":"three"})"), HasSubstr("must be one of"));
  EXPECT_EQ(misfit_of(R"({"text":"","count":0})"), "arguments.count must be at least 1");
  EXPECT_EQ(misfit_of(R"({"text":"","count":11})"), "arguments.count must be at most 10");
  EXPECT_EQ(misfit_of(R"({"text":"","count":1.5})"), "arguments.count must be an integer");
  EXPECT_EQ(misfit_of(R"({"text":"","share":2})"), "arguments.share must be at most 1.0");
  EXPECT_THAT(misfit_of(R"({"text":"","names":[]})"), HasSubstr("at least 1"));
  EXPECT_THAT(misfit_of(R"({"text":"","names":["a","b","c"]})"), HasSubstr("at most 2"));
  EXPECT_EQ(misfit_of(R"({"text":"","names":["a",1]})"), "arguments.names[1] must be a string");
}

}  // namespace
}  // namespace holdfast::mcp
