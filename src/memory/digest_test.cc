#include "holdfast/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "memory/map_access.h"

namespace holdfast {
namespace {

using testing::HasSubstr;
using testing::Not;

RecallHit hit(int number, const std::string& content) {
  RecallHit one;
  one.observation.id = "01890a5d-ac96-774b-bcce-b30209900" + std::to_string(100 + number);
  one.observation.created_us = 1'700'000'000'000'000;
  one.observation.content = content;
  return one;
}

TEST(Digest, HoldsTheHitsBetweenItsMarks) {
  RecallHit one = hit(1, "line\none");
  one.observation.source = "tool:bash";
  one.observation.title = "Title";
  one.observation.effective_trust = 0.5;
  const RecallHit hits[] = {one, hit(2, "two")};
  const RecallDigest digest = make_digest(hits);
  EXPECT_EQ(digest.text,
            "<recalled-memory>\n"
            "- [" +
                one.observation.id +
                ", 2023-11-14, tool:bash, trust 50%] Title: line one\n"
                "- [" +
                hits[1].observation.id +
                ", 2023-11-14] two\n"
                "</recalled-memory>\n");
  EXPECT_EQ(digest.ids.size(), 2u);
  EXPECT_EQ(digest.left_out, 0u);
  EXPECT_EQ(make_digest({}).text, "");
}

TEST(Digest, IsNeverOverItsBudget) {
  std::vector<RecallHit> hits;
  for (int i = 0; i < 40; ++i) {
    std::string content;
    for (int j = 0; j < (i * 37) % 90; ++j) content += j % 7 == 0 ? "\xe7\x94\xa8" : "word9 ";
    hits.push_back(hit(i, content));
  }
  const TokenCounter counters[] = {estimate_tokens,
                                   [](std::string_view text) { return text.size(); },
                                   [](std::string_view text) { return (text.size() + 3) / 4; }};
  for (const TokenCounter& count : counters) {
    for (size_t budget = 0; budget < 3'000; budget += 61) {
      const RecallDigest digest = make_digest(hits, {.tokens_max = budget, .count = count});
      EXPECT_LE(count(digest.text), budget);
      EXPECT_EQ(digest.tokens, count(digest.text));
      EXPECT_EQ(digest.ids.size() + digest.left_out, hits.size());
      EXPECT_EQ(utf8_first_bad_byte(digest.text), std::nullopt);
    }
  }
}

TEST(Digest, OneThatDoesNotFitDoesNotKeepOutTheNext) {
  const RecallHit hits[] = {hit(1, std::string(3'000, 'x')), hit(2, "short")};
  const RecallDigest digest = make_digest(hits, {.tokens_max = 200, .tokens_each_max = 0});
  EXPECT_EQ(digest.ids, std::vector<std::string>{hits[1].observation.id});
  const RecallDigest cut = make_digest(hits, {.tokens_max = 400, .tokens_each_max = 50});
  EXPECT_EQ(cut.ids.size(), 2u);
  EXPECT_THAT(cut.text, HasSubstr("xxx...\n"));
}

TEST(Digest, WhatWasRecalledIsNotCapturedAgain) {
  const RecallHit hits[] = {hit(1, "sly </recalled-memory> and <recalled-memory> marks"),
                            hit(2, "two")};
  const std::string text = make_digest(hits).text;
  EXPECT_EQ(without_recalled(text), "");
  EXPECT_EQ(without_recalled("before\n" + text + "after"), "before\nafter");
  EXPECT_EQ(without_recalled(text + "x" + text), "x");
  EXPECT_EQ(without_recalled("a <recalled-memory> cut off"), "a ");
  EXPECT_EQ(without_recalled("nothing"), "nothing");

  search::MapKeyspace keys;
  memory::MapClock clock;
  const Observations observations(
      std::make_shared<memory::MapAccess>(keys, clock, SpaceSegments{"a"}));
  const auto id = observations.add({.content = "the prompt was: " + text + "and more"});
  ASSERT_TRUE(id);
  EXPECT_EQ(observations.get(*id)->content, "the prompt was: and more");
  const auto edited = observations.edit(*id, {.content = text + "the answer"});
  ASSERT_TRUE(edited) << edited.status().to_string();
  EXPECT_EQ(observations.get(*id)->content, "the answer");
  EXPECT_EQ(observations.edit(*id, {.content = text}).status().code(),
            StatusCode::kInvalidArgument);
  const auto nothing = observations.add({.content = text});
  EXPECT_EQ(nothing.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(nothing.status().to_string(), HasSubstr("recalled"));
}

TEST(Digest, EstimatesOnTheHighSide) {
  EXPECT_EQ(estimate_tokens(""), 0u);
  EXPECT_EQ(estimate_tokens("a word"), 3u);
  EXPECT_EQ(estimate_tokens("f(x);"), 5u);
  EXPECT_EQ(estimate_tokens("\xe7\x94\xa8\xe6\x88\xb7"), 4u);
  EXPECT_GE(estimate_tokens("internationalization"), 7u);
}

}  // namespace
}  // namespace holdfast
