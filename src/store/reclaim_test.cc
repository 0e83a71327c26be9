#include "store/reclaim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/page_allocation.h"
#include "store/pins.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReclaimTest : public testing::Test {
 protected:
  // Overwrites each of 200 keys once in one commit.
  void overwrite_all(const std::string& value) {
    Transaction txn = std::move(*store_.begin());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(txn.put("key" + std::to_string(i), value));
    const auto version = txn.commit();
    ASSERT_TRUE(version) << version.status().to_string();
    ASSERT_TRUE(store_.flush());
  }
  uint64_t file_pages() { return store_.stats()->file_pages; }
  void expect_sound() { EXPECT_THAT(store_.check()->problems, IsEmpty()); }

  TestMachine machine_;
  Store store_ = machine_.open();
};

TEST_F(ReclaimTest, OverwritingDoesNotMakeTheFileGrow) {
  for (int round = 0; round < 10; ++round) overwrite_all(std::to_string(round));
  ASSERT_TRUE(store_.checkpoint());
  const uint64_t before = file_pages();
  for (int round = 0; round < 100; ++round) overwrite_all(std::to_string(round));
  EXPECT_EQ(file_pages(), before);
  expect_sound();
}

TEST_F(ReclaimTest, AHeldSnapshotCostsItsOwnPagesOnly) {
  overwrite_all("old");
  Snapshot held = std::move(*store_.snapshot());
  for (int round = 0; round < 10; ++round) overwrite_all(std::to_string(round));
  const uint64_t before = file_pages();
  for (int round = 0; round < 490; ++round) overwrite_all(std::to_string(round));
  EXPECT_LE(file_pages(), before + 256);  // at most one step more
  const auto seen = contents(held);
  EXPECT_EQ(seen.size(), 200u);
  for (const auto& [key, value] : seen) EXPECT_EQ(value, "old") << key;
  expect_sound();
}

