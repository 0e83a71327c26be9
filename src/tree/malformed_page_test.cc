// Pages whose checksums are right and whose bytes are not: written by a bug, or by somebody else.
// Each byte of a leaf, of a branch and of what they refer to is changed, with all checksums above
// it, and whatever reads or changes the tree must end with Corruption or go by what stands there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/crc32c.h"
#include "tree/cursor.h"
#include "tree/diff.h"
#include "tree/erase_range.h"
#include "tree/page.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

constexpr uint32_t kSize = 512;

TestBatch some_rows(int count) {
  TestBatch rows;
  for (int i = 0; i < count; ++i) {
    rows["key" + std::to_string(100 + i)] =
        std::string(i % 7 == 3 ? 700 : 10 + i % 5, static_cast<char>('a' + i % 26));
  }
  return rows;
}

// A tree of a branch and its leaves, in which one byte can be changed.
class MalformedPageTest : public testing::Test {
 protected:
  MalformedPageTest() {
    CHECK(tree_.apply(some_rows(50)).is_ok());
    before_ = tree_.root();
    CHECK(tree_.apply(some_rows(60)).is_ok());
    CHECK(tree_.root().height == 2);
  }

  Page branch() { return {tree_.pages().page(tree_.root().page.pgno), kSize}; }
  char* leaf(uint32_t index) { return tree_.pages().page(branch().child(index).pgno); }

  // Writes the checksum of a leaf into the branch.
  void seal(uint32_t index) {
    const PageRef ref = branch().child(index);
    char* const cell =
        tree_.pages().page(tree_.root().page.pgno) + (branch().after_key(index) - branch().bytes());
    const uint32_t crc = crc32c({tree_.pages().page(ref.pgno), kSize});
    std::memcpy(cell + offsetof(ChildCell, crc), &crc, sizeof(crc));
  }
  Root sealed_root() {
    Root root = tree_.root();
    root.page.crc = crc32c({tree_.pages().page(root.page.pgno), kSize});
    return root;
  }

  static void expect_told(const Status& status) {
    EXPECT_TRUE(status || status.code() == StatusCode::kCorruption) << status.to_string();
  }
  // What verify says of the tree.
  std::vector<std::string> problems(const Root& root) {
    std::vector<std::string> found;
    const auto source = tree_.pages().fresh_source();
    verify(
        *source, root, tree_.version(), [](const VisitedRun&) {},
        [&](std::string text) { found.push_back(std::move(text)); });
    return found;
  }
  void read_all(const Root& root) {
    const auto source = tree_.pages().fresh_source();
    for (const auto& [key, value] : some_rows(60)) {
      const auto found = find(*source, root, key);
      expect_told(found.status());
      if (found && *found) expect_told(value_bytes(*source, **found).status());
    }
    Cursor cursor(*source, root);
    int count = 0;
    for (cursor.seek_first(); cursor.valid() && count < 200; cursor.next()) ++count;
    expect_told(cursor.status());
    for (cursor.seek_last(); cursor.valid() && count < 400; cursor.prev()) ++count;
    expect_told(cursor.status());
    for (const char* key : {"key", "key130", "kez"}) {
      cursor.seek(key);
      expect_told(cursor.status());
    }
    expect_told(walk(*source, root, true, [](const VisitedRun&) { return true; }));
    (void)walk_intact(*source, root, [](const VisitedRun&) { return true; });
    for (const Root& other : {before_, Root()}) {
      DiffCursor diff(*source, other, root, "", "");
      for (count = 0; diff.valid() && count < 200; ++count) diff.next();
      expect_told(diff.status());
    }
  }
  // Nothing is published, so the tree stays as it was.
  void change(const Root& root) {
    const auto source = tree_.pages().fresh_source();
    TestBatch batch = some_rows(60);
    for (auto& [key, value] : batch) value = std::nullopt;
    batch["key131"] = std::string(200, 'z');
    batch["key131a"] = std::string(200, 'z');
    batch["a"] = "first";
    Space space(tree_.pages());
    expect_told(
        tree::apply(*source, root, operations_of(batch), tree_.version() + 1, space).status());
    const std::vector<Operation> two = {{"key110", "1"}, {"key150", std::nullopt}};
    expect_told(tree::apply(*source, root, two, tree_.version() + 1, space).status());
    const std::vector<KeyRange> ranges = {{"", "key105"}, {"key115", "key145"}, {"key155", ""}};
    expect_told(erase_pages(*source, root, ranges, tree_.version() + 1, space).status());
  }

  // Numbers behind those of the tree; nothing is ever written to them.
  class Space final : public PageAllocator {
   public:
    explicit Space(TestPages& pages) : next_(pages.source().page_count()) {}
    Result<uint32_t> allocate(uint32_t count) override { return (next_ += count) - count; }
    void release(uint32_t, uint32_t) override {}

   private:
    uint32_t next_;
  };

  TestTree tree_{kSize, true};
  Root before_;  // an older version, which shares leaves with the tree
};

