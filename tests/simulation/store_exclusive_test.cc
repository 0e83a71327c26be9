// Exclusive mode on the simulated machine: a file system that lies, where processes have the store
// one after another, and crashes at every step of it.
#include <gtest/gtest.h>

#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

Options on_a_host_share() {
  Options options;
  options.file_system = {"9p", 0x01021997, os::FileSystemTrust::kLies};
  return options;
}

Story batched_commits() {
  Story story;
  story.durability = Durability::batched;
  story.machine = on_a_host_share();
  story.prepare = filled(4);
  story.processes = {writes(4)};
  return story;
}

TEST(StoreExclusive, ACrashAtAnyStepLosesNothing) {
  Story story;
  story.machine = on_a_host_share();
  story.prepare = filled(4);
  story.processes = {writes(3)};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreExclusive, CreationIsAllOrNothing) {
  Story story;
  story.machine = on_a_host_share();
  story.processes = {writes(1)};
  expect_survived(story, kCrashes, 1);
}

TEST(StoreExclusive, ProcessesTakeTheirTurns) {
  Story story;
  story.machine = on_a_host_share();
  story.prepare = filled(2);
  story.processes = {writes(2), writes(2), writes(2)};
  expect_survived(story, {Fault::kNone}, 50);
  expect_survived(story, {Fault::kKill}, 1);
}

TEST(StoreExclusive, BatchedCommitsSurviveKills) {
  expect_survived(batched_commits(), kCrashes, 1);
}

// Of the marker a power cut left the right magic and a wrong kind of mount.
TEST(StoreExclusive, AMarkerThatAPowerCutToreKeepsNobodyOut) {
  constexpr uint64_t kTornMarker = 1'000'001;
  const Outcome outcome =
      play(batched_commits(), {.fault = Fault::kKill, .seed = kTornMarker, .step = 15});
  EXPECT_EQ(outcome.failure, "");
}

TEST(StoreExclusive, FailedCallsNeverLie) {
  Story story;
  story.machine = on_a_host_share();
  story.prepare = filled(4);
  story.processes = {writes(3)};
  expect_survived(story, {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace, Fault::kReadError},
                  1, {Fault::kSyncError, Fault::kIoError, Fault::kNoSpace});
}

// Shared handles and one that wants the store alone keep each other out, whoever comes first.
TEST(StoreExclusive, SharedAndExclusiveHandlesExcludeEachOther) {
  Story story;
  story.prepare = filled(2);
  const Script alone = [](os::Os& os, Trial& trial) {
    Trial own;
    own.options = trial.options;
    own.options.sharing = Sharing::exclusive;
    std::optional<Store> store;
    if (auto opened = Store::open(os, kStorePath, own.options)) store.emplace(std::move(*opened));
    for (int i = 0; store && i < 2; ++i) transact(*store, trial);
  };
  story.processes = {alone, writes(2), alone, writes(2)};
  expect_survived(story, {Fault::kNone}, 100);
  expect_survived(story, {Fault::kKill, Fault::kPowerCut}, 1);
}

}  // namespace
}  // namespace holdfast::sim
