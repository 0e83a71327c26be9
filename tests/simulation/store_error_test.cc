// Disks that fail: syncs, writes, reads and opens, one at a time and for good, in the middle of
// commits, segment rolls, voids and checkpoints. Calls may fail then, but never lie.
#include <gtest/gtest.h>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

// Checkpoints without a flush before it, between commits.
Script checkpoints(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < count; ++i) {
      const Status status = store->checkpoint();
      if (!status && !trial.errors_allowed) trial.ledger.fail(status.to_string());
      transact(*store, trial);
    }
  };
}

// Values of many sizes, so that what follows a failed segment roll still fits the old segment.
Script writes_of_mixed_sizes() {
  return [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (const size_t size : {1200u, 10u, 2500u, 10u, 3000u, 10u, 10u, 1500u, 10u}) {
      if (store) transact(*store, trial, put_value("x", size));
    }
  };
}

Script reads(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < count; ++i) read_consistently(*store, trial);
  };
}

TEST(StoreErrors, FailedSyncsAndCheckpointsNeverLie) {
  Story story;
  story.prepare = filled(20, 100);
  story.processes = {writes(3), writes(3), checkpoints(2)};
  expect_survived(story, {Fault::kSyncError}, 40, {Fault::kSyncError});
}

TEST(StoreErrors, LostWritebackNeverLies) {
  Story story;
  story.prepare = filled(10, 60);
  story.processes = {writes(3), writes(2), checkpoints(2)};
  expect_survived(story, {Fault::kWritebackError}, 3);
}

// Without a checkpoint nobody syncs the pages, and who reads them is the first to see it.
TEST(StoreErrors, PagesLostBeforeAnySyncComeBackFromTheLog) {
  Story story;
  story.machine.evict_chance = 1;
  story.prepare = filled(10, 60);
  story.processes = {writes(3), writes(2)};
  expect_survived(story, {Fault::kWritebackError}, 4);
}

TEST(StoreErrors, FailedCallsAroundASegmentRollNeverLie) {
  Story story;
  story.prepare = filled(12, 200);
  story.processes = {writes_of_mixed_sizes(), writes(3, 600)};
  expect_survived(story, {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite}, 4,
                  {Fault::kIoError, Fault::kNoSpace});
}

TEST(StoreErrors, FailedCallsWithBatchedCommitsNeverLie) {
  Story story;
  story.durability = Durability::batched;
  story.prepare = filled(12, 200);
  story.processes = {writes_of_mixed_sizes(), writes(4, 300)};
  expect_survived(story, {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kSyncError},
                  4, {Fault::kNoSpace});
}

TEST(StoreErrors, FailedReadsNeverLie) {
  Story story;
  story.prepare = filled(12, 200);
  story.processes = {writes_of_mixed_sizes(), writes(2), reads(3)};
  expect_survived(story, {Fault::kReadError}, 4);
}

// Whose commit is durable learns it, however late it looks: the log behind may have been voided
// and gone on in the meantime.
TEST(StoreErrors, StoppedProcessesLearnWhatBecameOfTheirCommits) {
  Story story;
  story.machine.sync_error_chance = 0.15;
  story.deadline = std::chrono::seconds(5);
  story.prepare = filled(5);
  story.processes = {writes(4), writes(4), writes(4)};
  expect_survived(story, {Fault::kStop}, 3);
}

// Fails the first sync behind the write of a meta: of the `count`-th one.
void fail_sync_of_meta(Machine& machine, uint64_t count) {
  machine.on_step = [&machine, count](Process&, StepKind kind, const StepDetail& detail) mutable {
    constexpr uint64_t kPageSize = 512;
    const bool of_meta = kind == StepKind::kWrite && detail.path.ends_with("/data") &&
                         detail.offset >= kPageSize && detail.offset < 3 * kPageSize;
    if (!of_meta || count == 0 || --count != 0) return;
    machine.set_plan({.fault = Fault::kSyncError, .step = 1});
  };
}

// A sync fails (with odd seeds that of a meta), everybody ends, and the machine loses its power
// while the store is opened again: what the cache shows of the files may never have reached the
// disk.
Outcome cut_power_in_recovery(const Case& at, const Beginning& beginning) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  trial.errors_allowed = true;
  machine.spawn([&](os::Os& os) { checkpoints(3)(os, trial); });
  machine.spawn([&](os::Os& os) { writes(3)(os, trial); });
  if (at.seed % 2 == 1) {
    fail_sync_of_meta(machine, 1 + machine.random().below(3));
  } else {
    machine.set_plan({.fault = Fault::kSyncError, .step = 1 + machine.random().below(16)});
  }
  RunEnd end = machine.run();
  machine.on_step = nullptr;
  if (end != RunEnd::kFinished) return {true, std::string(run_end_name(end))};
  for (const Fault fault : {at.fault, Fault::kPowerCut}) {
    machine.spawn([&](os::Os& os) { writes(2)(os, trial); });
    machine.set_plan({.fault = fault, .step = at.step});
    end = machine.run();
    if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
      return {true, std::string(run_end_name(end))};
    }
  }
  const bool fired = machine.plan_fired();
  machine.set_plan({});
  return {fired, verify_machine(machine, trial)};
}

