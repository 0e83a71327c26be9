#include "store/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "store/sync.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

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
  uint64_t segment_inode(uint64_t number) {
    auto file = *machine_.os().open(machine_.log_path(number), os::OpenMode::kReadWrite);
    return file->info()->inode;
  }
  std::set<uint64_t> segment_inodes() {
    std::set<uint64_t> inodes;
    for (const uint64_t number : segments()) inodes.insert(segment_inode(number));
    return inodes;
  }
  uint64_t page_offset(uint32_t pgno) { return uint64_t{pgno} * 512; }
  // What an owner has noted that dies in its sync.
  static void begin_checkpoint(const Context& context) {
    ASSERT_TRUE(apply_tail(context, context.deadline()));
    const PublishedRoot root = read_durable_root(context.control());
    CheckpointLine& line = context.control().checkpoint;
    line.pending.version.store(root.version);
    line.pending.lsn.store(root.lsn);
    line.pending.time_us.store(root.time_us);
    line.pending.pgno.store(root.root.page.pgno);
    line.pending.crc.store(root.root.page.crc);
    line.pending.height.store(root.root.height);
    line.pending.prev_crc.store(root.prev_crc);
    line.pending.epoch.store(root.epoch);
    line.pending_pin.store(root.version + 1);
    line.pending_chosen.store(1);
  }

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

// Every page of the newest checkpoint that the older one does not share, one at a time. What the
// cold start reads of it sends it back to the older one; what it does not read stays to be found.
TEST_F(DamagedCheckpointTest, ADamagedBranchOrALeafThatReplayChangesFallsBackToTheOlder) {
  std::vector<uint32_t> pages;
  {
    const auto file = *machine_.os().open("/s/data", os::OpenMode::kReadWrite);
    const auto map = *file->map(1u << 20, os::MapAccess::kRead);
    const auto count = static_cast<uint32_t>(file->info()->size_bytes / 512);
    tree::PageSource source(map->data(), 9, count);
    source.set_page_count(count);
    ASSERT_TRUE(tree::walk(source, root_of(newer_).root, true, [&](const tree::VisitedRun& run) {
      const bool run_of_value = run.kind == tree::VisitedRun::Kind::kOverflow;
      if (run.birth_version > older_.version && !run_of_value) {
        pages.push_back(run.pgno);
      }
      return Result<bool>(run.birth_version > older_.version);
    }));
  }
  ASSERT_GT(pages.size(), 3u);
  const std::string before = machine_.read("/s/data", 0, 1u << 20);
  const std::map<std::string, std::string> log = [&] {
    std::map<std::string, std::string> files;
    const std::vector<std::string> names = *machine_.os().list("/s/wal");
    for (const std::string& name : names) {
      files[name] = machine_.read("/s/wal/" + name, 0, 1u << 20);
    }
    return files;
  }();
  size_t fallbacks = 0;
  for (const uint32_t pgno : pages) {
    const std::vector<std::string> names = *machine_.os().list("/s/wal");
    for (const std::string& name : names) {
      ASSERT_TRUE(machine_.os().remove("/s/wal/" + name));
    }
    for (const auto& [name, bytes] : log) machine_.write("/s/wal/" + name, 0, bytes);
    machine_.write("/s/data", 0, before);
    (void)machine_.os().remove("/s/shm");
    machine_.flip("/s/data", page_offset(pgno) + 100);
    auto store = machine_.try_open();
    ASSERT_TRUE(store) << store.status().to_string();
    if (store->recovery().transactions_applied == 1) continue;  // a leaf that nobody looked at
    ++fallbacks;
    EXPECT_EQ(store->recovery().transactions_applied, 31u);
    EXPECT_THAT(store->recovery().warnings.front(), HasSubstr("page " + std::to_string(pgno)));
    EXPECT_EQ(contents(*store), before_);
    EXPECT_THAT(store->check()->problems, IsEmpty());
  }
  EXPECT_GE(fallbacks, 2u);  // the root, and a branch or a leaf
}

TEST_F(DamagedCheckpointTest, WithoutTheLogBehindTheOlderSalvageIsOffered) {
  machine_.flip("/s/data", page_offset(newer_.root_pgno) + 100);
  const uint64_t first = log::lsn_segment(older_.lsn);
  ASSERT_LT(first, log::lsn_segment(newer_.lsn));
  ASSERT_TRUE(machine_.os().remove(machine_.log_path(first)));
  const Status status = machine_.try_open().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("salvage"));
}

