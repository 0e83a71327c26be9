#include "memory/recall_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RecallChoiceTest : public testing::Test {
 protected:
  std::shared_ptr<Access> access() {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"});
  }
  std::string add(const NewObservation& observation) {
    clock_.now_us += 1000;
    auto id = Observations(access()).add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return *id;
  }
  void link(const std::string& from, const std::string& to, double weight = 1) {
    EXPECT_TRUE(Links(access()).put(
        {.from = link_end(from), .type = "t", .to = link_end(to), .weight = weight}));
  }
  std::vector<RecallHit> hits(const RecallQuery& query) {
    auto found = recall(*access(), query);
    EXPECT_TRUE(found) << found.status().to_string();
    return std::move(*found);
  }
  std::vector<std::string> contents(const RecallQuery& query) {
    std::vector<std::string> all;
    for (const RecallHit& hit : hits(query)) all.push_back(hit.observation.content);
    return all;
  }
  RecallVerdict why(const RecallQuery& query, const std::string& id) {
    auto verdict = why_not(*access(), query, id);
    EXPECT_TRUE(verdict) << verdict.status().to_string();
    // It says the same as recall.
    const auto found = contents(query);
    const auto observation = Observations(access()).get(id);
    const bool is_found =
        observation && std::find(found.begin(), found.end(), observation->content) != found.end();
    EXPECT_EQ(verdict->reason == RecallReason::found, is_found) << verdict->message;
    return std::move(*verdict);
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(RecallChoiceTest, WhatSaysTheSameAgainComesLater) {
  add({.content = "the clock of the login server is behind"});
  add({.content = "the clock of the login server is behind again"});
  add({.content = "a clock makes noise"});
  RecallQuery query{.text = "clock login server", .limit = 2};
  EXPECT_EQ(contents(query)[1], "the clock of the login server is behind again");
  query.variety = 0.7;
  EXPECT_THAT(contents(query),
              ElementsAre("the clock of the login server is behind", "a clock makes noise"));
  query.limit = 3;
  const auto all = hits(query);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].likeness, 0);
  EXPECT_GT(all[2].likeness, 0.8);
}

TEST_F(RecallChoiceTest, OneSourceOrSessionDoesNotTakeAllPlaces) {
  for (int i = 0; i < 300; ++i) {
    add({.content = "clock clock " + std::to_string(i), .source = "loud", .session = "s"});
  }
  add({.content = "a clock that is hard to find among all others", .source = "quiet"});
  add({.content = "another clock that is hard to find among all"});
  RecallQuery query{.text = "clock", .limit = 4};
  query.per_source_max = 2;
  std::vector<std::string> sources;
  for (const RecallHit& hit : hits(query)) {
    sources.push_back(hit.observation.source.value_or("none"));
  }
  EXPECT_THAT(sources, testing::UnorderedElementsAre("loud", "loud", "quiet", "none"));
  query.per_source_max = 0;
  query.per_session_max = 1;
  EXPECT_EQ(hits(query).size(), 3u) << "there are no more";
}

TEST_F(RecallChoiceTest, LinksBringWhatHasNoneOfTheWords) {
  const std::string best = add({.content = "login fails"});
  const std::string cause = add({.content = "the clock was behind"});
  const std::string gone = add({.content = "something that was forgotten"});
  const std::string other = add({.content = "of another kind", .kind = "other"});
  add({.content = "not linked"});
  for (const std::string& to : {cause, gone, other}) link(best, to);
  ASSERT_TRUE(Observations(access()).forget(gone));
  RecallQuery query{.text = "login"};
  EXPECT_THAT(contents(query), ElementsAre("login fails"));
  query.link_weight = 0.3;
  const auto found = hits(query);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].observation.content, "login fails");
  EXPECT_NEAR(found[0].score, 0.7 + found[0].link_share, 1e-12);
  EXPECT_EQ(found[1].text_score, 0);
  EXPECT_NEAR(found[1].score, found[1].link_share, 1e-12);
  query.text = "+login";
  EXPECT_THAT(contents(query), ElementsAre("login fails"));
  RecallQuery filtered{.text = "login", .kind = "other"};
  filtered.link_weight = 0.3;
  EXPECT_TRUE(contents(filtered).empty());
}

