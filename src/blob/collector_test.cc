#include "blob/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blob/test_blobs.h"
#include "support/faulty_os.h"

namespace holdfast::blob {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class CollectorTest : public testing::Test {
 protected:
  std::vector<std::string> files() { return blob_files(machine_.os(), machine_.path()); }
  std::string path(const std::string& file) { return machine_.path() + "/blobs/" + file; }

  store::TestMachine machine_;
  Store store_ = machine_.open();
  Blobs blobs_ = store_.blobs();
};

TEST_F(CollectorTest, WriterThatDiedIsSweptAndALivingOneIsNot) {
  auto living = blobs_.write();
  ASSERT_TRUE(living.is_ok());
  machine_.write(path("tmp/00000000000000ff"), 0, "half of a content");
  EXPECT_THAT(files(), SizeIs(2));
  EXPECT_EQ(blobs_.collect()->removed, 1u);
  EXPECT_THAT(files(), SizeIs(1));
  ASSERT_TRUE(living->append("x").is_ok());
  EXPECT_TRUE(living->finish().is_ok());
}

TEST_F(CollectorTest, OrphanOfADeadProcessIsSwept) {
  keep(store_, "something", "a");  // makes the directories
  const FileName name{sha256("orphan"), 99};
  machine_.write(path("new/" + text_of(name)), 0, "whole, and never committed");
  const auto collected = blobs_.collect();
  EXPECT_EQ(collected->removed, 1u);
  EXPECT_EQ(collected->removed_bytes, 26u);
  EXPECT_THAT(files(), SizeIs(1));
  auto snapshot = store_.snapshot();
  EXPECT_EQ(blobs_.stats(*snapshot)->dead_blobs, 0u);
}

// There pages are read, not mapped.
TEST(CollectorAlone, WhatNobodyNeedsIsRemovedWhereOneProcessHasTheStore) {
  store::TestMachine machine;
  FaultyOs lying(machine.os());
  lying.lies_on = os::FileSystem{"nfs", 0x6969, os::FileSystemTrust::kLies};
  Store store = std::move(*Store::open(lying, machine.path(), store::TestMachine::small_store()));
  ASSERT_TRUE(store.recovery().exclusive);
  const BlobRef ref = keep(store, noise(5000), "a");
  const BlobRef kept = keep(store, noise(5000, 2), "b");
  ASSERT_TRUE(release_one(store, ref, "a"));
  EXPECT_EQ(store.blobs().collect()->removed, 1u);
  EXPECT_EQ(*content_of(store, kept), noise(5000, 2));
  EXPECT_THAT(blob_files(machine.os(), machine.path()), SizeIs(1));
}

TEST_F(CollectorTest, CommittedFileOfADeadProcessIsMovedToItsPlace) {
  const BlobRef ref = keep(store_, "committed", "a");
  const std::string placed = files().at(0);
  const std::string unplaced = "new/" + placed.substr(3);
  ASSERT_TRUE(machine_.os().rename(path(placed), path(unplaced)).is_ok());
  EXPECT_EQ(*content_of(store_, ref), "committed");
  EXPECT_EQ(blobs_.collect()->removed, 0u);
  EXPECT_THAT(files(), ElementsAre(placed));
  EXPECT_EQ(*content_of(store_, ref), "committed");
}

TEST_F(CollectorTest, ForeignFilesAreLeftAlone) {
  keep(store_, "something", "a");
  machine_.write(path("new/notes.txt"), 0, "mine");
  ASSERT_TRUE(blobs_.collect().is_ok());
  EXPECT_THAT(files(), SizeIs(2));
}

TEST_F(CollectorTest, WhatANewerSnapshotSeesDoesNotStopIt) {
  const BlobRef ref = keep(store_, "x", "a");
  auto old = std::make_optional(*store_.snapshot());
  ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  EXPECT_EQ(blobs_.collect()->waiting, 1u);  // notes the version at which it was dead
  // From now on there is always a snapshot, each older than the newest commit.
  for (int i = 0; i < 3; ++i) {
    auto next = std::make_optional(*store_.snapshot());
    ASSERT_TRUE(store_.put("k", std::to_string(i)).is_ok());
    old = std::move(next);
  }
  EXPECT_EQ(blobs_.collect()->removed, 1u);
}

TEST_F(CollectorTest, ManyAreCollectedInSteps) {
  std::vector<BlobRef> refs;
  for (int i = 0; i < 20; ++i) refs.push_back(keep(store_, "content " + std::to_string(i), "a"));
  for (const BlobRef& ref : refs) ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
  uint64_t removed = 0;
  int steps = 0;
  for (bool finished = false; !finished; ++steps) {
    const auto collected = blobs_.collect(6);
    ASSERT_TRUE(collected.is_ok());
    EXPECT_LE(collected->removed, 6u);
    removed += collected->removed;
    finished = collected->finished;
  }
  EXPECT_EQ(removed, 20u);
  EXPECT_EQ(steps, 4);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CollectorTest, WritersCollectForOthers) {
  for (int i = 0; i < 5; ++i) {
    const BlobRef ref = keep(store_, "content " + std::to_string(i), "a");
    ASSERT_TRUE(release_one(store_, ref, "a").is_ok());
    EXPECT_THAT(files(), SizeIs(1));
  }
}

TEST_F(CollectorTest, BatchedHandlesRemoveOnlyWhatIsDurable) {
  StoreOptions options = store::TestMachine::small_store();
  options.durability = Durability::batched;
  Store batched = machine_.open(options);
  const BlobRef ref = keep(batched, "x", "a");
  EXPECT_THAT(files(), ElementsAre(StartsWith("new/")));
  ASSERT_TRUE(batched.flush().is_ok());
  ASSERT_TRUE(release_one(batched, ref, "a").is_ok());
  EXPECT_EQ(batched.blobs().collect()->removed, 0u);
  ASSERT_TRUE(batched.flush().is_ok());
  EXPECT_EQ(batched.blobs().collect()->removed, 1u);
}

// Every call of the disk that an upload makes fails once, its tidying up too; each time nothing is
// left but what the next one sweeps.
TEST_F(CollectorTest, FullDiskLeavesNothingHalf) {
  ASSERT_TRUE(store_.close().is_ok());
  FaultyOs os(machine_.os());
  auto store = Store::open(os, machine_.path(), store::TestMachine::small_store());
  ASSERT_TRUE(store.is_ok());
  const std::string content = noise(600'000);
  bool failed = true;
  for (int step = 0; failed; ++step) {
    int calls = 0;
    os.fault = [&](const Attempt& attempt) {
      const bool strikes = attempt.path.find("/blobs/") != std::string::npos && calls++ == step;
      return strikes ? Status(StatusCode::kNoSpace, "full") : Status::ok();
    };
    const auto blob = store->blobs().write(content);
    failed = !blob;
    os.fault = nullptr;
    ASSERT_TRUE(store->blobs().collect().is_ok());
    EXPECT_THAT(files(), SizeIs(failed ? 0 : 1)) << "step " << step;
    EXPECT_EQ(blob.status().code(), failed ? StatusCode::kNoSpace : StatusCode::kOk);
    ASSERT_LT(step, 50);
  }
}

}  // namespace
}  // namespace holdfast::blob
