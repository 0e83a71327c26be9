#include "store/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "store/named.h"
#include "store/page_allocation.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A store with branches, leaves and overflow runs, whose control block is damaged in memory and
// whose files behind its back.
class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    Store store = machine_.open();
    for (int i = 0; i < 100; ++i) {
      const std::string value(i % 10 == 0 ? 1500 : 20, 'v');
      EXPECT_TRUE(store.put("key" + std::to_string(i), value));
    }
    EXPECT_TRUE(store.del("key7"));
    EXPECT_TRUE(store.flush());
    context_ = machine_.attach();
    const PublishedRoot root = read_latest_root(control().roots.latest.load());
    EXPECT_TRUE(tree::walk(*context_->pages, root.root, true, [&](const tree::VisitedRun& run) {
      runs_.push_back(run);
      return Result<bool>(true);
    }));
  }
  ControlBlock& control() { return context_->control(); }
  PublishedRoot read_latest_root(uint64_t sequence) { return *read_root(control(), sequence); }
  tree::VisitedRun find(tree::VisitedRun::Kind kind) {
    for (const auto& run : runs_) {
      if (run.kind == kind) return run;
    }
    ADD_FAILURE() << "the tree has none of them";
    return runs_.front();
  }
  // What a handle finds that has read nothing before.
  std::vector<std::string> problems() {
    Store store = machine_.open();
    const auto report = store.check();
    EXPECT_TRUE(report) << report.status().to_string();
    return report->problems;
  }
  // Puts pages into the queue of those that were replaced.
  void retire(uint32_t pgno, uint32_t count) {
    auto* const entries = reinterpret_cast<RetiredEntry*>(context_->region(kRetiredRegion));
    const uint64_t index = control().allocation.retired_tail.fetch_add(1);
    entries[index % kRetiredCapacity].run.store(uint64_t{pgno} << 32 | count);
  }
  void flip_page(uint32_t pgno) { machine_.flip("/s/data", uint64_t{pgno} * 512 + 40); }

  TestMachine machine_;
  std::unique_ptr<Context> context_;
  std::vector<tree::VisitedRun> runs_;
};

TEST_F(CheckTest, ASoundStoreHasNoProblemsAndIsCounted) {
  Store store = machine_.open();
  const auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_EQ(report->version, 101u);
  EXPECT_EQ(report->keys, 99u);
  EXPECT_EQ(report->value_bytes, 10u * 1500 + 89 * 20);
  EXPECT_EQ(report->overflow_pages, 30u);
  EXPECT_GE(report->log_records, 101u);
  EXPECT_GE(report->log_segments, 2u);
  EXPECT_EQ(report->leaf_pages + report->branch_pages + report->overflow_pages +
                report->free_pages + report->retired_pages + kFirstPage,
            report->file_pages);
}

TEST_F(CheckTest, AHandleThatHasReadAPageFindsWhatBecameOfItSince) {
  Store store = machine_.open();
  ASSERT_THAT(store.check()->problems, IsEmpty());
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  flip_page(pgno);
  EXPECT_THAT(store.check()->problems, Contains(HasSubstr("page " + std::to_string(pgno))));
  flip_page(pgno);
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(CheckTest, AnEmptyStoreIsSound) {
  TestMachine empty;
  Store store = empty.open();
  const auto report = store.check();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_EQ(report->keys, 0u);
}

TEST_F(CheckTest, ADamagedLeafIsFound) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  flip_page(pgno);
  EXPECT_THAT(problems(), Contains(HasSubstr(std::to_string(pgno))));
}

TEST_F(CheckTest, ADamagedBranchIsFound) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kBranch).pgno;
  flip_page(pgno);
  EXPECT_THAT(problems(), Contains(HasSubstr(std::to_string(pgno))));
}

TEST_F(CheckTest, ADamagedOverflowRunIsFound) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kOverflow).pgno;
  flip_page(pgno + 1);
  EXPECT_THAT(problems(), Contains(HasSubstr(std::to_string(pgno))));
}

TEST_F(CheckTest, EveryDamagedPageOfTheTreeIsFound) {
  for (const auto& run : runs_) {
    flip_page(run.pgno);
    EXPECT_THAT(problems(), Not(IsEmpty())) << run.pgno;
    flip_page(run.pgno);
  }
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(CheckTest, AUsedPageThatIsMarkedFreeIsFound) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  mark_free(*context_, {pgno, 1});
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("count of free pages"),
                                      HasSubstr("page " + std::to_string(pgno) +
                                                " belongs to the free pages and to the tree")));
}

