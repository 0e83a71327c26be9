// Facts about the tree that random batches would meet too rarely.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "tree/cursor.h"
#include "tree/page.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string numbered(uint32_t number) {
  char key[32];
  std::snprintf(key, sizeof(key), "key%08u", number);
  return key;
}

std::vector<std::string> problems_of(const PageSource& source, const Root& root, uint64_t version) {
  std::vector<std::string> problems;
  verify(
      source, root, version, [](const VisitedRun&) {},
      [&](std::string problem) { problems.push_back(std::move(problem)); });
  return problems;
}

TreeCounts counts_of(const TestTree& tree) {
  std::vector<std::string> problems;
  const TreeCounts counts = verify(
      tree.source(), tree.root(), tree.version(), [](const VisitedRun&) {},
      [&](std::string problem) { problems.push_back(std::move(problem)); });
  EXPECT_THAT(problems, IsEmpty());
  return counts;
}

double fill_of(const TestTree& tree, uint32_t page_size) {
  uint64_t used = 0, pages = 0;
  const Status status = walk(tree.source(), tree.root(), true, [&](const VisitedRun& run) {
    if (run.kind == VisitedRun::Kind::kLeaf) {
      used += Page(tree.source().raw(run.pgno, 1), page_size).used_size();
      ++pages;
    }
    return Result<bool>(true);
  });
  EXPECT_TRUE(status);
  return static_cast<double>(used) / static_cast<double>(pages * page_size);
}

TEST(TreeTest, TheEmptyTreeHasNoKeysAndNoPages) {
  TestTree tree(4096);
  EXPECT_EQ(*tree.get("a"), std::nullopt);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", std::nullopt}}));
  ASSERT_TRUE(tree.apply(TestBatch{}));
  EXPECT_EQ(tree.root().height, 0u);
  EXPECT_EQ(tree.pages().allocated_count(), 0u);
  Cursor cursor(tree.source(), tree.root());
  cursor.seek_first();
  EXPECT_FALSE(cursor.valid());
  cursor.seek_last();
  EXPECT_FALSE(cursor.valid());
  cursor.seek("a");
  EXPECT_FALSE(cursor.valid());
  cursor.seek_before("a");
  EXPECT_FALSE(cursor.valid());
  EXPECT_TRUE(cursor.status());
}

TEST(TreeTest, DeletingAbsentKeysCopiesNoPage) {
  TestTree tree(512);
  TestBatch batch;
  for (uint32_t i = 0; i < 500; ++i) batch[numbered(2 * i)] = "v";
  ASSERT_TRUE(tree.apply(batch));
  const Root before = tree.root();
  TestBatch absent;
  for (uint32_t i = 0; i < 500; ++i) absent[numbered(2 * i + 1)] = std::nullopt;
  ASSERT_TRUE(tree.apply(absent));
  EXPECT_EQ(tree.root().page.pgno, before.page.pgno);
  EXPECT_EQ(tree.root().page.crc, before.page.crc);
  EXPECT_TRUE(tree.last().written.empty());
  EXPECT_TRUE(tree.last().retired.empty());
}

TEST(TreeTest, OneChangeRewritesOnePagePerLevelInOneRun) {
  TestTree tree(512);
  TestBatch batch;
  for (uint32_t i = 0; i < 2000; ++i) batch[numbered(i)] = std::string(20, 'v');
  ASSERT_TRUE(tree.apply(batch));
  ASSERT_GE(tree.root().height, 3u);
  ASSERT_TRUE(tree.apply(TestBatch{{numbered(777), std::string(20, 'w')}}));
  ASSERT_EQ(tree.last().written.size(), 1u);
  EXPECT_EQ(tree.last().written[0].bytes.size(), tree.root().height * 512);
  EXPECT_EQ(tree.last().retired.size(), tree.root().height);
  EXPECT_EQ(*tree.get(numbered(777)), std::string(20, 'w'));
}

TEST(TreeTest, TheSameInputGivesTheSameBytes) {
  TestTree one(512), two(512);
  for (uint32_t i = 0; i < 40; ++i) {
    TestBatch batch;
    for (uint32_t k = 0; k < 30; ++k) batch[numbered(k * 131 * (i + 1) % 1009)] = numbered(i);
    ASSERT_TRUE(one.apply(batch));
    ASSERT_TRUE(two.apply(batch));
    ASSERT_EQ(one.root().page.crc, two.root().page.crc);
  }
}