TEST_F(ReclaimTest, AHundredThousandSingleOverwritesWithASnapshotHeldStayBounded) {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  options.segment_size_bytes = 1u << 20;
  TestMachine machine;
  Store store = machine.open(options);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "old"));
  Snapshot held = std::move(*store.snapshot());
  for (int i = 0; i < 100'000; ++i) {
    const auto version = store.put("key" + std::to_string(i % 100), "new");
    ASSERT_TRUE(version) << version.status().to_string();
  }
  EXPECT_LE(store.stats()->file_pages, 30'000u);
  EXPECT_EQ(**held.get_view("key7"), "old");
  ASSERT_TRUE(store.flush());
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(ReclaimTest, PagesOfAReleasedSnapshotAreUsedAgain) {
  overwrite_all("old");
  {
    Snapshot held = std::move(*store_.snapshot());
    for (int round = 0; round < 20; ++round) overwrite_all(std::to_string(round));
  }
  ASSERT_TRUE(store_.checkpoint());
  overwrite_all("x");
  ASSERT_TRUE(store_.checkpoint());
  const auto context = machine_.attach();
  ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
  ASSERT_TRUE(reclaim(*context, ReclaimEffort::kThorough));
  context->locks->apply.unlock();
  // What is left belongs to the two checkpoints.
  EXPECT_EQ(context->control().allocation.held_count.load() +
                context->control().allocation.retired_tail.load() -
                context->control().allocation.retired_head.load(),
            context->control().allocation.held_count.load());
  const uint64_t live = store_.check()->leaf_pages + store_.check()->branch_pages;
  EXPECT_LE(store_.stats()->retired_pages, live + 10);
  expect_sound();
}

TEST_F(ReclaimTest, PinnedVersionsAreThoseOfReadersAndCheckpoints) {
  overwrite_all("1");
  ASSERT_TRUE(store_.checkpoint());
  overwrite_all("2");
  Snapshot at_two = std::move(*store_.snapshot());
  overwrite_all("3");
  ASSERT_TRUE(store_.checkpoint());
  overwrite_all("4");
  Transaction at_four = std::move(*store_.begin());
  const auto context = machine_.attach();
  EXPECT_THAT(pinned_versions(context->control()), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(store_.stats()->oldest_pinned_version, 2u);
}

TEST_F(ReclaimTest, WhatADeadReaderPinnedIsFreed) {
  overwrite_all("old");
  auto reader = machine_.attach();
  {
    Pins pins(*reader);
    ASSERT_TRUE(pins.pin(RootChoice::kDurable, true));
  }
  for (int round = 0; round < 3; ++round) overwrite_all(std::to_string(round));
  EXPECT_EQ(store_.stats()->oldest_pinned_version, 1u);
  reader.reset();
  const auto context = machine_.attach();
  ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
  const uint64_t free_before = store_.stats()->free_pages;
  ASSERT_TRUE(reclaim(*context, ReclaimEffort::kRoutine));
  EXPECT_EQ(store_.stats()->oldest_pinned_version, 1u);
  ASSERT_TRUE(reclaim(*context, ReclaimEffort::kThorough));
  context->locks->apply.unlock();
  EXPECT_EQ(store_.stats()->oldest_pinned_version, store_.stats()->durable_version);
  EXPECT_GT(store_.stats()->free_pages, free_before);
  expect_sound();
}

TEST_F(ReclaimTest, NothingThatIsNotDurableIsFreed) {
  overwrite_all("1");
  overwrite_all("2");
  const auto context = machine_.attach();
  ControlBlock& control = context->control();
  // As if the last commit were applied but not synced.
  control.roots.durable.store(control.roots.latest.load() - 1);
  control.synced.version.store(1);
  ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
  ASSERT_TRUE(reclaim(*context, ReclaimEffort::kThorough));
  context->locks->apply.unlock();
  EXPECT_EQ(control.allocation.reclaim_floor.load(), 1u);
  EXPECT_GT(store_.stats()->retired_pages, 0u);
  Pins pins(*context);
  const auto pinned = pins.pin(RootChoice::kDurable, false);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->root.version, 1u);
  std::vector<std::string> problems;
  tree::verify(
      *context->pages, pinned->root.root, 1, [](const tree::VisitedRun&) {},
      [&](std::string problem) { problems.push_back(std::move(problem)); });
  EXPECT_THAT(problems, IsEmpty());
  pins.unpin(pinned->slot);
}

// Whoever commits looks through a part of what piled up, and no more.
TEST_F(ReclaimTest, ARoutineCallTakesItsShareAndLeavesTheRest) {
  constexpr uint64_t kShare = 4096;
  constexpr int kKeys = 10'000;  // about one to a page
  for (int round = 0; round < 4; ++round) overwrite_all("v");
  for (const int step : {1, 2}) {
    Transaction txn = std::move(*store_.begin());
    for (int i = 0; i < kKeys; i += step) {
      ASSERT_TRUE(txn.put("key" + std::to_string(100'000 + i), std::string(300, 'v')));
    }
    ASSERT_TRUE(txn.commit());
  }
  const auto context = machine_.attach();
  const AllocationLine& line = context->control().allocation;
  const uint64_t begin = line.retired_head.load();
  const uint64_t end = line.retired_tail.load();
  ASSERT_GT(begin, 0u);
  ASSERT_GT(end - begin, kShare + 1);
  ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
  ASSERT_TRUE(reclaim(*context, ReclaimEffort::kRoutine));
  EXPECT_EQ(line.retired_head.load(), begin + kShare);
  for (uint64_t at = begin + kShare; at < end; at += kShare) {
    ASSERT_TRUE(reclaim(*context, ReclaimEffort::kRoutine));
  }
  EXPECT_EQ(line.retired_head.load(), end);
  context->locks->apply.unlock();
  expect_sound();
}

TEST_F(ReclaimTest, TheCountOfFreePagesIsRightAfterAnything) {
  for (int round = 0; round < 30; ++round) {
    overwrite_all(std::string(round % 7 == 0 ? 700 : 5, 'v'));
    if (round % 5 == 0) {
      ASSERT_TRUE(store_.checkpoint());
    }
    if (round % 11 == 0) {
      ASSERT_TRUE(store_.del("key" + std::to_string(round)));
    }
  }
  const auto context = machine_.attach();
  EXPECT_EQ(context->control().allocation.free_pages.load(), count_free(*context));
  EXPECT_EQ(store_.stats()->leaked_pages, 0u);
  expect_sound();
}

}  // namespace
}  // namespace holdfast::store
