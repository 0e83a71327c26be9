// The tree against std::map, with random batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tree/cursor.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

using Model = std::map<std::string, std::string>;
using PageSet = std::set<uint32_t>;

struct Scenario {
  uint32_t page_size;
  uint32_t seed;
  uint32_t batches;
};

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << "page size " << scenario.page_size << ", seed " << scenario.seed;
}

class TreeModelTest : public testing::TestWithParam<Scenario> {
 protected:
  TreeModelTest() : tree_(GetParam().page_size), random_(GetParam().seed) {}

  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

  std::string random_key() {
    const uint32_t key_max = key_size_max(GetParam().page_size);
    switch (below(8)) {
      case 0:  // keys that are prefixes of each other
        return std::string(1 + below(key_max), 'a');
      case 1: {  // few different bytes, embedded zeros and 0xff
        std::string key(1 + below(12), '\0');
        for (char& byte : key) byte = "\0\xff\x01z"[below(4)];
        return key;
      }
      case 2: {  // a long shared prefix
        std::string key(key_max - 8, 'p');
        return key + std::to_string(below(1000));
      }
      default:
        return "space/" + std::to_string(below(4)) + "/" + std::to_string(below(3000));
    }
  }

  std::string random_value() {
    const uint32_t page = GetParam().page_size;
    const uint32_t kind = below(20);
    if (kind == 0) return std::string(below(4 * page), static_cast<char>('A' + below(26)));
    if (kind == 1) return std::string(page / 4 + below(3) - 1, 'q');
    if (kind == 2) return "";
    return std::string(below(page / 10), static_cast<char>('a' + below(26)));
  }

  TestBatch random_batch() {
    TestBatch batch;
    const uint32_t kind = below(10);
    if (kind == 0 && below(4) == 0) return range_deletion();
    if (kind == 1) return appended_batch();
    const uint32_t size = kind < 5 ? 1 + below(4) : 1 + below(200);
    const uint32_t deletions_percent = below(6) == 0 ? 80 : 20;
    for (uint32_t i = 0; i < size; ++i) {
      std::string key = random_key();
      if (below(100) < deletions_percent) {
        batch[key] = std::nullopt;
        if (const auto present = model_.lower_bound(key); present != model_.end()) {
          batch[present->first] = std::nullopt;
        }
      } else {
        batch[key] = random_value();
      }
    }
    return batch;
  }

  TestBatch range_deletion() {
    TestBatch batch;
    auto from = model_.lower_bound(random_key());
    for (uint32_t i = below(600); i > 0 && from != model_.end(); --i, ++from) {
      batch[from->first] = std::nullopt;
    }
    return batch;
  }

  TestBatch appended_batch() {
    TestBatch batch;
    for (uint32_t i = below(100); i > 0; --i) {
      char key[32];
      std::snprintf(key, sizeof(key), "zz%08u", appended_++);
      batch[key] = random_value();
    }
    return batch;
  }

  void change_model(const TestBatch& batch) {
    for (const auto& [key, value] : batch) {
      if (value) {
        model_[key] = *value;
      } else {
        model_.erase(key);
      }
    }
  }

  PageSet reachable() {
    PageSet pages;
    const Status status = walk(tree_.source(), tree_.root(), true, [&](const VisitedRun& run) {
      for (uint32_t i = 0; i < run.count; ++i) {
        EXPECT_TRUE(pages.insert(run.pgno + i).second) << "page " << run.pgno + i << " twice";
      }
      return Result<bool>(true);
    });
    EXPECT_TRUE(status) << status.to_string();
    return pages;
  }

  void apply_and_check_accounting(const TestBatch& batch) {
    const PageSet before = reachable();
    const uint32_t height = tree_.root().height;
    uint64_t bytes = 0;
    for (const auto& [key, value] : batch) bytes += key.size() + (value ? value->size() : 0);
    const uint64_t allocated = tree_.pages().allocated_count();
    const Status status = tree_.apply(batch);
    ASSERT_TRUE(status) << status.to_string();
    change_model(batch);
    ASSERT_LE(tree_.pages().allocated_count() - allocated,
              pages_needed_max(batch.size(), bytes, height, GetParam().page_size))
        << batch.size() << " operations, " << bytes << " bytes, height " << height;

    PageSet expected = before;
    for (const RetiredRun& run : tree_.last().retired) {
      EXPECT_LE(run.birth_version, tree_.version() - 1);
      for (uint32_t i = 0; i < run.count; ++i) {
        ASSERT_EQ(expected.erase(run.pgno + i), 1u) << "page " << run.pgno + i << " retired";
      }
    }
    for (const NewRun& run : tree_.last().written) {
      for (uint32_t i = 0; i < run.bytes.size() / GetParam().page_size; ++i) {
        ASSERT_TRUE(expected.insert(run.pgno + i).second) << "page " << run.pgno + i;
      }
    }
    ASSERT_EQ(reachable(), expected);
    ASSERT_EQ(tree_.pages().in_use_count(), expected.size());
  }

