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
  const auto with = with_hooks(theirs(), client_of("claude-code"), "holdfast");
  ASSERT_TRUE(with) << with.status().to_string();
  EXPECT_EQ((*with)["model"], "x");
  EXPECT_EQ((*with)["hooks"]["Stop"][0]["hooks"][0]["command"], "say done");
  EXPECT_EQ((*with)["hooks"]["Stop"][1]["hooks"][0]["command"], "holdfast hook stop");
  EXPECT_EQ((*with)["hooks"]["PostToolUse"][0]["matcher"], "*");
  EXPECT_EQ((*with)["hooks"]["SessionStart"][0]["hooks"][0]["type"], "command");
  EXPECT_EQ(with->begin().key(), "model") << "the order stays";
}

TEST(ClientSettings, TakingThemOutLeavesWhatWasThere) {
  for (const Client& client : known_clients()) {
    for (const Json& before : {theirs(), Json::object()}) {
      const auto with = with_hooks(before, client, "/opt/my holdfast/holdfast --store /s");
      ASSERT_TRUE(with);
      EXPECT_NE(with->dump(), before.dump());
      const auto without = without_hooks(*with);
      ASSERT_TRUE(without);
      EXPECT_EQ(without->dump(), before.dump()) << client.name;
    }
  }
}

TEST(ClientSettings, EachClientIsCalledByItsOwnEvents) {
  const Json gemini = *with_hooks(Json::object(), client_of("gemini-cli"), "holdfast");
  EXPECT_EQ(gemini["hooks"]["BeforeAgent"][0]["hooks"][0]["command"], "holdfast hook prompt");
  EXPECT_EQ(gemini["hooks"]["AfterAgent"][0]["hooks"][0]["command"], "holdfast hook stop");
  EXPECT_EQ(gemini["hooks"]["AfterTool"][0]["hooks"][0]["timeout"], 5'000) << "milliseconds";
  const Json codex = *with_hooks(Json::object(), client_of("codex"), "holdfast");
  EXPECT_EQ(codex["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"], "holdfast hook prompt");
  EXPECT_EQ(codex["hooks"]["Stop"][0]["hooks"][0]["timeout"], 5) << "seconds";
}

TEST(ClientSettings, InstallingAgainReplacesWhatIsThere) {
  const auto once = with_hooks(theirs(), client_of("claude-code"), "holdfast");
  const auto twice = with_hooks(*once, client_of("claude-code"), "holdfast");
  EXPECT_EQ(once->dump(), twice->dump());
  const auto moved = with_hooks(*once, client_of("claude-code"), "/usr/bin/holdfast");
  EXPECT_EQ(moved->dump().find("\"holdfast hook"), std::string::npos);
}

TEST(ClientSettings, WhatIsNotUnderstoodIsLeftAlone) {
  for (const char* text : {"[]", R"({"hooks":[]})", R"({"hooks":{"Stop":{}}})"}) {
    const auto with = with_hooks(Json::parse(text), client_of("claude-code"), "holdfast");
    EXPECT_EQ(with.status().code(), StatusCode::kConditionFalse) << text;
  }
  const Json odd = Json::parse(R"({"hooks":{"Stop":[7,{"x":1},{"hooks":[8]}]}})");
  EXPECT_EQ(without_hooks(*with_hooks(odd, client_of("claude-code"), "holdfast"))->dump(),
            odd.dump());
}

TEST(ClientSettings, TheDifferenceNamesEachLineThatChanges) {
  EXPECT_EQ(line_difference("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(line_difference("", "a\n"), "+ a\n");
  EXPECT_EQ(line_difference("a\nb\nc\n", "a\nB\nc\n"), "  a\n- b\n+ B\n  c\n");
  EXPECT_EQ(line_difference("a", ""), "- a\n");
  EXPECT_THAT(line_difference("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6\n"), HasSubstr("+ 6\n"));
}

TEST(ClientSettings, TheDifferenceOfManyLinesTakesNoMemoryForEachPair) {
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += std::to_string(i) + "\n";
  EXPECT_EQ(line_difference(many + "z\n", many + "y\nz\n"), "  199998\n  199999\n+ y\n  z\n");
  std::string other;
  for (int i = 0; i < 200'000; ++i) other += "x" + std::to_string(i) + "\n";
  EXPECT_THAT(line_difference(many, other), HasSubstr("- 199999\n+ x0\n"));
}

TEST(ClientSettings, AWordOfAShellIsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("/usr/bin/holdfast"), "/usr/bin/holdfast");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$(x)"), "'$(x)'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace holdfast::hooks