TEST(TreeTest, OldRootsKeepTheirContents) {
  for (const uint32_t page_size : {512u, 4096u}) {
    TestTree tree(page_size, /*keep_old=*/true);
    std::vector<std::pair<Root, std::map<std::string, std::string>>> history;
    std::map<std::string, std::string> model;
    for (uint32_t i = 0; i < 60; ++i) {
      TestBatch batch;
      for (uint32_t k = 0; k < 25; ++k) {
        const std::string key = numbered((i * 7919 + k * 104729) % 701);
        const bool deletes = (i + k) % 5 == 0;
        batch[key] =
            deletes ? std::nullopt : std::optional(std::string((i * k) % (page_size / 2), 'v'));
        if (deletes) {
          model.erase(key);
        } else {
          model[key] = *batch[key];
        }
      }
      ASSERT_TRUE(tree.apply(batch));
      history.emplace_back(tree.root(), model);
    }
    for (const auto& [root, contents] : history) {
      Cursor cursor(tree.source(), root);
      cursor.seek_first();
      for (const auto& [key, value] : contents) {
        ASSERT_TRUE(cursor.valid());
        ASSERT_EQ(cursor.key(), key);
        ASSERT_EQ(*cursor.value(), value);
        cursor.next();
      }
      ASSERT_FALSE(cursor.valid());
    }
  }
}

TEST(TreeTest, ASortedBulkLoadFillsPages) {
  TestTree tree(4096);
  TestBatch batch;
  for (uint32_t i = 0; i < 50000; ++i) batch[numbered(i)] = std::string(i % 90, 'v');
  ASSERT_TRUE(tree.apply(batch));
  EXPECT_GE(fill_of(tree, 4096), 0.90);
  EXPECT_EQ(counts_of(tree).keys, 50000u);
}

TEST(TreeTest, KeysThatArriveInOrderFillPages) {
  for (const uint32_t per_batch : {1u, 3u, 50u}) {
    TestTree tree(4096);
    for (uint32_t i = 0; i < 9000;) {
      TestBatch batch;
      for (uint32_t k = 0; k < per_batch; ++k, ++i) batch[numbered(i)] = std::string(i % 90, 'v');
      ASSERT_TRUE(tree.apply(batch));
    }
    EXPECT_GE(fill_of(tree, 4096), 0.90) << per_batch;
    EXPECT_THAT(problems_of(tree.source(), tree.root(), tree.version()), IsEmpty());
  }
}

TEST(TreeTest, KeysThatArriveInAnyOrderHalfFillPagesAtLeast) {
  TestTree tree(4096);
  for (uint32_t i = 0; i < 9000; ++i) {
    ASSERT_TRUE(tree.apply(TestBatch{{numbered(i * 7919 % 9001), std::string(i % 90, 'v')}}));
  }
  EXPECT_GE(fill_of(tree, 4096), 0.6);
}

TEST(TreeTest, DeletingMostKeysMergesPages) {
  TestTree tree(4096);
  TestBatch batch;
  for (uint32_t i = 0; i < 20000; ++i) batch[numbered(i)] = std::string(50, 'v');
  ASSERT_TRUE(tree.apply(batch));
  for (uint32_t i = 0; i < 20000; ++i) {
    if (i % 50 != 0) {
      ASSERT_TRUE(tree.apply(TestBatch{{numbered(i), std::nullopt}}));
    }
  }
  EXPECT_EQ(counts_of(tree).keys, 400u);
  EXPECT_GE(fill_of(tree, 4096), 0.25);
  EXPECT_EQ(tree.pages().in_use_count(), counts_of(tree).leaf_pages + counts_of(tree).branch_pages);
}

TEST(TreeTest, KeysOfEveryShapeAreTold) {
  for (const uint32_t page_size : {512u, 1024u, 4096u, 16384u}) {
    const uint32_t key_max = key_size_max(page_size);
    TestTree tree(page_size);
    TestBatch batch;
    for (uint32_t size = 1; size <= key_max; size += (size < 20 ? 1 : key_max / 9)) {
      for (const char byte : {'\0', '\xff', 'a', '\x7f'}) {
        batch[std::string(size, byte)] = std::to_string(size);
        batch[std::string(size - 1, byte) + '\0'] = "zero";
        batch[std::string(size - 1, byte) + '\xff'] = "";
      }
    }
    batch[std::string(key_max, '\xff')] = std::string(page_size * 3, 'x');
    batch[std::string(key_max, '\0')] = std::string(page_size / 4, 'y');
    for (const auto& [key, value] : batch) ASSERT_TRUE(tree.apply(TestBatch{{key, value}}));
    ASSERT_THAT(problems_of(tree.source(), tree.root(), tree.version()), IsEmpty());
    for (const auto& [key, value] : batch) ASSERT_EQ(*tree.get(key), value);
    Cursor cursor(tree.source(), tree.root());
    cursor.seek("");
    for (const auto& [key, value] : batch) {
      ASSERT_EQ(cursor.key(), key);
      cursor.next();
    }
    EXPECT_FALSE(cursor.valid());
    TestTree bulk(page_size);
    ASSERT_TRUE(bulk.apply(batch));
    for (const auto& [key, value] : batch) ASSERT_EQ(*bulk.get(key), value);
  }
}

