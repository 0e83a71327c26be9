// Crashes at every step: for each scenario the process (or all of them, or the machine) dies at
// step 1, 2, 3 ... of the run until the run completes; then the store is opened again, verified
// page by page and compared with what was acknowledged.
#include <gtest/gtest.h>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

TEST(StoreCrash, CreationIsAllOrNothing) {
  Story story;
  story.processes = {writes(1)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, ConcurrentCreation) {
  Story story;
  story.processes = {writes(1), writes(1)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, InsertsSurviveWhole) {
  Story story;
  story.prepare = filled(3);
  story.processes = {writes(2)};
  expect_survived(story, kCrashes, 4);
}

TEST(StoreCrash, DeletedRangeOfManyPages) {
  Story story;
  story.prepare = filled(16, 200);
  story.processes = {[](os::Os& os, Trial& trial) {
    write_some(os, trial, 2, [](Transaction& txn, uint64_t id) -> Status {
      HOLDFAST_TRY(txn.del_range({"key1", "key5"}));
      HOLDFAST_TRY(txn.put("key3", std::to_string(id)));
      return txn.del_range(KeyRange::prefix("key7"));
    });
  }};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, InsertThatSplits) {
  Story story;
  story.prepare = filled(12, 60);
  story.processes = {[](os::Os& os, Trial& trial) {
    write_some(os, trial, 1, [](Transaction& txn, uint64_t) -> Status {
      for (int i = 0; i < 20; ++i) {
        HOLDFAST_TRY(txn.put("key5" + std::to_string(i), std::string(50, 's')));
      }
      return Status::ok();
    });
  }};
  expect_survived(story, kCrashes, 4);
}

TEST(StoreCrash, DeleteThatMerges) {
  Story story;
  story.prepare = filled(40, 60);
  story.processes = {[](os::Os& os, Trial& trial) {
    write_some(os, trial, 1, [](Transaction& txn, uint64_t) -> Status {
      for (int i = 3; i < 38; ++i) HOLDFAST_TRY(txn.del("key" + std::to_string(i)));
      return Status::ok();
    });
  }};
  expect_survived(story, kCrashes, 4);
}

TEST(StoreCrash, ValuesOutsideTheTree) {
  Story story;
  story.prepare = filled(4, 1500);
  story.processes = {writes(3, 2000)};
  expect_survived(story, kCrashes, 3);
}

TEST(StoreCrash, SegmentRoll) {
  Story story;
  story.prepare = filled(20, 200);
  story.processes = {writes(6, 1200)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, RecordLargerThanASegment) {
  Story story;
  story.prepare = filled(2);
  story.processes = {writes(2, 9000)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, CheckpointsLoseNothing) {
  Story story;
  story.prepare = filled(30, 200);
  story.processes = {[](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 3; ++i) {
      transact(*store, trial);
      const Status status = store->checkpoint();
      if (!status && !trial.errors_allowed) trial.ledger.fail(status.to_string());
    }
  }};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, CheckpointWhileAnotherWrites) {
  Story story;
  story.prepare = filled(20, 200);
  story.processes = {[](os::Os& os, Trial& trial) {
                       auto store = open_store(os, trial);
                       for (int i = 0; store && i < 2; ++i) (void)store->checkpoint();
                     },
                     writes(3)};
  expect_survived(story, kCrashes, 2);
}

// Between choosing what is checkpointed and letting go of the log, the log goes on in new segments.
TEST(StoreCrash, CheckpointWhileTheLogRolls) {
  Story story;
  story.prepare = filled(12, 200);
  story.processes = {[](os::Os& os, Trial& trial) {
                       auto store = open_store(os, trial);
                       for (int i = 0; store && i < 6; ++i) (void)store->checkpoint();
                     },
                     writes(6, 3500), writes(3, 3500)};
  expect_survived(story, {Fault::kNone}, 300);
  expect_survived(story, kCrashes, 1);
}

TEST(StoreCrash, ColdStart) {
  Story story;
  story.prepare = filled(25, 100);
  story.reboot = true;
  story.processes = {writes(1)};
  expect_survived(story, kCrashes, 2);
}

// More keys and values than are held at a time: the tree is made slice by slice of its keys.
TEST(StoreCrash, ColdStartInSlices) {
  Story story;
  story.prepare = filled(30, 400);
  story.reboot = true;
  story.processes = {writes(1)};
  expect_survived(story, kCrashes, 2);
}

// More operations than one stretch describes: the later ones meet the tree of the earlier ones.
TEST(StoreCrash, ColdStartInStretches) {
  Story story;
  story.prepare = [](os::Os& os, Trial& trial) {
    write_some(os, trial, 8, [](Transaction& txn, uint64_t number) -> Status {
      for (uint64_t i = 0; i < 150; ++i) {
        const std::string key = "key" + std::to_string(i * 7 % 200);
        HOLDFAST_TRY(i % 5 == 4 ? txn.del(key) : txn.put(key, std::to_string(number + i)));
      }
      return txn.del_range(
          {"key" + std::to_string(number * 10), "key" + std::to_string(number * 20)});
    });
  };
  story.reboot = true;
  story.processes = {writes(1)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, ConcurrentColdStart) {
  Story story;
  story.prepare = filled(8, 100);
  story.reboot = true;
  story.processes = {writes(1), writes(1)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, TwoWriters) {
  Story story;
  story.prepare = filled(5);
  story.processes = {writes(2), writes(2)};
  expect_survived(story, kCrashes, 3);
}

TEST(StoreCrash, ThreeWritersAndAReader) {
  Story story;
  story.prepare = filled(5);
  story.processes = {writes(2), writes(2), writes(1), [](os::Os& os, Trial& trial) {
                       auto store = open_store(os, trial);
                       for (int i = 0; store && i < 4; ++i) read_consistently(*store, trial);
                     }};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, BatchedWriters) {
  Story story;
  story.durability = Durability::batched;
  story.prepare = filled(5);
  story.processes = {writes(4), writes(3)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreCrash, FailedSyncVoidsTheTail) {
  Story story;
  story.prepare = filled(5);
  story.processes = {writes(3), writes(3)};
  expect_survived(story, {Fault::kSyncError}, 20, {Fault::kSyncError});
}

TEST(StoreCrash, FailedCallsLoseNothing) {
  Story story;
  story.prepare = filled(5);
  story.processes = {writes(2, 2000), writes(2)};
  expect_survived(story, {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite}, 3,
                  {Fault::kIoError, Fault::kNoSpace});
}

}  // namespace
}  // namespace holdfast::sim