TEST_F(CheckTest, AFixedPageThatIsMarkedFreeIsFound) {
  mark_free(*context_, {2, 1});
  EXPECT_THAT(problems(), Contains(HasSubstr("page 2 belongs to superblock and metas")));
}

TEST_F(CheckTest, ALostPageIsFound) {
  AllocationLine& line = control().allocation;
  for (uint64_t page = line.file_pages.load() - 1;; --page) {
    if ((bitmap_words(*context_)[page / 64].load() >> page % 64 & 1) == 0) continue;
    mark_taken(*context_, {static_cast<uint32_t>(page), 1});
    line.free_pages.fetch_add(~0ull);
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("1 pages, the first of them " +
                                                  std::to_string(page) + ", belong to nothing")));
    break;
  }
}

TEST_F(CheckTest, AWrongCountOfFreePagesIsFound) {
  control().allocation.free_pages.fetch_add(1);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("count of free pages")));
}

TEST_F(CheckTest, ADamagedRecordOfTheLogIsFound) {
  // A commit of the second segment, in the middle of history.
  machine_.flip(machine_.log_path(1), log::kSegmentHeaderSize + 2000);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("log: the chain ends at offset")));
}

TEST_F(CheckTest, ADamagedSegmentHeaderIsFound) {
  machine_.flip(machine_.log_path(1), 40);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("header of a log segment")));
}

TEST_F(CheckTest, AMissingSegmentIsFound) {
  ASSERT_TRUE(machine_.os().remove(machine_.log_path(1)));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("is missing")));
}

TEST_F(CheckTest, DamageOfBothMetasIsFound) {
  machine_.flip("/s/data", 512);
  machine_.flip("/s/data", 1024);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("neither of the two metas")));
}

TEST_F(CheckTest, NotMoreThanSoManyProblemsAreListed) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  for (int i = 0; i < 150; ++i) retire(pgno, 1);
  Store store = machine_.open();
  const auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_EQ(report->problems.size(), 100u);
  EXPECT_EQ(report->problems_count, 150u);
}

TEST_F(CheckTest, AUsedPageThatCountsAsReplacedIsFound) {
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  retire(pgno, 1);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("page " + std::to_string(pgno) +
                                                " belongs to the retired pages and to the tree")));
}

TEST_F(CheckTest, AReplacedPageBehindTheEndIsFound) {
  const auto end = static_cast<uint32_t>(control().allocation.file_pages.load());
  retire(end, 2);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("page " + std::to_string(end) +
                                                " of the retired pages lies behind the end")));
}

// Rows that only a named snapshot has any more.
class CheckNamedTest : public CheckTest {
 protected:
  CheckNamedTest() {
    Store store = machine_.open();
    EXPECT_TRUE(store.create_snapshot("old"));
    const PublishedRoot named = read_latest_root(control().roots.latest.load());
    const PublishedRoot old = read_named(*context_, named.root)->named.front().root;
    EXPECT_TRUE(
        store.update([](Transaction& txn) { return txn.del_range(KeyRange::prefix("key")); }));
    EXPECT_TRUE(store.flush());
    std::set<uint32_t> now;
    const auto root = read_latest_root(control().roots.latest.load());
    EXPECT_TRUE(tree::walk(*context_->pages, root.root, true, [&](const tree::VisitedRun& run) {
      now.insert(run.pgno);
      return Result<bool>(true);
    }));
    runs_.clear();
    EXPECT_TRUE(tree::walk(*context_->pages, old.root, true, [&](const tree::VisitedRun& run) {
      if (!now.contains(run.pgno)) runs_.push_back(run);
      return Result<bool>(true);
    }));
  }
};

TEST_F(CheckNamedTest, ADamagedValueIsFound) {
  EXPECT_THAT(problems(), IsEmpty());
  flip_page(find(tree::VisitedRun::Kind::kOverflow).pgno + 1);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("snapshot \"old\"")));
}