// The newest checkpoint is damaged and so is the log before it: its meta alone still witnesses how
// far history went, so the older checkpoint is not passed off for all there was.
TEST_F(DamagedCheckpointTest, ALogThatEndsBeforeADamagedCheckpointIsCorruption) {
  machine_.flip("/s/data", page_offset(newer_.root_pgno) + 100);
  const uint64_t number = log::lsn_segment(older_.lsn);
  const uint64_t offset = log::lsn_offset(older_.lsn);
  for (uint64_t segment = number;; ++segment) {
    const std::string path = machine_.log_path(segment);
    const uint64_t from = segment == number ? offset : 0;
    const std::string bytes = [&] {
      auto file = machine_.os().open(path, os::OpenMode::kReadWrite);
      return file ? machine_.read(path, 0, 1u << 20) : std::string();
    }();
    if (bytes.empty()) break;
    machine_.write(path, from, std::string(bytes.size() - from, '\0'));
  }
  const Status status = machine_.try_open().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.to_string();
}

TEST_F(DamagedCheckpointTest, ACheckpointAtTheStartOfASegmentIsReachedFromTheOlder) {
  machine_.open();  // starts cold: its checkpoint stands at the beginning of a new segment
  machine_.reboot();
  const Meta newest = machine_.newest_meta();
  ASSERT_EQ(log::lsn_offset(newest.lsn), log::kSegmentHeaderSize);
  machine_.flip("/s/data", page_offset(newest.root_pgno) + 100);
  auto store = machine_.try_open();
  ASSERT_TRUE(store) << store.status().to_string();
  EXPECT_EQ(contents(*store), before_);
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

// The sync that a dead owner began was of all pages: those of later commits may be lost, too.
TEST_F(CheckpointTest, PagesBehindTheCheckpointOfADeadOwnerAreVerified) {
  commit(20);
  auto dead = machine_.attach();
  ASSERT_EQ(dead->locks->checkpoint.try_lock(false), LockOutcome::kAcquired);
  begin_checkpoint(*dead);
  const PublishedRoot root = read_durable_root(dead->control());
  ASSERT_TRUE(write_meta(*dead->data_file, dead->page_shift, meta_of(root, dead->store_id, 1)));
  commit(20);
  ASSERT_TRUE(apply_tail(*dead, dead->deadline()));
  const uint32_t newest = read_latest_root(dead->control()).root.page.pgno;
  ASSERT_NE(newest, dead->control().checkpoint.pending.pgno.load());
  machine_.flip("/s/data", page_offset(newest) + 100);
  dead.reset();
  const Status status = store_->checkpoint();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.to_string(), HasSubstr("was lost by the disk"));
  EXPECT_FALSE(machine_.meta(1));  // its pages may be torn from now on
  EXPECT_EQ(store_->put("a", "b").status().code(), StatusCode::kReadOnly);
  const auto before = next_;
  store_.reset();
  store_ = machine_.open();
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(before));
}

