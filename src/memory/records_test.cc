#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "holdfast/link.h"
#include "holdfast/outbox.h"
#include "holdfast/record.h"
#include "memory/map_space_fixture.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

class RecordsTest : public MapSpaceTest {
 protected:
  Records records() { return Records(access()); }
  Record add(RecordKind kind, const std::string& title = "title",
             std::map<std::string, std::string> fields = {{"text", "the body"}}) {
    const auto record = records().add({.kind = kind, .title = title, .fields = std::move(fields)});
    EXPECT_TRUE(record) << record.status().to_string();
    return record ? *record : Record();
  }
  std::vector<std::string> told() {
    std::vector<std::string> topics;
    const auto waiting = Outbox(access(), std::string(kRecordOutbox)).waiting();
    for (const OutboxEntry& entry : *waiting) topics.push_back(entry.topic);
    return topics;
  }
};

using Topics = std::vector<std::string>;

TEST_F(RecordsTest, ARecordIsAnObservationThatRecallFinds) {
  const Record added = add(RecordKind::failure, "Deploy failed",
                           {{"cause", "the clock was behind"}, {"fix", "run ntpd \"first\"\n"}});
  EXPECT_EQ(added.state, RecordState::open);
  const Record found = *records().get(added.id.substr(0, 18));
  EXPECT_EQ(found.fields, added.fields);
  EXPECT_EQ(found.title, "Deploy failed");
  EXPECT_EQ(found.confidence, 0.5);
  MapAccess recalling(keys_, clock_, {"a"});
  const auto hits = recall(recalling, {.text = "clock behind", .kind = "failure"});
  ASSERT_TRUE(hits) << hits.status().to_string();
  ASSERT_EQ(hits->size(), 1u);
  EXPECT_EQ(hits->front().observation.id, added.id);
  EXPECT_EQ(hits->front().observation.content,
            "cause: the clock was behind\n\nfix: run ntpd \"first\"\n");
}

TEST_F(RecordsTest, EveryChangeIsToldInTheSameCommit) {
  const Record rule = add(RecordKind::heuristic);
  ASSERT_TRUE(records().edit(rule.id, {.title = "better"}));
  ASSERT_TRUE(records().confirm(rule.id));
  ASSERT_TRUE(records().promote(rule.id, "proven", true));
  ASSERT_TRUE(records().remove(rule.id));
  EXPECT_EQ(told(), (Topics{"heuristic/added", "heuristic/edited", "heuristic/confirmed",
                            "heuristic/promoted", "heuristic/removed"}));
  const auto waiting = Outbox(access(), std::string(kRecordOutbox)).waiting();
  EXPECT_EQ((*waiting)[1].payload,
            "{\"id\":\"" + rule.id +
                "\",\"kind\":\"heuristic\",\"action\":\"edited\",\"state\":\"open\","
                "\"revision\":1,\"title\":\"better\"}");
}

TEST_F(RecordsTest, AKeyAddsOnce) {
  const NewRecord record{
      .kind = RecordKind::decision, .title = "t", .fields = {{"choice", "x"}}, .key = "once"};
  const std::string id = records().add(record)->id;
  EXPECT_EQ(records().add(record)->id, id);
  EXPECT_EQ(told().size(), 1u);
}

TEST_F(RecordsTest, EvidenceMovesConfidenceAndIsCountedOnce) {
  const Record rule = add(RecordKind::heuristic);
  Record now = *records().confirm(rule.id, {.evidence = "run/1", .note = "it held"});
  EXPECT_EQ(now.confirmations, 1u);
  EXPECT_NEAR(now.confidence, 0.575, 1e-9);
  now = *records().confirm(rule.id, {.evidence = "run/1"});
  EXPECT_EQ(now.confirmations, 1u);
  now = *records().confirm(rule.id);
  now = *records().confirm(rule.id);
  EXPECT_EQ(now.confirmations, 3u);
  now = *records().contradict(rule.id, {.evidence = "run/1"});
  EXPECT_EQ(now.contradictions, 1u);
  EXPECT_NEAR(now.confidence, (1 - 0.5 * 0.85 * 0.85 * 0.85) * 0.75, 1e-9);
  const auto link = Links(access()).get(link_end(rule.id), "confirmed by", "run/1");
  ASSERT_TRUE(*link);
  EXPECT_EQ((*link)->data, "it held");
  EXPECT_EQ(records().get(rule.id)->revision, 4u);
}

