// Kinds of memory beside observations and jobs, crashed at every step. Each transaction of a writer
// adds to all of them and writes the row "k/<id>"; whoever reads on takes from some and writes what
// it took as rows. Afterwards each kind, by each way of reading it, has what the rows say.
#include <gtest/gtest.h>

#include <algorithm>

#include "holdfast/holdfast.h"
#include "memory/keys.h"
#include "simulation/space_story.h"

namespace holdfast::sim {
namespace {

using Names = std::set<std::string>;

constexpr const char* kArtifact = "report";
constexpr const char* kBox = "box";

// One content for all versions, so large that it is a blob.
std::string content() {
  return std::string(kArtifactInlineMax + 1, 'c');
}

Status keep_learning(const Space& space, Transaction& txn, const std::string& name) {
  const Registry registry = space.registry(txn);
  HOLDFAST_ASSIGN(const Definition put,
                  registry.put({.kind = "tool", .name = "t", .body = name, .publish = true}));
  HOLDFAST_TRY(registry.count_use("tool", "t", put.version));
  return space.records(txn)
      .add({.kind = RecordKind::heuristic, .title = name, .fields = {{"rule", "look"}}})
      .status();
}

Status keep_all(const Space& space, Transaction& txn, const std::string& name,
                const ArtifactContent& content) {
  HOLDFAST_TRY(space.artifacts(txn)
                   .put({.name = kArtifact,
                         .metadata = "{\"number\":" + name + "}",
                         .made_by = "row/" + name},
                        content)
                   .status());
  HOLDFAST_TRY(keep_learning(space, txn, name));
  HOLDFAST_TRY(space.links(txn).put({.from = "row/" + name, .type = "of", .to = "all"}).status());
  HOLDFAST_TRY(space.cache(txn, "c").put(name, name, {.tags = {"all"}}).status());
  HOLDFAST_TRY(space.inbox(txn, "in").mark(name).status());
  HOLDFAST_TRY(space.messages(txn).send({.to = kBox, .body = name}).status());
  HOLDFAST_TRY(space.events(txn).stream("log").append({.data = name}).status());
  return txn.put("k/" + name, "");
}

Script keeps(int count) {
  return uses(count, [](Store& store, const Space& space, Trial& trial) {
    ArtifactWriter writer = space.artifacts().write();
    if (!writer.append(content())) return false;
    const auto whole = writer.finish();
    if (!whole || !space.presence().enter({.agent = "writer"})) return false;
    return transact(store, trial, [&](Transaction& txn, uint64_t id) {
      return keep_all(space, txn, std::to_string(id), *whole);
    });
  });
}

// Receives, consumes, and lets go of what the cache and the artifact have too much of.
Status take_some(const Space& space, Transaction& txn, uint64_t) {
  HOLDFAST_ASSIGN(const auto messages, space.messages(txn).receive(kBox, 2));
  for (const Message& message : messages) HOLDFAST_TRY(txn.put("m/" + message.body, ""));
  HOLDFAST_ASSIGN(const EventPage page, space.events(txn).stream("log").consume("reader", 2));
  for (const Event& event : page.events) HOLDFAST_TRY(txn.put("e/" + event.data, ""));
  HOLDFAST_TRY(space.cache(txn, "c").remove_tagged("all").status());
  const auto pruned = space.artifacts(txn).prune(kArtifact, 3);
  return pruned.status().code() == StatusCode::kNotFound ? Status::ok() : pruned.status();
}

std::string differs(const std::string& what, const Names& found, const Names& expected) {
  if (found == expected) return "";
  std::string text = what + ":";
  for (const std::string& name : found) text += " " + name;
  text += "; expected:";
  for (const std::string& name : expected) text += " " + name;
  return text;
}

Names both(Names a, const Names& b) {
  a.insert(b.begin(), b.end());
  return a;
}

std::string wrong_artifacts(Store& store, const Space& space, const Names& rows) {
  const Artifacts artifacts = space.artifacts();
  const auto versions = artifacts.versions(kArtifact);
  if (rows.empty()) return versions ? "an artifact is there" : "";
  if (!versions) return "versions: " + versions.status().to_string();
  if (versions->front().version != rows.size()) return "the numbers of versions have gaps";
  for (const ArtifactVersion& version : *versions) {
    const std::string number = version.metadata->substr(10, version.metadata->size() - 11);
    if (rows.count(number) == 0) return "version of no row: " + number;
    const std::string text = std::to_string(version.version);
    const auto bytes = artifacts.get(kArtifact, text);
    if (!bytes || *bytes != content()) return "version " + text + " has not its content";
    const auto found = artifacts.query({.metadata = {{"number", number}}});
    if (!found || found->size() != 1) return "version " + text + " is not found by its metadata";
    const auto made = space.links().of(artifact_end(kArtifact, version.version));
    if (!made || made->size() != 1) return "version " + text + " has lost who made it";
  }
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  const auto blobs = store.blobs().stats(*snapshot);
  if (!blobs || blobs->blobs != 1) return "the content is not kept once";
  const auto checked = store.blobs().check(*snapshot, true);
  return checked && checked->problems.empty() ? "" : "a blob is damaged or missing";
}

std::string wrong_learning(const Space& space, const Names& rows) {
  Names titles;
  const auto records = space.records().list({.limit = 1000});
  if (!records) return records.status().to_string();
  for (const Record& record : *records) titles.insert(record.title);
  if (auto wrong = differs("records", titles, rows); !wrong.empty()) return wrong;
  const auto told = space.outbox(kRecordOutbox).stats();
  if (!told || told->waiting != rows.size()) return "not every record was told";
  const Registry registry = space.registry();
  const auto entry = registry.find("tool", "t");
  if (rows.empty()) return entry ? "a definition is there" : "";
  if (!entry) return entry.status().to_string();
  if (entry->latest != rows.size() || entry->published != entry->latest ||
      entry->publications != entry->latest) {
    return "latest, published and publications are not as many as rows";
  }
  Names bodies;
  const auto versions = registry.versions("tool", "t");
  for (const Definition& one : *versions) bodies.insert(one.body);
  const auto counts = registry.uses("tool", "t");
  for (const auto& [version, count] : *counts) {
    if (count != 1) return "a use was counted twice";
  }
  if (counts->size() != rows.size()) return "a use was not counted";
  return differs("definitions", bodies, rows);
}

std::string wrong_links_and_cache(const Space& space, const Names& rows) {
  Names linked;
  const auto links = space.links().of("all", {.filter = {.direction = LinkDirection::in}});
  if (!links) return links.status().to_string();
  for (const Link& link : *links) linked.insert(link.from.substr(4));
  if (auto wrong = differs("links", linked, rows); !wrong.empty()) return wrong;
  const auto entries = space.cache("c").list();
  const auto stats = space.cache("c").stats();
  if (!entries || !stats) return entries.status().to_string() + stats.status().to_string();
  if (entries->size() != stats->entries) return "the cache counts what is not there";
  for (const CacheEntry& entry : *entries) {
    const auto value = space.cache("c").get(entry.key);
    if (!value || *value != entry.key || rows.count(entry.key) == 0) return "a wrong cache entry";
  }
  return "";
}

std::string wrong_mail(Reader& reader, const Space& space, const Names& rows) {
  Names marks;
  const auto marked = space.inbox("in").list();
  if (!marked) return marked.status().to_string();
  for (const InboxMark& mark : *marked) marks.insert(mark.key);
  if (auto wrong = differs("marks", marks, rows); !wrong.empty()) return wrong;
  Names waiting;
  const auto messages = space.messages().peek(kBox);
  if (!messages) return messages.status().to_string();
  for (const Message& message : *messages) waiting.insert(message.body);
  const Names received = names_below(reader, "m/");
  if (waiting.size() + received.size() != rows.size()) return "a message was lost or came twice";
  if (*space.messages().count(kBox) != waiting.size()) return "messages are counted wrongly";
  if (!space.presence().list()->empty()) return "somebody who is gone is present";
  return differs("messages", both(waiting, received), rows);
}

std::string wrong_events(Reader& reader, const Space& space, const Names& rows) {
  const EventStream stream = space.events().stream("log");
  const auto page = stream.read();
  if (!page) return page.status().to_string();
  Names data;
  Names behind;
  const auto consumers = stream.consumers();
  const uint64_t next = consumers->empty() ? 1 : consumers->front().next;
  for (const Event& event : page->events) {
    data.insert(event.data);
    if (event.number >= next) behind.insert(event.data);
  }
  if (!rows.empty()) {
    const auto verified = stream.verify();
    if (!verified) return verified.status().to_string();
    if (verified->events != rows.size()) return "the chain has not all events";
  }
  const Names consumed = names_below(reader, "e/");
  if (behind.size() + consumed.size() != rows.size()) return "an event was consumed twice";
  if (auto wrong = differs("events", data, rows); !wrong.empty()) return wrong;
  return differs("events consumed and not", both(behind, consumed), rows);
}

std::string verify_kinds(os::Os&, Store& store) {
  const Space space = *store.space(kSpace);
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  const Names rows = names_below(*snapshot, "k/");
  for (const std::string& wrong :
       {wrong_artifacts(store, space, rows), wrong_learning(space, rows),
        wrong_links_and_cache(space, rows), wrong_mail(*snapshot, space, rows),
        wrong_events(*snapshot, space, rows)}) {
    if (!wrong.empty()) return wrong;
  }
  return "";
}

Story story_of(std::vector<Script> processes) {
  Story story;
  story.prepare = keeps(1);
  story.processes = std::move(processes);
  story.verify_more = verify_kinds;
  return story;
}

TEST(KindsCrash, EveryKindHasWhatItsTransactionsSay) {
  EXPECT_EQ(play(story_of({keeps(2), transacts(2, take_some)}), {}).failure, "");
  expect_survived(story_of({keeps(2), transacts(1, take_some)}), kCrashes, 1);
}

// --- Spaces

// Moves a space into the trash, out of it to another path, and removes it there; what is removed is
// written down. Who dies in between leaves it where it is then.
Script moves() {
  return [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    const Spaces spaces(*store);
    uint64_t id = 0;
    const std::vector<Body> steps = {
        [&](Transaction& txn, uint64_t) -> Status {
          const auto trashed = spaces.trash(txn, {"team"}, SubSpaces::include);
          if (trashed) id = *trashed;
          return trashed.status();
        },
        [&](Transaction& txn, uint64_t) { return spaces.restore(txn, id, {"back"}); },
        [&](Transaction& txn, uint64_t) { return spaces.rename(txn, {"back"}, {"away"}); },
        [&](Transaction& txn, uint64_t) -> Status {
          HOLDFAST_ASSIGN(const Space away, store->space("away/a"));
          HOLDFAST_ASSIGN(const auto entries, away.kv(txn).list({}));
          for (const KvEntry& entry : entries) HOLDFAST_TRY(txn.put("gone/" + entry.key, ""));
          return spaces.remove(txn, {"away"}, SubSpaces::include);
        }};
    for (const Body& step : steps) {
      if (!transact(*store, trial, step)) return;
    }
  };
}

Script puts(int count) {
  return [count](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    const Space space = *store->space("team/a");
    for (int i = 0; i < count; ++i) {
      const Body put = [&](Transaction& txn, uint64_t id) -> Status {
        HOLDFAST_TRY(space.kv(txn).put(std::to_string(id), "team/a"));
        return txn.put("k/" + std::to_string(id), "");
      };
      if (!transact(*store, trial, put)) return;
    }
  };
}

// Wherever they are, each row is in one space or was removed with one, and no key of a removed
// space is left.
std::string verify_spaces(os::Os&, Store& store) {
  const Spaces spaces(store);
  const auto trashed = spaces.trashed();
  if (!trashed) return trashed.status().to_string();
  for (const TrashedSpace& each : *trashed) {
    const Status restored = spaces.restore(each.id, {"found", std::to_string(each.id)});
    if (!restored) return restored.to_string();
  }
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  Names found = names_below(*snapshot, "gone/");
  size_t count = found.size();
  size_t keys = 0;
  const auto all = list_spaces(*snapshot);
  for (const SpaceSegments& segments : *all) {
    const auto entries = store.space(segments)->kv(*snapshot).list({});
    if (!entries) return entries.status().to_string();
    for (const KvEntry& entry : *entries) found.insert(entry.key);
    keys += entries->size();
  }
  count += keys;
  const Names rows = names_below(*snapshot, "k/");
  if (auto wrong = differs("values", found, rows); !wrong.empty()) return wrong;
  if (count != rows.size()) return "a value is in two spaces";
  const std::string kind(1, static_cast<char>(memory::KeyKind::kKv));
  return names_below(*snapshot, kind).size() == keys ? "" : "a removed space has left keys";
}

TEST(KindsCrash, AMovedSpaceIsInOnePlaceWithAllItHolds) {
  Story story;
  story.prepare = puts(2);
  story.processes = {moves(), puts(3)};
  story.verify_more = verify_spaces;
  EXPECT_EQ(play(story, {}).failure, "");
  expect_survived(story, kCrashes, 1);
}

// --- Outbox

TEST(KindsCrash, WhatACommitTellsIsDeliveredAndNothingElse) {
  const auto delivered = std::make_shared<Names>();
  const auto deliver = [delivered](const OutboxEntry& entry) {
    delivered->insert(entry.payload);
    return Status::ok();
  };
  const Script adds = transacts(2, [](const Space& space, Transaction& txn, uint64_t id) -> Status {
    HOLDFAST_TRY(space.outbox(txn, "out").add("row", std::to_string(id)).status());
    return txn.put("k/" + std::to_string(id), "");
  });
  const Script relays = uses(2, [deliver](Store&, const Space& space, Trial&) {
    const auto relayed = space.outbox("out").relay(deliver, {.batch = 1});
    return relayed || relayed.status().code() == StatusCode::kBusy;
  });
  Story story;
  story.prepare = adds;
  story.forget = [delivered] { delivered->clear(); };
  story.processes = {adds, relays, relays};
  story.verify_more = [=](os::Os&, Store& store) -> std::string {
    auto snapshot = store.snapshot();
    if (!snapshot) return snapshot.status().to_string();
    const Names rows = names_below(*snapshot, "k/");
    const Outbox outbox = store.space(kSpace)->outbox("out");
    const auto waiting = outbox.waiting();
    if (!waiting) return waiting.status().to_string();
    Names known = *delivered;
    for (const OutboxEntry& entry : *waiting) known.insert(entry.payload);
    if (auto wrong = differs("told", known, rows); !wrong.empty()) return wrong;
    // The lock of a relay that is gone is nobody's.
    const auto relayed = outbox.relay(deliver);
    if (!relayed) return relayed.status().to_string();
    return differs("delivered", *delivered, rows);
  };
  EXPECT_EQ(play(story, {}).failure, "");
  expect_survived(story, kCrashes, 1);
}

// --- Steps

// Does the steps of a run, each of which adds one to a row in the commit that completes it.
Script does_steps() {
  return uses(3, [](Store& store, const Space& space, Trial& trial) {
    const auto run = space.runs().start({.name = "run", .key = "run"});
    if (!run) return false;
    for (const char* key : {"a", "b"}) {
      const auto begun =
          space.runs().begin(run->id, {.key = key, .on_interrupt = OnInterrupt::retry},
                             {.wait = std::chrono::milliseconds(10'000)});
      if (!begun) {
        trial.ledger.fail("begin: " + begun.status().to_string());
        return false;
      }
      if (begun->completed) continue;
      const bool done = transact(store, trial, [&](Transaction& txn, uint64_t) -> Status {
        HOLDFAST_ASSIGN(const auto times, txn.get(std::string("t/") + key));
        HOLDFAST_TRY(txn.put(std::string("t/") + key, times ? *times + "1" : "1"));
        return space.runs(txn).complete(*begun->lease, "\"done\"");
      });
      if (!done) return false;
    }
    return true;
  });
}

std::string verify_steps(os::Os&, Store& store) {
  const Space space = *store.space(kSpace);
  const auto runs = space.runs().list();
  if (!runs) return runs.status().to_string();
  if (runs->empty()) return "";
  if (runs->size() > 1) return "one key has several runs";
  const auto steps = space.runs().steps(runs->front().id);
  if (!steps) return steps.status().to_string();
  for (const StepInfo& step : *steps) {
    const auto times = store.get("t/" + step.key);
    if (!times) return times.status().to_string();
    if (*times && **times != "1") return "step " + step.key + " was done twice";
    if ((step.state == StepState::completed) != times->has_value()) {
      return "step " + step.key + " is not what its row says";
    }
  }
  return "";
}

TEST(KindsCrash, AStepIsCompletedWithWhatItDidAndOnce) {
  Story story;
  story.processes = {does_steps(), does_steps()};
  story.verify_more = verify_steps;
  EXPECT_EQ(play(story, {}).failure, "");
  expect_survived(story, kCrashes, 1);
}

}  // namespace
}  // namespace holdfast::sim
