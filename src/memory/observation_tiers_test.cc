#include "memory/observation_tiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "memory/catalog.h"
#include "memory/content_parts.h"
#include "memory/keys.h"
#include "memory/map_access.h"
#include "memory/meter.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TierOptions kSoon{.warm_after_us = 1'000'000, .cold_after_us = 2'000'000};

class TiersTest : public testing::Test {
 protected:
  Observations observations() {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  }
  std::string add(const NewObservation& observation) {
    auto id = observations().add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return id ? *id : std::string();
  }
  TierStep step(TierOptions options = kSoon) {
    const auto done = observations().tier_step(options);
    EXPECT_TRUE(done) << done.status().to_string();
    return done ? *done : TierStep();
  }
  Tier tier(const std::string& id) { return observations().get(id)->tier; }
  std::vector<std::string> listed(Tier tier) {
    std::vector<std::string> ids;
    const auto all = observations().list({.limit = 1'000, .tier = tier});
    for (const Observation& one : *all) {
      EXPECT_EQ(one.tier, tier);
      ids.push_back(one.id);
    }
    return ids;
  }
  std::vector<std::string> found(const std::string& text) {
    MapAccess access(keys_, clock_, {"a"});
    const auto hits = recall(access, {.text = text, .limit = 1'000});
    EXPECT_TRUE(hits) << hits.status().to_string();
    std::vector<std::string> contents;
    for (const RecallHit& hit : *hits) contents.push_back(hit.observation.content);
    return contents;
  }
  size_t cold_values() {
    const auto range = search::prefix_range(space_prefix(KeyKind::kColdContent, 1));
    return static_cast<size_t>(std::distance(keys_.entries.lower_bound(range.begin),
                                             keys_.entries.lower_bound(range.end)));
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(TiersTest, WhatIsNotUsedGetsWarmThenColdAndHotAgainByUse) {
  const std::string id = add({.content = "the clock was behind", .tags = {"t"}});
  EXPECT_TRUE(step().is_round_over);
  EXPECT_EQ(tier(id), Tier::hot);
  clock_.now_us += 1'000'000;
  EXPECT_EQ(step().to_warm, 1u);
  EXPECT_THAT(listed(Tier::warm), ElementsAre(id));
  clock_.now_us += 1'000'000;
  EXPECT_EQ(step().to_cold, 1u);
  EXPECT_EQ(step().to_cold, 0u) << "once";
  EXPECT_THAT(listed(Tier::warm), IsEmpty());
  EXPECT_THAT(listed(Tier::cold), ElementsAre(id));
  EXPECT_THAT(listed(Tier::hot), IsEmpty());
  EXPECT_THAT(found("clock"), ElementsAre("the clock was behind"));
  EXPECT_EQ(observations().list({.tags = {"t"}})->at(0).content, "the clock was behind");
  EXPECT_EQ(observations().tier_counts()->cold_bytes, 20u);
  ASSERT_TRUE(observations().reinforce(std::span(&id, 1), Reinforcement::access));
  EXPECT_EQ(step().to_hot, 1u);
  EXPECT_EQ(tier(id), Tier::hot);
  EXPECT_EQ(cold_values(), 0u);
  const auto counts = observations().tier_counts();
  EXPECT_EQ(counts->hot, 1u);
  EXPECT_EQ(counts->warm + counts->cold + counts->cold_bytes + counts->stored_bytes, 0u);
}

TEST_F(TiersTest, ColdOnesAreEditedForgottenRestoredAndRemovedLikeOthers) {
  const std::string long_text(kInlineContentSizeMax + 10, 'x');
  for (const std::string& text : {std::string("short text"), "long " + long_text}) {
    add({.content = "stays"});
    const auto before = keys_.entries;
    const std::string id = add({.content = text});
    clock_.now_us += 5'000'000;
    step();
    EXPECT_EQ(cold_values(), 2u);
    ASSERT_TRUE(observations().forget(id));
    EXPECT_EQ(observations().get(id)->content, text);
    ASSERT_TRUE(observations().restore(id));
    EXPECT_THAT(found(text.substr(0, 5)), ElementsAre(text));
    ASSERT_EQ(observations().edit(id, {.title = "named"})->content, text);
    EXPECT_EQ(tier(id), Tier::hot) << "what is edited";
    EXPECT_EQ(observations().get(id)->content, text);
    EXPECT_EQ(observations().history(id)->at(0).content, text);
    clock_.now_us += 5'000'000;
    step();
    ASSERT_TRUE(observations().edit(id, {.content = "other text"}));
    EXPECT_THAT(found("other"), ElementsAre("other text"));
    clock_.now_us += 5'000'000;
    step();
    ASSERT_TRUE(observations().remove(id));
    EXPECT_THAT(found("other"), IsEmpty());
    EXPECT_EQ(cold_values(), 1u);
    keys_.entries = before;
    ASSERT_TRUE(observations().remove(listed(Tier::hot).at(0)));
  }
}

TEST_F(TiersTest, AColdContentMayHaveSeveralParts) {
  // Of 4,096 words without an order a zstd frame keeps 12 bits each.
  std::mt19937 random(1);
  std::string text;
  while (text.size() + 5 < kContentSizeMax) {
    text += "w";
    for (int i = 0; i < 3; ++i) text.push_back("bcdfghjklmnpqrst"[random() % 16]);
    text += " ";
  }
  const std::string id = add({.content = text});
  clock_.now_us += 5'000'000;
  step();
  EXPECT_EQ(cold_values(), 2u) << "keys of one content";
  EXPECT_EQ(observations().tier_counts()->cold_bytes, text.size());
  EXPECT_EQ(observations().get(id)->content, text);
  EXPECT_EQ(found(text.substr(0, 4)).size(), 1u);
  ASSERT_TRUE(observations().edit(id, {.content = "short"}));
  EXPECT_EQ(cold_values(), 0u);
  EXPECT_EQ(observations().history(id)->at(0).content, text);
}

TEST_F(TiersTest, StepsAreBoundedAndGoOnWhereTheLastOneEnded) {
  for (int i = 0; i < 25; ++i) add({.content = "text " + std::to_string(i)});
  clock_.now_us += 5'000'000;
  TierOptions few = kSoon;
  few.limit = 10;
  EXPECT_EQ(step(few).to_cold, 10u);
  EXPECT_EQ(step(few).to_cold, 10u);
  const TierStep last = step(few);
  EXPECT_EQ(last.to_cold, 5u);
  EXPECT_TRUE(last.is_round_over);
  for (int i = 0; i < 3; ++i) add({.content = std::string(800'000, 'a')});
  clock_.now_us += 5'000'000;
  EXPECT_EQ(step().to_cold, 2u) << "a MiB of contents is enough for a commit";
  EXPECT_EQ(step().to_cold, 1u);
  for (const TierOptions& bad :
       {TierOptions{.limit = 0}, TierOptions{.warm_after_us = 2, .cold_after_us = 1},
        TierOptions{.warm_after_us = -1}}) {
    EXPECT_EQ(observations().tier_step(bad).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(TiersTest, ATrainedDictionarySavesMostOfShortTexts) {
  std::minstd_rand engine(5);
  for (int i = 0; i < 400; ++i) {
    add({.content = "the deployment of service number " + std::to_string(engine() % 1000) +
                    " failed because the certificate of the gateway had expired on day " +
                    std::to_string(engine() % 365)});
  }
  clock_.now_us += 5'000'000;
  EXPECT_EQ(step().to_cold, 400u);
  EXPECT_TRUE(keys_.entries.contains(space_prefix(KeyKind::kColdDictionary, 1)));
  const auto counts = observations().tier_counts();
  EXPECT_LT(counts->stored_bytes * 2, counts->cold_bytes);
  EXPECT_EQ(found("certificate").size(), 400u);
  for (const std::string& id : listed(Tier::cold)) ASSERT_TRUE(observations().remove(id));
  step();
  for (const auto& [key, value] : keys_.entries) {
    EXPECT_EQ(value.find("certificate"), value.npos) << "a piece of what is gone";
  }
}

TEST_F(TiersTest, DamagedContentIsReported) {
  const std::string id = add({.content = "the clock was behind"});
  clock_.now_us += 5'000'000;
  step();
  const std::string key = space_key(KeyKind::kColdContent, 1, Uuid::parse(id)->view());
  const std::string whole = keys_.entries.at(key);
  std::vector<std::string> damaged = {"", "\x07", whole.substr(0, whole.size() - 1)};
  damaged.push_back(std::string(1, '\x01') + "not a frame");
  for (const std::string& bytes : damaged) {
    keys_.entries[key] = bytes;
    EXPECT_EQ(observations().get(id).status().code(), StatusCode::kCorruption);
  }
}

// Whatever happens to them, observations are what they would be without tiers.
TEST_F(TiersTest, TiersChangeNothingButThePlace) {
  std::minstd_rand engine(11);
  const auto random = [&](size_t bound) { return engine() % bound; };
  std::map<std::string, std::string> model;
  for (int i = 0; i < 500; ++i) {
    clock_.now_us += static_cast<int64_t>(random(400'000));
    const std::string text = "word" + std::to_string(random(50)) + " of " + std::to_string(i);
    const auto some = [&] {
      return std::next(model.begin(), static_cast<ptrdiff_t>(random(model.size())));
    };
    switch (model.empty() ? 0 : random(6)) {
      case 0:
      case 1:
        model[add({.content = text})] = text;
        break;
      case 2: {
        const auto one = some();
        ASSERT_TRUE(observations().edit(one->first, {.content = text}));
        one->second = text;
        break;
      }
      case 3: {
        const auto one = some();
        ASSERT_TRUE(observations().remove(one->first));
        model.erase(one);
        break;
      }
      case 4:
        ASSERT_TRUE(observations().reinforce(std::span(&some()->first, 1), Reinforcement::access));
        break;
      default: {
        TierOptions few = kSoon;
        few.limit = 1 + random(20);
        step(few);
      }
    }
  }
  std::map<std::string, std::string> there;
  const auto all = observations().list({.limit = 1'000});
  for (const Observation& one : *all) {
    there[one.id] = one.content;
  }
  EXPECT_EQ(there, model);
  const auto counts = observations().tier_counts();
  EXPECT_EQ(counts->cold, listed(Tier::cold).size());
  EXPECT_EQ(counts->warm, listed(Tier::warm).size());
  EXPECT_EQ(counts->hot, listed(Tier::hot).size());
  EXPECT_EQ(counts->cold, cold_values());
  EXPECT_GT(counts->cold, 0u);
  uint64_t bytes = 0;
  for (const std::string& id : listed(Tier::cold)) bytes += model[id].size();
  EXPECT_EQ(counts->cold_bytes, bytes);
  const auto held = read_figure(keys_, 1, Figure::kObservationBytes);
  ASSERT_TRUE(recount(keys_, 1, {}));
  EXPECT_EQ(*read_figure(keys_, 1, Figure::kObservationBytes), *held);
}

}  // namespace
}  // namespace holdfast::memory
