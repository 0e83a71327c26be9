#include "memory/json_value.h"

#include <gtest/gtest.h>

namespace holdfast::memory {
namespace {

std::string at(std::string_view text, std::string_view pointer) {
  EXPECT_TRUE(check_json_pointer(pointer)) << pointer;
  const auto found = json_at(text, pointer);
  if (!found) return std::string(status_code_name(found.status().code()));
  return found->value_or("-");
}

std::string merged(std::string_view text, std::string_view patch) {
  EXPECT_TRUE(check_json_patch(patch)) << patch;
  const auto value = merge_json(text, patch);
  return value ? *value : std::string(status_code_name(value.status().code()));
}

// The document and the pointers of RFC 6901, section 5.
TEST(JsonValueTest, PointersLeadWhereTheRfcSays) {
  const std::string text = R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,)"
                           R"("i\\j":5,"k\"l":6," ":7,"m~n":8})";
  EXPECT_EQ(at(text, ""), text);
  EXPECT_EQ(at(text, "/foo"), R"(["bar","baz"])");
  EXPECT_EQ(at(text, "/foo/0"), R"("bar")");
  EXPECT_EQ(at(text, "/"), "0");
  EXPECT_EQ(at(text, "/a~1b"), "1");
  EXPECT_EQ(at(text, "/c%d"), "2");
  EXPECT_EQ(at(text, "/e^f"), "3");
  EXPECT_EQ(at(text, "/g|h"), "4");
  EXPECT_EQ(at(text, "/i\\j"), "5");
  EXPECT_EQ(at(text, "/k\"l"), "6");
  EXPECT_EQ(at(text, "/ "), "7");
  EXPECT_EQ(at(text, "/m~0n"), "8");
}

TEST(JsonValueTest, APointerMayLeadNowhere) {
  const std::string text = R"({"a":[1,{"b":null}],"c":2})";
  for (const char* pointer : {"/x", "/a/2", "/a/-", "/a/01", "/a/1/c", "/c/0", "/a/+1", "/a/"}) {
    EXPECT_EQ(at(text, pointer), "-") << pointer;
  }
  EXPECT_EQ(at(text, "/a/1/b"), "null");
}

TEST(JsonValueTest, MalformedPointersAreRefused) {
  for (const char* pointer : {"a", "a/b", "/~", "/~2", "/a~"}) {
    EXPECT_EQ(check_json_pointer(pointer).code(), StatusCode::kInvalidArgument) << pointer;
  }
}

// RFC 7396, appendix A.
TEST(JsonValueTest, PatchesMergeAsTheRfcSays) {
  const char* const cases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [text, patch, expected] : cases) EXPECT_EQ(merged(text, patch), expected);
}

TEST(JsonValueTest, WhatIsNoJsonIsSaidToBeNone) {
  for (const std::string text : {"", "hello", "{\"a\":1", "\"\xff\"", "01"}) {
    EXPECT_EQ(at(text, "/a"), "condition false") << text;
    EXPECT_EQ(merged(text, "{}"), "condition false") << text;
    EXPECT_EQ(check_json_patch(text).code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonValueTest, DepthIsBounded) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(at(deep, "/0"), "condition false");
  EXPECT_EQ(check_json_patch(deep).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::memory
