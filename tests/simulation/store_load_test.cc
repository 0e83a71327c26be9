// Loads on the simulated machine: whatever is killed, cut off or refused at any step, all rows are
// in the store afterwards, or none, and it stays so.
#include <gtest/gtest.h>

#include <memory>

#include "holdfast/load.h"
#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

constexpr int kRows = 40;

struct Fate {
  bool acknowledged = false;
  bool refused = false;
  std::optional<bool> present;  // as the store was found first
};

std::string row_key(int number) {
  return "load/" + std::to_string(number * 17 % kRows);
}

// Loads rows, in no order, in so little memory that most are put aside.
Script loads(const std::shared_ptr<Fate>& fate) {
  return [fate](os::Os& os, Trial& trial) {
    const auto failed = [&](const Status& status) {
      if (!trial.errors_allowed) trial.ledger.fail("load: " + status.to_string());
    };
    auto load = Load::open(os, kStorePath, trial.options, {4u << 10});
    if (!load) return failed(load.status());
    for (int i = 0; i < kRows; ++i) {
      const Status status = load->put(row_key(i), std::string(i == 7 ? 2000 : 120, 'r'));
      if (!status) return failed(status);
    }
    if (const auto version = load->commit()) {
      fate->acknowledged = true;
    } else {
      fate->refused = version.status().code() == StatusCode::kNoSpace;
      failed(version.status());
    }
  };
}

std::string verify(Fate& fate, Store& store) {
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  int count = 0;
  Cursor cursor = snapshot->scan(KeyRange::prefix("load/"));
  for (; cursor.valid(); cursor.next()) ++count;
  if (!cursor.status()) return cursor.status().to_string();
  if (count != 0 && count != kRows) return std::to_string(count) + " rows of a load are there";
  if (count == 0 && fate.acknowledged) return "a load was acknowledged and is lost";
  if (count != 0 && fate.refused) return "a load was refused and is there";
  if (fate.present && *fate.present != (count != 0)) return "a load came or went later";
  fate.present = count != 0;
  return "";
}

Story story_of(const std::shared_ptr<Fate>& fate, std::vector<Script> processes) {
  Story story;
  story.prepare = filled(12, 60);
  story.forget = [fate] { *fate = {}; };
  story.processes = std::move(processes);
  story.verify_more = [fate](os::Os&, Store& store) { return verify(*fate, store); };
  return story;
}

TEST(StoreLoad, ALoadIsThereWholeOrNotAtAll) {
  const auto fate = std::make_shared<Fate>();
  expect_survived(story_of(fate, {loads(fate)}), kCrashes, 2);
}

TEST(StoreLoad, OthersWaitForALoad) {
  const auto fate = std::make_shared<Fate>();
  const Story story = story_of(fate, {loads(fate), writes(2)});
  expect_survived(story, {Fault::kNone}, 20);
  expect_survived(story, {Fault::kKill, Fault::kPowerCut}, 1);
}

TEST(StoreLoad, FailedCallsNeverLie) {
  const auto fate = std::make_shared<Fate>();
  expect_survived(story_of(fate, {loads(fate)}),
                  {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace, Fault::kReadError}, 1,
                  {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace});
}

}  // namespace
}  // namespace holdfast::sim
