#include "store/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CheckpointTest : public testing::Test {
 protected:
  ~CheckpointTest() override {
    if (store_) {
      EXPECT_THAT(store_->check()->problems, IsEmpty());
    }
  }
  // `count` commits that fill about a sixteenth of a segment each.
  void commit(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(store_->put("key" + std::to_string(next_ % 50), std::string(900, 'v')));
      ++next_;
    }
  }
  // Power off and on again.
  void reboot() {
    store_.reset();
    machine_.reboot();
    store_ = machine_.open();
  }
  std::vector<uint64_t> segments() { return *log::SegmentFiles(machine_.os(), "/s/wal", 1).list(); }
  std::set<uint64_t> segment_inodes() {
    std::set<uint64_t> inodes;
    for (const uint64_t number : segments()) {
      auto file = *machine_.os().open(machine_.log_path(number), os::OpenMode::kReadWrite);
      inodes.insert(file->info()->inode);
    }
    return inodes;
  }
  uint64_t page_offset(uint32_t pgno) { return uint64_t{pgno} * 512; }

  TestMachine machine_;
  std::optional<Store> store_ = machine_.open();
  int next_ = 0;
};

TEST_F(CheckpointTest, MetasAreWrittenInTurn) {
  EXPECT_EQ(machine_.meta(0)->number, 0u);
  EXPECT_FALSE(machine_.meta(1));
  for (uint64_t number = 1; number <= 4; ++number) {
    commit(1);
    ASSERT_TRUE(store_->checkpoint());
    const Meta meta = *machine_.meta(static_cast<int>(number & 1));
    EXPECT_EQ(meta.number, number);
    EXPECT_EQ(meta.version, number);
    EXPECT_EQ(machine_.meta(static_cast<int>(~number & 1))->number, number - 1);
  }
  EXPECT_EQ(store_->stats()->checkpoints, 4u);
}

TEST_F(CheckpointTest, WithoutANewCommitThereIsNothingToWrite) {
  commit(1);
  ASSERT_TRUE(store_->checkpoint());
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(store_->stats()->checkpoints, 1u);
}

TEST_F(CheckpointTest, AColdStartReplaysOnlyWhatCameBehindIt) {
  commit(30);
  ASSERT_TRUE(store_->checkpoint());
  commit(3);
  reboot();
  EXPECT_EQ(store_->recovery().transactions_applied, 3u);
  EXPECT_EQ(store_->recovery().version, 33u);
}

TEST_F(CheckpointTest, ComesByItselfWhenTheAllowedLogHasPiledUp) {
  StoreOptions options = TestMachine::small_store();
  options.checkpoint_log_bytes = 2000;
  store_.reset();
  store_ = machine_.open(options);
  commit(30);
  EXPECT_GT(store_->stats()->checkpoints, 0u);
}

TEST_F(CheckpointTest, BatchedCommitsAreMadeDurableFirst) {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  store_.reset();
  store_ = machine_.open(options);
  commit(10);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(store_->stats()->durable_version, 10u);
  EXPECT_EQ(machine_.meta(1)->version, 10u);
}

TEST_F(CheckpointTest, TheLogIsTrimmedToTheOlderCheckpoint) {
  commit(100);
  EXPECT_GT(segments().size(), 5u);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(segments().front(), 1u);  // the older meta is that of the creation
  commit(1);
  ASSERT_TRUE(store_->checkpoint());
  const uint64_t older = log::lsn_segment(machine_.meta(1)->lsn);
  EXPECT_EQ(segments().front(), older);
  EXPECT_LT(segments().size(), 5u);
}

TEST_F(CheckpointTest, SegmentsAreUsedAgain) {
  for (int i = 0; i < 3; ++i) {
    commit(30);
    ASSERT_TRUE(store_->checkpoint());
  }
  std::set<uint64_t> before = segment_inodes();
  const uint64_t last = segments().back();
  commit(30);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_GT(segments().back(), last);
  std::set<uint64_t> used_again;
  for (const uint64_t inode : segment_inodes()) {
    if (before.count(inode) != 0) used_again.insert(inode);
  }
  EXPECT_GT(used_again.size(), 1u);
  EXPECT_LT(store_->stats()->log_bytes, 16u * (16u << 10));
}

TEST_F(CheckpointTest, ATransactionKeepsTheLogItNeeds) {
  Transaction txn = std::move(*store_->begin());
  for (int i = 0; i < 3; ++i) {
    commit(30);
    ASSERT_TRUE(store_->checkpoint());
  }
  EXPECT_EQ(segments().front(), 1u);
  txn.abort();
  commit(1);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_GT(segments().front(), 1u);
}

TEST_F(CheckpointTest, ASnapshotKeepsNoLog) {
  Snapshot snapshot = std::move(*store_->snapshot());
  for (int i = 0; i < 3; ++i) {
    commit(30);
    ASSERT_TRUE(store_->checkpoint());
  }
  EXPECT_GT(segments().front(), 1u);
}

