// Processes in each other's company: stopped ones, pinned ones, two handles in one process, strict
// readers beside batched writers, and crashes in the middle of repairing a crash.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

// --- Stopped processes.

std::string run_with_a_stopped_process(Machine& machine, Trial& trial) {
  RunEnd end = machine.run();
  if (end == RunEnd::kFinished) return "";
  if (end != RunEnd::kStopped) return std::string(run_end_name(end));
  // The others have waited as long as they are willing to, and were told for whom.
  for (const Status& status : trial.errors) {
    if (status.code() != StatusCode::kBusy) return "not busy: " + status.to_string();
    if (status.message().find("state T") == std::string_view::npos) {
      return "who was waited for is not named: " + status.to_string();
    }
  }
  return "stopped";
}

Outcome stop_and_go_on(const Case& at, const Beginning& beginning) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  trial.errors_allowed = true;
  std::vector<Process*> processes;
  for (int i = 0; i < 3; ++i) {
    processes.push_back(&machine.spawn([&](os::Os& os) { writes(2)(os, trial); }));
  }
  machine.set_plan(at.plan());
  std::string wrong = run_with_a_stopped_process(machine, trial);
  const bool fired = machine.plan_fired();
  machine.set_plan({});
  if (wrong == "stopped") {
    for (Process* process : processes) machine.continue_process(*process);
    bool wrote = false;
    machine.spawn([&](os::Os& os) {
      auto store = open_store(os, trial);
      wrote = store && transact(*store, trial);
    });
    const RunEnd end = machine.run();
    wrong = end == RunEnd::kFinished ? "" : "going on: " + std::string(run_end_name(end));
    if (wrong.empty() && !wrote) wrong = "nothing can be written after it went on";
  }
  if (!wrong.empty()) return {fired, wrong};
  return {fired, verify_machine(machine, trial)};
}

TEST(StoreCompany, StoppedProcessIsNamedAndGoesOnLater) {
  Story story;
  story.deadline = std::chrono::seconds(5);
  story.prepare = filled(4);
  CrashLoop loop;
  loop.faults = {Fault::kStop};
  loop.persistent_faults = {};
  loop.seeds = 2;
  const CrashReport report = for_each_crash(loop, begins_with(story, stop_and_go_on));
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

// --- Room for what is committed.

// Many keys in each transaction, which may touch a page each.
Script writes_of_many_keys(int count) {
  return [=](os::Os& os, Trial& trial) {
    write_some(os, trial, count, [](Transaction& txn, uint64_t id) -> Status {
      for (int i = 0; i < 60; ++i) {
        HOLDFAST_TRY(txn.put("many/" + std::to_string(i) + "/" + std::to_string(id), "v"));
      }
      return Status::ok();
    });
  };
}

// Batched commits take every page that applying them may need: one writer makes room again while
// the other waits for that, and goes on.
TEST(StoreCompany, HeadroomThatRunsOutIsMadeByOneForAll) {
  Story story;
  story.durability = Durability::batched;
  story.prepare = filled(4, 200);
  story.processes = {writes_of_many_keys(4), writes_of_many_keys(4)};
  expect_survived(story, kCrashes, 1);
}

// --- Readers.

// Looks at one snapshot while others write, checkpoint and reclaim.
void look_long(os::Os& os, Trial& trial, int times) {
  auto store = open_store(os, trial);
  if (!store) return;
  auto snapshot = store->snapshot();
  if (!snapshot) return trial.ledger.fail("snapshot: " + snapshot.status().to_string());
  std::map<uint64_t, bool> first;
  for (int i = 0; i < times; ++i) {
    std::map<uint64_t, bool> seen;
    std::string wrong = inconsistency(*snapshot, &seen);
    if (wrong.empty() && i > 0 && seen != first) wrong = "it has changed";
    if (!wrong.empty()) trial.ledger.fail("a long snapshot: " + wrong);
    first = std::move(seen);
    os.sleep_us(200);
  }
}

void write_and_checkpoint(os::Os& os, Trial& trial, int count) {
  auto store = open_store(os, trial);
  for (int i = 0; store && i < count; ++i) {
    transact(*store, trial, put_value("key" + std::to_string(i % 5), 100));
    if (i % 4 == 3) (void)store->checkpoint();
  }
}

TEST(StoreCompany, LongSnapshotsSeeTheirVersionOnly) {
  Story story;
  story.prepare = filled(5);
  story.processes = {[](os::Os& os, Trial& trial) { look_long(os, trial, 12); },
                     [](os::Os& os, Trial& trial) { look_long(os, trial, 3); },
                     [](os::Os& os, Trial& trial) { write_and_checkpoint(os, trial, 14); }};
  expect_survived(story, {Fault::kNone}, 50);
  expect_survived(story, {Fault::kKill}, 1);
}

// Who is short of pages looks for readers that have died; those that live keep what they pin.
TEST(StoreCompany, LongSnapshotsOutlastAShortageOfPages) {
  Story story;
  story.prepare = filled(5, 200);
  story.processes = {[](os::Os& os, Trial& trial) { look_long(os, trial, 30); },
                     [](os::Os& os, Trial& trial) { look_long(os, trial, 10); },
                     writes_of_many_keys(8)};
  expect_survived(story, {Fault::kNone}, 100);
  expect_survived(story, {Fault::kKill}, 1);
}

// The pin and the floor: a reader that stands between looking and pinning while pages are freed.
TEST(StoreCompany, SnapshotsTakenWhilePagesAreFreedAreWhole) {
  Story story;
  story.machine.switch_chance = 0.2;
  story.machine.load_switch_chance = 0.2;
  story.prepare = filled(5);
  const Script reader = [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 12; ++i) read_consistently(*store, trial);
  };
  const Script writer = [](os::Os& os, Trial& trial) { write_and_checkpoint(os, trial, 8); };
  story.processes = {reader, reader, writer};
  expect_survived(story, {Fault::kNone}, 1500);
}

