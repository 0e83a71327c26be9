#include "hooks/hook_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::hooks {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<NewObservation> remembered(EventKind kind, const std::string& input) {
  const auto event = parse_event(kind, input);
  EXPECT_TRUE(event) << event.status().to_string();
  return observation_of(*event);
}

TEST(HookEvent, WhatIsNoObjectIsRefused) {
  for (const char* input : {"", "[]", "null", "{", "\"text\"", "{\"prompt\":\"\xff\"}"}) {
    const auto event = parse_event(EventKind::kPrompt, input);
    EXPECT_EQ(event.status().code(), StatusCode::kInvalidArgument) << input;
  }
}

TEST(HookEvent, MembersOfAnotherTypeCountAsAbsent) {
  EXPECT_FALSE(remembered(EventKind::kPrompt, R"({"prompt":7,"session_id":[]})"));
  EXPECT_FALSE(remembered(EventKind::kTool, R"({"tool_name":{}})"));
  EXPECT_FALSE(remembered(EventKind::kStop, R"({})"));
}

TEST(HookEvent, APromptIsRememberedWithItsSession) {
  const auto prompt = remembered(EventKind::kPrompt, R"({"prompt":"why?","session_id":"s1"})");
  ASSERT_TRUE(prompt);
  EXPECT_EQ(prompt->content, "why?");
  EXPECT_EQ(prompt->session, "s1");
  EXPECT_EQ(prompt->key, std::nullopt) << "people say the same thing twice";
  EXPECT_FALSE(remembered(EventKind::kPrompt, R"({"prompt":" \n"})"));
}

TEST(HookEvent, WhatTheClientNamesHasAKey) {
  const std::string input = R"({"prompt":"go on","prompt_id":"p1","session_id":"s1"})";
  const auto first = remembered(EventKind::kPrompt, input);
  const auto again = remembered(EventKind::kPrompt, input);
  const auto other =
      remembered(EventKind::kPrompt, R"({"prompt":"go on","prompt_id":"p2","session_id":"s1"})");
  ASSERT_TRUE(first->key);
  EXPECT_EQ(first->key, again->key);
  EXPECT_NE(first->key, other->key);
}

TEST(HookEvent, AToolIsRememberedWithWhatItWasGivenAndSaid) {
  const auto tool = remembered(EventKind::kTool, R"({"tool_name":"Bash","tool_use_id":"t1",
      "tool_input":{"command":"make test"},
      "tool_response":{"stdout":"2 passed","stderr":"1 failed","interrupted":false}})");
  ASSERT_TRUE(tool);
  EXPECT_EQ(tool->content, "Bash: make test\n-> 2 passed\n1 failed");
  EXPECT_EQ(tool->source, "tool:Bash");
  EXPECT_LT(*tool->trust, 1);
  EXPECT_TRUE(tool->key);
}

TEST(HookEvent, OtherClientsAreUnderstoodByTheirOwnNames) {
  const auto event = parse_event(EventKind::kStop, R"({"hook_event_name":"AfterAgent",
      "prompt":"why?","prompt_response":"Because."})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->name, "AfterAgent");
  EXPECT_EQ(observation_of(*event)->content, "Because.");
  EXPECT_EQ(parse_event(EventKind::kPrompt, "{}")->name, "UserPromptSubmit");
  const auto tool = remembered(EventKind::kTool, R"({"tool_name":"run_shell_command",
      "tool_input":{"command":"make"},"tool_response":{"llmContent":"built","returnDisplay":""}})");
  EXPECT_EQ(tool->content, "run_shell_command: make\n-> built");
}

TEST(HookEvent, AnEditSaysWhatBecameOfWhat) {
  const auto tool = remembered(EventKind::kTool, R"({"tool_name":"Edit",
      "tool_input":{"file_path":"a.cc","old_string":"one","new_string":"two"},
      "tool_response":{"filePath":"a.cc","structuredPatch":[]}})");
  EXPECT_EQ(tool->content, "Edit: a.cc\nold_string: one\nnew_string: two");
}

TEST(HookEvent, ToolsThatOnlyLookAreNotRemembered) {
  for (const char* name : {"Read", "Grep", "TodoWrite", "read_file", "mcp__holdfast__recall"}) {
    EXPECT_FALSE(remembered(EventKind::kTool, std::string(R"({"tool_name":")") + name + "\"}"));
  }
  EXPECT_TRUE(remembered(EventKind::kTool, R"({"tool_name":"mcp__github__create_issue"})"));
}

TEST(HookEvent, LongOutputKeepsItsBeginningAndItsEnd) {
  Json input = {{"tool_name", "Bash"}, {"tool_input", {{"command", "make"}}}};
  std::string output = "begin ";
  for (int i = 0; i < 5'000; ++i) output += "\u00e9";
  input["tool_response"] = output + " the end";
  const auto tool = remembered(EventKind::kTool, input.dump());
  EXPECT_LT(tool->content.size(), 2'000u);
  EXPECT_THAT(tool->content, HasSubstr("begin"));
  EXPECT_THAT(tool->content, HasSubstr("the end"));
  EXPECT_NO_THROW((void)Json(tool->content).dump()) << "cut within a character";
}

TEST(HookEvent, AnAnswerIsFoundInTheTranscript) {
  const std::string transcript =
      "cut off line\"}\n"
      R"({"type":"assistant","message":{"content":[{"type":"text","text":"first"}]}})"
      "\n"
      R"({"type":"assistant","message":{"content":[{"type":"text","text":"last"},{"type":"x"}]}})"
      "\n"
      R"({"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash"}]}})"
      "\n"
      R"({"type":"user","message":{"content":"thanks"}})"
      "\n";
  EXPECT_EQ(last_answer(transcript), "last");
  EXPECT_EQ(last_answer(""), "");
  EXPECT_EQ(last_answer("no JSON\n\n\n"), "");
}

TEST(HookEvent, APromptsSignsAreNoOperators) {
  EXPECT_EQ(query_of("don't use -force AND \"never\" NOT +this*"), "don't use force never this");
  EXPECT_EQ(query_of(" --- \n "), "");
  std::string many;
  for (int i = 0; i < 500; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_THAT(query_of(many), Not(HasSubstr("w48")));
}

}  // namespace
}  // namespace holdfast::hooks
