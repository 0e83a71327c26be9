#include "hooks/client_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::hooks {
namespace {

using testing::HasSubstr;

Json theirs() {
  return Json::parse(R"({"model":"x","hooks":{"Stop":[{"hooks":[
      {"type":"command","command":"say done"}]}],"PreToolUse":[]},"permissions":{"allow":[]}})");
}

TEST(ClientSettings, HooksAreAddedBesideThoseOfOthers) {
  const auto with = with_hooks(theirs(), "holdfast");
  ASSERT_TRUE(with) << with.status().to_string();
  EXPECT_EQ((*with)["model"], "x");
  EXPECT_EQ((*with)["hooks"]["Stop"][0]["hooks"][0]["command"], "say done");
  EXPECT_EQ((*with)["hooks"]["Stop"][1]["hooks"][0]["command"], "holdfast hook stop");
  EXPECT_EQ((*with)["hooks"]["PostToolUse"][0]["matcher"], "*");
  EXPECT_EQ((*with)["hooks"]["SessionStart"][0]["hooks"][0]["type"], "command");
  EXPECT_EQ(with->begin().key(), "model") << "the order stays";
}

TEST(ClientSettings, TakingThemOutLeavesWhatWasThere) {
  for (const Json& before : {theirs(), Json::object()}) {
    const auto with = with_hooks(before, "/opt/my holdfast/holdfast --store /s");
    ASSERT_TRUE(with);
    const auto without = without_hooks(*with);
    ASSERT_TRUE(without);
    EXPECT_EQ(without->dump(), before.dump());
  }
}

TEST(ClientSettings, InstallingAgainReplacesWhatIsThere) {
  const auto once = with_hooks(theirs(), "holdfast");
  const auto twice = with_hooks(*once, "holdfast");
  EXPECT_EQ(once->dump(), twice->dump());
  const auto moved = with_hooks(*once, "/usr/bin/holdfast");
  EXPECT_EQ(moved->dump().find("\"holdfast hook"), std::string::npos);
}

TEST(ClientSettings, WhatIsNotUnderstoodIsLeftAlone) {
  for (const char* text : {"[]", R"({"hooks":[]})", R"({"hooks":{"Stop":{}}})"}) {
    const auto with = with_hooks(Json::parse(text), "holdfast");
    EXPECT_EQ(with.status().code(), StatusCode::kConditionFalse) << text;
  }
  const Json odd = Json::parse(R"({"hooks":{"Stop":[7,{"x":1},{"hooks":[8]}]}})");
  EXPECT_EQ(without_hooks(*with_hooks(odd, "holdfast"))->dump(), odd.dump());
}

TEST(ClientSettings, TheDifferenceNamesEachLineThatChanges) {
  EXPECT_EQ(line_difference("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(line_difference("", "a\n"), "+ a\n");
  EXPECT_EQ(line_difference("a\nb\nc\n", "a\nB\nc\n"), "  a\n- b\n+ B\n  c\n");
  EXPECT_EQ(line_difference("a", ""), "- a\n");
  EXPECT_THAT(line_difference("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6\n"), HasSubstr("+ 6\n"));
}

TEST(ClientSettings, AWordOfAShellIsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("/usr/bin/holdfast"), "/usr/bin/holdfast");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$(x)"), "'$(x)'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace holdfast::hooks
