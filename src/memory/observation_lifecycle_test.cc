#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/observation.h"
#include "holdfast/recall.h"
#include "memory/content_parts.h"
#include "memory/keys.h"
#include "memory/map_access.h"
#include "memory/observation_row.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ObservationLifecycleTest : public testing::Test {
 protected:
  Observations observations(const SpaceSegments& segments = {"a"}) {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  std::string add(const NewObservation& observation) {
    clock_.now_us += 1'000;
    auto id = observations().add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return id ? *id : std::string();
  }
  std::vector<std::string> listed(const ObservationListOptions& options = {}) {
    const auto list = observations().list(options);
    EXPECT_TRUE(list) << list.status().to_string();
    std::vector<std::string> contents;
    for (const Observation& one : *list) contents.push_back(one.content);
    return contents;
  }
  std::vector<std::string> recalled(const RecallQuery& query) {
    MapAccess access(keys_, clock_, {"a"});
    const auto hits = recall(access, query);
    EXPECT_TRUE(hits) << hits.status().to_string();
    std::vector<std::string> contents;
    for (const RecallHit& hit : *hits) contents.push_back(hit.observation.content);
    return contents;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(ObservationLifecycleTest, EditingChangesWhatIsFoundAndKeepsWhatWas) {
  const std::string id = add({.content = "the anchor holds",
                              .title = "old title",
                              .kind = "note",
                              .tags = {"a", "b"},
                              .embedding = Embedding{"m", "1", {1, 2}}});
  const auto edited = observations().edit(
      id, {.content = "the rope holds", .title = "", .tags = {{"b", "c"}}, .importance = 0.5});
  ASSERT_TRUE(edited) << edited.status().to_string();
  EXPECT_EQ(edited->revision, 1u);
  const Observation got = *observations().get(id);
  EXPECT_EQ(got.content, "the rope holds");
  EXPECT_EQ(got.title, std::nullopt);
  EXPECT_EQ(got.kind, "note");
  EXPECT_EQ(got.importance, 0.5);
  EXPECT_EQ(got.edited_us, clock_.now_us);
  EXPECT_FALSE(got.embedding) << "it stood for the old content";
  EXPECT_THAT(recalled({.text = "anchor"}), IsEmpty());
  EXPECT_THAT(recalled({.text = "rope"}), ElementsAre("the rope holds"));
  EXPECT_THAT(listed({.tags = {"a"}}), IsEmpty());
  EXPECT_THAT(listed({.tags = {"c"}}), ElementsAre("the rope holds"));
  ASSERT_TRUE(observations().edit(id, {.content = "third"}));
  const auto history = observations().history(id);
  ASSERT_EQ(history->size(), 2u);
  EXPECT_EQ(history->at(0).content, "the anchor holds");
  EXPECT_EQ(history->at(0).title, "old title");
  EXPECT_EQ(history->at(1).content, "the rope holds");
}

TEST_F(ObservationLifecycleTest, AnEditOfAnotherRevisionIsRefused) {
  const std::string id = add({.content = "one"});
  ASSERT_TRUE(observations().edit(id, {.content = "two", .revision = 0}));
  const auto before = keys_.entries;
  EXPECT_EQ(observations().edit(id, {.content = "x", .revision = 0}).status().code(),
            StatusCode::kConditionFalse);
  EXPECT_EQ(observations().edit(id, {.content = ""}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(observations().edit(id, {.metadata = "{"}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(observations().edit(id, {.importance = 2.0}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(ObservationLifecycleTest, LongContentIsEditedAndKept) {
  for (const size_t size : {kInlineContentSizeMax + 10, kPartSizeMax, 3 * kPartSizeMax + 10}) {
    const std::string text(size, 'x');
    const std::string id = add({.content = text});
    ASSERT_TRUE(observations().edit(id, {.content = "short"}));
    ASSERT_TRUE(observations().edit(id, {.content = "needle " + text}));
    ASSERT_TRUE(observations().edit(id, {.content = "needle " + text.substr(9)}));
    EXPECT_EQ(observations().get(id)->content, "needle " + text.substr(9));
    EXPECT_EQ(recalled({.text = "needle"}).size(), 1u);
    const auto history = observations().history(id);
    EXPECT_EQ(history->at(0).content, text);
    EXPECT_EQ(history->at(1).content, "short");
    EXPECT_EQ(history->at(2).content, "needle " + text);
    ASSERT_TRUE(observations().forget(id));
    EXPECT_EQ(recalled({.text = "needle"}).size(), 0u);
    EXPECT_EQ(*observations().purge(clock_.now_us + 1), 1u);
    for (const auto& [key, value] : keys_.entries) EXPECT_LT(value.size(), 100u);
  }
}

TEST_F(ObservationLifecycleTest, ForgettingTakesItOutOfEverythingUntilItIsRestored) {
  const NewObservation o = {.content = "an anchor holds",
                            .kind = "note",
                            .session = "s",
                            .tags = {"t"},
                            .metadata = R"({"branch": "main"})",
                            .key = "k"};
  const std::string id = add(o);
  const auto before = keys_.entries;
  ASSERT_TRUE(observations().forget(id));
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_THAT(listed({.newest_first = false}), IsEmpty());
  EXPECT_THAT(listed({.session = "s"}), IsEmpty());
  EXPECT_THAT(recalled({.text = "anchor"}), IsEmpty());
  EXPECT_EQ(*observations().count(), 0u);
  EXPECT_EQ(observations().get(id)->forgotten_us, clock_.now_us);
  EXPECT_EQ(observations().get(id.substr(0, 23))->content, o.content);
  EXPECT_EQ(observations().forgotten()->size(), 1u);
  EXPECT_EQ(observations().edit(id, {.content = "x"}).status().code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(observations().forget(id)) << "again is no error";
  ASSERT_TRUE(observations().restore(id));
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(observations().restore(id).code(), StatusCode::kConditionFalse);
}

TEST_F(ObservationLifecycleTest, TheKeyOfAForgottenOneIsFree) {
  const std::string id = add({.content = "one", .key = "k"});
  ASSERT_TRUE(observations().forget(id));
  const std::string other = add({.content = "two", .key = "k"});
  EXPECT_NE(other, id);
  EXPECT_EQ(observations().restore(id).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(observations().forget(other));
  EXPECT_TRUE(observations().restore(id));
}

TEST_F(ObservationLifecycleTest, PurgingLeavesNothing) {
  add({.content = "stays", .embedding = Embedding{"m", "", {1, 0}}});
  const auto before = keys_.entries;
  const std::string id = add({.content = "goes",
                              .kind = "k",
                              .tags = {"t"},
                              .metadata = R"({"a": 1})",
                              .embedding = Embedding{"m", "", {1, 2}},
                              .key = "k"});
  ASSERT_TRUE(observations().edit(id, {.title = "t"}));
  ASSERT_TRUE(observations().forget(id));
  EXPECT_EQ(*observations().purge(clock_.now_us), 0u);
  EXPECT_EQ(*observations().purge(clock_.now_us + 1), 1u);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(observations().get(id).status().code(), StatusCode::kNotFound);
}

TEST_F(ObservationLifecycleTest, WhatIsSupersededIsAnsweredAsOfThen) {
  const std::string old = add({.content = "the port is 80", .valid_from_us = 1'000});
  const auto next = observations().supersede(
      old, {.content = "the port is 8080", .valid_from_us = 2'000, .key = "next"});
  ASSERT_TRUE(next) << next.status().to_string();
  EXPECT_EQ(observations().get(old)->superseded_by, *next);
  EXPECT_EQ(observations().get(old)->valid_to_us, 2'000);
  EXPECT_THAT(recalled({.text = "port"}), ElementsAre("the port is 8080"));
  EXPECT_THAT(recalled({.text = "port", .as_of_us = 1'999}), ElementsAre("the port is 80"));
  EXPECT_THAT(recalled({.text = "port", .as_of_us = 999}), IsEmpty());
  EXPECT_THAT(listed({.as_of_us = 2'000}), ElementsAre("the port is 8080"));
  EXPECT_EQ(listed().size(), 2u);
  EXPECT_EQ(*observations().supersede(old, {.content = "the port is 8080", .key = "next"}), *next)
      << "the same key is the same successor";
  EXPECT_EQ(observations().supersede(old, {.content = "x"}).status().code(),
            StatusCode::kConditionFalse);
  EXPECT_EQ(
      observations().supersede(*next, {.content = "x", .valid_from_us = 2'000}).status().code(),
      StatusCode::kConditionFalse);
  clock_.now_us += 1'000;
  const auto third = observations().supersede(*next, {.content = "the port is 443"});
  EXPECT_EQ(observations().get(*third)->valid_from_us, clock_.now_us);
  EXPECT_THAT(recalled({.text = "port"}), ElementsAre("the port is 443"));
  // Forgotten, it can come back; removed for good, it leaves room for another.
  const NewObservation fourth = {.content = "the port is 8443"};
  ASSERT_TRUE(observations().forget(*third));
  EXPECT_EQ(observations().supersede(*next, fourth).status().code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(observations().remove(*third));
  clock_.now_us += 1'000;
  ASSERT_TRUE(observations().supersede(*next, fourth));
  EXPECT_EQ(observations().get(*next)->valid_to_us, clock_.now_us);
  EXPECT_THAT(recalled({.text = "port"}), ElementsAre("the port is 8443"));
}

TEST_F(ObservationLifecycleTest, TrustIsAtMostThatOfWhatItIsDerivedFrom) {
  const std::string web = add({.content = "read on the web", .trust = 0.3});
  const std::string own = add({.content = "seen", .trust = 0.9});
  const std::string both = add({.content = "concluded", .derived_from = {web, own}});
  const std::string further = add({.content = "further", .trust = 0.8, .derived_from = {both}});
  EXPECT_EQ(observations().get(own)->effective_trust, 0.9);
  EXPECT_EQ(observations().get(both)->effective_trust, 0.3);
  EXPECT_EQ(observations().get(further)->effective_trust, 0.3);
  EXPECT_THAT(recalled({.text = "concluded further", .trust_min = 0.5}), IsEmpty());
  ASSERT_TRUE(observations().edit(web, {.trust = 0.85}));
  EXPECT_EQ(observations().get(both)->effective_trust, 0.85);
  EXPECT_EQ(observations().get(further)->effective_trust, 0.8);
  EXPECT_EQ(observations().get(further)->derived_from, std::vector<std::string>{both});
  EXPECT_EQ(recalled({.text = "concluded further", .trust_min = 0.5}).size(), 2u);
  ASSERT_TRUE(observations().edit(own, {.trust = 0.1}));
  EXPECT_EQ(observations().get(further)->effective_trust, 0.1);
  ASSERT_TRUE(observations().remove(own));
  ASSERT_TRUE(observations().edit(both, {.trust = 1.0}));
  EXPECT_EQ(observations().get(both)->effective_trust, 0.1)
      << "what a source that is gone was worth is not forgotten";
}

TEST_F(ObservationLifecycleTest, BadProvenanceIsRefusedAndChangesNothing) {
  const std::string id = add({.content = "one"});
  const auto before = keys_.entries;
  const auto code = [&](const NewObservation& o) { return observations().add(o).status().code(); };
  EXPECT_EQ(code({.content = "x", .derived_from = {"01890a5d-ac96-774b-bcce-b302099a8057"}}),
            StatusCode::kNotFound);
  EXPECT_EQ(code({.content = "x", .derived_from = {id.substr(0, 23)}}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.content = "x", .derived_from = {id, id}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.content = "x", .trust = 1.5}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.content = "x", .importance = std::nan("")}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.content = "x", .valid_from_us = 5, .valid_to_us = 5}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

// What a salvage that lost a page of rows leaves.
TEST_F(ObservationLifecycleTest, ReindexingMendsWhatLostRowsLeave) {
  const std::string lost = add({.content = "the clock is slow", .key = "file/1"});
  const std::string kept = add({.content = "the clock is fast", .key = "file/2"});
  EXPECT_EQ(*observations().unmatched(), 0u);
  ASSERT_EQ(keys_.entries.erase(row_key(1, *Uuid::parse(lost))), 1u);
  ASSERT_EQ(keys_.entries.erase(space_key(KeyKind::kId, 1, Uuid::parse(kept)->view())), 1u);
  ASSERT_EQ(keys_.entries.erase(space_key(KeyKind::kIdempotency, 1, "file/2")), 1u);
  EXPECT_EQ(*observations().unmatched(), 5u);  // an id, a key, both of the other one, the count
  EXPECT_EQ(*observations().reindex(), 1u);
  EXPECT_EQ(*observations().unmatched(), 0u);
  EXPECT_EQ(*observations().count(), 1u);
  EXPECT_EQ(recalled({.text = "clock"}), std::vector<std::string>{"the clock is fast"});
  EXPECT_NE(add({.content = "the clock is slow", .key = "file/1"}), lost);
  EXPECT_EQ(add({.content = "something else", .key = "file/2"}), kept);
  EXPECT_EQ(*observations().count(), 2u);
  EXPECT_EQ(*observations().unmatched(), 0u);
}

TEST_F(ObservationLifecycleTest, LabelsAreListedByTheirIndex) {
  for (int i = 0; i < 30; ++i) {
    add({.content = std::to_string(i),
         .source = i % 5 == 0 ? "five" : "other",
         .kind = i % 2 == 0 ? "even" : "odd",
         .session = "s" + std::to_string(i % 3),
         .run = "r" + std::to_string(i % 7),
         .tags = {"t" + std::to_string(i % 4), "all"},
         .metadata = "{\"n\": " + std::to_string(i % 6) + ", \"branch\": \"main\", \"o\": {}}"});
  }
  EXPECT_THAT(listed({.run = "r3"}), ElementsAre("24", "17", "10", "3"));
  EXPECT_THAT(listed({.kind = "even", .run = "r3"}), ElementsAre("24", "10"));
  EXPECT_THAT(listed({.session = "s1", .tags = {"t2"}}), ElementsAre("22", "10"));
  EXPECT_THAT(listed({.tags = {"all", "t0"}, .metadata = {{"n", "4.0"}}}),
              ElementsAre("28", "16", "4"));
  EXPECT_THAT(listed({.limit = 2, .metadata = {{"branch", "\"main\""}}}), ElementsAre("29", "28"));
  EXPECT_THAT(listed({.source = "five", .session = "s0"}), ElementsAre("15", "0"));
  EXPECT_THAT(listed({.newest_first = false, .run = "r3"}), ElementsAre("3", "10", "17", "24"));
  EXPECT_THAT(listed({.metadata = {{"o", "{}"}}}), IsEmpty()) << "objects are not looked at";
  EXPECT_EQ(observations().list({.metadata = {{"n", "x"}}}).status().code(),
            StatusCode::kInvalidArgument);
  // Page by page.
  ObservationListOptions page = {.limit = 4, .kind = "odd"};
  std::vector<std::string> all;
  while (true) {
    const auto list = observations().list(page);
    if (list->empty()) break;
    for (const Observation& one : *list) all.push_back(one.content);
    page.after = list->back().id;
  }
  EXPECT_EQ(all.size(), 15u);
  EXPECT_EQ(all.front(), "29");
  EXPECT_EQ(all.back(), "1");
}

TEST_F(ObservationLifecycleTest, SecretsAreNeverWritten) {
  const std::string secret = "S3cr3tValue99";
  const NewObservation o = {.content = "DB_PASSWORD=" + secret,
                            .title = "password: " + secret,
                            .source = "https://u:" + secret + "@host/x",
                            .tags = {"token=" + secret},
                            .metadata = "{\"api_key\": \"" + secret + "\", \"b\": 1}"};
  const auto added = observations().add_all(std::span(&o, 1));
  ASSERT_TRUE(added) << added.status().to_string();
  ASSERT_EQ(added->front().redactions.size(), 1u);
  EXPECT_EQ(added->front().redactions[0].offset, 12u);
  ASSERT_TRUE(observations().edit(added->front().id, {.content = "PASSWORD=" + secret + " again"}));
  for (const auto& [key, value] : keys_.entries) {
    EXPECT_EQ(key.find(secret), key.npos);
    EXPECT_EQ(value.find(secret), value.npos);
  }
  EXPECT_EQ(observations().get(added->front().id)->content, "PASSWORD=[redacted:secret] again");
}

TEST_F(ObservationLifecycleTest, WhatIsASecretIsConfiguredPerSpace) {
  ObservationSettings settings;
  settings.redaction.rules = {{.name = "acme", .prefix = "acme:", .size_min = 3}};
  settings.redaction.exceptions = {"acme:public"};
  ASSERT_TRUE(observations().configure(settings));
  EXPECT_EQ(observations().settings()->redaction.rules.at(0).prefix, "acme:");
  EXPECT_EQ(observations().get(add({.content = "acme:abc acme:public"}))->content,
            "[redacted:acme] acme:public");
  EXPECT_EQ(observations({"b"}).settings()->redaction.rules.size(), 0u);
  settings.redaction.enabled = false;
  ASSERT_TRUE(observations().configure(settings));
  EXPECT_EQ(observations().get(add({.content = "acme:abc"}))->content, "acme:abc");
  settings.redaction.rules[0].prefix = "";
  EXPECT_EQ(observations().configure(settings).code(), StatusCode::kInvalidArgument);
}

TEST_F(ObservationLifecycleTest, DuplicatesAreRefusedOrMergedByOption) {
  const std::string id = add({.content = "the build fails when the clock of the machine is behind",
                              .embedding = Embedding{"m", "1", {1, 0, 0}}});
  const auto attempt = [&](const NewObservation& o, OnDuplicate action) {
    clock_.now_us += 1'000;
    return observations().add_all(std::span(&o, 1), {.duplicates = {.action = action}});
  };
  const NewObservation near = {.content =
                                   "The build fails when the clock of the machine is behind!"};
  const auto before = keys_.entries;
  const auto refused = attempt(near, OnDuplicate::refuse);
  EXPECT_EQ(refused.status().code(), StatusCode::kConditionFalse);
  EXPECT_THAT(refused.status().to_string(), HasSubstr(id));
  const auto merged = attempt(near, OnDuplicate::merge);
  EXPECT_EQ(merged->front().id, id);
  EXPECT_TRUE(merged->front().is_duplicate);
  const NewObservation by_vector = {.content = "quite other words",
                                    .embedding = Embedding{"m", "1", {0.99f, 0.05f, 0}}};
  EXPECT_TRUE(attempt(by_vector, OnDuplicate::merge)->front().is_duplicate);
  EXPECT_EQ(keys_.entries, before);
  const NewObservation other_model = {.content = "quite other words",
                                      .embedding = Embedding{"n", "1", {1, 0, 0}}};
  EXPECT_EQ(attempt(other_model, OnDuplicate::merge).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_FALSE(attempt({.content = "the build passes"}, OnDuplicate::refuse)->front().is_duplicate);
  EXPECT_FALSE(attempt(near, OnDuplicate::allow)->front().is_duplicate);
  EXPECT_EQ(observations().add_all({}, {.duplicates = {.similarity_min = 0}}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::memory
