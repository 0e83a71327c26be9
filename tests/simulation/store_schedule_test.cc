// Chosen schedules: the few orders of steps between processes that chance would take too long to
// find, and the wake-ups without which everything would still work, but slowly.
#include <gtest/gtest.h>

#include <cstddef>

#include "simulation/store_story.h"
#include "store/control.h"

namespace holdfast::sim {
namespace {

using store::AllocationLine;
using store::CheckpointLine;
using store::ControlBlock;

constexpr size_t kFloorOffset =
    offsetof(ControlBlock, allocation) + offsetof(AllocationLine, reclaim_floor);
constexpr size_t kPendingPinOffset =
    offsetof(ControlBlock, checkpoint) + offsetof(CheckpointLine, pending_pin);

bool is_reader_pin(size_t offset) {
  constexpr size_t kBegin = offsetof(ControlBlock, readers);
  return offset >= kBegin && offset < kBegin + sizeof(ControlBlock::readers) &&
         (offset - kBegin) % sizeof(store::ReaderSlot) == offsetof(store::ReaderSlot, pin);
}

// Where in the control block a step stores.
std::optional<size_t> offset_in_control(Machine& machine, const StepDetail& detail) {
  std::optional<size_t> offset;
  machine.disk().for_each_file([&](const std::string& path, DiskFile& file) {
    if (path != std::string(kStorePath) + "/shm") return;
    const auto* at = static_cast<const char*>(detail.address);
    if (at >= file.data() && at < file.data() + sizeof(ControlBlock)) {
      offset = static_cast<size_t>(at - file.data());
    }
  });
  return offset;
}

// Stops whoever is about to pin, lets the others go on until one is about to publish a new floor,
// and there lets the first run on.
class HoldAtPin {
 public:
  HoldAtPin(Machine& machine, std::function<bool(size_t)> is_pin, bool kill_afterwards)
      : machine_(machine), is_pin_(std::move(is_pin)), kill_afterwards_(kill_afterwards) {}

  void operator()(Process& process, StepKind kind, const StepDetail& detail) {
    if (kind != StepKind::kSharedStore) return;
    const auto offset = offset_in_control(machine_, detail);
    if (!offset) return;
    if (victim_ == &process && held_ == nullptr) {
      // It has pinned; whatever it wants to store next it does not live to store.
      if (kill_afterwards_ && floors_ > 1) machine_.kill(process);
    }
    if (*offset == kFloorOffset && held_ != nullptr && held_ != &process && ++floors_ > 1) {
      machine_.continue_process(*held_);
      held_ = nullptr;
      for (int i = 0; i < 6; ++i) machine_.preempt();
      return;
    }
    if (is_pin_(*offset) && victim_ == nullptr && machine_.random().chance(0.3)) {
      victim_ = held_ = &process;
      machine_.stop(process);
    }
  }

 private:
  Machine& machine_;
  const std::function<bool(size_t)> is_pin_;
  const bool kill_afterwards_;
  Process* held_ = nullptr;
  Process* victim_ = nullptr;
  int floors_ = 0;
};

Script busy_writer() {
  return [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 12; ++i) {
      transact(*store, trial, put_value("key" + std::to_string(i % 4), 60));
    }
  };
}

TEST(StoreSchedule, PinThatComesTooLateIsTakenAgain) {
  Story story;
  story.prepare = filled(6);
  story.processes = {[](os::Os& os, Trial& trial) {
                       auto store = open_store(os, trial);
                       for (int i = 0; store && i < 6; ++i) read_consistently(*store, trial);
                     },
                     busy_writer()};
  story.observe = [](Machine& machine) { return HoldAtPin(machine, is_reader_pin, false); };
  expect_survived(story, {Fault::kNone}, 2000);
}

Script checkpointer() {
  return [](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 3; ++i) (void)store->checkpoint();
  };
}

TEST(StoreSchedule, CheckpointThatDiesOverALatePinHarmsNobody) {
  Story story;
  story.prepare = filled(6);
  story.processes = {checkpointer(), busy_writer(), checkpointer()};
  for (const bool kill_afterwards : {false, true}) {
    story.observe = [=](Machine& machine) {
      return HoldAtPin(
          machine, [](size_t offset) { return offset == kPendingPinOffset; }, kill_afterwards);
    };
    expect_survived(story, {Fault::kNone}, 300);
  }
}

// Who sleeps is woken; the timeouts are for those whose waker has died. So where nobody dies and
// no timeout comes early, the clock moves by little more than the syncs take.
uint64_t commit_side_by_side_us(uint64_t seed, Trial& trial) {
  Options options;
  options.timeout_chance = 0;
  options.spurious_wake_chance = 0;
  Machine machine(seed, options);
  filled(2)(machine.harness_os(), trial);
  for (int i = 0; i < 3; ++i) {
    machine.spawn([&](os::Os& os) {
      auto store = open_store(os, trial);
      for (int k = 0; store && k < 5; ++k) {
        if (!store->put("x", "y")) trial.ledger.fail("a put failed");
        if (k % 2 == 0) (void)store->begin();  // applies
      }
    });
  }
  const uint64_t begin_us = machine.monotonic_time_us();
  if (machine.run() != RunEnd::kFinished) trial.ledger.fail("not finished");
  return machine.monotonic_time_us() - begin_us;
}

Outcome hardly_anybody_oversleeps(const Case& at) {
  constexpr uint64_t kRuns = 200;
  constexpr uint64_t kTimeoutUs = 5000;
  Trial trial;
  trial.options = simulated_options();
  uint64_t overslept = 0;
  for (uint64_t i = 0; i < kRuns; ++i) {
    overslept += commit_side_by_side_us(at.seed * kRuns + i, trial) >= kTimeoutUs;
  }
  // Between looking and sleeping a wake-up can be missed by a few orders of steps that no real
  // scheduler hits often: some for a thousand runs are left to the timeout.
  if (overslept > 4) trial.ledger.fail("in " + std::to_string(overslept) + " runs of 200");
  return {true, trial.ledger.failure()};
}

TEST(StoreSchedule, WaitersAreWokenNotTimedOut) {
  const CrashReport report = for_each_seed(1, 5, hardly_anybody_oversleeps);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

}  // namespace
}  // namespace holdfast::sim
