#include "documents/transcript.h"

#include <gtest/gtest.h>

#include "documents/text_splitter.h"

namespace holdfast::documents {
namespace {

std::optional<TranscriptMessage> message(const char* line) {
  return transcript_message(nlohmann::json::parse(line));
}

TEST(Transcript, ReadsTheFormsOfSeveralAgents) {
  const auto claude = message(R"({"type":"user","sessionId":"s","timestamp":"2026-01-31T09:05:00Z",
      "message":{"role":"user","content":"why?"}})");
  ASSERT_TRUE(claude);
  EXPECT_EQ(claude->role, "user");
  EXPECT_EQ(claude->text, "why?");
  EXPECT_EQ(claude->session, "s");
  EXPECT_EQ(claude->happened_us, 1'769'850'300'000'000);
  const auto codex = message(R"({"type":"response_item","payload":{"type":"message",
      "role":"assistant","content":[{"type":"output_text","text":"so"}]}})");
  EXPECT_EQ(codex->role, "assistant");
  EXPECT_EQ(codex->text, "so");
  EXPECT_EQ(message(R"({"role":"user","content":"hello"})")->text, "hello");
}

TEST(Transcript, WhatToolsSayIsLeftOut) {
  EXPECT_EQ(message(R"({"type":"user","message":{"role":"user","content":[
      {"type":"tool_result","content":"x"}]}})")
                ->text,
            "");
  EXPECT_EQ(message(R"({"type":"assistant","message":{"role":"assistant","content":[
      {"type":"text","text":"a"},{"type":"tool_use"},7,{"type":"text","text":"b"}]}})")
                ->text,
            "a\nb");
  EXPECT_EQ(message(R"({"type":"user","isMeta":true,"message":{"content":"caveat"}})")->text, "");
  EXPECT_EQ(message(R"({"type":"system","sessionId":"s","content":"x"})")->text, "");
}

TEST(Transcript, OtherLinesAreOfNoTranscript) {
  for (const char* line : {"7", "[]", "{}", R"({"content":"note"})", R"({"role":"cook"})"}) {
    EXPECT_FALSE(message(line)) << line;
  }
}

TEST(Transcript, BecomesSectionsWithTimeAndSession) {
  const auto sections = split_json_lines(
      R"({"type":"summary","sessionId":"s"})"
      "\n"
      R"({"type":"user","sessionId":"s","message":{"role":"user","content":"why?"}})"
      "\n"
      R"({"type":"assistant","sessionId":"s","message":{"role":"assistant","content":"so"}})"
      "\n"
      R"({"title":"t","content":"a note of another kind"})");
  ASSERT_EQ(sections.size(), 3u);
  EXPECT_EQ(sections[0].kind, "prompt");
  EXPECT_EQ(sections[0].session, "s");
  EXPECT_EQ(sections[1].kind, "answer");
  EXPECT_EQ(sections[2].kind, "");
  EXPECT_EQ(sections[2].heading, "t");
}

TEST(Transcript, TheFirstLineOfCodexNamesTheSession) {
  const auto sections =
      split_json_lines(R"({"type":"session_meta","payload":{"id":"c1","cwd":"/src"}})"
                       "\n"
                       R"({"type":"response_item","payload":{"type":"message","role":"user",)"
                       R"("content":[{"type":"input_text","text":"<environment_context>cwd"}]}})"
                       "\n"
                       R"({"type":"event_msg","payload":{"type":"user_message","message":"why?"}})"
                       "\n"
                       R"({"type":"response_item","payload":{"type":"message","role":"user",)"
                       R"("content":[{"type":"input_text","text":"why?"}]}})");
  ASSERT_EQ(sections.size(), 1u) << "what the client says in the user's name is left out";
  EXPECT_EQ(sections[0].text, "why?");
  EXPECT_EQ(sections[0].session, "c1");
}

}  // namespace
}  // namespace holdfast::documents