  void check_verify() {
    std::vector<std::string> problems;
    uint64_t visited = 0;
    const TreeCounts counts = verify(
        tree_.source(), tree_.root(), tree_.version(),
        [&](const VisitedRun& run) { visited += run.count; },
        [&](std::string problem) { problems.push_back(std::move(problem)); });
    ASSERT_THAT(problems, testing::IsEmpty());
    uint64_t key_bytes = 0, value_bytes_sum = 0;
    for (const auto& [key, value] : model_) {
      key_bytes += key.size();
      value_bytes_sum += value.size();
    }
    ASSERT_EQ(counts.keys, model_.size());
    ASSERT_EQ(counts.key_bytes, key_bytes);
    ASSERT_EQ(counts.value_bytes, value_bytes_sum);
    ASSERT_EQ(counts.leaf_pages + counts.branch_pages + counts.overflow_pages, visited);
    ASSERT_EQ(visited, tree_.pages().in_use_count());
  }

  void check_contents() {
    Cursor cursor(tree_.source(), tree_.root());
    cursor.seek_first();
    for (const auto& [key, value] : model_) {
      ASSERT_TRUE(cursor.valid()) << cursor.status().to_string();
      ASSERT_EQ(cursor.key(), key);
      const auto found = cursor.value();
      ASSERT_TRUE(found) << found.status().to_string();
      ASSERT_EQ(*found, value);
      cursor.next();
    }
    ASSERT_FALSE(cursor.valid());
    ASSERT_TRUE(cursor.status());
    cursor.seek_last();
    for (auto entry = model_.rbegin(); entry != model_.rend(); ++entry) {
      ASSERT_TRUE(cursor.valid());
      ASSERT_EQ(cursor.key(), entry->first);
      cursor.prev();
    }
    ASSERT_FALSE(cursor.valid());
  }

  // Scans of [begin, end), with seeks to begin with and in between.
  void check_ranges() {
    for (int i = 0; i < 10; ++i) {
      const std::string begin = random_key(), end = random_key();
      Cursor cursor(tree_.source(), tree_.root());
      cursor.set_end(end);
      auto entry = model_.begin();
      const auto matches = [&] {
        const bool inside = entry != model_.end() && entry->first < end;
        return cursor.valid() == inside && cursor.status() &&
               (!inside || (cursor.key() == entry->first && *cursor.value() == entry->second));
      };
      cursor.seek_first();
      ASSERT_TRUE(matches());
      entry = model_.lower_bound(begin);
      for (cursor.seek(begin); cursor.valid(); cursor.next(), ++entry) ASSERT_TRUE(matches());
      ASSERT_TRUE(matches());
    }
  }

  void check_lookups() {
    for (int i = 0; i < 30; ++i) {
      const std::string key = random_key();
      const auto found = tree_.get(key);
      ASSERT_TRUE(found) << found.status().to_string();
      const auto expected = model_.find(key);
      ASSERT_EQ(found->has_value(), expected != model_.end());
      if (*found) {
        ASSERT_EQ(**found, expected->second);
      }
      check_seek(key);
    }
  }

  void check_seek(const std::string& key) {
    Cursor cursor(tree_.source(), tree_.root());
    cursor.seek(key);
    const auto from = model_.lower_bound(key);
    ASSERT_EQ(cursor.valid(), from != model_.end());
    if (cursor.valid()) {
      ASSERT_EQ(cursor.key(), from->first);
    }
    if (cursor.valid()) {
      cursor.prev();
      ASSERT_EQ(cursor.valid(), from != model_.begin());
      if (cursor.valid()) {
        ASSERT_EQ(cursor.key(), std::prev(from)->first);
      }
    }
    cursor.seek_before(key);
    ASSERT_EQ(cursor.valid(), from != model_.begin());
    if (cursor.valid()) {
      ASSERT_EQ(cursor.key(), std::prev(from)->first);
    }
  }

  TestTree tree_;
  std::mt19937 random_;
  Model model_;
  uint32_t appended_ = 0;
};