TEST_F(CheckNamedTest, APageThatNobodyKeepsForItIsFound) {
  AllocationLine& line = control().allocation;
  line.held_count.store(0);
  line.retired_head.store(line.retired_tail.load());
  const uint32_t pgno = find(tree::VisitedRun::Kind::kLeaf).pgno;
  EXPECT_THAT(problems(), Contains(HasSubstr("page " + std::to_string(pgno) +
                                             " of snapshot \"old\" belongs to nothing")));
}

TEST_F(CheckNamedTest, IsRefusedWhereAllReaderSlotsButOneAreTaken) {
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store store = machine_.open(options);
  ReaderSlot* left = nullptr;
  for (ReaderSlot& slot : control().readers) {
    uint32_t nobody = 0;
    if (!slot.owner.compare_exchange(nobody, context_->attachment->owner())) continue;
    left = &slot;
  }
  control().reader_slots_used.store(kReaderSlots);
  EXPECT_EQ(store.check().status().code(), StatusCode::kBusy);
  ASSERT_NE(left, nullptr);
  left->owner.store(0);
  EXPECT_EQ(store.check().status().code(), StatusCode::kBusy);
}

// Who had begun to void the tail has gone.
TEST_F(CheckTest, FinishesWhatOthersLeftOrSaysWhatIsInTheWay) {
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store store = machine_.open(options);
  change_state(control(), EngineState::kRunning, EngineState::kVoiding);
  ASSERT_EQ(context_->locks->commit.try_lock(false), LockOutcome::kAcquired);
  EXPECT_EQ(store.check().status().code(), StatusCode::kBusy);
  context_->locks->commit.unlock();
  const auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_EQ(engine_state(control()), EngineState::kRunning);
}

TEST_F(CheckTest, CheckingChangesNothing) {
  const std::string before = machine_.read("/s/data", 0, 1u << 22);
  Store store = machine_.open();
  const auto first = store.check();
  const auto second = store.check();
  EXPECT_EQ(first->free_pages, second->free_pages);
  EXPECT_EQ(machine_.read("/s/data", 0, 1u << 22), before);
}

TEST_F(CheckTest, StatsCountWhatHappened) {
  Store store = machine_.open();
  const auto stats = store.stats();
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->version, 101u);
  EXPECT_EQ(stats->durable_version, 101u);
  EXPECT_EQ(stats->commits, 101u);
  EXPECT_GE(stats->syncs, 101u);
  EXPECT_GE(stats->applies, 1u);
  EXPECT_EQ(stats->processes, 2u);
  EXPECT_EQ(stats->page_size_bytes, 512u);
  EXPECT_GE(stats->tree_height, 2u);
  EXPECT_GE(stats->log_bytes, 2u * (16u << 10));
  EXPECT_EQ(stats->oldest_pinned_version, 101u);
}

TEST(Check, TheLogIsVerifiedFromTheOlderCheckpointOn) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("a", "1"));
  ASSERT_TRUE(store.checkpoint());
  const auto before = store.check();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.put("a", std::to_string(i)));
  ASSERT_TRUE(store.checkpoint());
  const auto after = store.check();
  ASSERT_TRUE(before && after);
  EXPECT_THAT(after->problems, testing::IsEmpty());
  EXPECT_GE(after->log_records, before->log_records + 10);
}

// The log is damaged where only the older checkpoint needs it, and a newer one comes each time that
// it was read: it does not begin again for ever.
TEST(Check, GivesUpOnALogThatCheckpointsOvertake) {
  TestMachine machine;
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store other = machine.open(options);
  FaultyOs os(machine.os());
  Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
  int reads = 0;
  bool inside = false;
  os.before_each = [&] {
    if (std::exchange(inside, true)) return;
    ++reads;
    // Not while the check holds a lock.
    for (int i = 0; i < 6; ++i) (void)other.put("k" + std::to_string(i), std::string(3900, 'v'));
    (void)other.checkpoint();
    inside = false;
  };
  const auto report = store.check();
  os.before_each = nullptr;
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_GT(reads, 5);
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST(Check, SaysHowFarItIs) {
  TestMachine machine;
  Store store = machine.open();
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(store.put(std::to_string(i), std::string(300, 'v')));
  uint64_t calls = 0;
  CheckOptions options;
  options.progress = [&](std::string_view, uint64_t, uint64_t) { ++calls; };
  ASSERT_TRUE(store.check(options));
  EXPECT_GE(calls, 1u);
}

}  // namespace
}  // namespace holdfast::store
