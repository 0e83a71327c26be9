#include "holdfast/vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "holdfast/observation.h"
#include "memory/map_access.h"
#include "memory/recall.h"
#include "memory/text_maintenance.h"
#include "memory/vector_spaces.h"
#include "search/vector_fold.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VectorsTest : public testing::Test {
 protected:
  Observations observations(SpaceSegments space = {"a"}) {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, std::move(space)));
  }
  Vectors vectors(SpaceSegments space = {"a"}) {
    return Vectors(std::make_shared<MapAccess>(keys_, clock_, std::move(space)));
  }
  std::string add(const NewObservation& observation, SpaceSegments space = {"a"}) {
    clock_.now_us += 1'000;
    auto id = observations(std::move(space)).add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return id ? *id : "";
  }
  std::string add(const std::string& content, std::vector<float> values) {
    return add({.content = content, .embedding = Embedding{"m", "1", std::move(values)}});
  }
  std::vector<RecallHit> hits(const RecallQuery& query, SpaceSegments space = {"a"}) {
    MapAccess access(keys_, clock_, std::move(space));
    auto found = recall(access, query);
    EXPECT_TRUE(found) << found.status().to_string();
    return found ? std::move(*found) : std::vector<RecallHit>();
  }
  std::vector<std::string> recalled(const RecallQuery& query, SpaceSegments space = {"a"}) {
    std::vector<std::string> contents;
    for (const RecallHit& hit : hits(query, std::move(space))) {
      contents.push_back(hit.observation.content);
    }
    return contents;
  }
  static RecallQuery near(std::vector<float> values) {
    RecallQuery query;
    query.vector = RecallVector();
    query.vector->values = std::move(values);
    return query;
  }
  StatusCode refused(const RecallQuery& query) {
    MapAccess access(keys_, clock_, {"a"});
    return recall(access, query).status().code();
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(VectorsTest, TheNearestComeFirst) {
  add("east", {1, 0});
  add("north", {0, 1});
  add("north-east", {2, 2.1f});
  add({.content = "without"});
  const auto found = hits(near({1, 0.1f}));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].observation.content, "east");
  EXPECT_EQ(found[1].observation.content, "north-east");
  EXPECT_NEAR(*found[0].similarity, 1 / std::sqrt(1.01), 1e-6);
  EXPECT_EQ(found[0].score, *found[0].similarity);
  EXPECT_EQ(found[0].snippet, "east");
}