const uint8_t kChanges[] = {0x01, 0x04, 0x80, 0xff};

TEST_F(MalformedPageTest, EveryByteOfALeafMayBeWrong) {
  std::set<std::string> kinds;
  for (const uint32_t index : {0u, 1u, branch().cell_count() - 1}) {
    for (uint32_t at = 0; at < kSize; ++at) {
      for (const uint8_t change_of_byte : kChanges) {
        char& byte = leaf(index)[at];
        byte = static_cast<char>(byte ^ change_of_byte);
        seal(index);
        const Root root = sealed_root();
        for (const std::string& problem : problems(root)) kinds.insert(problem);
        read_all(root);
        change(root);
        byte = static_cast<char>(byte ^ change_of_byte);
        ASSERT_FALSE(HasFailure()) << "byte " << at << " of leaf " << index;
      }
    }
    seal(index);
  }
  EXPECT_TRUE(problems(tree_.root()).empty());
  EXPECT_THAT(kinds, testing::Contains(testing::HasSubstr("overlap")));
  EXPECT_THAT(kinds, testing::Contains(testing::HasSubstr("heap size")));
  EXPECT_THAT(kinds, testing::Contains(testing::HasSubstr("out of order")));
}

TEST_F(MalformedPageTest, EveryByteOfABranchMayBeWrong) {
  char* const bytes = tree_.pages().page(tree_.root().page.pgno);
  for (uint32_t at = 0; at < kSize; ++at) {
    for (const uint8_t change_of_byte : kChanges) {
      bytes[at] = static_cast<char>(bytes[at] ^ change_of_byte);
      const Root root = sealed_root();
      (void)problems(root);
      read_all(root);
      change(root);
      bytes[at] = static_cast<char>(bytes[at] ^ change_of_byte);
      ASSERT_FALSE(HasFailure()) << "byte " << at;
    }
  }
  EXPECT_TRUE(problems(tree_.root()).empty());
}

// Any two cells of a page change places.
TEST_F(MalformedPageTest, CellsMayStandInAnyOrder) {
  for (const bool in_branch : {true, false}) {
    char* const bytes = in_branch ? tree_.pages().page(tree_.root().page.pgno) : leaf(1);
    const auto slot = [&](uint32_t index) {
      return bytes + sizeof(PageHeader) + index * sizeof(Slot);
    };
    const uint32_t first = in_branch ? 1 : 0;
    const uint32_t count = Page(bytes, kSize).cell_count();
    for (uint32_t i = first; i < count; ++i) {
      for (uint32_t j = first; j < i; ++j) {
        std::swap_ranges(slot(i), slot(i) + sizeof(Slot), slot(j));
        if (!in_branch) seal(1);
        const Root root = sealed_root();
        EXPECT_FALSE(problems(root).empty());
        read_all(root);
        change(root);
        std::swap_ranges(slot(i), slot(i) + sizeof(Slot), slot(j));
      }
    }
    if (!in_branch) seal(1);
  }
  EXPECT_TRUE(problems(tree_.root()).empty());
}

// Where a cell lies, how long its key is, and how long its value.
TEST_F(MalformedPageTest, ACellMayLieAnywhere) {
  char* const bytes = leaf(1);
  const Page page(bytes, kSize);
  const std::string before(bytes, kSize);
  for (const uint32_t index : {0u, 3u, page.cell_count() - 1}) {
    char* const slot = bytes + sizeof(PageHeader) + index * sizeof(Slot);
    for (uint16_t offset = 0; offset < kSize + 8; ++offset) {
      for (const size_t field : {offsetof(Slot, cell_offset), offsetof(Slot, key_size)}) {
        std::memcpy(slot + field, &offset, sizeof(offset));
        seal(1);
        (void)problems(sealed_root());
        const auto source = tree_.pages().fresh_source();
        expect_told(find(*source, sealed_root(), "key110").status());
        before.copy(bytes, kSize);
      }
    }
    ASSERT_FALSE(HasFailure());
    const auto body = static_cast<size_t>(page.after_key(index) - bytes);
    for (int value = 0; value < 1 << 16; value += 111) {
      bytes[body + 1] = static_cast<char>(value);
      bytes[body + 2] = static_cast<char>(value >> 8);
      seal(1);
      (void)problems(sealed_root());
      before.copy(bytes, kSize);
    }
  }
  seal(1);
  EXPECT_TRUE(problems(tree_.root()).empty());
}

// The page of a branch stands where a leaf is expected, a leaf where the root is, and so on.
TEST_F(MalformedPageTest, ARootOfAnotherHeightIsRefused) {
  for (const uint32_t height : {1u, 3u, 16u, 17u, 1000u}) {
    Root root = tree_.root();
    root.height = height;
    EXPECT_FALSE(problems(root).empty()) << height;
    read_all(root);
    change(root);
  }
  Root outside = tree_.root();
  outside.page.pgno = 1u << 15;
  EXPECT_FALSE(problems(outside).empty());
  read_all(outside);
  change(outside);
}

