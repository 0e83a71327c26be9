// check() beside processes that write, checkpoint, name and drop snapshots: it finds nothing while
// there is nothing, in any order of steps and whoever dies beside it.
#include <gtest/gtest.h>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

Script checks(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < count; ++i) {
      const auto report = store->check();
      if (!report && !trial.errors_allowed) trial.ledger.fail(report.status().to_string());
      if (!report || report->problems.empty()) continue;
      trial.ledger.fail("check beside others found: " + report->problems[0]);
    }
  };
}

Script rewrites(int count) {
  return [=](os::Os& os, Trial& trial) {
    write_some(os, trial, count, [](Transaction& txn, uint64_t id) -> Status {
      for (uint64_t i = 0; i < 8; ++i) {
        const std::string key = "key" + std::to_string((id * 5 + i) % 16);
        const size_t size = i == 0 ? 1500 : 40;
        HOLDFAST_TRY(i == 7 ? txn.del(key) : txn.put(key, std::string(size, 'v')));
      }
      return Status::ok();
    });
  };
}

Script checkpoints(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < count; ++i) {
      if (const Status status = store->checkpoint(); !status && !trial.errors_allowed) {
        trial.ledger.fail(status.to_string());
      }
    }
  };
}

Script names(const char* name) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (store && create_named(*store, trial, name)) drop_named(*store, trial, name);
  };
}

Story busy() {
  Story story;
  story.prepare = filled(16, 60);
  story.processes = {rewrites(4), rewrites(3), checkpoints(3), names("n"), checks(4)};
  return story;
}

TEST(StoreCheck, FindsNothingWhereNothingIsWrong) {
  expect_survived(busy(), {Fault::kNone}, 400);
}

TEST(StoreCheck, FindsNothingWhereBatchedWritersAreAtWork) {
  Story story = busy();
  story.durability = Durability::batched;
  expect_survived(story, {Fault::kNone}, 200);
}

TEST(StoreCheck, FindsNothingWhileOthersDie) {
  Story story = busy();
  story.processes = {rewrites(2), checkpoints(2), checks(3)};
  expect_survived(story, {Fault::kKill}, 1);
}

}  // namespace
}  // namespace holdfast::sim