TEST_F(RecordsTest, CountsAreWholeAtEveryNumber) {
  const Record rule = add(RecordKind::heuristic);
  for (uint64_t i = 1; i <= 120; ++i) {
    ASSERT_EQ(records().confirm(rule.id)->confirmations, i);
  }
}

TEST_F(RecordsTest, PromotionAsksForEvidence) {
  const Record rule = add(RecordKind::heuristic);
  expect_refused(StatusCode::kConditionFalse, [&] { return records().promote(rule.id).status(); });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(records().confirm(rule.id));
  expect_refused(StatusCode::kConditionFalse, [&] { return records().promote(rule.id).status(); });
  ASSERT_TRUE(records().confirm(rule.id));
  const auto promoted = records().promote(rule.id, "held four times");
  ASSERT_TRUE(promoted) << promoted.status().to_string();
  EXPECT_EQ(promoted->state, RecordState::promoted);
  EXPECT_EQ(promoted->outcome, "held four times");
  expect_refused(StatusCode::kConditionFalse, [&] { return records().promote(rule.id).status(); });
  EXPECT_EQ(records().reopen(rule.id)->state, RecordState::open);
}

TEST_F(RecordsTest, EachKindEndsInItsOwnWay) {
  const Record failure = add(RecordKind::failure);
  const Record rule = add(RecordKind::heuristic);
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return records().promote(failure.id, "", true).status(); });
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return records().close(rule.id, "done").status(); });
  expect_refused(StatusCode::kInvalidArgument,
                 [&] { return records().close(failure.id, "").status(); });
  EXPECT_EQ(records().close(failure.id, "fixed in 1.2")->outcome, "fixed in 1.2");
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return records().close(failure.id, "again").status(); });
  EXPECT_EQ(records().retract(rule.id, "it was luck")->state, RecordState::retracted);
  for (const Status& status :
       {records().reopen(rule.id).status(), records().confirm(rule.id).status(),
        records().edit(rule.id, {.title = "x"}).status(),
        records().retract(rule.id, "again").status()}) {
    EXPECT_EQ(status.code(), StatusCode::kConditionFalse);
  }
}

TEST_F(RecordsTest, AnEditChangesFieldsAndKeepsTheRest) {
  const Record added = add(RecordKind::decision, "t", {{"choice", "x"}, {"context", "c"}});
  const auto edited = records().edit(
      added.id, {.fields = {{"choice", "y"}, {"context", ""}}, .tags = {{"db"}}, .revision = 0});
  ASSERT_TRUE(edited) << edited.status().to_string();
  EXPECT_EQ(edited->fields, (std::map<std::string, std::string>{{"choice", "y"}}));
  EXPECT_EQ(edited->title, "t");
  EXPECT_EQ(edited->tags, (std::vector<std::string>{"db"}));
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return records().edit(added.id, {.title = "z", .revision = 0}).status(); });
  expect_refused(StatusCode::kInvalidArgument, [&] {
    return records().edit(added.id, {.fields = {{"choice", ""}}}).status();
  });
}

TEST_F(RecordsTest, BadInputIsRefusedAndNothingIsWritten) {
  const std::string id = add(RecordKind::failure).id;
  const std::vector<NewRecord> bad = {
      {.title = "", .fields = {{"text", "x"}}},
      {.title = "t"},
      {.title = "t", .fields = {{"text", ""}}},
      {.title = "t", .fields = {{"text", "\xff"}}},
      {.title = "t", .fields = {{"hypothesis", "x"}}},
      {.title = "t", .fields = {{"text", "x"}}, .confidence = 1.5},
      {.title = "t", .fields = {{"text", "x"}}, .confidence = std::nan("")},
  };
  for (const NewRecord& record : bad) {
    expect_refused(StatusCode::kInvalidArgument, [&] { return records().add(record).status(); });
  }
  expect_refused(StatusCode::kNotFound, [&] {
    return records().confirm("00000000-0000-7000-8000-000000000000").status();
  });
  expect_refused(StatusCode::kNotFound, [&] {
    return records()
        .confirm(id, {.evidence = "observation/00000000-0000-7000-8000-000000000000"})
        .status();
  });
  expect_refused(StatusCode::kInvalidArgument,
                 [&] { return records().confirm(id, {.evidence = link_end(id)}).status(); });
  expect_refused(StatusCode::kInvalidArgument,
                 [&] { return records().confirm(id, {.note = "of nothing"}).status(); });
  const auto plain = Observations(access()).add({.content = "no record"});
  EXPECT_EQ(records().get(*plain).status().code(), StatusCode::kNotFound);
}

