#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "holdfast/recall.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ConsolidationTest : public testing::Test {
 protected:
  Observations observations() {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  }
  std::string add(const NewObservation& observation) {
    clock_.now_us += 1'000;
    auto id = observations().add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return id ? *id : std::string();
  }
  std::vector<Consolidated> consolidate(const ConsolidationOptions& options = {}) {
    clock_.now_us += 1'000;
    auto done = observations().consolidate(options);
    EXPECT_TRUE(done) << done.status().to_string();
    return done ? std::move(*done) : std::vector<Consolidated>();
  }
  std::vector<std::string> found(const std::string& text) {
    MapAccess access(keys_, clock_, {"a"});
    const auto hits = recall(access, {.text = text, .limit = 1000});
    std::vector<std::string> ids;
    for (const RecallHit& hit : *hits) ids.push_back(hit.observation.id);
    return ids;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

constexpr const char* kSaid = "login fails when the clock of the machine is behind";

TEST_F(ConsolidationTest, NearDuplicatesBecomeOneThatIsDerivedFromThem) {
  const std::string first = add({.content = kSaid, .tags = {"clock"}, .confidence = 0.4});
  const std::string other = add({.content = "the door is open"});
  const std::string second = add({.content = std::string(kSaid) + "!!",
                                  .session = "s",
                                  .tags = {"login"},
                                  .confidence = 0.7,
                                  .trust = 0.5});
  ASSERT_TRUE(observations().reinforce(std::span(&first, 1), Reinforcement::confirmation));
  const auto done = consolidate();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_THAT(done[0].sources, ElementsAre(second, first));
  EXPECT_THAT(found("login clock"), ElementsAre(done[0].id));
  const auto merged = observations().get(done[0].id);
  EXPECT_EQ(merged->content, std::string(kSaid) + "!!") << "the longest";
  EXPECT_EQ(merged->derived_from, done[0].sources);
  EXPECT_THAT(merged->tags, ElementsAre("clock", "login"));
  EXPECT_EQ(merged->confidence, 0.7);
  EXPECT_EQ(merged->effective_trust, 0.5) << "the least of its sources";
  EXPECT_EQ(merged->session, std::nullopt) << "not of all of them";
  EXPECT_EQ(observations().strength(merged->id)->confirmations, 1u) << "theirs together";
  EXPECT_NE(observations().get(first)->forgotten_us, 0);
  EXPECT_EQ(observations().get(first)->content, kSaid) << "kept until it is purged";
  EXPECT_EQ(observations().get(other)->forgotten_us, 0);
  EXPECT_THAT(consolidate(), IsEmpty()) << "done is done";
  ASSERT_TRUE(observations().restore(first));
  EXPECT_EQ(found("login clock").size(), 2u);
}

TEST_F(ConsolidationTest, ADryRunChangesNothing) {
  const std::string first = add({.content = kSaid});
  const std::string second = add({.content = kSaid});
  const auto before = keys_.entries;
  uint64_t compared_of = 0;
  const auto done =
      consolidate({.dry_run = true, .progress = [&](std::string_view, uint64_t, uint64_t total) {
                     compared_of = total;
                   }});
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(compared_of, 2u);
  EXPECT_EQ(done[0].id, "");
  EXPECT_EQ(done[0].content, kSaid);
  EXPECT_THAT(done[0].sources, ElementsAre(second, first));
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(ConsolidationTest, WhatDiffersInKindTimeOrKeyIsLeftAlone) {
  add({.content = kSaid});
  add({.content = kSaid, .kind = "fact"});
  add({.content = kSaid, .valid_to_us = 5});
  add({.content = kSaid, .key = "k"});
  const std::string old = add({.content = "another thing holds here"});
  ASSERT_TRUE(observations().supersede(old, {.content = "another thing holds here"}));
  EXPECT_THAT(consolidate(), IsEmpty());
}

TEST_F(ConsolidationTest, OnlyTheNewestAreCompared) {
  add({.content = kSaid});
  add({.content = kSaid});
  add({.content = "the door is open"});
  EXPECT_THAT(consolidate({.recent = 2}), IsEmpty());
  EXPECT_EQ(consolidate({.recent = 3}).size(), 1u);
  for (const ConsolidationOptions& bad :
       {ConsolidationOptions{.similarity_min = 0}, ConsolidationOptions{.similarity_min = 1.1},
        ConsolidationOptions{.recent = 0}, ConsolidationOptions{.recent = kConsolidatedMax + 1}}) {
    EXPECT_EQ(observations().consolidate(bad).status().code(), StatusCode::kInvalidArgument);
  }
}

// Of texts with two of a few words each, similar is who has the same words.
TEST_F(ConsolidationTest, EachOfAGroupIsFoundOnceAfterwards) {
  std::minstd_rand engine(7);
  std::map<std::string, size_t> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text = "common";
    for (int j = 0; j < 2; ++j) text += std::string(" w") + "bcdfgh"[engine() % 6];
    texts[text] += 1;
    add({.content = text});
  }
  consolidate({.similarity_min = 1});
  std::set<std::set<std::string>> said;
  const auto all = observations().list({.limit = 1'000});
  for (const Observation& one : *all) {
    std::set<std::string> words = {one.content.substr(7, 2), one.content.substr(10, 2)};
    EXPECT_TRUE(said.insert(words).second) << one.content;
  }
  EXPECT_EQ(found("common").size(), said.size());
  EXPECT_LT(said.size(), texts.size());
}

}  // namespace
}  // namespace holdfast::memory