TEST_F(CheckpointTest, ACheckpointWaitsForABatchBeforeItTakesOver) {
  commit(20);
  const auto dead = machine_.attach();
  begin_checkpoint(*dead);
  const auto applying = machine_.attach();
  ASSERT_EQ(applying->locks->apply.try_lock(false), LockOutcome::kAcquired);
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store impatient = machine_.open(options);
  EXPECT_EQ(impatient.checkpoint().code(), StatusCode::kBusy);
  applying->locks->apply.unlock();
  EXPECT_TRUE(impatient.checkpoint());  // nobody has to have died since
  EXPECT_EQ(machine_.meta(1)->version, 20u);
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

// A reader may hold back so much, not all there ever was.
TEST_F(CheckpointTest, ATransactionKeepsNoMoreLogThanSixteenSegments) {
  Transaction txn = std::move(*store_->begin());
  ASSERT_TRUE(txn.get("key0") && txn.put("late", "1"));
  std::map<uint64_t, uint64_t> segment_of_inode;
  for (int i = 0; i < 30; ++i) {
    commit(20);
    ASSERT_TRUE(store_->checkpoint());
    // What it may be reading is removed, not made another segment under its eyes.
    for (const uint64_t number : segments()) {
      const auto known = segment_of_inode.emplace(segment_inode(number), number).first;
      EXPECT_EQ(known->second, number);
    }
    const uint64_t newest = segments().back();
    EXPECT_EQ(segments().front(), newest < 18 ? 1u : segments().front());
    EXPECT_LE(newest - segments().front(), 22u);
  }
  EXPECT_GT(segments().front(), 1u);
  EXPECT_EQ(txn.commit().status().code(), StatusCode::kTooOld);
}

// What is not needed any more becomes the next two segments, each as long as its number asks for.
TEST_F(CheckpointTest, TwoSegmentsAreMadeOfOldOnesAndTheRestIsRemoved) {
  const auto context = machine_.attach();
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 10; ++i) commit(20);
    ASSERT_TRUE(store_->checkpoint());
    commit(1);
    ASSERT_TRUE(store_->checkpoint());
    const uint64_t current = log::lsn_segment(read_tail(context->control().tail).lsn);
    EXPECT_EQ(segments().back(), current + 2);
    EXPECT_EQ(context->control().state.prepared_segment.load(), current + 2);
    for (const uint64_t number : segments()) {
      auto file = *machine_.os().open(machine_.log_path(number), os::OpenMode::kReadWrite);
      EXPECT_EQ(file->info()->size_bytes, context->segments->capacity(number)) << number;
    }
  }
}

TEST_F(CheckpointTest, DroppingANameWritesNone) {
  commit(20);
  ASSERT_TRUE(store_->create_snapshot("name"));
  commit(20);
  const uint64_t before = store_->stats()->checkpoints;
  ASSERT_TRUE(store_->drop_snapshot("name"));
  EXPECT_EQ(store_->stats()->checkpoints, before);
}

// A pin that was not known to have come in time stands for nothing.
TEST_F(CheckpointTest, WhatADeadOwnerHadNotDecidedIsDecidedAnew) {
  for (const bool had_decided : {false, true}) {
    commit(20);
    ASSERT_TRUE(store_->flush());
    const uint64_t pending = store_->snapshot()->version();
    {
      const auto context = machine_.attach();
      ASSERT_EQ(context->locks->checkpoint.try_lock(false), LockOutcome::kAcquired);
      begin_checkpoint(*context);
      if (!had_decided) context->control().checkpoint.pending_chosen.store(0);
    }
    commit(20);
    ASSERT_TRUE(store_->flush());
    ASSERT_TRUE(store_->checkpoint());
    const uint64_t written =
        std::max(machine_.meta(0)->version, machine_.meta(1) ? machine_.meta(1)->version : 0);
    EXPECT_EQ(written, had_decided ? pending : pending + 20);
  }
}

// The disk gives back another meta than was written.
TEST_F(CheckpointTest, ANameIsNotGivenToACheckpointThatCannotBeReadBack) {
  for (const int slot_offset : {0, 1}) {
    TestMachine machine;
    FaultyOs os(machine.os());
    Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
    for (int i = 0; i <= slot_offset; ++i) {
      ASSERT_TRUE(store.put("key", std::to_string(i)));
      ASSERT_TRUE(store.checkpoint());
    }
    ASSERT_TRUE(store.put("key", "new"));
    // The checkpoint to come goes where the older one is.
    const int slot = machine.meta(0)->number > machine.meta(1)->number ? 1 : 0;
    const uint64_t offset = static_cast<uint64_t>(1 + slot) * 512;
    const std::string old = machine.read("/s/data", offset, 512);
    bool written = false;
    os.fault = [&](const Attempt& attempt) {
      const bool is_new = machine.read("/s/data", offset, 512) != old;
      if (!attempt.is_change && is_new) machine.write("/s/data", offset, old);
      written |= is_new;
      return Status::ok();
    };
    const Status status = store.create_snapshot("name").status();
    os.fault = nullptr;
    EXPECT_TRUE(written);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.to_string();
    EXPECT_EQ(status.offset(), offset);
    EXPECT_EQ(status.path(), "/s/data");
  }
}

}  // namespace
}  // namespace holdfast::store