TEST(TreeTest, ValuesAroundTheInlineLimitComeBack) {
  for (const uint32_t page_size : {512u, 4096u, 16384u}) {
    for (const uint32_t key_size : {1u, key_size_max(page_size)}) {
      TestTree tree(page_size);
      const std::string key(key_size, 'k');
      for (const uint32_t size : {0u, 1u, 127u, 128u, page_size / 4 - 1, page_size / 4,
                                  page_size / 4 + 1, page_size - 1, page_size, page_size + 1}) {
        const std::string value(size, 'v');
        ASSERT_TRUE(tree.apply(TestBatch{{key, value}}));
        ASSERT_EQ(*tree.get(key), value);
        const bool inlined = is_inline(key_size, size, page_size);
        ASSERT_EQ(tree.root().page.has_overflow, !inlined);
        ASSERT_EQ(tree.pages().in_use_count(), inlined ? 1 : 1 + (size - 1) / page_size + 1);
      }
    }
  }
}

TEST(TreeTest, AnUnchangedOverflowRunKeepsItsPages) {
  TestTree tree(4096);
  ASSERT_TRUE(tree.apply(TestBatch{{"big", std::string(10000, 'b')}, {"small", "s"}}));
  ASSERT_TRUE(tree.apply(TestBatch{{"small", "t"}}));
  EXPECT_EQ(tree.last().retired.size(), 1u);
  ASSERT_TRUE(tree.apply(TestBatch{{"big", std::nullopt}}));
  ASSERT_EQ(tree.last().retired.size(), 2u);
  EXPECT_EQ(tree.last().retired[0].count, 3u);
  EXPECT_EQ(tree.last().retired[0].birth_version, 1u);
  EXPECT_EQ(tree.last().retired[1].birth_version, 2u);
  EXPECT_FALSE(tree.root().page.has_overflow);
}

// A tree with several levels and overflow runs.
TestBatch mixed_batch() {
  TestBatch batch;
  for (uint32_t i = 0; i < 120; ++i) {
    batch[numbered(i)] =
        std::string(i % 7 == 0 && i < 60 ? 600 + i : i % 40, static_cast<char>('a' + i % 26));
  }
  return batch;
}

TEST(TreeTest, AFlippedBitInAnyByteIsFound) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(mixed_batch()));
  ASSERT_GE(tree.root().height, 2u);
  for (uint32_t pgno = 1; pgno < tree.source().page_count(); ++pgno) {
    for (uint32_t i = 0; i < 512; ++i) {
      tree.pages().page(pgno)[i] ^= static_cast<char>(1 << i % 8);
      const auto fresh = tree.pages().fresh_source();
      ASSERT_FALSE(problems_of(*fresh, tree.root(), tree.version()).empty())
          << "page " << pgno << " byte " << i;
      tree.pages().page(pgno)[i] ^= static_cast<char>(1 << i % 8);
    }
  }
  EXPECT_THAT(problems_of(*tree.pages().fresh_source(), tree.root(), tree.version()), IsEmpty());
}

TEST(TreeTest, ReadingADamagedPageNamesThePlaceAndBothChecksums) {
  TestTree tree(4096);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  const uint32_t pgno = tree.root().page.pgno;
  tree.pages().page(pgno)[2000] ^= 1;
  const auto fresh = tree.pages().fresh_source();
  const auto found = find(*fresh, tree.root(), "a");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.status().code(), StatusCode::kCorruption);
  char expected[16];
  std::snprintf(expected, sizeof(expected), "%08x", tree.root().page.crc);
  EXPECT_THAT(found.status().to_string(), HasSubstr("page " + std::to_string(pgno)));
  EXPECT_THAT(found.status().to_string(), HasSubstr(expected));
  EXPECT_EQ(found.status().offset(), uint64_t{pgno} * 4096);
  Cursor cursor(*fresh, tree.root());
  cursor.seek("a");
  EXPECT_FALSE(cursor.valid());
  EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
  TestBatch batch{{"b", "2"}};
  const auto operations = operations_of(batch);
  const uint64_t in_use = tree.pages().in_use_count();
  const auto result = apply(*fresh, tree.root(), operations, 2, tree.pages());
  EXPECT_EQ(result.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(tree.pages().in_use_count(), in_use);
}

