// Long random runs: several processes come and go, are killed at random steps, the power is cut
// now and then, calls fail, the clock jumps; after each round the store must be whole and hold
// what was acknowledged. One seed is one history; HOLDFAST_SIM_CASE repeats it.
#include <gtest/gtest.h>

#include <cstdlib>

#include "simulation/store_model.h"

namespace holdfast::sim {
namespace {

constexpr int kRounds = 4;

struct Weather {
  double kill_chance = 0;
  double power_cut_chance = 0;
  double sync_error_chance = 0;
  double no_space_chance = 0;
  Durability durability = Durability::strict;
};

Body random_writes(Machine& machine) {
  return [&machine](Transaction& txn, uint64_t) -> Status {
    Random& random = machine.random();
    const uint64_t count = random.below(6);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string key = "key" + std::to_string(random.below(60));
      if (random.chance(0.3)) {
        HOLDFAST_TRY(txn.del(key));
      } else if (random.chance(0.1)) {
        HOLDFAST_TRY(txn.del_range({key, key + "9"}));
      } else if (random.chance(0.1)) {
        HOLDFAST_TRY(txn.del_range({"key" + std::to_string(random.below(4)), "l"}));
      } else {
        const uint64_t size = random.chance(0.1) ? random.below(2500) : random.below(80);
        HOLDFAST_TRY(txn.put(key, std::string(size, 'r')));
      }
    }
    return Status::ok();
  };
}

void live(os::Os& os, Machine& machine, Trial& trial) {
  auto store = open_store(os, trial);
  const uint64_t count = 1 + machine.random().below(8);
  for (uint64_t i = 0; store && i < count; ++i) {
    const uint64_t choice = machine.random().below(10);
    if (choice < 6) {
      transact(*store, trial, random_writes(machine));
    } else if (choice < 8) {
      read_consistently(*store, trial);
    } else if (choice < 9) {
      const Status status = store->checkpoint();
      if (!status && !trial.errors_allowed) trial.ledger.fail(status.to_string());
    } else {
      (void)store->close();
      store = open_store(os, trial);
    }
  }
}

std::string live_through(const Weather& weather, uint64_t seed) {
  Options options;
  options.clock_back_chance = 0.05;
  options.kill_chance = weather.kill_chance;
  options.power_cut_chance = weather.power_cut_chance;
  options.sync_error_chance = weather.sync_error_chance;
  options.no_space_chance = weather.no_space_chance;
  Machine machine(seed, options);
  Trial trial;
  trial.options = simulated_options(weather.durability);
  const bool errors = weather.sync_error_chance > 0 || weather.no_space_chance > 0;
  for (int round = 0; round < kRounds; ++round) {
    trial.errors_allowed = errors;
    const uint64_t processes = 1 + machine.random().below(8);
    for (uint64_t i = 0; i < processes; ++i) {
      machine.spawn([&](os::Os& os) { live(os, machine, trial); });
    }
    const RunEnd end = machine.run();
    if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
      return std::string(run_end_name(end));
    }
    const bool may_lose = end == RunEnd::kPowerCut || errors;
    if (may_lose && weather.durability == Durability::batched) {
      trial.ledger.forget_acknowledged();
    }
    if (std::string wrong = verify_store(machine.harness_os(), trial); !wrong.empty()) {
      return "round " + std::to_string(round) + ": " + wrong;
    }
  }
  if (std::string wrong = verify_machine(machine, trial); !wrong.empty()) return "end: " + wrong;
  return "";
}

// A bounded share here; HOLDFAST_SIM_SEEDS=<count> runs more.
uint64_t seed_count(uint64_t normally) {
  const char* text = std::getenv("HOLDFAST_SIM_SEEDS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : normally;
}

void expect_lived_through(const Weather& weather, uint64_t seeds) {
  const CrashReport report = for_each_seed(1, seed_count(seeds), [&](const Case& at) {
    return Outcome{true, live_through(weather, at.seed)};
  });
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

TEST(StoreRandom, QuietRunsKeepEverything) {
  expect_lived_through({}, 200);
}

TEST(StoreRandom, KilledProcessesLoseNothing) {
  expect_lived_through({.kill_chance = 0.002}, 600);
}

TEST(StoreRandom, PowerCutsLoseNothingStrict) {
  expect_lived_through({.kill_chance = 0.0005, .power_cut_chance = 0.0007}, 600);
}

TEST(StoreRandom, BatchedCommitsSurviveKills) {
  expect_lived_through({.kill_chance = 0.002, .durability = Durability::batched}, 300);
}

TEST(StoreRandom, BatchedCommitsAreWholeAfterPowerCuts) {
  expect_lived_through({.power_cut_chance = 0.001, .durability = Durability::batched}, 300);
}

TEST(StoreRandom, FailedSyncsNeverLie) {
  expect_lived_through({.kill_chance = 0.0005, .sync_error_chance = 0.02}, 400);
}

TEST(StoreRandom, FailedSyncsAndPowerCutsNeverLie) {
  expect_lived_through(
      {.kill_chance = 0.0005, .power_cut_chance = 0.0007, .sync_error_chance = 0.02}, 600);
}

TEST(StoreRandom, FailedSyncsOfBatchedCommitsNeverLie) {
  expect_lived_through({.kill_chance = 0.001,
                        .power_cut_chance = 0.0003,
                        .sync_error_chance = 0.02,
                        .no_space_chance = 0.01,
                        .durability = Durability::batched},
                       400);
}

TEST(StoreRandom, FullDisksNeverLie) {
  expect_lived_through({.kill_chance = 0.0005, .no_space_chance = 0.05}, 300);
}

}  // namespace
}  // namespace holdfast::sim
