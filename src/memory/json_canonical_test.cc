#include "memory/json_canonical.h"

#include <gtest/gtest.h>

namespace holdfast::memory {
namespace {

bool same(std::string_view a, std::string_view b) {
  return json_canonical(a) == json_canonical(b);
}

TEST(JsonCanonical, OrderOfMembersAndSpaceDoNotMatter) {
  EXPECT_EQ(json_canonical(" { \"b\" : [ 1 , true ] ,\n\"a\":null} "),
            R"({"a":null,"b":[1,true]})");
  EXPECT_TRUE(same(R"({"x":{"b":1,"a":2}})", R"({ "x": {"a":2, "b":1} })"));
  EXPECT_EQ(json_canonical("{ }"), "{}");
  EXPECT_EQ(json_canonical("[ ]"), "[]");
}

TEST(JsonCanonical, OrderInArraysMatters) {
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
}

TEST(JsonCanonical, NumbersAreComparedByValueAndExactly) {
  EXPECT_TRUE(same("1", "1.0"));
  EXPECT_TRUE(same("100", "1e2"));
  EXPECT_TRUE(same("0.5", "5E-1"));
  EXPECT_TRUE(same("-0", "0"));
  EXPECT_TRUE(same("0e7", "0.000"));
  EXPECT_TRUE(same("1e+3", "1000"));
  EXPECT_FALSE(same("1", "-1"));
  EXPECT_FALSE(same("9007199254740993", "9007199254740992"));  // one number as a double
  EXPECT_EQ(json_canonical("[120,-3.40]"), "[12e1,-34e-1]");
}

TEST(JsonCanonical, EscapesAreComparedByWhatTheyMean) {
  EXPECT_TRUE(same(R"("\u0041\/\u00e9")", "\"A/\xc3\xa9\""));
  EXPECT_TRUE(same(R"("\ud83d\ude00")", "\"\xf0\x9f\x98\x80\""));
  EXPECT_TRUE(same(R"("\n")", R"("\u000a")"));
  EXPECT_TRUE(same(R"("\"\\")", R"("\u0022\u005c")"));
  EXPECT_FALSE(same(R"("\ud83d")", R"("\ud83e")"));  // halves alone stay what they are
  EXPECT_EQ(json_canonical(R"("\ud83d\u0041")"), R"("\ud83dA")");
}

TEST(JsonCanonical, NamesAreComparedByWhatTheyMeanAndTheLastOfAKindCounts) {
  EXPECT_TRUE(same(R"({"\u0061":1})", R"({"a":1})"));
  EXPECT_TRUE(same(R"({"a":1,"a":2})", R"({"a":2})"));
}

TEST(JsonCanonical, KindsAreKeptApart) {
  EXPECT_FALSE(same("1", "\"1\""));
  EXPECT_FALSE(same("null", "false"));
  EXPECT_FALSE(same("{}", "[]"));
}

TEST(JsonCanonical, TheFormOfAFormIsTheSame) {
  for (const char* text :
       {R"({"a":[1.50,"\u00ff",{"z":0,"y":-1e-9}],"b":"\ud800"})", "[]", "-1.5"}) {
    const std::string once = json_canonical(text);
    EXPECT_EQ(json_canonical(once), once);
  }
}

TEST(JsonCanonical, MembersOfAnObjectAreNamedAsTheyAreQuoted) {
  const auto members = json_members(R"( {"b\n": 1.0, "a": {"x": [ ]}} )");
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members.at(json_quoted("b\n")), "1");
  EXPECT_EQ(members.at(json_quoted("a")), R"({"x":[]})");
  EXPECT_TRUE(json_members("[1]").empty());
  EXPECT_EQ(json_quoted("\"\\"), json_canonical(R"("\"\\")"));
}

TEST(JsonCanonical, TextsAreWhatTheyWereBeforeTheyWereQuoted) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("\"\\\n\x01\xc3\xbf\xf0\x9f\x8c\x8d/")}) {
    EXPECT_EQ(json_text(json_quoted(text)), text);
    EXPECT_EQ(json_text(json_canonical(json_quoted(text))), text);
  }
  EXPECT_EQ(json_text(json_canonical("\"\\ud800!\"")), "\xef\xbf\xbd!");
  EXPECT_EQ(json_text("12"), "");
}

}  // namespace
}  // namespace holdfast::memory