TEST(TreeTest, ADamagedOverflowRunIsNotReturned) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", std::string(2000, 'v')}}));
  const auto found = find(tree.source(), tree.root(), "a");
  ASSERT_TRUE(found && found->has_value());
  tree.pages().page((*found)->overflow.pgno + 1)[100] ^= 4;
  const auto fresh = tree.pages().fresh_source();
  EXPECT_EQ(value_bytes(*fresh, **found).status().code(), StatusCode::kCorruption);
}

TEST(TreeTest, AReusedPageIsVerifiedAnew) {
  TestTree tree(4096);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  ASSERT_TRUE(tree.get("a"));
  const Root old = tree.root();
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "2"}}));
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "3"}}));
  ASSERT_EQ(tree.root().page.pgno, old.page.pgno);
  EXPECT_EQ(*tree.get("a"), "3");
  EXPECT_EQ(find(tree.source(), old, "a").status().code(), StatusCode::kCorruption);
  EXPECT_EQ(*tree.get("a"), "3");
}

TEST(TreeTest, NoPageIsMadeOfOneThatHasChangedSinceItWasVerified) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  ASSERT_EQ(*tree.get("a"), "1");
  tree.pages().page(tree.root().page.pgno)[511] ^= 1;
  EXPECT_EQ(tree.apply(TestBatch{{"b", "2"}}).code(), StatusCode::kCorruption);
  tree.pages().page(tree.root().page.pgno)[511] ^= 1;
  EXPECT_TRUE(tree.apply(TestBatch{{"b", "2"}}));
}

TEST(TreeTest, APageThatFallsBackToOlderBytesIsNotBelieved) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  const uint32_t pgno = tree.root().page.pgno;
  const std::string older(tree.pages().page(pgno), 512);
  while (tree.root().page.pgno != pgno || tree.version() == 1) {
    ASSERT_TRUE(tree.apply(TestBatch{{"a", std::to_string(tree.version() + 1)}}));
  }
  ASSERT_EQ(*tree.get("a"), std::to_string(tree.version()));
  older.copy(tree.pages().page(pgno), 512);
  EXPECT_EQ(tree.get("a").status().code(), StatusCode::kCorruption);
}

TEST(TreeTest, APageThatTheDiskHasLostIsNotCalledRotten) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  tree.pages().page(tree.root().page.pgno)[40] ^= 1;
  for (const bool lost : {false, true}) {
    const auto source = tree.pages().fresh_source();
    source->set_loss_inquiry([lost] { return lost; });
    const auto found = find(*source, tree.root(), "a");
    ASSERT_EQ(found.status().code(), StatusCode::kCorruption);
    EXPECT_THAT(found.status().to_string(), HasSubstr(lost ? "was lost by the disk" : "checksum"));
  }
}

TEST(TreeTest, ARefToAPageThatDoesNotExistIsCorruption) {
  TestTree tree(4096);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}}));
  for (const uint32_t pgno : {0u, tree.source().page_count(), 1u << 16, ~0u}) {
    Root root = tree.root();
    root.page.pgno = pgno;
    EXPECT_EQ(find(tree.source(), root, "a").status().code(), StatusCode::kCorruption);
  }
  for (const uint32_t height : {2u, 16u, 17u, ~0u}) {
    Root root = tree.root();
    root.height = height;
    EXPECT_EQ(find(tree.source(), root, "a").status().code(), StatusCode::kCorruption);
    EXPECT_FALSE(problems_of(tree.source(), root, 1).empty());
    Cursor cursor(tree.source(), root);
    cursor.seek_last();
    EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
  }
}

TEST(TreeTest, WalkReportsPlainLeavesWithoutReadingThem) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(mixed_batch()));
  std::map<uint32_t, VisitedRun> all, plain;
  const auto into = [](std::map<uint32_t, VisitedRun>& runs) {
    return [&runs](const VisitedRun& run) {
      runs.emplace(run.pgno, run);
      return Result<bool>(true);
    };
  };
  ASSERT_TRUE(walk(tree.source(), tree.root(), true, into(all)));
  ASSERT_TRUE(walk(tree.source(), tree.root(), false, into(plain)));
  ASSERT_EQ(all.size(), plain.size());
  uint32_t unread = 0;
  for (const auto& [pgno, run] : plain) {
    EXPECT_EQ(run.kind, all.at(pgno).kind);
    EXPECT_EQ(run.count, all.at(pgno).count);
    if (run.birth_version != 0) continue;
    ++unread;
    EXPECT_EQ(run.kind, VisitedRun::Kind::kLeaf);
  }
  EXPECT_GT(unread, 0u);
}