TEST_P(TreeModelTest, RandomBatchesLeaveAValidTreeWithTheSameContents) {
  uint32_t height_max = 0;
  for (uint32_t i = 0; i < GetParam().batches; ++i) {
    SCOPED_TRACE("batch " + std::to_string(i));
    ASSERT_NO_FATAL_FAILURE(apply_and_check_accounting(random_batch()));
    ASSERT_NO_FATAL_FAILURE(check_verify());
    ASSERT_NO_FATAL_FAILURE(check_lookups());
    ASSERT_NO_FATAL_FAILURE(check_ranges());
    height_max = std::max(height_max, tree_.root().height);
    if (i % 8 == 0) {
      ASSERT_NO_FATAL_FAILURE(check_contents());
    }
  }
  ASSERT_NO_FATAL_FAILURE(check_contents());
  EXPECT_GE(height_max, GetParam().page_size > 1024 ? 2u : 4u);
}

TEST_P(TreeModelTest, DeletingEverythingInRandomOrderLeavesNoPage) {
  for (int i = 0; i < 20; ++i) apply_and_check_accounting(random_batch());
  while (!model_.empty()) {
    TestBatch batch;
    for (uint32_t i = 1 + below(40); i > 0; --i) {
      auto entry = model_.lower_bound(random_key());
      if (entry == model_.end()) entry = model_.begin();
      batch[entry->first] = std::nullopt;
    }
    ASSERT_NO_FATAL_FAILURE(apply_and_check_accounting(batch));
    ASSERT_NO_FATAL_FAILURE(check_verify());
  }
  EXPECT_EQ(tree_.root().height, 0u);
  EXPECT_EQ(tree_.root().page.pgno, 0u);
  EXPECT_EQ(tree_.pages().in_use_count(), 0u);
}

TEST_P(TreeModelTest, LargeCellsStayWithinThePageBound) {
  const uint32_t page = GetParam().page_size, key_max = key_size_max(page);
  for (int i = 0; i < 300; ++i) {
    std::string key(key_max / 2 + below(key_max / 2 + 1), static_cast<char>('a' + below(3)));
    for (uint32_t flips = below(4); flips > 0; --flips) {
      key[below(static_cast<uint32_t>(key.size()))] = static_cast<char>(below(256));
    }
    const TestBatch batch{{key, std::string(below(page / 3), 'v')}};
    ASSERT_NO_FATAL_FAILURE(apply_and_check_accounting(batch));
    ASSERT_NO_FATAL_FAILURE(check_verify());
  }
  check_contents();
}

// Long and short keys, with prefixes in common and without, grow, shrink and go.
TEST_P(TreeModelTest, SmallBatchesStayWithinThePageBound) {
  const uint32_t page = GetParam().page_size, key_max = key_size_max(page);
  for (int i = 0; i < 400; ++i) {
    TestBatch batch;
    for (uint32_t left = 1 + below(3); left > 0; --left) {
      std::string key(1 + below(key_max), static_cast<char>('a' + below(2)));
      key[below(static_cast<uint32_t>(key.size()))] = static_cast<char>('a' + below(4));
      const auto old = model_.lower_bound(key);
      if (old != model_.end() && below(2) == 0) key = old->first;
      batch[key] = below(3) == 0 ? std::nullopt
                                 : std::optional(std::string(below(2) * below(page / 4), 'v'));
    }
    ASSERT_NO_FATAL_FAILURE(apply_and_check_accounting(batch));
    ASSERT_NO_FATAL_FAILURE(check_verify());
  }
  check_contents();
}

TEST_P(TreeModelTest, AFailedAllocationLeavesNothingBehind) {
  for (int i = 0; i < 10; ++i) apply_and_check_accounting(random_batch());
  for (uint64_t limit = 0; limit < 12; ++limit) {
    const uint64_t in_use = tree_.pages().in_use_count();
    const uint64_t version = tree_.version();
    const TestBatch batch = random_batch();
    tree_.pages().limit_allocations(limit);
    const Status status = tree_.apply(batch);
    tree_.pages().limit_allocations(~uint64_t{0});
    if (status) {
      change_model(batch);
    } else {
      ASSERT_EQ(status.code(), StatusCode::kNoSpace);
      ASSERT_EQ(tree_.pages().in_use_count(), in_use);
      ASSERT_EQ(tree_.version(), version);
    }
    ASSERT_NO_FATAL_FAILURE(check_verify());
  }
  check_contents();
}

INSTANTIATE_TEST_SUITE_P(PageSizesAndSeeds, TreeModelTest,
                         testing::Values(Scenario{512, 1, 150}, Scenario{512, 2, 150},
                                         Scenario{512, 3, 150}, Scenario{1024, 4, 100},
                                         Scenario{4096, 5, 120}, Scenario{4096, 6, 120},
                                         Scenario{16384, 7, 80}));

}  // namespace
}  // namespace holdfast::tree
