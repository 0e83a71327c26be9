// Watches in the simulated machine: whatever process dies at whatever step, a watch sees every
// commit that others see, once, in order, and does not sleep over one.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

std::vector<std::string> acknowledged(const Ledger& ledger) {
  std::vector<std::string> keys;
  for (uint64_t id = 0; id < ledger.fates().size(); ++id) {
    if (ledger.fates()[id] == Ledger::Fate::kAcknowledged)
      keys.push_back("a/" + std::to_string(id));
  }
  return keys;
}

// What one watch was shown.
struct Seen {
  std::map<uint64_t, std::vector<std::string>> commits;  // by version
  uint64_t cursor = 0;

  bool all(const std::vector<std::string>& keys) const {
    std::set<std::string> shown;
    for (const auto& [version, each] : commits) shown.insert(each.begin(), each.end());
    return std::all_of(keys.begin(), keys.end(),
                       [&](const std::string& key) { return shown.count(key) > 0; });
  }
};

void note(const WatchResult& result, Seen& seen, Trial& trial) {
  if (result.missed) trial.ledger.fail("a watch missed commits");
  if (result.cursor < seen.cursor) trial.ledger.fail("a watch went back");
  for (const WatchedCommit& commit : result.commits) {
    if (commit.version <= seen.cursor) trial.ledger.fail("a commit was shown again");
    seen.cursor = commit.version;
    for (const WatchedKey& key : commit.keys) seen.commits[commit.version].push_back(key.key);
  }
  seen.cursor = result.cursor;
}

// Waits until `count` commits were seen, or nothing came for a while: somebody has died.
Script watches(uint64_t count, Seen& seen) {
  return [count, &seen](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    auto watch = store->watch(KeyRange::prefix("a/"), seen.cursor);
    for (int idle = 0; watch && seen.commits.size() < count && idle < 2;) {
      const std::vector<std::string> before = acknowledged(trial.ledger);
      const auto result = watch->wait(std::chrono::milliseconds(500));
      if (!result) {
        if (!trial.errors_allowed) trial.ledger.fail("watch: " + result.status().to_string());
        return;
      }
      note(*result, seen, trial);
      if (!result->commits.empty()) continue;
      ++idle;
      if (!seen.all(before)) trial.ledger.fail("a watch slept over a commit");
    }
  };
}

// Everything that is there was, or is now, shown; nothing else ever was.
std::string compare(os::Os& os, Trial& trial, Seen& seen) {
  auto store = Store::open(os, kStorePath, trial.options);
  if (!store) return "reopening: " + store.status().to_string();
  auto watch = store->watch(KeyRange::prefix("a/"), seen.cursor);
  if (!watch) return watch.status().to_string();
  const auto flushed = store->flush();
  if (!flushed) return flushed.to_string();
  const auto rest = watch->wait(std::chrono::milliseconds(0));
  if (!rest) return rest.status().to_string();
  note(*rest, seen, trial);
  if (!trial.ledger.failure().empty()) return trial.ledger.failure();
  std::map<std::string, int> shown;
  for (const auto& [version, keys] : seen.commits) {
    for (const std::string& key : keys) ++shown[key];
  }
  auto snapshot = store->snapshot();
  if (!snapshot) return snapshot.status().to_string();
  Cursor cursor = snapshot->scan(KeyRange::prefix("a/"));
  size_t there = 0;
  for (; cursor.valid(); cursor.next(), ++there) {
    if (shown[std::string(cursor.key())] != 1) {
      return std::string(cursor.key()) + " was shown " +
             std::to_string(shown[std::string(cursor.key())]) + " times";
    }
  }
  if (shown.size() != there) return "what was shown is not there";
  return "";
}

// `writers` write `commits` each beside one watch.
Outcome play_watch(const Case& at, const Beginning& beginning, int writers, int commits) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  Seen seen;
  machine.spawn(
      [&](os::Os& os) { watches(static_cast<uint64_t>(2 + writers * commits), seen)(os, trial); });
  for (int i = 0; i < writers; ++i) {
    machine.spawn([&](os::Os& os) { write_some(os, trial, commits); });
  }
  trial.errors_allowed = at.fault != Fault::kKill && at.fault != Fault::kKillAll &&
                         at.fault != Fault::kPowerCut && at.fault != Fault::kNone;
  machine.set_plan(at.plan());
  const RunEnd end = machine.run();
  const bool fired = machine.plan_fired();
  machine.set_plan({});
  if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
    return {fired, std::string(run_end_name(end))};
  }
  std::string wrong = trial.ledger.failure();
  if (wrong.empty()) wrong = compare(machine.harness_os(), trial, seen);
  if (wrong.empty() && trial.options.durability == Durability::strict) {
    machine.cut_power();
    wrong = compare(machine.harness_os(), trial, seen);
  }
  return {fired, wrong};
}

void expect_seen(std::vector<Fault> faults, uint64_t seeds, Durability durability, int writers,
                 int commits) {
  CrashLoop loop;
  loop.faults = std::move(faults);
  loop.persistent_faults = {};
  loop.seeds = seeds;
  Story story;
  story.durability = durability;
  story.prepare = filled(2);
  const CrashReport report =
      for_each_crash(loop, begins_with(story, [&](const Case& at, const Beginning& beginning) {
                       return play_watch(at, beginning, writers, commits);
                     }));
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  std::printf("%llu crashes, %llu steps\n", static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.step_max));
}

TEST(StoreWatch, SeesEveryCommitWhoeverDies) {
  expect_seen(kCrashes, 3, Durability::strict, 1, 3);
}

TEST(StoreWatch, SeesEveryCommitOfSeveralWriters) {
  expect_seen(kCrashes, 1, Durability::strict, 3, 2);
}

TEST(StoreWatch, OfABatchedHandleSeesEveryCommit) {
  expect_seen({Fault::kKill, Fault::kKillAll}, 2, Durability::batched, 2, 2);
}

TEST(StoreWatch, SeesNothingThatWasVoided) {
  expect_seen({Fault::kSyncError}, 20, Durability::strict, 2, 3);
}

// Where nobody dies nobody may sleep until a timeout: the clock moves by little more than the
// syncs take.
TEST(StoreWatch, IsWokenNotTimedOut) {
  uint64_t overslept = 0;
  constexpr uint64_t kRuns = 4000;
  const CrashReport report = for_each_seed(1, 1, [&](const Case&) -> Outcome {
    for (uint64_t seed = 1; seed <= kRuns; ++seed) {
      Options options;
      options.timeout_chance = 0;
      options.spurious_wake_chance = 0;
      Machine machine(seed, options);
      Trial trial;
      trial.options = simulated_options();
      filled(2)(machine.harness_os(), trial);
      Seen seen;
      machine.spawn([&](os::Os& os) { watches(5, seen)(os, trial); });
      machine.spawn([&](os::Os& os) { write_some(os, trial, 3); });
      const uint64_t begin_us = machine.monotonic_time_us();
      if (machine.run() != RunEnd::kFinished) trial.ledger.fail("not finished");
      if (seen.commits.size() != 5) trial.ledger.fail("not all were seen");
      overslept += machine.monotonic_time_us() - begin_us >= 100'000;
      if (!trial.ledger.failure().empty()) return {true, trial.ledger.failure()};
    }
    return {true, overslept == 0 ? "" : "overslept in " + std::to_string(overslept) + " runs"};
  });
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

}  // namespace
}  // namespace holdfast::sim
