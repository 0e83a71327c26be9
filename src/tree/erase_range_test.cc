// Leaving out pages: against a map, with the tree verified and its pages counted after each step.
#include "tree/erase_range.h"

#include <gtest/gtest.h>

#include <random>

#include "tree/cursor.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

std::string key_of(uint32_t number) {
  std::string digits = std::to_string(number);
  return "key/" + std::string(6 - digits.size(), '0') + digits;
}

struct Erased {
  uint64_t keys = 0;
  uint64_t pages_made = 0;
};

// A published tree, its pages, and the keys it should hold.
class EraseTest : public testing::Test {
 protected:
  explicit EraseTest() : pages_(512) {}

  void fill(uint32_t count, size_t value_size) {
    TestBatch batch;
    for (uint32_t i = 0; i < count; ++i) {
      batch[key_of(i)] = std::string(i % 97 == 0 ? 700 : value_size, 'v');
      model_[key_of(i)] = *batch[key_of(i)];
    }
    publish(*apply(pages_.source(), root_, operations_of(batch), ++version_, pages_));
  }
  void publish(const ApplyResult& result) {
    pages_.write(result);
    root_ = result.root;
    for (const RetiredRun& run : result.retired) pages_.release(run.pgno, run.count);
  }
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> all;
    Cursor cursor(pages_.source(), root_);
    for (cursor.seek_first(); cursor.valid(); cursor.next()) {
      all.emplace(cursor.key(), *cursor.value());
    }
    EXPECT_TRUE(cursor.status());
    return all;
  }
  // Every page in use is reachable, and nothing is wrong with any.
  void expect_sound() {
    std::vector<std::string> problems;
    uint64_t reachable = 0;
    verify(
        pages_.source(), root_, version_, [&](const VisitedRun& run) { reachable += run.count; },
        [&](std::string problem) { problems.push_back(std::move(problem)); });
    EXPECT_TRUE(problems.empty()) << problems.front();
    EXPECT_EQ(pages_.in_use_count(), reachable);
  }
  // Erases pages, checks that only keys of the ranges have gone, then deletes those that are left.
  Erased erase(const std::vector<KeyRange>& ranges) {
    const uint64_t before = pages_.allocated_count();
    publish(*erase_pages(pages_.source(), root_, ranges, ++version_, pages_));
    expect_sound();
    Erased erased;
    erased.pages_made = pages_.allocated_count() - before;
    const auto inside = [&](const std::string& key) {
      return std::any_of(ranges.begin(), ranges.end(), [&](const KeyRange& range) {
        return key >= range.begin && (range.end.empty() || key < range.end);
      });
    };
    const auto left = contents();
    TestBatch rest;
    for (const auto& [key, value] : left) {
      EXPECT_EQ(model_.count(key), 1u);
      if (inside(key)) rest[key] = std::nullopt;
    }
    erased.keys = model_.size() - left.size();
    for (auto entry = model_.begin(); entry != model_.end();) {
      EXPECT_TRUE(inside(entry->first) || left.count(entry->first) == 1) << entry->first;
      entry = inside(entry->first) ? model_.erase(entry) : std::next(entry);
    }
    publish(*apply(pages_.source(), root_, operations_of(rest), ++version_, pages_));
    EXPECT_EQ(contents(), model_);
    expect_sound();
    return erased;
  }

  TestPages pages_;
  Root root_;
  uint64_t version_ = 0;
  std::map<std::string, std::string> model_;
};

TEST_F(EraseTest, TheWholeTreeIsDroppedWithoutANewPage) {
  fill(5000, 20);
  EXPECT_EQ(erase({{"", ""}}).pages_made, 0u);
  EXPECT_EQ(root_.height, 0u);
  EXPECT_EQ(pages_.in_use_count(), 0u);
}

TEST_F(EraseTest, ALargeRangeCostsTheBranchesAtItsEdges) {
  fill(20000, 20);
  const std::string begin = key_of(1234), end = key_of(18765);
  const Erased erased = erase({{begin, end}});
  EXPECT_GT(erased.keys, 17400u);
  EXPECT_LE(erased.pages_made, 2u * root_.height + 4);
}

TEST_F(EraseTest, ARangeWithinALeafChangesNothing) {
  fill(3000, 20);
  const std::string begin = key_of(1500), end = key_of(1502);
  const Erased erased = erase({{begin, end}});
  EXPECT_EQ(erased.keys + erased.pages_made, 0u);
}

TEST_F(EraseTest, AnEmptyTreeStaysEmpty) {
  EXPECT_EQ(erase({{"a", "b"}, {"c", ""}}).pages_made, 0u);
}

TEST_F(EraseTest, WhatIsLeftOfATallTreeIsLow) {
  fill(20000, 20);
  ASSERT_GT(root_.height, 3u);
  const std::string begin = key_of(3);
  erase({{begin, ""}});
  EXPECT_LE(root_.height, 2u);
}

TEST_F(EraseTest, RandomRangesMatchAMap) {
  std::mt19937 engine(11);
  const auto random = [&] { return static_cast<uint32_t>(engine()); };
  for (int round = 0; round < 40; ++round) {
    fill(200 + random() % 4000, 5 + random() % 60);
    for (int step = 0; step < 4; ++step) {
      std::set<uint32_t> edges;
      while (edges.size() < 2 * (1 + random() % 4)) edges.insert(random() % 4300);
      std::vector<std::string> keys;
      for (const uint32_t edge : edges) keys.push_back(key_of(edge));
      if (keys.size() % 2 != 0) keys.pop_back();
      std::vector<KeyRange> ranges;
      for (size_t i = 0; i + 1 < keys.size(); i += 2) ranges.push_back({keys[i], keys[i + 1]});
      if (random() % 10 == 0) ranges.back().end = {};
      if (random() % 10 == 0) ranges.front().begin = {};
      erase(ranges);
      if (HasFailure()) return;
    }
  }
}

TEST_F(EraseTest, ARefusedPageLeavesTheTree) {
  fill(5000, 20);
  pages_.limit_allocations(1);
  const uint64_t in_use = pages_.in_use_count();
  const std::string begin = key_of(100), end = key_of(4900);
  const std::vector<KeyRange> ranges = {{begin, end}};
  const auto result = erase_pages(pages_.source(), root_, ranges, ++version_, pages_);
  EXPECT_EQ(result.status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(pages_.in_use_count(), in_use);
  EXPECT_EQ(contents(), model_);
}

}  // namespace
}  // namespace holdfast::tree