TEST_F(RecallChoiceTest, LinksBetweenTheBestRaiseThem) {
  const std::string first = add({.content = "login fails here"});
  const std::string second = add({.content = "login fails there"});
  const std::string third = add({.content = "login fails over there"});
  link(first, second);
  RecallQuery query{.text = "login fails", .limit = 2};
  query.link_weight = 0.4;
  EXPECT_THAT(contents(query),
              testing::UnorderedElementsAre("login fails here", "login fails there"));
  EXPECT_EQ(why(query, third).reason, RecallReason::outranked);
}

TEST_F(RecallChoiceTest, SharesAreZeroToOne) {
  for (double RecallQuery::*share : {&RecallQuery::variety, &RecallQuery::link_weight}) {
    RecallQuery query{.text = "login"};
    query.*share = 1.5;
    EXPECT_EQ(recall(*access(), query).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(RecallChoiceTest, WhyNotNamesTheReason) {
  const std::string id = add({.content = "the clock is behind", .kind = "fact"});
  EXPECT_EQ(why({.text = "clock"}, id).reason, RecallReason::found);
  const RecallVerdict filtered = why({.text = "clock", .kind = "note"}, id);
  EXPECT_EQ(filtered.reason, RecallReason::filtered);
  EXPECT_THAT(filtered.message, HasSubstr("`kind`"));
  EXPECT_EQ(why({.text = "clock", .since_us = clock_.now_us + 1'000'000}, id).reason,
            RecallReason::filtered);
  const RecallVerdict no_word = why({.text = "door of the house"}, add({.content = "behind"}));
  EXPECT_EQ(no_word.reason, RecallReason::no_common_word);
  EXPECT_THAT(no_word.message, HasSubstr("hous"));
  EXPECT_EQ(why({.text = "clock +door"}, id).reason, RecallReason::word_condition);
  EXPECT_EQ(why({.text = "clock -behind"}, id).reason, RecallReason::word_condition);
  EXPECT_EQ(why({.text = "\"behind clock\""}, id).reason, RecallReason::word_condition);
  ASSERT_TRUE(Observations(access()).forget(id));
  EXPECT_EQ(why({.text = "clock"}, id).reason, RecallReason::forgotten);
  EXPECT_EQ(why({.text = "clock"}, "01890a5d-ac96-774b-bcce-b302099a8057").reason,
            RecallReason::not_in_space);
}

TEST_F(RecallChoiceTest, WhyNotComparesScores) {
  const std::string last = add({.content = "a clock, beside many other words that say nothing"});
  for (int i = 0; i < 5; ++i) add({.content = "clock clock"});
  const RecallVerdict verdict = why({.text = "clock", .limit = 3}, last);
  EXPECT_EQ(verdict.reason, RecallReason::outranked);
  EXPECT_EQ(verdict.place, 6u);
  ASSERT_TRUE(verdict.score);
  EXPECT_LT(*verdict.score, verdict.last_score);
  double sum = 0;
  for (const ScoreTerm& term : verdict.explanation) sum += term.score;
  EXPECT_DOUBLE_EQ(sum, *verdict.score);
}

TEST_F(RecallChoiceTest, WhyNotTellsWhatVarietyLeavesOut) {
  add({.content = "the clock of the login server is behind"});
  const std::string same = add({.content = "the clock of the login server is behind again"});
  add({.content = "a clock makes noise"});
  RecallQuery query{.text = "clock login server", .limit = 2, .variety = 0.7};
  EXPECT_EQ(why(query, same).reason, RecallReason::crowded_out);
}

TEST_F(RecallChoiceTest, WhyNotTellsThatThereIsNoVector) {
  add({.content = "with", .embedding = Embedding{"m", "1", {1, 2}}});
  const std::string id = add({.content = "without"});
  RecallQuery query;
  query.vector = RecallVector();
  query.vector->values = {1, 2};
  EXPECT_EQ(why(query, id).reason, RecallReason::no_vector);
}

}  // namespace
}  // namespace holdfast::memory