// Two checkpoints, one commit behind each.
class DamagedCheckpointTest : public CheckpointTest {
 protected:
  DamagedCheckpointTest() {
    commit(30);
    EXPECT_TRUE(store_->checkpoint());
    commit(30);
    EXPECT_TRUE(store_->checkpoint());
    commit(1);
    before_ = contents(*store_);
    store_.reset();
    machine_.reboot();
    older_ = *machine_.meta(1);
    newer_ = *machine_.meta(0);
  }
  void expect_all_back(uint64_t replayed) {
    auto store = machine_.try_open();
    ASSERT_TRUE(store) << store.status().to_string();
    EXPECT_EQ(contents(*store), before_);
    EXPECT_EQ(store->recovery().transactions_applied, replayed);
    store_ = std::move(*store);
  }
  std::map<std::string, std::string> before_;
  Meta older_;
  Meta newer_;
};

TEST_F(DamagedCheckpointTest, TheNewestIsTaken) {
  ASSERT_EQ(newer_.version, 60u);
  expect_all_back(1);
}

TEST_F(DamagedCheckpointTest, ADamagedMetaFallsBackToTheOlder) {
  machine_.flip("/s/data", page_offset(1) + 50);
  expect_all_back(31);
}

TEST_F(DamagedCheckpointTest, ADamagedRootFallsBackToTheOlder) {
  machine_.flip("/s/data", page_offset(newer_.root_pgno) + 100);
  expect_all_back(31);
  EXPECT_THAT(store_->recovery().warnings, ElementsAre(HasSubstr("checkpoint 2")));
  // The next checkpoint takes the place of the damaged one.
  reboot();
  EXPECT_EQ(contents(*store_), before_);
  EXPECT_THAT(store_->recovery().warnings, IsEmpty());
}

TEST_F(DamagedCheckpointTest, ADamagedOlderCheckpointIsNoFallbackButNoHarm) {
  machine_.flip("/s/data", page_offset(older_.root_pgno) + 100);
  expect_all_back(1);
  EXPECT_THAT(store_->recovery().warnings, ElementsAre(HasSubstr("older checkpoint")));
}

TEST_F(DamagedCheckpointTest, DamagedRootsOfBothAreCorruption) {
  machine_.flip("/s/data", page_offset(newer_.root_pgno) + 100);
  machine_.flip("/s/data", page_offset(older_.root_pgno) + 100);
  const Status status = machine_.try_open().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.path(), "/s/data");
}

TEST_F(DamagedCheckpointTest, DamageOfBothMetasIsCorruption) {
  machine_.flip("/s/data", page_offset(1));
  machine_.flip("/s/data", page_offset(2));
  EXPECT_EQ(machine_.try_open().status().code(), StatusCode::kCorruption);
}

TEST_F(DamagedCheckpointTest, ADamagedLeafIsToldWhenItIsRead) {
  // Replay rewrites some leaves; one of the others is still the checkpoint's.
  const auto context = machine_.attach();
  const PublishedRoot root = read_latest_root(context->control());
  std::vector<uint32_t> leaves;
  ASSERT_TRUE(tree::walk(*context->pages, root.root, true, [&](const tree::VisitedRun& run) {
    if (run.kind == tree::VisitedRun::Kind::kLeaf) leaves.push_back(run.pgno);
    return Result<bool>(true);
  }));
  ASSERT_FALSE(leaves.empty());
  machine_.flip("/s/data", page_offset(leaves.back()) + 500);
  Store store = machine_.open();
  Snapshot snapshot = std::move(*store.snapshot());
  Cursor cursor = snapshot.scan(KeyRange::all());
  while (cursor.valid()) cursor.next();
  EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(store.check()->problems, SizeIs(testing::Ge(1u)));
}

// What a process leaves that dies in a checkpoint.
TEST_F(CheckpointTest, TheCheckpointOfADeadOwnerIsCompleted) {
  commit(20);
  {
    const auto context = machine_.attach();
    ASSERT_EQ(context->locks->checkpoint.try_lock(false), LockOutcome::kAcquired);
  }
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(machine_.meta(1)->version, 20u);
  EXPECT_EQ(store_->stats()->takeovers, 1u);
  reboot();
  EXPECT_EQ(store_->recovery().transactions_applied, 0u);
}

TEST_F(CheckpointTest, AnotherAtItMakesACheckpointBusy) {
  commit(2);
  const auto context = machine_.attach();
  ASSERT_EQ(context->locks->checkpoint.try_lock(false), LockOutcome::kAcquired);
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store impatient = machine_.open(options);
  EXPECT_EQ(impatient.checkpoint().code(), StatusCode::kBusy);
  const auto other = machine_.attach();
  EXPECT_FALSE(*try_checkpoint(*other));
  context->locks->checkpoint.unlock();
  EXPECT_TRUE(*try_checkpoint(*other));
}

TEST_F(CheckpointTest, ACheckpointIsDueWhenMuchLogHasPiledUp) {
  const auto context = machine_.attach();
  EXPECT_FALSE(checkpoint_due(*context));
  commit(100);
  EXPECT_FALSE(checkpoint_due(*context));
  EXPECT_GT(log_bytes_since_checkpoint(*context), 80'000u);
  commit(1200);
  EXPECT_FALSE(checkpoint_due(*context));
  // A megabyte is worth it, but not every minute.
  context->control().checkpoint.finished_us.store(context->os.monotonic_time_us() - 61'000'000);
  EXPECT_TRUE(checkpoint_due(*context));
  commit(1);  // without a helper thread the commit does it
  EXPECT_FALSE(checkpoint_due(*context));
  EXPECT_EQ(store_->stats()->checkpoints, 1u);
}

}  // namespace
}  // namespace holdfast::store
