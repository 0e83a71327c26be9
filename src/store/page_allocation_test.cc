#include "store/page_allocation.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "store/test_machine.h"

namespace holdfast::store {

static bool operator==(const Extent& a, const Extent& b) {
  return a.pgno == b.pgno && a.count == b.count;
}

namespace {

using Extents = std::vector<Extent>;

// A file of 259 pages: three fixed ones and 256 free.
class PageAllocationTest : public testing::Test {
 protected:
  PageAllocationTest() { EXPECT_TRUE(grow_file(*context_, 1)); }
  AllocationLine& line() { return context_->control().allocation; }
  void leave_free(const Extents& extents) {
    mark_taken(*context_, {0, static_cast<uint32_t>(line().file_pages.load())});
    for (const Extent& extent : extents) mark_free(*context_, extent);
    line().free_pages.store(count_free(*context_));
  }
  TestMachine machine_;
  std::unique_ptr<Context> context_ = machine_.attach();
};

TEST_F(PageAllocationTest, AFileGrowsInLargeSteps) {
  EXPECT_EQ(line().file_pages.load(), kFirstPage + 256u);
  EXPECT_EQ(line().free_pages.load(), 256u);
  EXPECT_EQ(count_free(*context_), 256u);
  EXPECT_EQ((*context_->data_file->info()).size_bytes, line().file_pages.load() * 512);
  ASSERT_TRUE(grow_file(*context_, 100));
  EXPECT_EQ(line().free_pages.load(), 256u + 256u);
  ASSERT_TRUE(grow_file(*context_, 400));
  EXPECT_EQ(line().free_pages.load(), 512u + 400u);
}

TEST_F(PageAllocationTest, TheBitsOfWhatHasGrownHaveMemoryBehindThem) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_GE(line().bitmap_backed.load() * 8, line().file_pages.load());
    EXPECT_LE(line().bitmap_backed.load(), line().file_pages.load() / 8 + (512u << 10));
    ASSERT_TRUE(grow_file(*context_, line().file_pages.load() * 4));
  }
}

TEST_F(PageAllocationTest, AFileDoesNotGrowBeyondItsMapping) {
  const uint64_t before = line().file_pages.load();
  const uint64_t pages_max = context_->data_map->size() / 512;
  EXPECT_EQ(grow_file(*context_, pages_max).code(), StatusCode::kNoSpace);
  EXPECT_EQ(line().file_pages.load(), before);
  EXPECT_EQ(line().free_pages.load(), 256u);
}

TEST_F(PageAllocationTest, MarkingTwiceIsHarmless) {
  for (int i = 0; i < 2; ++i) {
    mark_taken(*context_, {60, 100});
    EXPECT_EQ(count_free(*context_), 156u);
  }
  for (int i = 0; i < 2; ++i) {
    mark_free(*context_, {63, 2});
    EXPECT_EQ(count_free(*context_), 158u);
  }
}

TEST_F(PageAllocationTest, PagesAreGivenOutFromTheFront) {
  PageAllocation allocation(*context_);
  for (uint32_t pgno = kFirstPage; pgno < 200; ++pgno) EXPECT_EQ(*allocation.allocate(1), pgno);
  EXPECT_EQ(allocation.pages_taken(), 197u);
  EXPECT_EQ(allocation.extents(), (Extents{{kFirstPage, 197}}));
}

TEST_F(PageAllocationTest, NothingIsTakenInTheSharedMap) {
  PageAllocation first(*context_);
  ASSERT_TRUE(first.allocate(10));
  EXPECT_EQ(count_free(*context_), 256u);
  PageAllocation second(*context_);
  EXPECT_EQ(*second.allocate(10), kFirstPage);
}

TEST_F(PageAllocationTest, HolesTooSmallForARunAreLeftOut) {
  leave_free({{10, 2}, {20, 3}, {40, 4}, {100, 8}});
  PageAllocation allocation(*context_);
  EXPECT_EQ(*allocation.allocate(4), 40u);
  EXPECT_EQ(*allocation.allocate(3), 20u);
  EXPECT_EQ(*allocation.allocate(5), 100u);
  EXPECT_EQ(*allocation.allocate(1), 10u);
  EXPECT_EQ(allocation.extents(), (Extents{{10, 1}, {20, 3}, {40, 4}, {100, 5}}));
}