TEST(StoreErrors, PowerCutsDuringTheRecoveryFromAFailedSyncLoseNothing) {
  CrashLoop loop;
  loop.faults = {Fault::kPowerCut, Fault::kKillAll};
  loop.persistent_faults = {};
  loop.seeds = 12;
  loop.step_stride = 2;
  const CrashReport report =
      for_each_crash(loop, begins_with(filled(12, 60), cut_power_in_recovery));
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  std::printf("%llu crashes\n", static_cast<unsigned long long>(report.runs));
}

// The leader of a sync is told that it failed, which the kernel tells only once, and dies before it
// can say so; meanwhile the cache falls back to what is on the disk.
Story::OnStep kill_who_was_told(Machine& machine, bool all) {
  struct State {
    Process* last = nullptr;
    bool done = false;
  };
  return [&machine, all, state = std::make_shared<State>()](Process& process, StepKind,
                                                            const StepDetail&) {
    if (state->done) return;
    if (!machine.plan_fired()) {
      state->last = &process;
      return;
    }
    if (&process != state->last) return;  // who was told comes to its next step
    state->done = true;
    machine.evict();
    if (all) machine.die(Fault::kKillAll);
    machine.kill(*state->last);
  };
}

TEST(StoreErrors, LeaderThatDiesOfItsFailedSyncLosesNothing) {
  Story story;
  story.prepare = filled(5);
  story.processes = {writes(3), writes(3), checkpoints(2), checkpoints(2)};
  for (const bool all : {false, true}) {
    story.observe = [all](Machine& machine) { return kill_who_was_told(machine, all); };
    expect_survived(story, {Fault::kSyncError}, 40);
  }
}

constexpr int kRows = 80;

// What a failed sync of `data` lost is shown by the kernel until it drops those pages; then what
// they replaced comes back, under pages that a reader had verified. It gets an error or the truth.
std::string wrong_rows(Snapshot& snapshot) {
  std::string first;
  int count = 0;
  Cursor cursor = snapshot.scan(KeyRange::prefix("row/"));
  for (; cursor.valid(); cursor.next(), ++count) {
    if (first.empty()) first = cursor.value();
    if (cursor.value() != first) return "a reader saw rows of two commits";
  }
  const bool whole = !cursor.status() || count == kRows;
  return whole ? "" : "a reader saw " + std::to_string(count) + " rows";
}

Result<uint64_t> write_rows(Store& store, int value, size_t row_size) {
  return store.update([&](Transaction& txn) -> Status {
    for (int i = 0; i < kRows; ++i) {
      const std::string text = std::to_string(value) + std::string(row_size, 'v');
      HOLDFAST_TRY(txn.put("row/" + std::to_string(1000 + i), text));
    }
    return Status::ok();
  });
}

Script has_rows(size_t row_size) {
  return [row_size](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store || !write_rows(*store, 1, row_size)) trial.ledger.fail("no rows");
  };
}

// With `holds` the reader goes on with the snapshot that it had open when the store came to read
// only. Rows of 300 bytes stand outside of the tree, where nothing tells when they were written.
Outcome read_what_was_lost(const Case& at, const Beginning& beginning, bool holds,
                           size_t row_size) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  trial.errors_allowed = true;
  bool lost = false;
  machine.spawn([&](os::Os& os) {
    auto store = open_store(os, trial);
    for (int i = 10; store && i < 16; ++i) {
      if (!write_rows(*store, i, row_size)) break;
      (void)store->checkpoint();
    }
  });
  machine.spawn([&](os::Os& os) {
    auto store = open_store(os, trial);
    std::optional<Snapshot> snapshot;
    for (int i = 0; store && i < 60; ++i) {
      if (!holds || !lost) {
        snapshot.reset();
        if (auto newest = store->snapshot()) snapshot = std::move(*newest);
      }
      const std::string wrong = snapshot ? wrong_rows(*snapshot) : "";
      if (!wrong.empty()) trial.ledger.fail(wrong);
      const Status status = store->put("mark", "m").status();
      lost = lost || status.code() == StatusCode::kReadOnly;
    }
  });
  machine.set_plan(at.plan());
  machine.on_step = [&](Process&, StepKind, const StepDetail&) {
    if (lost) machine.evict();
  };
  const RunEnd end = machine.run();
  const bool fired = machine.plan_fired();
  if (end != RunEnd::kFinished) return {fired, std::string(run_end_name(end))};
  return {fired, trial.ledger.failure()};
}

