// What each kind says to bad input in a transaction of the caller, who may go on after a refusal:
// the error has its type and says something, and nothing was written.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "holdfast/holdfast.h"

namespace holdfast {
namespace {

constexpr const char* kNobody = "01890a5d-ac96-774b-bcce-b302099a8057";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::string kNotUtf8 = "\xff\xfe";

class RefusalsTest : public testing::Test {
 protected:
  using Call = std::function<Status(const Space& space, Transaction& txn)>;

  void expect_refused(StatusCode code, const char* what, const Call& call) {
    SCOPED_TRACE(what);
    auto txn = store_.begin();
    ASSERT_TRUE(txn);
    const uint64_t version = txn->version();
    const Status status = call(space_, *txn);
    EXPECT_EQ(status.code(), code) << status.to_string();
    EXPECT_GT(status.message().size(), 12u) << status.to_string();
    EXPECT_EQ(*txn->commit(), version) << "something was written; " << status.to_string();
  }

  Store store_ = *Store::memory();
  Space space_ = *store_.space("a");
};

TEST_F(RefusalsTest, OfKeyValues) {
  ASSERT_TRUE(space_.kv().put("k", "text"));
  ASSERT_TRUE(space_.kv().keep_history({}, "h/"));
  const uint64_t version = (*space_.kv().find("k"))->version;
  expect_refused(StatusCode::kConditionFalse, "version", [&](const Space& space, Transaction& txn) {
    return space.kv(txn).put("k", "2", {.if_version = version + 1});
  });
  expect_refused(StatusCode::kConditionFalse, "absent",
                 [](const Space& space, Transaction& txn) { return space.kv(txn).del("none", 7); });
  expect_refused(StatusCode::kInvalidArgument, "key", [](const Space& space, Transaction& txn) {
    return space.kv(txn).apply({{"good", "1"}, {"", "2"}});
  });
  expect_refused(StatusCode::kConditionFalse, "batch", [](const Space& space, Transaction& txn) {
    return space.kv(txn).apply({{"good", "1"}, {"k", "2", {.if_version = 1'000'000}}});
  });
  expect_refused(StatusCode::kTooLarge, "value", [](const Space& space, Transaction& txn) {
    return space.kv(txn).put("k", std::string(kKvValueSizeMax + 1, 'x'));
  });
  expect_refused(StatusCode::kInvalidArgument, "ttl", [](const Space& space, Transaction& txn) {
    return space.kv(txn).put("k", "2", {.ttl = std::chrono::milliseconds(-1)});
  });
  expect_refused(StatusCode::kInvalidArgument, "patch", [](const Space& space, Transaction& txn) {
    return space.kv(txn).merge_json("json", "{");
  });
  expect_refused(StatusCode::kConditionFalse, "no JSON", [](const Space& space, Transaction& txn) {
    return space.kv(txn).merge_json("k", "{}");
  });
  expect_refused(StatusCode::kInvalidArgument, "overlap", [](const Space& space, Transaction& txn) {
    return space.kv(txn).keep_history({}, "h/x");
  });
}

TEST_F(RefusalsTest, OfObservations) {
  const NewObservation first = {.content = "a", .embedding = Embedding{"m", "", {1, 0}}};
  const std::string id = *space_.observations().add(first);
  const std::string gone = *space_.observations().add({.content = "b"});
  ASSERT_TRUE(space_.observations().forget(gone));
  const auto add = [&](StatusCode code, const char* what, const NewObservation& observation) {
    expect_refused(code, what, [&](const Space& space, Transaction& txn) {
      return space.observations(txn).add(observation).status();
    });
  };
  add(StatusCode::kInvalidArgument, "empty", {});
  add(StatusCode::kInvalidArgument, "UTF-8", {.content = kNotUtf8});
  add(StatusCode::kInvalidArgument, "metadata", {.content = "x", .metadata = "{"});
  add(StatusCode::kInvalidArgument, "confidence", {.content = "x", .confidence = kNaN});
  add(StatusCode::kInvalidArgument, "importance", {.content = "x", .importance = 1.1});
  add(StatusCode::kNotFound, "source", {.content = "x", .derived_from = {kNobody}});
  add(StatusCode::kInvalidArgument, "dimension",
      {.content = "x", .embedding = Embedding{"m", "", {1, 0, 0}}});
  add(StatusCode::kInvalidArgument, "NaN",
      {.content = "x",
       .embedding = Embedding{"m", "", {1, std::numeric_limits<float>::infinity()}}});
  add(StatusCode::kTooLarge, "title",
      {.content = "x", .title = std::string(kTitleSizeMax + 1, 'x')});
  const auto on = [&](StatusCode code, const char* what,
                      const std::function<Status(const Observations&)>& call) {
    expect_refused(code, what, [&](const Space& space, Transaction& txn) {
      return call(space.observations(txn));
    });
  };
  on(StatusCode::kNotFound, "unknown", [](const Observations& all) { return all.remove(kNobody); });
  on(StatusCode::kInvalidArgument, "ambiguous or short",
     [&](const Observations& all) { return all.edit(id.substr(0, 8), {.title = "t"}).status(); });
  on(StatusCode::kConditionFalse, "revision",
     [&](const Observations& all) { return all.edit(id, {.title = "t", .revision = 9}).status(); });
  on(StatusCode::kConditionFalse, "forgotten",
     [&](const Observations& all) { return all.edit(gone, {.title = "t"}).status(); });
  on(StatusCode::kConditionFalse, "not forgotten",
     [&](const Observations& all) { return all.restore(id); });
  expect_refused(StatusCode::kInvalidArgument, "vector", [&](const Space& space, Transaction& txn) {
    return space.vectors(txn).put("main", id, {"m", "", {1, 0, 0}});
  });
  expect_refused(StatusCode::kConditionFalse, "model", [&](const Space& space, Transaction& txn) {
    return space.vectors(txn).define("main", {.dimension = 2, .model = "other"});
  });
}

TEST_F(RefusalsTest, OfEventsAndRuns) {
  const Runs runs = space_.runs();
  const std::string run = runs.start({.name = "r", .key = "k", .input = "1"})->id;
  ASSERT_TRUE(runs.open_gate(run, {.name = "g"}));
  const NewStep steps[] = {{.key = "s", .input = "1"}, {.key = "late", .gates = {"g"}}};
  ASSERT_TRUE(runs.define(run, steps));
  const StepLease lease = *runs.begin(run, {.key = "s"})->lease;
  ASSERT_TRUE(runs.complete(lease, "out"));
  const auto on = [&](StatusCode code, const char* what,
                      const std::function<Status(const Runs&)>& call) {
    expect_refused(code, what,
                   [&](const Space& space, Transaction& txn) { return call(space.runs(txn)); });
  };
  on(StatusCode::kConditionFalse, "input of the run",
     [](const Runs& all) { return all.start({.name = "r", .key = "k", .input = "2"}).status(); });
  on(StatusCode::kInvalidArgument, "JSON",
     [](const Runs& all) { return all.start({.name = "r", .input = "{"}).status(); });
  on(StatusCode::kNotFound, "run", [](const Runs& all) { return all.finish(kNobody); });
  on(StatusCode::kConditionFalse, "unfinished", [&](const Runs& all) { return all.finish(run); });
  on(StatusCode::kConditionFalse, "input of the step",
     [&](const Runs& all) { return all.begin(run, {.key = "s", .input = "2"}).status(); });
  on(StatusCode::kConditionFalse, "gate",
     [&](const Runs& all) { return all.begin(run, {.key = "late"}).status(); });
  on(StatusCode::kNotFound, "to wait for", [&](const Runs& all) {
    const NewStep behind[] = {{.key = "x"}, {.key = "y", .after = {"none"}}};
    return all.define(run, behind).status();
  });
  on(StatusCode::kFenced, "completed", [&](const Runs& all) { return all.complete(lease, "2"); });
  on(StatusCode::kConditionFalse, "not failed",
     [&](const Runs& all) { return all.retry(run, "s"); });
  on(StatusCode::kConditionFalse, "known",
     [&](const Runs& all) { return all.resolve(run, "s", StepDecision::complete, "x"); });
  ASSERT_TRUE(runs.decide_gate(run, "g", true));
  on(StatusCode::kConditionFalse, "decided",
     [&](const Runs& all) { return all.decide_gate(run, "g", false); });
  expect_refused(StatusCode::kInvalidArgument, "event", [](const Space& space, Transaction& txn) {
    const NewEvent events[] = {{.type = "t", .data = "good"}, {.type = kNotUtf8}};
    return space.events(txn).stream("log").append_all(events).status();
  });
  expect_refused(StatusCode::kNotFound, "consumer", [](const Space& space, Transaction& txn) {
    return space.events(txn).stream("log").remove_consumer("nobody");
  });
}

TEST_F(RefusalsTest, OfCoordination) {
  const Claim released = *space_.claims().take("r");
  ASSERT_TRUE(space_.claims().release(released));
  ASSERT_TRUE(space_.claims().take("held"));
  expect_refused(StatusCode::kFenced, "released", [&](const Space& space, Transaction& txn) {
    return space.claims(txn).guard(released);
  });
  expect_refused(StatusCode::kFenced, "renewed", [&](const Space& space, Transaction& txn) {
    return space.claims(txn).renew(released, std::chrono::seconds(1)).status();
  });
  expect_refused(StatusCode::kBusy, "one of two", [](const Space& space, Transaction& txn) {
    const std::string both[] = {"free", "held"};
    return space.claims(txn).take(both).status();
  });
  ASSERT_TRUE(space_.queue("q").push({.payload = "x"}));
  const Job done = space_.queue("q").take()->front();
  ASSERT_TRUE(space_.queue("q").ack(done));
  expect_refused(StatusCode::kFenced, "acked", [&](const Space& space, Transaction& txn) {
    return space.queue(txn, "q").ack(done, "again");
  });
  expect_refused(StatusCode::kInvalidArgument, "a job of two",
                 [](const Space& space, Transaction& txn) {
                   const NewJob jobs[] = {{.payload = "x"}, {.priority = 101}};
                   return space.queue(txn, "q").push_all(jobs).status();
                 });
  ASSERT_TRUE(space_.queue("small").configure({.depth_max = 1}));
  expect_refused(StatusCode::kTooLarge, "depth", [](const Space& space, Transaction& txn) {
    const NewJob jobs[] = {{.payload = "1"}, {.payload = "2"}};
    return space.queue(txn, "small").push_all(jobs).status();
  });
  expect_refused(StatusCode::kNotFound, "job", [](const Space& space, Transaction& txn) {
    return space.queue(txn, "q").requeue(kNobody);
  });
  expect_refused(StatusCode::kNotFound, "mark", [](const Space& space, Transaction& txn) {
    return space.inbox(txn, "in").unmark("never");
  });
  expect_refused(StatusCode::kInvalidArgument, "message", [](const Space& space, Transaction& txn) {
    return space.messages(txn).send({.to = "", .body = "x"}).status();
  });
  expect_refused(StatusCode::kNotFound, "dead letter", [](const Space& space, Transaction& txn) {
    return space.outbox(txn, "out").requeue(kNobody);
  });
  expect_refused(StatusCode::kNotFound, "who left", [](const Space& space, Transaction& txn) {
    return space.presence(txn).change(kNobody, {.agent = "x"});
  });
  expect_refused(StatusCode::kTooLarge, "cached", [](const Space& space, Transaction& txn) {
    return space.cache(txn, "c").put("k", std::string(kCacheValueSizeMax + 1, 'x')).status();
  });
}

TEST_F(RefusalsTest, OfArtifactsLinksDefinitionsAndRecords) {
  ASSERT_TRUE(space_.artifacts().put({.name = "kept"}, "1"));
  ASSERT_TRUE(space_.artifacts().put({.name = "old"}, "1"));
  const std::string old[] = {"old"};
  ASSERT_TRUE(space_.artifacts().archive(old));
  const auto put = [&](StatusCode code, const char* what, const NewArtifact& artifact) {
    expect_refused(code, what, [&](const Space& space, Transaction& txn) {
      return space.artifacts(txn).put(artifact, "2").status();
    });
  };
  put(StatusCode::kConditionFalse, "latest", {.name = "kept", .if_latest = 7});
  put(StatusCode::kConditionFalse, "archived", {.name = "old"});
  put(StatusCode::kInvalidArgument, "metadata", {.name = "kept", .metadata = "[]"});
  put(StatusCode::kNotFound, "parent", {.name = "kept", .parents = {"none@1"}});
  put(StatusCode::kInvalidArgument, "alias", {.name = "kept", .aliases = {"7"}});
  expect_refused(StatusCode::kNotFound, "one of two", [](const Space& space, Transaction& txn) {
    const std::string names[] = {"kept", "none"};
    return space.artifacts(txn).remove(names);
  });
  expect_refused(StatusCode::kInvalidArgument, "weight", [](const Space& space, Transaction& txn) {
    const NewLink links[] = {{"a", "t", "b"}, {"a", "t", "c", kNaN}};
    return space.links(txn).put_all(links);
  });
  expect_refused(StatusCode::kNotFound, "end", [](const Space& space, Transaction& txn) {
    const NewLink links[] = {{"a", "t", "b"}, {"a", "t", std::string("observation/") + kNobody}};
    return space.links(txn).put_all(links);
  });
  ASSERT_TRUE(space_.registry().put({.kind = "agent", .name = "x", .body = "1"}));
  expect_refused(StatusCode::kConditionFalse, "version", [](const Space& space, Transaction& txn) {
    return space.registry(txn)
        .put({.kind = "agent", .name = "x", .body = "2", .if_latest = 7})
        .status();
  });
  expect_refused(StatusCode::kNotFound, "version", [](const Space& space, Transaction& txn) {
    return space.registry(txn).publish("agent", "x", 7).status();
  });
  const auto record = space_.records().add(
      {.kind = RecordKind::heuristic, .title = "t", .fields = {{"rule", "look"}}});
  ASSERT_TRUE(record) << record.status().to_string();
  expect_refused(StatusCode::kInvalidArgument, "field", [](const Space& space, Transaction& txn) {
    return space.records(txn)
        .add({.kind = RecordKind::failure, .title = "t", .fields = {{"rule", "x"}}})
        .status();
  });
  expect_refused(StatusCode::kConditionFalse, "evidence",
                 [&](const Space& space, Transaction& txn) {
                   return space.records(txn).promote(record->id).status();
                 });
  ASSERT_TRUE(space_.records().retract(record->id, "wrong"));
  expect_refused(StatusCode::kConditionFalse, "retracted",
                 [&](const Space& space, Transaction& txn) {
                   return space.records(txn).confirm(record->id).status();
                 });
  expect_refused(StatusCode::kNotFound, "unknown", [](const Space& space, Transaction& txn) {
    return space.records(txn).confirm(kNobody).status();
  });
}

TEST_F(RefusalsTest, OfSpaces) {
  const Spaces spaces(store_);
  ASSERT_TRUE(store_.space("a/b")->kv().put("k", "v"));
  ASSERT_TRUE(store_.space("c")->kv().put("k", "v"));
  expect_refused(StatusCode::kNotFound, "from", [&](const Space&, Transaction& txn) {
    return spaces.rename(txn, {"none"}, {"x"});
  });
  expect_refused(StatusCode::kInvalidArgument, "into itself", [&](const Space&, Transaction& txn) {
    return spaces.rename(txn, {"a"}, {"a", "b", "c"});
  });
  expect_refused(StatusCode::kConditionFalse, "onto another", [&](const Space&, Transaction& txn) {
    return spaces.rename(txn, {"a", "b"}, {"c"});
  });
  expect_refused(StatusCode::kNotFound, "trash",
                 [&](const Space&, Transaction& txn) { return spaces.restore(txn, 4711); });
}

}  // namespace
}  // namespace holdfast