TEST(TreeTest, WalkDescendsOnlyWhereAskedAndStopsAtAnError) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(mixed_batch()));
  uint32_t visits = 0;
  ASSERT_TRUE(walk(tree.source(), tree.root(), true, [&](const VisitedRun&) {
    ++visits;
    return Result<bool>(false);
  }));
  EXPECT_EQ(visits, 1u);
  const Status stopped = walk(tree.source(), tree.root(), true, [&](const VisitedRun& run) {
    if (run.kind == VisitedRun::Kind::kBranch) return Result<bool>(true);
    return Result<bool>(Status(StatusCode::kAborted, "enough"));
  });
  EXPECT_EQ(stopped.code(), StatusCode::kAborted);
}

TEST(TreeTest, VerifyFindsAPageBornAfterItsParent) {
  TestTree tree(512);
  ASSERT_TRUE(tree.apply(mixed_batch()));
  const auto problems = problems_of(tree.source(), tree.root(), 0);
  ASSERT_FALSE(problems.empty());
  EXPECT_THAT(problems[0], HasSubstr("born"));
}

TEST(TreeTest, ThePageBoundIsOfTheOrderOfTheWork) {
  EXPECT_EQ(pages_needed_max(0, 0, 5, 4096), 0u);
  EXPECT_LE(pages_needed_max(1, 200, 5, 4096), 11u);
  EXPECT_LE(pages_needed_max(10000, 10000 * 240, 4, 4096), 55000u);    // 10000 leaves of a million
  EXPECT_LE(pages_needed_max(100000, 100000 * 100, 1, 4096), 25000u);  // about 2600 full pages
}

class TestSink final : public PageSink {
 public:
  explicit TestSink(TestPages& pages, int writes_max = 1 << 30)
      : pages_(pages), writes_left_(writes_max) {}
  Status write(uint32_t pgno, std::string_view bytes) override {
    if (writes_left_-- == 0) return Status(StatusCode::kIoError, "the sink is full");
    bytes.copy(pages_.page(pgno), bytes.size());
    return Status::ok();
  }

 private:
  TestPages& pages_;
  int writes_left_;
};

TestBatch rows_with_large_ones(int count) {
  TestBatch batch;
  for (int i = 0; i < count; ++i) {
    batch[numbered(i)] = std::string(i % 50 == 0 ? 3000 : 30, static_cast<char>('a' + i % 26));
  }
  return batch;
}

TEST(TreeSinkTest, GetsEveryPageOfTheTree) {
  TestTree expected(512);
  TestPages pages(512);
  Root root;
  for (const int count : {2000, 3000}) {
    const TestBatch batch = rows_with_large_ones(count);
    ASSERT_TRUE(expected.apply(batch));
    TestSink sink(pages);
    const auto operations = operations_of(batch);
    const auto result = apply(pages.source(), root, operations, expected.version(), pages, &sink);
    ASSERT_TRUE(result) << result.status().to_string();
    EXPECT_TRUE(result->written.empty());
    root = result->root;
    for (const RetiredRun& run : result->retired) pages.release(run.pgno, run.count);
    std::vector<std::string> problems;
    const auto counts = verify(
        pages.source(), root, expected.version(), [](const VisitedRun&) {},
        [&](std::string problem) { problems.push_back(std::move(problem)); });
    EXPECT_TRUE(problems.empty()) << problems.front();
    EXPECT_EQ(counts.keys, static_cast<uint64_t>(count));
    EXPECT_EQ(pages.in_use_count(), expected.pages().in_use_count());
    EXPECT_EQ(root.page.crc, expected.root().page.crc);
  }
}

TEST(TreeSinkTest, AnErrorGivesEveryPageBack) {
  const TestBatch batch = rows_with_large_ones(40000);
  for (const int writes : {0, 1, 2}) {
    TestPages pages(512);
    TestSink sink(pages, writes);
    const auto result = apply(pages.source(), {}, operations_of(batch), 1, pages, &sink);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.status().code(), StatusCode::kIoError);
    EXPECT_EQ(pages.in_use_count(), 0u);
  }
}

}  // namespace
}  // namespace holdfast::tree
