// All kinds in one transaction: seen by nobody before it commits, all there afterwards, nothing of
// an aborted one. And what is said never to conflict does not, when two do it at once.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "holdfast/holdfast.h"

namespace holdfast {
namespace {

class OneCommitTest : public testing::Test {
 protected:
  using Work = std::function<Status(Transaction& txn)>;

  std::map<std::string, std::string> rows() {
    std::map<std::string, std::string> all;
    Snapshot snapshot = std::move(*store_.snapshot());
    for (Cursor cursor = snapshot.scan({}); cursor.valid(); cursor.next()) {
      all.emplace(cursor.key(), cursor.value());
    }
    return all;
  }
  // What a worker leaves when a step is done, as one commit.
  Status keep_all(Transaction& txn) {
    const auto& s = space_;
    HOLDFAST_TRY(s.runs(txn).complete(*step_, "\"out\""));
    HOLDFAST_TRY(s.queue(txn, "jobs").ack(job_, "done"));
    HOLDFAST_TRY(s.claims(txn).release(claim_));
    HOLDFAST_TRY(s.kv(txn).put("k", "v"));
    HOLDFAST_TRY(s.kv(txn).put("large", *blob_));
    HOLDFAST_TRY(s.kv(txn).add("counter", 1));
    HOLDFAST_ASSIGN(const std::string id,
                    s.observations(txn).add(
                        {.content = "the lesson", .embedding = Embedding{"m", "1", {1, 0}}}));
    HOLDFAST_TRY(s.links(txn).put({.from = link_end(id), .type = "of", .to = "run"}).status());
    HOLDFAST_TRY(s.events(txn).stream("log").append({.data = "x"}).status());
    HOLDFAST_TRY(s.artifacts(txn).put({.name = "report"}, *content_).status());
    HOLDFAST_TRY(s.cache(txn, "c").put("k", "v").status());
    HOLDFAST_TRY(s.inbox(txn, "in").mark("message").status());
    HOLDFAST_TRY(s.outbox(txn, "out").add("t", "x").status());
    HOLDFAST_TRY(s.messages(txn).send({.to = "me", .body = "x"}).status());
    HOLDFAST_TRY(s.presence(txn).enter({.agent = "me"}).status());
    HOLDFAST_TRY(
        s.registry(txn).put({.kind = "k", .name = "n", .body = "b", .publish = true}).status());
    HOLDFAST_TRY(s.records(txn).add({.title = "t", .fields = {{"text", "x"}}}).status());
    return s.runs(txn).finish(run_, "\"done\"");
  }
  // Which of all that is there, by each kind's own way of reading.
  std::string seen() {
    std::string text;
    const auto add = [&](const char* what, bool is_there) { text += is_there ? what : ""; };
    const auto& s = space_;
    add("run ", s.runs().get(run_)->state == RunState::completed);
    add("step ", s.runs().step(run_, "s")->state == StepState::completed);
    add("job ", s.queue("jobs").get(job_.id)->state == JobState::done);
    add("claim ", s.claims().holders("r")->empty());
    add("value ", s.kv().get("k")->has_value());
    add("blob ", s.kv().open("large")->has_value());
    add("counter ", *s.kv().count("counter") == 1);
    add("observation ", s.recall({.text = "lesson"})->size() == 1);
    add("vector ", s.vectors().list()->size() == 1);
    add("link ", s.links().list()->size() == 1);
    add("event ", s.events().stream("log").read()->events.size() == 1);
    add("artifact ", s.artifacts().find("report").is_ok());
    add("cached ", s.cache("c").get("k")->has_value());
    add("mark ", *s.inbox("in").count() == 1);
    add("outbox ", s.outbox("out").stats()->waiting == 1);
    add("message ", *s.messages().count("me") == 1);
    add("presence ", s.presence().list()->size() == 1);
    add("definition ", s.registry().get("k", "n").is_ok());
    add("record", s.records().list()->size() == 1);
    return text;
  }
  void SetUp() override {
    ASSERT_TRUE(space_.queue("jobs").push({.payload = "x"}));
    job_ = space_.queue("jobs").take()->front();
    claim_ = *space_.claims().take("r");
    run_ = space_.runs().start({.name = "run"})->id;
    step_ = space_.runs().begin(run_, {.key = "s"})->lease;
    ArtifactWriter writer = space_.artifacts().write();
    ASSERT_TRUE(writer.append(std::string(kArtifactInlineMax + 1, 'x')));
    content_.emplace(*writer.finish());
    auto blob = space_.kv().write();
    ASSERT_TRUE(blob->append("large"));
    blob_.emplace(*blob->finish());
  }