TEST_F(PageAllocationTest, ARunMayCrossWords) {
  leave_free({{60, 8}, {70, 150}});
  PageAllocation allocation(*context_);
  EXPECT_EQ(*allocation.allocate(8), 60u);
  EXPECT_EQ(*allocation.allocate(140), 70u);
  EXPECT_EQ(allocation.extents(), (Extents{{60, 8}, {70, 140}}));
}

TEST_F(PageAllocationTest, WhatLiesBehindTheEndOfTheFileIsNotGivenOut) {
  leave_free({{250, 9}});
  mark_free(*context_, {259, 50});  // as a process leaves it that dies while the file grows
  EXPECT_EQ(count_free(*context_), 9u);
  PageAllocation allocation(*context_);
  EXPECT_EQ((*allocation.allocate_some(64)).count, 9u);
}

TEST_F(PageAllocationTest, AFullFileGrows) {
  leave_free({});
  PageAllocation allocation(*context_);
  EXPECT_EQ(*allocation.allocate(1), 259u);
  EXPECT_EQ(line().file_pages.load(), 259u + 256u);
}

TEST_F(PageAllocationTest, ARunMayBeginBeforeWhereTheFileGrew) {
  leave_free({{255, 4}});
  PageAllocation allocation(*context_);
  EXPECT_EQ(*allocation.allocate(300), 255u);
  EXPECT_EQ(*allocation.allocate(1), 555u);
}

TEST_F(PageAllocationTest, NothingBelowTheHintIsLookedAt) {
  line().hint.store(77);
  PageAllocation allocation(*context_);
  EXPECT_EQ(*allocation.allocate(1), 77u);
  EXPECT_EQ(*allocation.allocate(2), 78u);
  EXPECT_EQ(allocation.hint(), 77u);
  EXPECT_EQ(*allocation.allocate(1), 80u);
  EXPECT_EQ(allocation.hint(), 80u);
}

TEST_F(PageAllocationTest, ReleasedPagesAreGivenOutAgain) {
  PageAllocation allocation(*context_);
  const uint32_t first = *allocation.allocate(5);
  ASSERT_TRUE(allocation.allocate(1));
  allocation.release(first + 1, 3);
  EXPECT_EQ(allocation.pages_taken(), 3u);
  EXPECT_EQ(allocation.extents(), (Extents{{first, 1}, {first + 4, 2}}));
  EXPECT_EQ(*allocation.allocate(3), first + 1);
  EXPECT_EQ(allocation.extents(), (Extents{{first, 6}}));
}

TEST_F(PageAllocationTest, SomePagesAreNeighbours) {
  leave_free({{10, 3}, {20, 50}});
  PageAllocation allocation(*context_);
  const auto small = *allocation.allocate_some(8);
  EXPECT_EQ(small.pgno, 10u);
  EXPECT_EQ(small.count, 3u);
  const auto large = *allocation.allocate_some(8);
  EXPECT_EQ(large.pgno, 20u);
  EXPECT_EQ(large.count, 8u);
}

TEST_F(PageAllocationTest, NoPageIsGivenOutTwice) {
  std::mt19937 random(3);
  Extents free;
  for (uint32_t pgno = kFirstPage; pgno < 250; pgno += 9) free.push_back({pgno, 1 + pgno % 7});
  leave_free(free);
  PageAllocation allocation(*context_);
  std::set<uint32_t> taken;
  Extents runs;
  for (int i = 0; i < 400; ++i) {
    if (!runs.empty() && random() % 3 == 0) {
      std::swap(runs[random() % runs.size()], runs.back());
      for (uint32_t j = 0; j < runs.back().count; ++j) taken.erase(runs.back().pgno + j);
      allocation.release(runs.back().pgno, runs.back().count);
      runs.pop_back();
    } else {
      const auto count = static_cast<uint32_t>(1 + random() % 6);
      const uint32_t pgno = *allocation.allocate(count);
      runs.push_back({pgno, count});
      for (uint32_t page = pgno; page < pgno + count; ++page) {
        EXPECT_TRUE(taken.insert(page).second) << page;
        const uint64_t word = bitmap_words(*context_)[page / 64].load();
        EXPECT_EQ(word >> page % 64 & 1, 1u) << page;
      }
    }
    ASSERT_EQ(allocation.pages_taken(), taken.size());
  }
  std::set<uint32_t> described;
  for (const Extent& extent : allocation.extents()) {
    for (uint32_t j = 0; j < extent.count; ++j) described.insert(extent.pgno + j);
  }
  EXPECT_EQ(described, taken);
}

}  // namespace
}  // namespace holdfast::store
