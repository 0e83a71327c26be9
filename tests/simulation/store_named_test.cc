// Named snapshots, with a crash at every step of creating and dropping them: a name is there with
// the whole tree that it had, or not at all, and no page is lost or used twice (check() of
// verify_store sees both).
#include <gtest/gtest.h>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

// Rewrites many keys, so that what is named shares little with what comes after.
Status rewrite(Transaction& txn, uint64_t id) {
  for (int i = 0; i < 12; ++i) {
    HOLDFAST_TRY(
        txn.put("key" + std::to_string(i), std::string(60, static_cast<char>('a' + id % 26))));
  }
  return Status::ok();
}

Script prepared(std::vector<std::string> names) {
  return [names = std::move(names)](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < 3; ++i) transact(*store, trial, rewrite);
    for (const std::string& name : names) {
      if (store && create_named(*store, trial, name)) transact(*store, trial, rewrite);
    }
  };
}

Script creates_and_drops(std::string name) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store || !transact(*store, trial, rewrite)) return;
    if (!create_named(*store, trial, name)) return;
    if (!transact(*store, trial, rewrite)) return;
    read_named(*store, trial, name);
    if (!drop_named(*store, trial, name)) return;
    transact(*store, trial, rewrite);
  };
}

Script creates(std::string name) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (store && create_named(*store, trial, name)) transact(*store, trial, rewrite);
  };
}

Script drops(std::string name, int commits_after) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store || !drop_named(*store, trial, name)) return;
    for (int i = 0; i < commits_after; ++i) {
      if (!transact(*store, trial, rewrite)) return;
    }
  };
}

TEST(StoreNamed, CreatingIsAllOrNothing) {
  Story story;
  story.prepare = prepared({"kept"});
  story.processes = {creates("new")};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreNamed, DroppingIsAllOrNothing) {
  Story story;
  story.prepare = prepared({"kept", "old"});
  story.processes = {drops("old", 3)};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreNamed, CreatingAndDroppingBesideAWriter) {
  Story story;
  story.prepare = prepared({"kept"});
  story.processes = {creates_and_drops("new"),
                     [](os::Os& os, Trial& trial) { write_some(os, trial, 3, rewrite); }};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreNamed, TwoCreateAtOnce) {
  Story story;
  story.prepare = prepared({});
  story.processes = {creates("one"), creates("two")};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreNamed, OneThatIsReadIsDropped) {
  Story story;
  story.prepare = prepared({"kept", "old"});
  story.processes = {drops("old", 4), [](os::Os& os, Trial& trial) {
                       auto store = open_store(os, trial);
                       for (int i = 0; store && i < 4; ++i) read_named(*store, trial, "old");
                     }};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreNamed, ColdStartKeepsThem) {
  Story story;
  story.prepare = prepared({"a", "b"});
  story.reboot = true;
  story.processes = {creates_and_drops("new")};
  expect_survived(story, kCrashes, 1);
}

// The log drops a name that the checkpoint still has; the power may go before that is durable.
TEST(StoreNamed, ColdStartThatReplaysADrop) {
  Story story;
  story.prepare = [](os::Os& os, Trial& trial) {
    prepared({"a", "b"})(os, trial);
    drops("b", 4)(os, trial);
  };
  story.reboot = true;
  story.processes = {[](os::Os& os, Trial& trial) { write_some(os, trial, 2, rewrite); }};
  expect_survived(story, kCrashes, 2);
}

TEST(StoreNamed, BatchedStoresLoseNoName) {
  Story story;
  story.durability = Durability::batched;
  story.prepare = prepared({"kept"});
  story.processes = {creates_and_drops("new")};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreNamed, FailedSyncsAndCallsLeaveItWholeOrAbsent) {
  Story story;
  story.prepare = prepared({"kept"});
  story.processes = {creates_and_drops("new")};
  expect_survived(story, {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite},
                  3, {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace});
}

}  // namespace
}  // namespace holdfast::sim
