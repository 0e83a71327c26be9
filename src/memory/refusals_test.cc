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
  struct Refusal {
    const char* what;
    Call call;
  };
  void expect_all_refused(StatusCode code, const std::vector<Refusal>& refusals) {
    for (const Refusal& one : refusals) expect_refused(code, one.what, one.call);
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

// --- The same fault, by all kinds that can have it

TEST_F(RefusalsTest, OfWhatIsTooLarge) {
  ASSERT_TRUE(space_.artifacts().put({.name = "a"}, "1"));
  const std::string run = space_.runs().start({.name = "r"})->id;
  const StepLease lease = *space_.runs().begin(run, {.key = "s"})->lease;
  ASSERT_TRUE(space_.queue("q").push({.payload = "x"}));
  const Job job = space_.queue("q").take()->front();
  const std::string huge(2u << 20, 'x');
  expect_all_refused(
      StatusCode::kTooLarge,
      {{"value", [&](const Space& s, Transaction& t) { return s.kv(t).put("k", huge); }},
       {"content",
        [&](const Space& s, Transaction& t) {
          return s.observations(t).add({.content = huge + huge + "x"}).status();
        }},
       {"metadata",
        [&](const Space& s, Transaction& t) {
          return s.observations(t).add({.content = "x", .metadata = "\"" + huge + "\""}).status();
        }},
       {"event",
        [&](const Space& s, Transaction& t) {
          return s.events(t).stream("e").append({.data = huge}).status();
        }},
       {"input",
        [&](const Space& s, Transaction& t) {
          return s.runs(t).start({.name = "r", .input = "\"" + huge + "\""}).status();
        }},
       {"output", [&](const Space& s, Transaction& t) { return s.runs(t).complete(lease, huge); }},
       {"payload",
        [&](const Space& s, Transaction& t) {
          return s.queue(t, "q").push({.payload = huge}).status();
        }},
       {"result", [&](const Space& s, Transaction& t) { return s.queue(t, "q").ack(job, huge); }},
       {"outbox",
        [&](const Space& s, Transaction& t) { return s.outbox(t, "o").add("t", huge).status(); }},
       {"message",
        [&](const Space& s, Transaction& t) {
          return s.messages(t).send({.to = "m", .body = huge}).status();
        }},
       {"cached",
        [&](const Space& s, Transaction& t) { return s.cache(t, "c").put("k", huge).status(); }},
       {"link",
        [&](const Space& s, Transaction& t) {
          return s.links(t).put({.from = "a", .type = "t", .to = "b", .data = huge}).status();
        }},
       {"artifact's metadata",
        [&](const Space& s, Transaction& t) {
          return s.artifacts(t)
              .put({.name = "a", .metadata = "{\"a\":\"" + huge + "\"}"}, "x")
              .status();
        }},
       {"definition",
        [&](const Space& s, Transaction& t) {
          return s.registry(t).put({.kind = "k", .name = "n", .body = huge}).status();
        }},
       {"record", [&](const Space& s, Transaction& t) {
          return s.records(t).add({.title = "t", .fields = {{"text", huge}}}).status();
        }}});
}

TEST_F(RefusalsTest, OfWhatIsNotUtf8) {
  expect_all_refused(
      StatusCode::kInvalidArgument,
      {{"title",
        [](const Space& s, Transaction& t) {
          return s.observations(t).add({.content = "x", .title = kNotUtf8}).status();
        }},
       {"tag",
        [](const Space& s, Transaction& t) {
          return s.observations(t).add({.content = "x", .tags = {"a", kNotUtf8}}).status();
        }},
       {"stream", [](const Space& s,
                     Transaction& t) { return s.events(t).stream(kNotUtf8).append({}).status(); }},
       {"run", [](const Space& s,
                  Transaction& t) { return s.runs(t).start({.name = kNotUtf8}).status(); }},
       {"queue",
        [](const Space& s, Transaction& t) { return s.queue(t, kNotUtf8).push({}).status(); }},
       {"resource",
        [](const Space& s, Transaction& t) { return s.claims(t).take(kNotUtf8).status(); }},
       {"holder",
        [](const Space& s, Transaction& t) {
          return s.claims(t).take("r", {.holder = kNotUtf8}).status();
        }},
       {"inbox",
        [](const Space& s, Transaction& t) { return s.inbox(t, kNotUtf8).mark("k").status(); }},
       {"outbox", [](const Space& s,
                     Transaction& t) { return s.outbox(t, "o").add(kNotUtf8, "x").status(); }},
       {"message",
        [](const Space& s, Transaction& t) {
          return s.messages(t).send({.to = "m", .from = kNotUtf8}).status();
        }},
       {"presence",
        [](const Space& s, Transaction& t) {
          return s.presence(t).enter({.agent = kNotUtf8}).status();
        }},
       {"cache",
        [](const Space& s, Transaction& t) {
          return s.cache(t, "c").put("k", "v", {.tags = {kNotUtf8}}).status();
        }},
       {"link",
        [](const Space& s, Transaction& t) {
          return s.links(t).put({.from = "a", .type = kNotUtf8, .to = "b"}).status();
        }},
       {"artifact",
        [](const Space& s, Transaction& t) {
          return s.artifacts(t).put({.name = kNotUtf8}, "x").status();
        }},
       {"definition",
        [](const Space& s, Transaction& t) {
          return s.registry(t).put({.kind = "k", .name = "n", .body = kNotUtf8}).status();
        }},
       {"record", [](const Space& s, Transaction& t) {
          return s.records(t).add({.title = "t", .fields = {{"text", kNotUtf8}}}).status();
        }}});
  EXPECT_EQ(store_.space(kNotUtf8).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(RefusalsTest, OfUnknownIds) {
  const std::string run = space_.runs().start({.name = "r"})->id;
  ASSERT_TRUE(space_.registry().put({.kind = "k", .name = "n", .body = "1"}));
  ASSERT_TRUE(space_.artifacts().put({.name = "a"}, "1"));
  expect_all_refused(
      StatusCode::kNotFound,
      {{"observation",
        [](const Space& s, Transaction& t) { return s.observations(t).forget(kNobody); }},
       {"reinforced",
        [](const Space& s, Transaction& t) {
          const std::string ids[] = {kNobody};
          return s.observations(t).reinforce(ids, Reinforcement::access);
        }},
       {"vector's observation",
        [](const Space& s, Transaction& t) {
          HOLDFAST_TRY(s.observations(t).get(kNobody).status());
          return s.vectors(t).put("main", kNobody, {"m", "", {1, 0}});
        }},
       {"vector space", [](const Space& s, Transaction& t) { return s.vectors(t).drop("none"); }},
       {"run", [](const Space& s, Transaction& t) { return s.runs(t).cancel(kNobody, "x"); }},
       {"step", [&](const Space& s, Transaction& t) { return s.runs(t).retry(run, "none"); }},
       {"gate",
        [&](const Space& s, Transaction& t) { return s.runs(t).decide_gate(run, "none", true); }},
       {"job", [](const Space& s, Transaction& t) { return s.queue(t, "q").remove(kNobody); }},
       {"dead letter",
        [](const Space& s, Transaction& t) { return s.outbox(t, "o").remove_dead(kNobody); }},
       {"link", [](const Space& s, Transaction& t) { return s.links(t).remove("a", "t", "b"); }},
       {"artifact",
        [](const Space& s, Transaction& t) { return s.artifacts(t).set_alias("a", "x", "7"); }},
       {"alias",
        [](const Space& s, Transaction& t) { return s.artifacts(t).remove_alias("a", "none"); }},
       {"definition",
        [](const Space& s, Transaction& t) { return s.registry(t).count_use("k", "n", 7); }},
       {"record",
        [](const Space& s, Transaction& t) { return s.records(t).close(kNobody, "x").status(); }}});
}

TEST_F(RefusalsTest, OfIdsThatSeveralBeginWith) {
  // In one commit, so of one time: ids that begin alike.
  const std::vector<NewObservation> several = {{.content = "a"}, {.content = "b"}};
  const auto added = space_.observations().add_all(several);
  ASSERT_TRUE(added) << added.status().to_string();
  const std::string prefix = added->front().id.substr(0, 8);
  expect_all_refused(
      StatusCode::kInvalidArgument,
      {{"edit",
        [&](const Space& s, Transaction& t) {
          return s.observations(t).edit(prefix, {.title = "t"}).status();
        }},
       {"forget", [&](const Space& s, Transaction& t) { return s.observations(t).forget(prefix); }},
       {"remove", [&](const Space& s, Transaction& t) { return s.observations(t).remove(prefix); }},
       {"supersede",
        [&](const Space& s, Transaction& t) {
          return s.observations(t).supersede(prefix, {.content = "x"}).status();
        }},
       {"reinforce",
        [&](const Space& s, Transaction& t) {
          return s.observations(t).reinforce(std::span(&prefix, 1), Reinforcement::access);
        }},
       {"record",
        [&](const Space& s, Transaction& t) { return s.records(t).confirm(prefix).status(); }}});
  const Status said = space_.observations().forget(prefix);
  for (const AddedObservation& one : *added) {
    EXPECT_NE(said.message().find(one.id), std::string::npos) << "candidates are named";
  }
}

TEST_F(RefusalsTest, OfVectorsThatDoNotFit) {
  const NewObservation first = {.content = "a", .embedding = Embedding{"m", "1", {1, 0}}};
  const std::string id = *space_.observations().add(first);
  const auto put = [&](const Embedding& embedding) {
    return [&, embedding](const Space& s, Transaction& t) {
      return s.vectors(t).put(kMainVectorSpace, id, embedding);
    };
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  expect_all_refused(StatusCode::kInvalidArgument,
                     {{"NaN", put({"m", "1", {std::numeric_limits<float>::quiet_NaN(), 0}})},
                      {"infinity", put({"m", "1", {0, -kInfinity}})},
                      {"no direction", put({"m", "1", {0, 0}})},
                      {"dimension", put({"m", "1", {1, 0, 0}})},
                      {"model", put({"n", "1", {1, 0}})},
                      {"version", put({"m", "2", {1, 0}})},
                      {"added with NaN",
                       [](const Space& s, Transaction& t) {
                         const float nan = std::numeric_limits<float>::quiet_NaN();
                         return s.observations(t)
                             .add({.content = "x", .embedding = Embedding{"m", "1", {nan, 1}}})
                             .status();
                       }},
                      {"defined with one dimension",
                       [](const Space& s, Transaction& t) {
                         return s.vectors(t).define("other", {.dimension = 1, .model = "m"});
                       }},
                      {"asked with another dimension",
                       [](const Space& s, Transaction& t) {
                         return s.recall(t, {.vector = RecallVector{.values = {1, 0, 0}}}).status();
                       }},
                      {"asked with NaN", [](const Space& s, Transaction& t) {
                         const float nan = std::numeric_limits<float>::quiet_NaN();
                         return s.recall(t, {.vector = RecallVector{.values = {nan, 1}}}).status();
                       }}});
}

TEST_F(RefusalsTest, OfWrongStatesAndVersions) {
  ASSERT_TRUE(space_.artifacts().put({.name = "a", .aliases = {"kept"}}, "1"));
  ASSERT_TRUE(space_.registry().put({.kind = "k", .name = "n", .body = "1", .publish = true}));
  const std::string record = space_.records().add({.title = "t", .fields = {{"text", "x"}}})->id;
  const std::string run = space_.runs().start({.name = "r"})->id;
  ASSERT_TRUE(space_.runs().pause(run));
  ASSERT_TRUE(space_.queue("q").push({.payload = "x"}));
  const std::string leased = space_.queue("q").take()->front().id;
  expect_all_refused(
      StatusCode::kConditionFalse,
      {{"a version that an alias names",
        [](const Space& s, Transaction& t) { return s.artifacts(t).remove_version("a", 1); }},
       {"published already",
        [](const Space& s, Transaction& t) { return s.registry(t).publish("k", "n", 1).status(); }},
       {"nothing to go back to",
        [](const Space& s, Transaction& t) { return s.registry(t).rollback("k", "n").status(); }},
       {"published version",
        [](const Space& s, Transaction& t) {
          return s.registry(t).publish("k", "n", 1, {.if_published = 9}).status();
        }},
       {"revision of a record",
        [&](const Space& s, Transaction& t) {
          return s.records(t).edit(record, {.title = "u", .revision = 7}).status();
        }},
       {"a failure is not promoted",
        [&](const Space& s, Transaction& t) {
          return s.records(t).promote(record, "x", true).status();
        }},
       {"paused", [&](const Space& s,
                      Transaction& t) { return s.runs(t).begin(run, {.key = "s"}).status(); }},
       {"not ended", [&](const Space& s, Transaction& t) { return s.runs(t).remove(run); }},
       {"leased", [&](const Space& s, Transaction& t) { return s.queue(t, "q").remove(leased); }},
       {"not dead",
        [&](const Space& s, Transaction& t) { return s.queue(t, "q").requeue(leased); }}});
}

TEST_F(RefusalsTest, OfLeasesThatHaveExpired) {
  using std::chrono::milliseconds;
  const Claim claim = *space_.claims().take("r", {.ttl = milliseconds(1)});
  const Claim taken = *space_.claims().take("s", {.ttl = milliseconds(1)});
  ASSERT_TRUE(space_.queue("q").push({.payload = "x"}));
  const Job job = space_.queue("q").take({.lease = milliseconds(1)})->front();
  const std::string run = space_.runs().start({.name = "r"})->id;
  const NewStep step = {.key = "s", .on_interrupt = OnInterrupt::retry};
  const StepLease lease = *space_.runs().begin(run, step, {.lease = milliseconds(1)})->lease;
  const auto expired = std::chrono::steady_clock::now() + milliseconds(3);
  while (std::chrono::steady_clock::now() < expired) {
  }
  ASSERT_TRUE(space_.claims().take("s"));
  ASSERT_EQ(space_.queue("q").take()->size(), 1u);
  ASSERT_TRUE(*space_.runs().take(run));
  expect_all_refused(
      StatusCode::kFenced,
      {{"nobody's", [&](const Space& s, Transaction& t) { return s.claims(t).guard(claim); }},
       {"another's", [&](const Space& s, Transaction& t) { return s.claims(t).guard(taken); }},
       {"another's, prolonged",
        [&](const Space& s, Transaction& t) {
          return s.claims(t).renew(taken, milliseconds(10)).status();
        }},
       {"another's job", [&](const Space& s, Transaction& t) { return s.queue(t, "q").ack(job); }},
       {"another's job, given back",
        [&](const Space& s, Transaction& t) { return s.queue(t, "q").nack(job, "x"); }},
       {"another's job, prolonged",
        [&](const Space& s, Transaction& t) {
          return s.queue(t, "q").extend(job, milliseconds(10)).status();
        }},
       {"another's step",
        [&](const Space& s, Transaction& t) { return s.runs(t).complete(lease, "x"); }},
       {"another's step, prolonged", [&](const Space& s, Transaction& t) {
          return s.runs(t).heartbeat(lease, milliseconds(10)).status();
        }}});
}

}  // namespace
}  // namespace holdfast