TEST(StoreErrors, PagesThatAFailedSyncLostAreNotTrustedWhenTheyComeBack) {
  CrashLoop loop;
  loop.faults = {Fault::kSyncError};
  loop.persistent_faults = {};
  loop.seeds = 10;
  for (const bool holds : {false, true}) {
    for (const size_t row_size : {30, 300}) {
      const auto scenario = [=](const Case& at, const Beginning& beginning) {
        return read_what_was_lost(at, beginning, holds, row_size);
      };
      const CrashReport report = for_each_crash(loop, begins_with(has_rows(row_size), scenario));
      EXPECT_TRUE(report.is_ok()) << report.to_string();
    }
  }
}

// The same for who writes a checkpoint: another takes it over, and the pages may be gone.
TEST(StoreErrors, CheckpointerThatDiesOfItsFailedSyncLosesNothing) {
  Story story;
  story.prepare = filled(12, 60);
  story.processes = {checkpoints(3), checkpoints(3), writes(2)};
  story.observe = [](Machine& machine) { return kill_who_was_told(machine, false); };
  expect_survived(story, {Fault::kSyncError}, 60);
}

// Whoever finds pages that do not match asks the disk, and dies of the answer before it can say so:
// the first of all to sync `data` once pages were lost. With `all`, nobody is left.
Story::OnStep kill_who_asked(Machine& machine, bool all) {
  struct State {
    Process* asks = nullptr;
    bool done = false;
  };
  return [&machine, all, state = std::make_shared<State>()](Process& process, StepKind kind,
                                                            const StepDetail& detail) {
    if (state->done || !machine.plan_fired()) return;
    if (state->asks == nullptr) {
      const bool asks = kind == StepKind::kSync && detail.path.ends_with("/data");
      if (asks) state->asks = &process;
      return;
    }
    if (&process != state->asks) return;
    state->done = true;
    machine.evict();
    if (all) machine.die(Fault::kKillAll);
    machine.kill(*state->asks);
  };
}

TEST(StoreErrors, WhoAsksTheDiskAndDiesOfTheAnswerLosesNothing) {
  const auto struck = std::make_shared<bool>();
  const Script comes_late = [struck](os::Os& os, Trial& trial) {
    for (int i = 0; i < 100 && !*struck; ++i) os.sleep_us(100);
    checkpoints(3)(os, trial);
  };
  for (const bool all : {false, true}) {
    Story story;
    story.machine.evict_chance = 1;
    story.prepare = filled(10, 60);
    story.processes = {writes(6), writes(6), comes_late};
    story.observe = [all, struck](Machine& machine) {
      *struck = false;
      return [struck, strike = kill_who_asked(machine, all), &machine](
                 Process& process, StepKind kind, const StepDetail& detail) {
        *struck |= machine.plan_fired();
        strike(process, kind, detail);
      };
    };
    expect_survived(story, {Fault::kWritebackError}, 1);
  }
}

// And another who opens the store only now, whom the kernel never tells of that sync. Meanwhile
// the others go on, on pages that show what they were before.
TEST(StoreErrors, WhoComesBehindAFailedSyncTakesOverWhatItLost) {
  const auto told = std::make_shared<bool>();
  Story story;
  story.prepare = filled(12, 60);
  const Script comes_late = [told](os::Os& os, Trial& trial) {
    for (int i = 0; i < 100 && !*told; ++i) os.sleep_us(100);
    checkpoints(3)(os, trial);
  };
  const Script writes_apart = [](os::Os& os, Trial& trial) {
    write_some(os, trial, 12, [](Transaction& txn, uint64_t id) {
      return txn.put("apart/" + std::to_string(id), std::string(700, 'a'));
    });
  };
  story.processes = {checkpoints(5), writes_apart, writes_apart, comes_late};
  story.observe = [told](Machine& machine) {
    *told = false;
    return [told, strike = kill_who_was_told(machine, false), &machine](
               Process& process, StepKind kind, const StepDetail& detail) {
      *told |= machine.plan_fired();
      strike(process, kind, detail);
    };
  };
  expect_survived(story, {Fault::kSyncError}, 40);
}

}  // namespace
}  // namespace holdfast::sim
