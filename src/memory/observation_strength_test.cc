#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "holdfast/recall.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

class ObservationStrengthTest : public testing::Test {
 protected:
  Observations observations() {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  }
  std::string add(const NewObservation& observation) {
    clock_.now_us += 1'000;
    return *observations().add(observation);
  }
  Status reinforce(const std::string& id, Reinforcement what) {
    return observations().reinforce(std::span(&id, 1), what);
  }
  std::vector<RecallHit> recalled(const RecallQuery& query) {
    MapAccess access(keys_, clock_, {"a"});
    auto hits = recall(access, query);
    EXPECT_TRUE(hits) << hits.status().to_string();
    return hits ? std::move(*hits) : std::vector<RecallHit>();
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(ObservationStrengthTest, FadesWithTimeAndIsRenewedByUse) {
  const std::string id = add({.content = "x", .importance = 0.0});
  EXPECT_EQ(observations().strength(id)->retention, 1);
  clock_.now_us += kHalfLifeUs;
  EXPECT_NEAR(observations().strength(id)->retention, 0.5, 1e-9);
  ASSERT_TRUE(reinforce(id, Reinforcement::access));
  EXPECT_EQ(observations().strength(id)->retention, 1);
  EXPECT_EQ(observations().strength(id)->accesses, 1u);
  clock_.now_us += 2 * kHalfLifeUs;
  EXPECT_NEAR(observations().strength(id)->retention, 0.5, 1e-9) << "what is used fades slower";
  ASSERT_TRUE(reinforce(id, Reinforcement::contradiction));
  EXPECT_NEAR(observations().strength(id)->retention, 0.5, 1e-9) << "not renewed by that";
}

TEST_F(ObservationStrengthTest, ConfidenceFollowsWhatIsSaidForAndAgainst) {
  const std::string id = add({.content = "x", .confidence = 0.5});
  EXPECT_EQ(observations().strength(id)->confidence, 0.5);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(reinforce(id, Reinforcement::confirmation));
  EXPECT_EQ(observations().strength(id)->confidence, 0.75);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(reinforce(id, Reinforcement::contradiction));
  EXPECT_EQ(observations().strength(id)->confidence, 0.5);
  EXPECT_EQ(observations().get(id)->confidence, 0.5) << "what it was given stays";
  const std::string sure = add({.content = "y", .confidence = 1.0});
  EXPECT_EQ(observations().strength(sure)->confidence, 1);
  ASSERT_TRUE(reinforce(sure, Reinforcement::confirmation));
  EXPECT_EQ(observations().strength(sure)->confidence, 1) << "nothing is surer";
}

TEST_F(ObservationStrengthTest, WhatIsRefusedHasCountedNothing) {
  const std::string id = add({.content = "x"});
  const std::string gone = add({.content = "y"});
  ASSERT_TRUE(observations().forget(gone));
  const auto before = keys_.entries;
  const std::string absent[] = {id, "01890a5d-ac96-774b-bcce-b302099a8057"};
  EXPECT_EQ(observations().reinforce(absent, Reinforcement::access).code(), StatusCode::kNotFound);
  const std::string forgotten[] = {id, gone};
  EXPECT_EQ(observations().reinforce(forgotten, Reinforcement::access).code(),
            StatusCode::kConditionFalse);
  EXPECT_EQ(reinforce("x", Reinforcement::access).code(), StatusCode::kInvalidArgument);
  const std::vector<std::string> many(kReinforcedMax + 1, id);
  EXPECT_EQ(observations().reinforce(many, Reinforcement::access).code(), StatusCode::kTooLarge);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(observations().strength(absent[1]).status().code(), StatusCode::kNotFound);
  const Observations elsewhere(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"b"}));
  EXPECT_EQ(elsewhere.reinforce(absent, Reinforcement::access).code(), StatusCode::kNotFound);
}

TEST_F(ObservationStrengthTest, RemovingLeavesNothingOfIt) {
  add({.content = "stays"});
  const auto before = keys_.entries;
  const std::string id = add({.content = "goes"});
  for (const auto what : {Reinforcement::access, Reinforcement::confirmation}) {
    ASSERT_TRUE(reinforce(id, what));
  }
  ASSERT_TRUE(observations().remove(id));
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(ObservationStrengthTest, CountsInTheRankingOnlyWhereItIsAskedFor) {
  const std::string old = add({.content = "clock clock door"});
  clock_.now_us += 4 * kHalfLifeUs;
  const std::string fresh = add({.content = "clock door window"});
  EXPECT_EQ(recalled({.text = "clock"}).front().observation.id, old);
  EXPECT_FALSE(recalled({.text = "clock"}).front().strength);
  const auto hits = recalled({.text = "clock", .strength_weight = 0.9, .explain = true});
  ASSERT_EQ(hits.size(), 2u);
  EXPECT_EQ(hits[0].observation.id, fresh);
  ASSERT_TRUE(hits[1].strength);
  EXPECT_NEAR(hits[1].score, hits[1].text_score * (0.1 + 0.9 * hits[1].strength->value()), 1e-12);
  EXPECT_NEAR(hits[1].text_score, hits[1].explanation.at(0).score, 1e-9);
  MapAccess access(keys_, clock_, {"a"});
  for (const double weight : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(recall(access, {.text = "clock", .strength_weight = weight}).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(ObservationStrengthTest, BestAreThoseOfAllWhateverTheLimit) {
  std::minstd_rand engine(1);
  const auto random = [&] { return static_cast<uint32_t>(engine()); };
  std::vector<std::string> ids;
  for (int i = 0; i < 400; ++i) {
    std::string content = "clock";
    for (unsigned more = random() % 6; more > 0; --more)
      content += random() % 2 ? " clock" : " door";
    ids.push_back(add({.content = content, .confidence = random() % 100 / 100.0}));
    clock_.now_us += kHalfLifeUs / 50;
  }
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(reinforce(ids[random() % ids.size()], static_cast<Reinforcement>(random() % 3)));
  }
  for (const double weight : {0.1, 0.6, 1.0}) {
    std::vector<double> all;
    for (const RecallHit& hit : recalled({.text = "clock", .limit = kRecallLimitMax})) {
      const double value = observations().strength(hit.observation.id)->value();
      all.push_back(hit.text_score * (1 - weight + weight * value));
    }
    ASSERT_EQ(all.size(), ids.size());
    std::sort(all.rbegin(), all.rend());
    for (const size_t limit : {size_t{1}, size_t{7}, size_t{100}, size_t{400}}) {
      std::vector<double> best;
      for (const RecallHit& hit :
           recalled({.text = "clock", .limit = limit, .strength_weight = weight})) {
        best.push_back(hit.score);
      }
      EXPECT_EQ(best, std::vector<double>(all.begin(), all.begin() + static_cast<long>(limit)));
    }
  }
}

}  // namespace
}  // namespace holdfast::memory