TEST_F(RecordsTest, AListHasKindAndStateAndGoesInPages) {
  for (int i = 0; i < 5; ++i) add(RecordKind::failure, "f" + std::to_string(i));
  const Record rule = add(RecordKind::heuristic, "h");
  ASSERT_TRUE(Observations(access()).add({.content = "no record", .kind = "failure"}));
  const auto titles = [&](const RecordListOptions& options) {
    std::string text;
    const auto listed = records().list(options);
    EXPECT_TRUE(listed) << listed.status().to_string();
    for (const Record& record : *listed) text += record.title + " ";
    return text;
  };
  EXPECT_EQ(titles({}), "h f4 f3 f2 f1 f0 ");
  EXPECT_EQ(titles({.kind = RecordKind::failure, .limit = 2}), "f4 f3 ");
  const std::string after = records().list({.kind = RecordKind::failure, .limit = 2})->back().id;
  EXPECT_EQ(titles({.kind = RecordKind::failure, .after = after}), "f2 f1 f0 ");
  ASSERT_TRUE(records().retract(rule.id, "no"));
  EXPECT_EQ(titles({.state = RecordState::retracted}), "h ");
  EXPECT_EQ(titles({.kind = RecordKind::heuristic, .state = RecordState::open}), "");
}

TEST_F(RecordsTest, ASecretReachesNeitherTheRecordNorTheOutbox) {
  const std::string secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  const auto added = records().add({.kind = RecordKind::failure,
                                    .title = "token " + secret,
                                    .fields = {{"cause", "it was " + secret}}});
  ASSERT_TRUE(added) << added.status().to_string();
  ASSERT_TRUE(records().edit(added->id, {.fields = {{"fix", "revoke " + secret}}}));
  for (const auto& [key, value] : keys_.entries) {
    EXPECT_EQ(value.find(secret), std::string::npos);
  }
}

TEST_F(RecordsTest, WhatIsForgottenIsNoRecordUntilItIsRestored) {
  const Record record = add(RecordKind::failure);
  ASSERT_TRUE(Observations(access()).forget(record.id));
  EXPECT_EQ(records().get(record.id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(records().list()->empty());
  expect_refused(StatusCode::kNotFound, [&] { return records().confirm(record.id).status(); });
  ASSERT_TRUE(Observations(access()).restore(record.id));
  EXPECT_TRUE(records().confirm(record.id));
}

// The rules written anew, from the header.
TEST_F(RecordsTest, RandomWorkDoesWhatAPlainModelDoes) {
  std::mt19937 random(3);
  struct Model {
    RecordState state = RecordState::open;
    uint64_t confirmations = 0;
    double confidence = 0.5;
  };
  std::map<std::string, Model> model;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(add(RecordKind::decision).id);
  for (const std::string& id : ids) model[id] = {};
  size_t entries = ids.size();
  for (int i = 0; i < 400; ++i) {
    const std::string& id = ids[random() % ids.size()];
    Model& at = model[id];
    const bool is_live = at.state != RecordState::retracted;
    bool may = is_live;
    bool done = false;
    switch (random() % 12) {
      case 0:
        may = at.state == RecordState::open && at.confirmations >= 3 && at.confidence >= 0.7;
        done = records().promote(id).is_ok();
        if (may) at.state = RecordState::promoted;
        break;
      case 1:
        may = at.state == RecordState::open;
        done = records().close(id, "done").is_ok();
        if (may) at.state = RecordState::closed;
        break;
      case 2:
        may = is_live && at.state != RecordState::open;
        done = records().reopen(id).is_ok();
        if (may) at.state = RecordState::open;
        break;
      case 3:
        if (random() % 10 != 0) continue;
        done = records().retract(id, "wrong").is_ok();
        at.state = RecordState::retracted;
        break;
      case 4:
      case 5:
        done = records().contradict(id).is_ok();
        if (may) at.confidence *= 0.75;
        break;
      default:
        done = records().confirm(id).is_ok();
        if (may) at.confidence += (1 - at.confidence) * 0.15;
        at.confirmations += may ? 1 : 0;
    }
    ASSERT_EQ(done, may);
    entries += may ? 1 : 0;
    const Record seen = *records().get(id);
    ASSERT_EQ(seen.state, at.state);
    ASSERT_EQ(seen.confirmations, at.confirmations);
    ASSERT_NEAR(seen.confidence, at.confidence, 1e-9);
  }
  EXPECT_EQ(told().size(), entries);
}

}  // namespace
}  // namespace holdfast::memory