TEST_F(VectorsTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  add("one", {1, 0});
  const auto before = keys_.entries;
  const auto code_of = [&](const Embedding& embedding) {
    const NewObservation observation = {.content = "other", .embedding = embedding};
    return observations().add(observation).status().code();
  };
  EXPECT_EQ(code_of({"m", "1", {1, 0, 0}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of({"m", "2", {1, 0}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of({"n", "1", {1, 0}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of({"m", "1", {0, 0}}), StatusCode::kInvalidArgument) << "no direction";
  EXPECT_EQ(code_of({"m", "1", {NAN, 0}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(refused(near({1, 0, 0})), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(near({INFINITY, 0})), StatusCode::kInvalidArgument);
  RecallQuery other = near({1, 0});
  other.vector->model = "n";
  EXPECT_EQ(refused(other), StatusCode::kInvalidArgument);
  other = near({1, 0});
  other.vector->space = "titles";
  EXPECT_EQ(refused(other), StatusCode::kNotFound);
}

TEST_F(VectorsTest, NoneOfSeveralIsAddedIfOneDoesNotFit) {
  const std::vector<NewObservation> several = {
      {.content = "one", .embedding = Embedding{"m", "1", {1, 0}}},
      {.content = "two", .embedding = Embedding{"n", "1", {1, 0}}}};
  EXPECT_EQ(observations().add_all(several).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*observations().count(), 0u);
  EXPECT_THAT(*vectors().list(), IsEmpty());
}

TEST_F(VectorsTest, FiltersComeBeforeTheChoice) {
  for (int i = 0; i < 300; ++i) {
    add({.content = "near " + std::to_string(i),
         .kind = i % 100 == 0 ? "rare" : "common",
         .tags = {"t"},
         .embedding = Embedding{"m", "1", {1, static_cast<float>(i) / 1000}}});
  }
  RecallQuery query = near({1, 0});
  query.limit = 5;
  query.kind = "rare";
  EXPECT_THAT(recalled(query), ElementsAre("near 0", "near 100", "near 200"));
  query.tags = {"other"};
  EXPECT_THAT(recalled(query), IsEmpty());
  query = near({1, 0});
  query.limit = 2;
  query.since_us = clock_.now_us - 2'500;
  EXPECT_THAT(recalled(query), ElementsAre("near 297", "near 298"));
}

TEST_F(VectorsTest, VectorsFollowTheirObservation) {
  const std::string id =
      add({.content = "north", .tags = {"old"}, .embedding = Embedding{"m", "1", {0, 1}}});
  add("east", {1, 0});
  RecallQuery query = near({0, 1});
  query.tags = {"new"};
  EXPECT_THAT(recalled(query), IsEmpty());
  ASSERT_TRUE(observations().edit(id, {.tags = {{"new"}}}));
  EXPECT_THAT(recalled(query), ElementsAre("north"));
  ASSERT_TRUE(observations().forget(id));
  EXPECT_THAT(recalled(near({0, 1})), ElementsAre("east"));
  EXPECT_EQ(vectors().put("main", id, {"m", "1", {1, 1}}).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(observations().restore(id));
  EXPECT_THAT(recalled(near({0, 1})), ElementsAre("north", "east"));
  ASSERT_TRUE(observations().edit(id, {.content = "south"}));
  EXPECT_THAT(recalled(near({0, 1})), ElementsAre("east")) << "it stood for another content";
  EXPECT_FALSE(*vectors().get("main", id));
  ASSERT_TRUE(vectors().put("main", id, {"m", "1", {0, -1}}));
  EXPECT_THAT(recalled(near({0, -1})), ElementsAre("south", "east"));
  ASSERT_TRUE(observations().remove(id));
  EXPECT_THAT(recalled(near({0, -1})), ElementsAre("east"));
}

TEST_F(VectorsTest, NothingOfAnotherSpaceIsFound) {
  add("here", {1, 0});
  add({.content = "there", .embedding = Embedding{"m", "1", {1, 0}}}, {"a", "b"});
  EXPECT_THAT(recalled(near({1, 0})), ElementsAre("here"));
  EXPECT_THAT(recalled(near({1, 0}), {"a", "b"}), ElementsAre("there"));
}

TEST_F(VectorsTest, WordsAndVectorRankTogether) {
  add("the clock is late", {1, 0});
  add("the clock is a clock", {0, 1});
  add("time goes by", {0.9f, 0.2f});
  add({.content = "rope"});
  RecallQuery query = near({1, 0});
  query.text = "clock";
  query.explain = true;
  const auto both = hits(query);
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[0].observation.content, "the clock is late");
  for (const RecallHit& hit : both) {
    EXPECT_DOUBLE_EQ(hit.score, hit.text_share + hit.vector_share);
    double sum = 0;
    for (const ScoreTerm& term : hit.explanation) sum += term.score;
    EXPECT_DOUBLE_EQ(sum, hit.text_score);
  }
  query.vector_weight = 0;
  EXPECT_EQ(recalled(query)[0], "the clock is a clock");
  query.vector_weight = 1;
  EXPECT_EQ(recalled(query)[1], "time goes by");
  query.fusion = Fusion::reciprocal_rank;
  query.vector_weight = 0.5;
  EXPECT_EQ(recalled(query)[0], "the clock is late");
  query.text = "clock -late";
  EXPECT_THAT(recalled(query),
              testing::UnorderedElementsAre("time goes by", "the clock is a clock"));
  query.text = "+clock";
  EXPECT_EQ(recalled(query).size(), 2u) << "what must occur must occur";
  query.vector_weight = 1.5;
  EXPECT_EQ(refused(query), StatusCode::kInvalidArgument);
}

TEST_F(VectorsTest, WhatIsSaidInPassingIsFoundByItsPart) {
  const auto add_parts = [&](const std::string& content, std::vector<float> values,
                             std::vector<std::vector<float>> parts) {
    return add({.content = content, .embedding = Embedding{"m", "1", values, std::move(parts)}});
  };
  add_parts("much of the weather", {1, 0}, {{0, 0, 1}});
  const std::string id = add_parts("in passing", {0.8f, 0.6f}, {{0, 1, 0}, {3, 0, 0}});
  add("an old one", {0, 1});
  RecallQuery query = near({1, 0});
  query.text = "job";
  query.vector_weight = 1;
  EXPECT_EQ(recalled(query)[0], "much of the weather");
  query.vector->part = {1, 0, 0};
  const auto found = hits(query);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].observation.content, "in passing");
  EXPECT_NEAR(*found[0].similarity, 0.8, 1e-6);
  EXPECT_NEAR(*found[0].part_similarity, 1, 1e-3);
  EXPECT_NEAR(*found[1].part_similarity, 0, 1e-3);
  EXPECT_EQ(found[2].part_similarity, std::nullopt);
  query.fusion = Fusion::reciprocal_rank;
  EXPECT_EQ(recalled(query)[0], "in passing");
  query.vector->part = {1, 0};
  EXPECT_EQ(recalled(query)[0], "much of the weather") << "parts of another dimension";
  query.vector->part = {0, 0, 0};
  EXPECT_EQ(refused(query), StatusCode::kInvalidArgument);
  EXPECT_EQ(vectors().get("main", id)->value().parts.size(), 2u);
}

TEST_F(VectorsTest, PartsFollowTheirVector) {
  const auto part_count = [&](const std::string& id) {
    const auto embedding = *vectors().get("main", id);
    return embedding ? embedding->parts.size() : 99;
  };
  const std::string id =
      add({.content = "north", .embedding = Embedding{"m", "1", {0, 1}, {{1, 2}, {2, 1}}}});
  EXPECT_EQ(part_count(id), 2u);
  ASSERT_TRUE(observations().edit(id, {.tags = {{"new"}}}));
  EXPECT_EQ(part_count(id), 2u);
  ASSERT_TRUE(observations().forget(id));
  ASSERT_TRUE(observations().restore(id));
  EXPECT_EQ(part_count(id), 2u);
  ASSERT_TRUE(vectors().put("main", id, {"m", "1", {0, 2}, {}}));
  EXPECT_EQ(part_count(id), 0u) << "the new vector has none";
  ASSERT_TRUE(vectors().put("main", id, {"m", "1", {0, 2}, {{1, 1}}}));
  EXPECT_EQ(part_count(id), 1u);
  EXPECT_EQ(vectors().put("main", id, {"m", "1", {0, 2}, {{0, 0}}}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(part_count(id), 1u) << "what is refused changes nothing";
  ASSERT_TRUE(observations().edit(id, {.content = "south"}));
  EXPECT_EQ(part_count(id), 99u);
  ASSERT_TRUE(vectors().put("main", id, {"m", "1", {0, -1}, {}}));
  EXPECT_EQ(part_count(id), 0u) << "they stood for another content";
  const Embedding bad{"m", "1", {0, 1}, {{0, 0}}};
  EXPECT_EQ(observations().add({.content = "bad", .embedding = bad}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(VectorsTest, WithDistancesTheNearestIsTheLeast) {
  ASSERT_TRUE(vectors().define(
      "main", {.dimension = 2, .metric = VectorMetric::l2, .model = "m", .model_version = "1"}));
  add("far", {30, 40});
  add("near", {3, 4});
  const auto found = hits(near({0, 0}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].observation.content, "near");
  EXPECT_NEAR(*found[0].similarity, -5, 1e-5);
  EXPECT_NEAR(*found[1].similarity, -50, 1e-4);
}

TEST_F(VectorsTest, SeveralVectorSpacesStandBesideEachOther) {
  const std::string id = add("text", {1, 0});
  const VectorSpaceOptions titles{
      .dimension = 3, .metric = VectorMetric::dot, .model = "t", .model_version = ""};
  ASSERT_TRUE(vectors().define("titles", titles));
  ASSERT_TRUE(vectors().define("titles", titles)) << "in the same way";
  VectorSpaceOptions other = titles;
  other.metric = VectorMetric::l2;
  EXPECT_EQ(vectors().define("titles", other).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(vectors().put("titles", id, {"t", "", {0, 0, 2}}));
  EXPECT_EQ((*vectors().get("titles", id))->values, (std::vector<float>{0, 0, 2}));
  RecallQuery query = near({0, 0, 3});
  query.vector->space = "titles";
  EXPECT_NEAR(*hits(query)[0].similarity, 6, 1e-6);
  EXPECT_EQ(vectors().list()->size(), 2u);
  ASSERT_TRUE(vectors().drop("titles"));
  EXPECT_EQ(refused(query), StatusCode::kNotFound);
  EXPECT_EQ(vectors().drop("titles").code(), StatusCode::kNotFound);
  EXPECT_EQ(vectors().define("x", {.dimension = 1, .model = "m"}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(vectors().define("x", {.dimension = 8193, .model = "m"}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(vectors().define("x", {.dimension = 8}).code(), StatusCode::kInvalidArgument);
}

TEST_F(VectorsTest, ASuccessorIsFilledBesideAndTakesThePlaceInOneCommit) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(add("text " + std::to_string(i), {1, static_cast<float>(i)}));
  }
  const VectorSpaceOptions better{
      .dimension = 3, .metric = VectorMetric::cosine, .model = "m", .model_version = "2"};
  EXPECT_EQ(vectors().finish_successor("main").code(), StatusCode::kNotFound);
  ASSERT_TRUE(vectors().begin_successor("main", better));
  EXPECT_TRUE(vectors().list()->front().successor);
  EXPECT_THAT(*vectors().missing("main", 3), ElementsAre(ids[0], ids[1], ids[2]));
  EXPECT_THAT(*vectors().missing("main", 2, ids[4]), ElementsAre(ids[5], ids[6]));
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(vectors().put("main", ids[i], {"m", "2", {1, 0, static_cast<float>(i)}}));
  }
  EXPECT_THAT(*vectors().missing("main"), ElementsAre(ids[9]));
  EXPECT_EQ(hits(near({1, 5}))[0].observation.content, "text 5") << "by the old one";
  ASSERT_TRUE(observations().remove(ids[0]));
  ASSERT_TRUE(vectors().finish_successor("main"));
  EXPECT_FALSE(vectors().list()->front().successor);
  EXPECT_EQ(refused(near({1, 5})), StatusCode::kInvalidArgument);
  RecallQuery all = near({1, 0, 5});
  all.limit = 20;
  EXPECT_EQ(hits(all).size(), 8u);
  EXPECT_EQ(hits(all)[0].observation.content, "text 5");
  EXPECT_THAT(*vectors().missing("main"), ElementsAre(ids[9]));
  ASSERT_TRUE(vectors().begin_successor("main", better));
  ASSERT_TRUE(vectors().cancel_successor("main"));
  EXPECT_EQ(hits(all).size(), 8u);
}

TEST_F(VectorsTest, ReindexingFindsTheSame) {
  for (int i = 0; i < 400; ++i) {
    add("text " + std::to_string(i),
        {std::cos(static_cast<float>(i)), std::sin(static_cast<float>(i))});
  }
  RecallQuery query = near({0.3f, 0.7f});
  const auto before = recalled(query);
  query.vector->accuracy = VectorAccuracy::exact;
  EXPECT_EQ(recalled(query), before);
  query.vector->accuracy = VectorAccuracy::standard;
  EXPECT_EQ(*observations().reindex(), 400u);
  EXPECT_EQ(recalled(query), before);
}

// Folds only where it is told to; before that, of whatever is due, the space may be removed.
class IdleAccess final : public MapAccess {
 public:
  using MapAccess::MapAccess;
  Status write_existing(const WriteWork& work) override {
    if (on_write) on_write();
    return MapAccess::write_existing(work);
  }
  void keep_up(size_t, bool, const UpkeepWork&) override {}

  std::function<void()> on_write;
};

TEST_F(VectorsTest, FoldingEndsWhereTheSpaceGoesAway) {
  const auto access = std::make_shared<IdleAccess>(keys_, clock_, SpaceSegments{"a"});
  for (int i = 0; i < 400; ++i) {
    clock_.now_us += 1'000;
    const Embedding embedding{"m", "1", {1, static_cast<float>(i)}};
    ASSERT_TRUE(Observations(access).add({.content = "text", .embedding = embedding}));
  }
  access->on_write = [&] { keys_.entries.clear(); };
  EXPECT_TRUE(fold_vectors(*access, SIZE_MAX));
  EXPECT_TRUE(keys_.entries.empty()) << "something was due";
}

TEST_F(VectorsTest, AnIndexThatCannotBeFoldedKeepsNoOtherOneWaiting) {
  const auto access = std::make_shared<IdleAccess>(keys_, clock_, SpaceSegments{"a"});
  for (const std::string name : {"first", "second"}) {
    ASSERT_TRUE(vectors().define(name, {.dimension = 2, .model = name}));
    for (int i = 0; i < 400; ++i) {
      clock_.now_us += 1'000;
      const auto id = Observations(access).add({.content = "text"});
      ASSERT_TRUE(Vectors(access).put(name, *id, {name, "", {1, static_cast<float>(i)}}));
    }
  }
  const auto prefix_of = [&](const std::string& name) {
    std::string prefix;
    EXPECT_TRUE(access->read([&](search::KeySource& source, uint32_t space_id) -> Status {
      HOLDFAST_ASSIGN(const auto definition, require_definition(source, space_id, name));
      prefix = definition.prefix(space_id);
      return Status::ok();
    }));
    return prefix;
  };
  const auto is_due = [&](const std::string& name) {
    return *search::is_vector_fold_due(keys_, prefix_of(name), {});
  };
  ASSERT_TRUE(is_due("first") && is_due("second"));
  keys_.entries[prefix_of("first") + "m"] = "no manifest";
  EXPECT_FALSE(fold_vectors(*access, SIZE_MAX));
  EXPECT_FALSE(is_due("second"));
}

}  // namespace
}  // namespace holdfast::memory