// A transaction that began before many segments of log were written and let go.
TEST(StoreCompany, LongTransactionsAreSerializableOrTooOld) {
  Story story;
  story.prepare = filled(3);
  const Script slow = [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 3; ++i) {
      // As transact() does it, but once, and slowly.
      const uint64_t id = trial.ledger.begin();
      auto txn = store->begin();
      if (!txn) return trial.ledger.fail("begin: " + txn.status().to_string());
      const auto counter = txn->get("counter");
      os.sleep_us(3000);
      if (!counter || !write_marks(*txn, id)) {
        return trial.ledger.fail("a long transaction cannot read or write");
      }
      const auto version = txn->commit();
      if (version) {
        trial.ledger.acknowledge(id, *version);
      } else if (version.status().code() == StatusCode::kConflict ||
                 version.status().code() == StatusCode::kTooOld) {
        trial.ledger.abort(id);
      } else {
        trial.ledger.fail("a long transaction: " + version.status().to_string());
      }
    }
  };
  const Script busy = [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 24; ++i) {
      transact(*store, trial, put_value("x", 3500));
      if (i % 2 == 1) (void)store->checkpoint();
    }
  };
  story.processes = {slow, slow, busy};
  expect_survived(story, {Fault::kNone}, 60);
}

// --- Several handles.

