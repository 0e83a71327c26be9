#include "hooks/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/digest.h"

namespace holdfast::hooks {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

RecallHit hit_of(int number, const std::string& content) {
  RecallHit hit;
  hit.observation.id = "01890a5d-ac96-774b-8000-00000000000" + std::to_string(number % 10);
  hit.observation.created_us = 1'700'000'000'000'000;
  hit.observation.content = content;
  return hit;
}

std::string words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "word" + std::to_string(i) + " ";
  return text;
}

TEST(HookContext, NothingKnownIsNoText) {
  EXPECT_EQ(make_context({}, {}).text, "");
  const std::vector<RecallHit> hits = {hit_of(1, "something")};
  const ContextText none = make_context(hits, {.tokens_max = 10});
  EXPECT_EQ(none.text, "");
  EXPECT_EQ(none.left_out, 1u);
}

TEST(HookContext, IsNeverOverItsBudget) {
  std::vector<RecallHit> hits;
  for (int i = 0; i < 30; ++i) hits.push_back(hit_of(i, words(10 + i * 20)));
  for (const Detail most : {Detail::kIndex, Detail::kTimeline, Detail::kFull}) {
    for (size_t tokens = 50; tokens < 4'000; tokens += 150) {
      const ContextText context =
          make_context(hits, {.tokens_max = tokens, .most = most, .heading = "Known"});
      EXPECT_LE(estimate_tokens(context.text), tokens);
      EXPECT_EQ(context.tokens, estimate_tokens(context.text));
      EXPECT_EQ(context.ids.size() + context.left_out, hits.size());
    }
  }
}

TEST(HookContext, TheBestIsWholeAndWhatFollowsIsShorter) {
  const std::vector<RecallHit> hits = {hit_of(1, words(40) + "END"), hit_of(2, words(400) + "END"),
                                       hit_of(3, words(400) + "END")};
  const ContextText context = make_context(hits, {.tokens_max = 600});
  std::vector<std::string> lines;
  for (size_t at = 0; at < context.text.size();) {
    const size_t end = context.text.find('\n', at);
    lines.push_back(context.text.substr(at, end - at));
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 5u) << context.text;
  EXPECT_THAT(lines[1], HasSubstr("END"));
  EXPECT_THAT(lines[2], Not(HasSubstr("END")));
  EXPECT_LE(lines[3].size(), lines[2].size());
}

TEST(HookContext, IsTakenOutOfWhatIsRememberedLater) {
  const std::vector<RecallHit> hits = {
      hit_of(1, std::string(kRecalledEnd) + " now I am outside " + std::string(kRecalledBegin))};
  const ContextText context = make_context(hits, {.heading = std::string(kRecalledEnd)});
  EXPECT_THAT(context.text, StartsWith(kRecalledBegin));
  EXPECT_EQ(without_recalled("before " + context.text + "after"), "before after");
}

}  // namespace
}  // namespace holdfast::hooks
