#include "store/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/page_allocation.h"
#include "store/test_machine.h"

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
  mark_taken(*context_, {0, static_cast<uint32_t>(control().allocation.file_pages.load())});
  for (const auto& run : runs_) mark_free(*context_, {run.pgno, run.count});
  EXPECT_LE(problems().size(), 100u);
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