TEST(StoreCompany, TwoHandlesInAProcessSeeEachOther) {
  Story story;
  story.prepare = filled(3);
  const Script script = [](os::Os& os, Trial& trial) {
    auto one = open_store(os, trial);
    auto two = open_store(os, trial);
    for (int i = 0; one && two && i < 2; ++i) {
      transact(*one, trial);
      transact(*two, trial);
      const auto counter = one->get("counter");
      if (!counter || !*counter) trial.ledger.fail("the other handle's commit is not there");
      if (i == 0) one.reset();
      if (i == 0) one = open_store(os, trial);
    }
  };
  story.processes = {script, script};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreCompany, StrictReadersOfBatchedWritersSeeNothingThatIsLost) {
  Story story;
  story.durability = Durability::batched;
  story.prepare = filled(5);
  const Script reader = [](os::Os& os, Trial& trial) {
    StoreOptions options = trial.options;
    options.durability = Durability::strict;
    auto store = Store::open(os, kStorePath, options);
    for (int i = 0; store && i < 6; ++i) {
      auto snapshot = store->snapshot();
      if (!snapshot) return trial.ledger.fail(snapshot.status().to_string());
      trial.ledger.saw_durable(snapshot->version());
      if (const std::string wrong = inconsistency(*snapshot); !wrong.empty()) {
        trial.ledger.fail("a strict snapshot: " + wrong);
      }
      os.sleep_us(20'000);
    }
  };
  const Script writer = [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 6; ++i) {
      transact(*store, trial);
      os.sleep_us(30'000);
    }
  };
  story.processes = {writer, writer, reader};
  expect_survived(story, kCrashes, 2);
}

// --- Slots.

// Every process is number 1 of its own namespace, so who comes next takes the slot of who died.
TEST(StoreCompany, WhoTakesTheSlotOfADeadProcessIsNotTakenForIt) {
  Story story;
  story.machine.pid_namespaces = true;
  story.prepare = filled(3);
  const Script script = [](os::Os& os, Trial& trial) {
    for (int i = 0; i < 2; ++i) writes(1)(os, trial);
  };
  story.processes = {script, script, script};
  expect_survived(story, {Fault::kKill}, 3);
}

// --- Crashes on top of crashes.

// After the first crash processes open, repair and write; a second one strikes them, a third one
// those that come after.
Outcome crash_again(const Case& at, const Beginning& beginning) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  Case now = at;
  bool fired = false;
  for (int crash = 0; crash < 4; ++crash) {
    machine.spawn([&](os::Os& os) { write_and_checkpoint(os, trial, 3); });
    machine.spawn([&](os::Os& os) { writes(2, 900)(os, trial); });
    machine.set_plan(now.plan());
    const RunEnd end = machine.run();
    if (crash == 0) fired = machine.plan_fired();
    if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
      return {fired, std::string(run_end_name(end))};
    }
    now.fault = kCrashes[machine.random().below(kCrashes.size())];
    now.step = 1 + machine.random().below(300);
  }
  machine.set_plan({});
  return {fired, verify_machine(machine, trial)};
}

// --- Commits that only the log has.

// Two write a counter each without reading, as a value and as a number that they add to; two read
// both. Whoever reads sees what had been acknowledged when it began to, and never less than was
// seen before.
Story counting() {
  constexpr int kCounters = 4;
  struct Counts {
    int acknowledged[kCounters] = {};
    int seen[kCounters] = {};
  };
  auto counts = std::make_shared<Counts>();
  static constexpr const char* kKeys[kCounters] = {"plain/1", "plain/2", "number/1", "number/2"};
  const auto write = [counts](int which) {
    return [counts, which](os::Os& os, Trial& trial) {
      auto store = open_store(os, trial);
      for (int i = 1; store && i <= 6; ++i) {
        if (!store->put(kKeys[which], std::to_string(i))) return;
        counts->acknowledged[which] = i;
        if (i % 2 == 0) continue;
        if (!store->add(kKeys[2 + which], 1)) return;
        counts->acknowledged[2 + which] += 1;
      }
    };
  };
  const auto count_in = [](int which, const std::optional<std::string>& value) {
    if (!value) return 0;
    return which < 2 ? std::stoi(*value) : static_cast<int>(decode_number(*value).value_or(-1));
  };
  const auto look = [counts, count_in](Trial& trial, int which, int least, const auto& value) {
    if (!value) {
      trial.ledger.fail("reading: " + value.status().to_string());
      return;
    }
    const int found = count_in(which, *value);
    if (found < least) {
      trial.ledger.fail(std::to_string(found) + " was read after " + std::to_string(least));
    }
    counts->seen[which] = std::max(counts->seen[which], found);
  };
  const auto read = [counts, look](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 8; ++i) {
      const int which = (i + i / 4) % kCounters;
      const int least = std::max(counts->acknowledged[which], counts->seen[which]);
      if (i % 4 < 3) {
        look(trial, which, least, store->get(kKeys[which]));
      } else if (auto snapshot = store->snapshot()) {
        look(trial, which, least, snapshot->get(kKeys[which]));
      } else {
        trial.ledger.fail("snapshot: " + snapshot.status().to_string());
      }
    }
  };
  Story story;
  story.prepare = filled(2);
  story.forget = [counts] { *counts = {}; };
  story.processes = {write(0), write(1), read, read};
  story.verify_more = [counts, count_in](os::Os&, Store& store) -> std::string {
    for (int which = 0; which < kCounters; ++which) {
      const auto value = store.get(kKeys[which]);
      const int found = value ? count_in(which, *value) : 0;
      const int least = std::max(counts->acknowledged[which], counts->seen[which]);
      if (found < least) return std::to_string(found) + " is left of " + std::to_string(least);
    }
    return "";
  };
  return story;
}