  Store store_ = *Store::memory();
  Space space_ = *store_.space("a");
  Job job_;
  Claim claim_;
  std::string run_;
  std::optional<StepLease> step_;
  std::optional<ArtifactContent> content_;
  std::optional<NewBlob> blob_;
};

TEST_F(OneCommitTest, HoldsAllKindsOrNone) {
  const auto before = rows();
  auto txn = store_.begin();
  ASSERT_TRUE(txn);
  const Status kept = keep_all(*txn);
  ASSERT_TRUE(kept) << kept.to_string();
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(seen(), "");
  txn->abort();
  EXPECT_EQ(seen(), "");

  const uint64_t version = store_.stats()->version;
  const auto done = store_.update([&](Transaction& again) { return keep_all(again); });
  ASSERT_TRUE(done) << done.status().to_string();
  EXPECT_EQ(*done, version + 1);
  EXPECT_EQ(seen(),
            "run step job claim value blob counter observation vector link event artifact cached "
            "mark outbox message presence definition record");
  EXPECT_TRUE(store_.check()->problems.empty());
}

TEST_F(OneCommitTest, ReadsItsOwnWrites) {
  auto txn = store_.begin();
  const Status kept = keep_all(*txn);
  ASSERT_TRUE(kept) << kept.to_string();
  EXPECT_EQ(**space_.kv(*txn).get("k"), "v");
  EXPECT_EQ(*space_.kv(*txn).count("counter"), 1);
  EXPECT_EQ(space_.recall(*txn, {.text = "lesson"})->size(), 1u);
  EXPECT_EQ(space_.runs(*txn).get(run_)->state, RunState::completed);
  EXPECT_EQ(space_.queue(*txn, "jobs").get(job_.id)->state, JobState::done);
  EXPECT_TRUE(space_.claims(*txn).holders("r")->empty());
  EXPECT_TRUE(space_.artifacts(*txn).find("report"));
  EXPECT_EQ(**space_.cache(*txn, "c").get("k"), "v");
  EXPECT_FALSE(*space_.inbox(*txn, "in").mark("message"));
  EXPECT_EQ(space_.links(*txn).list()->size(), 1u);
  EXPECT_EQ(space_.registry(*txn).get("k", "n")->body, "b");
  EXPECT_EQ(space_.records(*txn).list()->size(), 1u);
}

TEST_F(OneCommitTest, WhatIsSaidNeverToConflictDoesNot) {
  ASSERT_TRUE(space_.kv().put("k", "v"));
  ASSERT_TRUE(space_.events().stream("log").append({.data = "first"}));
  ASSERT_TRUE(space_.registry().put({.kind = "k", .name = "n", .body = "b", .publish = true}));
  const std::string id = *space_.observations().add({.content = "first"});
  const std::map<std::string, Work> works = {
      {"put", [&](Transaction& txn) { return space_.kv(txn).put("k", "w"); }},
      {"add to a counter", [&](Transaction& txn) { return space_.kv(txn).add("c", 1); }},
      {"add",
       [&](Transaction& txn) {
         return space_.observations(txn).add({.content = "same words"}).status();
       }},
      {"reinforce",
       [&](Transaction& txn) {
         return space_.observations(txn).reinforce(std::span(&id, 1), Reinforcement::confirmation);
       }},
      {"append",
       [&](Transaction& txn) {
         return space_.events(txn).stream("log").append({.data = "x"}).status();
       }},
      {"outbox",
       [&](Transaction& txn) { return space_.outbox(txn, "out").add("t", "x").status(); }},
      {"send",
       [&](Transaction& txn) {
         return space_.messages(txn).send({.to = "me", .body = "x"}).status();
       }},
      {"count a use",
       [&](Transaction& txn) { return space_.registry(txn).count_use("k", "n", 1); }}};
  for (const auto& entry : works) {
    SCOPED_TRACE(entry.first);
    const Work& work = entry.second;
    ASSERT_TRUE(store_.update([&](Transaction& txn) { return work(txn); })) << "the first makes it";
    auto one = store_.begin();
    auto two = store_.begin();
    ASSERT_TRUE(work(*one));
    ASSERT_TRUE(work(*two));
    EXPECT_TRUE(one->commit());
    EXPECT_TRUE(two->commit());
  }
  EXPECT_EQ(*space_.kv().count("c"), 3);
  EXPECT_EQ(space_.observations().strength(id)->confirmations, 3u);
  EXPECT_EQ(space_.events().stream("log").read()->events.size(), 4u);
  EXPECT_EQ(space_.outbox("out").stats()->waiting, 3u);
  EXPECT_EQ(*space_.messages().count("me"), 3u);
  EXPECT_EQ(space_.registry().uses("k", "n")->at(1), 3u);
}

}  // namespace
}  // namespace holdfast