// Pages that stand twice in a tree, or below themselves, end no walk in a loop.
TEST_F(MalformedPageTest, AChildThatStandsTwiceIsToldOf) {
  char* const bytes = tree_.pages().page(tree_.root().page.pgno);
  const auto cell_of = [&](uint32_t index) {
    return bytes + (branch().after_key(index) - branch().bytes());
  };
  std::string before(bytes, kSize);
  std::memcpy(cell_of(1), cell_of(0), sizeof(ChildCell));
  EXPECT_FALSE(problems(sealed_root()).empty());
  read_all(sealed_root());
  change(sealed_root());
  before.copy(bytes, kSize);
  EXPECT_TRUE(problems(tree_.root()).empty());
}

// --- Damage that checksums show, and space that ends, in a tree of three levels.

TestBatch many_rows(std::optional<std::string> value, int every) {
  TestBatch rows;
  for (int i = 0; i < 500; i += every) rows["key" + std::to_string(1000 + i)] = value;
  return rows;
}

// What makes a tree merge, split and lose levels.
const TestBatch& changes(size_t which) {
  static const TestBatch kinds[] = {many_rows(std::nullopt, 1),
                                    many_rows(std::nullopt, 2),
                                    many_rows(std::nullopt, 7),
                                    many_rows(std::string(100, 'x'), 3),
                                    {{"key1001", std::nullopt}, {"key1499", "y"}}};
  return kinds[which];
}
constexpr size_t kKinds = 5;

class DamagedTreeTest : public testing::Test {
 protected:
  DamagedTreeTest() {
    CHECK(tree_.apply(many_rows(std::string(30, 'v'), 1)).is_ok());
    CHECK(tree_.root().height >= 3);
  }
  std::vector<uint32_t> pages() {
    std::vector<uint32_t> found;
    CHECK(walk(tree_.source(), tree_.root(), true, [&](const VisitedRun& run) -> Result<bool> {
            found.push_back(run.pgno);
            return true;
          }).is_ok());
    return found;
  }
  Result<ApplyResult> change(const PageSource& source, size_t which) {
    return tree::apply(source, tree_.root(), operations_of(changes(which)), tree_.version() + 1,
                       tree_.pages());
  }
  Result<ApplyResult> erase(const PageSource& source) {
    const std::vector<KeyRange> ranges = {
        {"key1010", "key1200"}, {"key1300", "key1301"}, {"key1320", ""}};
    return erase_pages(source, tree_.root(), ranges, tree_.version() + 1, tree_.pages());
  }
  void give_back(const Result<ApplyResult>& result) {
    if (!result) return;
    for (const NewRun& run : result->written) {
      tree_.pages().release(run.pgno, static_cast<uint32_t>(run.bytes.size() / kSize));
    }
  }
  TestTree tree_{kSize};
};

TEST_F(DamagedTreeTest, WhoeverComesByADamagedPageEndsWithCorruption) {
  int told = 0;
  const auto note = [&](const Status& status) {
    EXPECT_TRUE(status || status.code() == StatusCode::kCorruption) << status.to_string();
    told += !status;
  };
  for (const uint32_t pgno : pages()) {
    char& byte = tree_.pages().page(pgno)[200];
    byte = static_cast<char>(byte ^ 1);
    for (size_t which = 0; which <= kKinds; ++which) {
      const auto source = tree_.pages().fresh_source();
      const auto result = which == kKinds ? erase(*source) : change(*source, which);
      note(result.status());
      give_back(result);
    }
    const auto source = tree_.pages().fresh_source();
    for (const bool forward : {true, false}) {
      Cursor cursor(*source, tree_.root());
      forward ? cursor.seek_first() : cursor.seek_last();
      while (cursor.valid()) forward ? cursor.next() : cursor.prev();
      EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
    }
    EXPECT_EQ(walk(*source, tree_.root(), true, [](const VisitedRun&) { return true; }).code(),
              StatusCode::kCorruption);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_FALSE(HasFailure()) << "page " << pgno;
  }
  EXPECT_GT(told, 100);
}

TEST_F(DamagedTreeTest, WhoRunsOutOfPagesLeavesTheTreeAndTakesNone) {
  const uint64_t in_use = tree_.pages().in_use_count();
  for (size_t which = 0; which <= kKinds; ++which) {
    for (uint64_t left = 0;; ++left) {
      tree_.pages().limit_allocations(left);
      const auto result = which == kKinds ? erase(tree_.source()) : change(tree_.source(), which);
      if (result) {
        give_back(result);
        break;
      }
      EXPECT_EQ(result.status().code(), StatusCode::kNoSpace);
      ASSERT_LT(left, 1000u);
    }
  }
  tree_.pages().limit_allocations(~uint64_t{0});
  EXPECT_EQ(tree_.pages().in_use_count(), in_use);
  EXPECT_EQ(*tree_.get("key1123"), std::string(30, 'v'));
}

}  // namespace
}  // namespace holdfast::tree