TEST(StoreCompany, WhatIsAcknowledgedIsReadByAllAndNeverTakenBack) {
  expect_survived(counting(), kCrashes, 2);
}

// Three raise a number by looking at it and writing the next one if it is still the same. A refusal
// names progress of others: whoever dies between its record and its sync must not be what the rest
// is refused for ever for.
Story raising() {
  constexpr int kRaises = 3;
  constexpr int kRefusalsMax = 40;  // of one raise; others raise six times meanwhile
  static constexpr const char* kKey = "raised";
  auto raised = std::make_shared<int>(0);  // acknowledged
  const auto raise = [raised](Store& store, Trial& trial) {
    for (int refusals = 0; refusals < kRefusalsMax; ++refusals) {
      const auto seen = store.get(kKey);
      if (!seen) {
        trial.ledger.fail("looking: " + seen.status().to_string());
        return false;
      }
      const auto done = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto now, txn.get(kKey));
        if (now != *seen) return Status(StatusCode::kConditionFalse, "it is another by now");
        return txn.put(kKey, std::to_string(std::stoi(seen->value_or("0")) + 1));
      });
      if (done) *raised += 1;
      if (done || done.status().code() != StatusCode::kConditionFalse) return bool{done};
    }
    trial.ledger.fail("refused " + std::to_string(kRefusalsMax) + " times");
    return false;
  };
  const Script script = [raise](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < kRaises; ++i) {
      if (!raise(*store, trial)) return;
    }
  };
  Story story;
  story.prepare = filled(2);
  story.forget = [raised] { *raised = 0; };
  story.processes = {script, script, script};
  story.verify_more = [raised](os::Os&, Store& store) -> std::string {
    const auto value = store.get(kKey);
    const int found = value && *value ? std::stoi(**value) : 0;
    if (found >= *raised) return "";
    return "raised to " + std::to_string(found) + " by " + std::to_string(*raised) + " raises";
  };
  return story;
}

TEST(StoreCompany, WhoDiesBeforeItsSyncKeepsNobodyFromGoingOn) {
  expect_survived(raising(), kCrashes, 2);
}

TEST(StoreCompany, CrashesDuringRepairsLoseNothing) {
  CrashLoop loop;
  loop.faults = kCrashes;
  loop.persistent_faults = {};
  loop.seeds = 6;
  loop.step_stride = 3;
  const CrashReport report = for_each_crash(loop, begins_with(filled(6, 200), crash_again));
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  std::printf("%llu crashes\n", static_cast<unsigned long long>(report.runs));
}

}  // namespace
}  // namespace holdfast::sim
