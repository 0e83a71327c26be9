// Slots and rings that run out: others are told, and go on when who has them all is gone.
#include <gtest/gtest.h>

#include "simulation/store_story.h"
#include "store/control.h"

namespace holdfast::sim {
namespace {

Options quiet() {
  Options options;
  options.switch_chance = 0.02;
  options.load_switch_chance = 0;
  options.step_max = 200'000'000;
  return options;
}

// Process 0 takes all there is of something and keeps it; process 1 is refused until it is killed.
Outcome run_out(const Case& at, const std::function<Status(os::Os&, const Store*)>& take_all,
                const std::function<Status(os::Os&, Trial&)>& take_one) {
  Machine machine(at.seed, quiet());
  Trial trial;
  trial.options = simulated_options();
  trial.options.deadline = std::chrono::milliseconds(20);
  filled(2)(machine.harness_os(), trial);
  bool full = false;
  bool refused = false;
  Process& hog = machine.spawn([&](os::Os& os) {
    const auto store = open_store(os, trial);
    const Status status = take_all(os, &*store);
    if (status.code() != StatusCode::kBusy) trial.ledger.fail("not Busy: " + status.to_string());
    full = true;
    while (true) os.sleep_us(1000);
  });
  machine.spawn([&](os::Os& os) {
    while (!full) os.sleep_us(100);
    const Status status = take_one(os, trial);
    refused = status.code() == StatusCode::kBusy;
    if (!refused) trial.ledger.fail("not refused: " + status.to_string());
    machine.kill(hog);
    const Status after = take_one(os, trial);
    if (!after) trial.ledger.fail("still refused: " + after.to_string());
  });
  const RunEnd end = machine.run();
  if (end != RunEnd::kFinished) return {true, std::string(run_end_name(end))};
  return {true, verify_machine(machine, trial)};
}

TEST(StoreSlots, ReadersOfTheDeadMakeRoomForTheLiving) {
  const auto scenario = [](const Case& at) {
    // Leaked, as all of a killed process.
    auto& held = *new std::vector<Snapshot>;
    return run_out(
        at,
        [&held](os::Os&, const Store* store) -> Status {
          while (held.size() <= store::kReaderSlots) {
            auto snapshot = const_cast<Store*>(store)->snapshot();
            HOLDFAST_TRY(snapshot.status());
            held.push_back(std::move(*snapshot));
          }
          return Status::ok();
        },
        [](os::Os& os, Trial& trial) -> Status {
          HOLDFAST_ASSIGN(Store store, Store::open(os, kStorePath, trial.options));
          return store.snapshot().status();
        });
  };
  const CrashReport report = for_each_seed(1, 3, scenario);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

TEST(StoreSlots, ProcessesThatDiedMakeRoomForTheLiving) {
  const auto scenario = [](const Case& at) {
    auto& held = *new std::vector<Store>;
    return run_out(
        at,
        [&held](os::Os& os, const Store*) -> Status {
          StoreOptions options = simulated_options();
          options.deadline = std::chrono::milliseconds(20);
          while (held.size() <= store::kProcessSlots) {
            HOLDFAST_ASSIGN(Store store, Store::open(os, kStorePath, options));
            held.push_back(std::move(store));
          }
          return Status::ok();
        },
        [](os::Os& os, Trial& trial) -> Status {
          HOLDFAST_ASSIGN(Store store, Store::open(os, kStorePath, trial.options));
          return store.put("x", "y").status();
        });
  };
  const CrashReport report = for_each_seed(1, 2, scenario);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

// More roots than the ring has room for, not one of them durable: whoever would fill it syncs.
Outcome ring_is_filled(const Case& at) {
  Machine machine(at.seed, quiet());
  Trial trial;
  trial.options = simulated_options(Durability::batched);
  Process& writer = machine.spawn([&](os::Os& os) {
    auto store = open_store(os, trial);
    for (uint32_t i = 0; store && i < store::kRootRingSize + 200; ++i) {
      if (!store->put("x", std::to_string(i))) return trial.ledger.fail("a put failed");
      if (!store->snapshot()) return trial.ledger.fail("no snapshot");  // publishes a root
    }
    transact(*store, trial);
  });
  (void)writer;
  const RunEnd end = machine.run();
  if (end != RunEnd::kFinished) return {true, std::string(run_end_name(end))};
  trial.ledger.forget_acknowledged();
  return {true, verify_machine(machine, trial)};
}

TEST(StoreSlots, ARingFullOfRootsIsEmptiedByASync) {
  const CrashReport report = for_each_seed(1, 2, ring_is_filled);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

}  // namespace
}  // namespace holdfast::sim
