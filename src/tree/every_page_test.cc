// Each page of a tree is damaged in turn, or not to be had, while the tree is changed, compared and
// walked: the damage is told, or nobody looked there; and a source of pages that reads a file, or
// has no memory for what it has verified, gives the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <thread>

#include "base/crc32c.h"
#include "os/os.h"
#include "tree/cursor.h"
#include "tree/diff.h"
#include "tree/erase_range.h"
#include "tree/page.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

using testing::HasSubstr;

constexpr uint32_t kPageBytes = 512;
constexpr int kRows = 300;

std::string key_of_row(int row) {
  return "key" + std::to_string(1000 + row);
}

TestBatch rows(int first, int last) {
  TestBatch batch;
  for (int i = first; i < last; ++i) {
    batch[key_of_row(i)] = std::string(i % 11 == 3 ? 700 : 100, static_cast<char>('a' + i % 26));
  }
  return batch;
}
TestBatch deletions(int first, int last) {
  TestBatch batch;
  for (int i = first; i < last; ++i) batch[key_of_row(i)] = std::nullopt;
  return batch;
}

// Numbers behind those of the tree, as many as it is told; nothing is ever written to them.
class SpareNumbers final : public PageAllocator {
 public:
  explicit SpareNumbers(TestPages& pages, uint32_t count_max = ~0u)
      : next_(pages.source().page_count()), left_(count_max) {}
  Result<uint32_t> allocate(uint32_t count) override {
    if (count > left_) return Status(StatusCode::kNoSpace, "no pages are left");
    left_ -= count;
    return (next_ += count) - count;
  }
  void release(uint32_t, uint32_t) override {}

 private:
  uint32_t next_;
  uint32_t left_;
};

class EveryPageTest : public testing::Test {
 protected:
  EveryPageTest() {
    CHECK(tree_.apply(rows(0, kRows)).is_ok());
    before_ = tree_.root();
    CHECK(tree_.apply(rows(100, 110)).is_ok());
    CHECK(tree_.root().height >= 3);
  }

  // Pages that the two trees are made of, without values outside of them.
  std::set<uint32_t> pages() {
    std::set<uint32_t> all;
    for (const Root& root : {before_, tree_.root()}) {
      CHECK(walk(tree_.source(), root, true, [&](const VisitedRun& run) {
              if (run.overflow == nullptr) all.insert(run.pgno);
              return true;
            }).is_ok());
    }
    return all;
  }

  // Batches that shrink leaves and branches until they are merged, also up to the root.
  std::vector<TestBatch> batches() {
    std::vector<TestBatch> all = {rows(kRows, kRows + 40), deletions(0, kRows), deletions(1, kRows),
                                  deletions(0, kRows - 1)};
    for (int i = 0; i + 30 < kRows; i += 24) all.push_back(deletions(i, i + 30));
    for (int i = 0; i + 3 < kRows; i += 2) all.push_back(deletions(i, i + 3));
    TestBatch thinned;
    for (int i = 0; i < kRows; ++i) {
      if (i % 9 != 0) thinned[key_of_row(i)] = std::nullopt;
    }
    all.push_back(thinned);
    return all;
  }
  std::vector<Status> change(const PageSource& source, uint32_t pages_max = ~0u) {
    std::vector<Status> answers;
    for (const TestBatch& batch : batches()) {
      SpareNumbers space(tree_.pages(), pages_max);
      answers.push_back(
          tree::apply(source, tree_.root(), operations_of(batch), tree_.version() + 1, space)
              .status());
    }
    const std::string a = key_of_row(40), b = key_of_row(45), c = key_of_row(90),
                      d = key_of_row(280);
    for (const std::vector<KeyRange>& ranges :
         {std::vector<KeyRange>{{a, d}}, std::vector<KeyRange>{{"", c}},
          std::vector<KeyRange>{{a, b}, {c, d}}, std::vector<KeyRange>{{a, ""}},
          std::vector<KeyRange>{{"", a}, {b, ""}}}) {
      SpareNumbers space(tree_.pages(), pages_max);
      answers.push_back(
          erase_pages(source, tree_.root(), ranges, tree_.version() + 1, space).status());
    }
    return answers;
  }
  std::vector<Status> look(const PageSource& source) {
    std::vector<Status> answers;
    for (const auto& [from, to] : {std::pair(before_, tree_.root()), {tree_.root(), before_}}) {
      DiffCursor diff(source, from, to, "", "");
      while (diff.valid()) diff.next();
      answers.push_back(diff.status());
    }
    answers.push_back(walk(source, tree_.root(), true, [](const VisitedRun&) { return true; }));
    for (int i = 0; i < kRows; i += 7) {
      Cursor cursor(source, tree_.root());
      cursor.seek(key_of_row(i));
      for (int steps = 0; cursor.valid() && steps < 12; ++steps) cursor.next();
      answers.push_back(cursor.status());
      const auto found = find(source, tree_.root(), key_of_row(i));
      answers.push_back(found.status());
      if (found && *found) answers.push_back(value_bytes(source, **found).status());
    }
    return answers;
  }

  TestTree tree_{kPageBytes, true};
  Root before_;  // an older version, which shares most with the tree
};

TEST_F(EveryPageTest, IsToldOfWhereItIsDamaged) {
  for (const uint32_t pgno : pages()) {
    SCOPED_TRACE(pgno);
    char& byte = tree_.pages().page(pgno)[60];
    byte = static_cast<char>(byte ^ 0x10);
    int told = 0;
    for (const bool changes : {false, true}) {
      const auto source = tree_.pages().fresh_source();
      for (const Status& answer : changes ? change(*source) : look(*source)) {
        EXPECT_TRUE(answer || answer.code() == StatusCode::kCorruption) << answer.to_string();
        told += !answer;
      }
    }
    byte = static_cast<char>(byte ^ 0x10);
    EXPECT_GT(told, 0);
  }
}

TEST_F(EveryPageTest, IsNeededOrTheDiskIsSaidToBeFull) {
  const auto source = tree_.pages().fresh_source();
  for (uint32_t pages_max = 0; pages_max < 60; ++pages_max) {
    for (const Status& answer : change(*source, pages_max)) {
      EXPECT_TRUE(answer || answer.code() == StatusCode::kNoSpace) << answer.to_string();
    }
  }
  for (const Status& answer : change(*source)) EXPECT_TRUE(answer) << answer.to_string();
}

TEST_F(EveryPageTest, IsReadFromAFileAsItIsMapped) {
  const auto os = os::make_memory_os();
  ASSERT_TRUE(os->make_directories("/d"));
  const auto file = std::move(*os->open("/d/pages", os::OpenMode::kCreate));
  const uint32_t count = tree_.source().page_count();
  ASSERT_TRUE(file->write_at(0, {tree_.pages().page(0), size_t{count} * kPageBytes}));
  const auto reading = PageSource::reading(*file, shift_of(kPageBytes), count);
  reading->set_page_count(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (const Status& answer : look(*reading)) EXPECT_TRUE(answer) << answer.to_string();
    });
  }
  for (std::thread& thread : threads) thread.join();
  // What was read stays; what the file does not have any more is told of.
  ASSERT_TRUE(file->truncate(uint64_t{count / 2} * kPageBytes));
  for (const Status& answer : look(*reading)) EXPECT_TRUE(answer) << answer.to_string();
  const auto anew = PageSource::reading(*file, shift_of(kPageBytes), count);
  anew->set_page_count(count);
  int told = 0;
  for (const Status& answer : look(*anew)) {
    EXPECT_TRUE(answer || answer.code() == StatusCode::kCorruption) << answer.to_string();
    told += !answer;
  }
  EXPECT_GT(told, 0);
}

// Two of them: the first is told, the walk goes on.
TEST_F(EveryPageTest, IsWalkedPastWhereItIsDamaged) {
  const std::set<uint32_t> all = pages();
  size_t visited = 0;
  const auto visit = [&](const VisitedRun&) { return ++visited > 0; };
  ASSERT_TRUE(walk_intact(tree_.source(), tree_.root(), visit));
  const size_t whole = visited;
  const Page root{tree_.pages().page(tree_.root().page.pgno), kPageBytes};
  for (const uint32_t child : {0u, root.cell_count() - 1}) {
    tree_.pages().page(root.child(child).pgno)[60] ^= 0x10;
  }
  visited = 0;
  const auto source = tree_.pages().fresh_source();
  EXPECT_EQ(walk_intact(*source, tree_.root(), visit).code(), StatusCode::kCorruption);
  EXPECT_GT(visited, root.cell_count() > 2 ? 1u : 0u);
  EXPECT_LT(visited, whole);
}

TEST_F(EveryPageTest, EndsAWalkWhereTheVisitorSaysSo) {
  for (const auto kind :
       {VisitedRun::Kind::kLeaf, VisitedRun::Kind::kBranch, VisitedRun::Kind::kOverflow}) {
    const auto refuse = [&](const VisitedRun& run) -> Result<bool> {
      if (run.kind == kind) return Status(StatusCode::kBusy, "not this one");
      return true;
    };
    EXPECT_EQ(walk(tree_.source(), tree_.root(), true, refuse).code(), StatusCode::kBusy);
    EXPECT_EQ(walk_intact(tree_.source(), tree_.root(), refuse).code(), StatusCode::kBusy);
  }
}

// The left half of a tree that grew at its right end, under each separator: with right checksums.
TEST(RepeatedPageTest, ATreeOfMorePagesThanThereAreIsToldOf) {
  TestTree tree(kPageBytes);
  for (int i = 0; tree.root().height < 3; ++i) {
    ASSERT_TRUE(tree.apply(TestBatch{{key_of_row(i), std::string(100, 'v')}}));
  }
  char* const bytes = tree.pages().page(tree.root().page.pgno);
  const Page page(bytes, kPageBytes);
  ASSERT_EQ(page.cell_count(), 2u);
  std::memcpy(bytes + (page.after_key(1) - bytes), page.after_key(0), sizeof(ChildCell));
  Root root = tree.root();
  root.page.crc = crc32c({bytes, kPageBytes});
  const auto source = tree.pages().fresh_source();
  const auto visit = [](const VisitedRun&) { return true; };
  EXPECT_THAT(walk(*source, root, true, visit).to_string(), HasSubstr("more pages are reachable"));
  std::vector<std::string> problems;
  verify(
      *source, root, tree.version(), [](const VisitedRun&) {},
      [&](std::string text) { problems.push_back(std::move(text)); });
  EXPECT_THAT(problems, testing::Contains(HasSubstr("more pages")));
}

// Cells of every place and size at the end of a page: what lies behind it is not looked at.
TEST(CellAtTheEndTest, IsRefusedWhereItDoesNotFit) {
  TestTree tree(kPageBytes);
  ASSERT_TRUE(tree.apply(TestBatch{{"a", "1"}, {"b", "2"}}));
  const std::string whole(tree.pages().page(tree.root().page.pgno), kPageBytes);
  const uint32_t pgno = tree.root().page.pgno;
  ASSERT_EQ(validate_page(whole.data(), kPageBytes, pgno), "");
  std::set<std::string> problems;
  for (uint32_t room = 0; room < 40; ++room) {
    for (uint16_t key_size = 0; key_size < 3; ++key_size) {
      for (const std::array<uint8_t, 3> body :
           {std::array<uint8_t, 3>{0, 0, 0}, {0, 0x80, 0}, {0, 0x80, 1}, {1, 0, 0}, {0, 5, 0}}) {
        std::string bytes = whole;
        const uint32_t heap_end = kPageBytes - Page(whole.data(), kPageBytes).header().prefix_size;
        const Slot slot{static_cast<uint16_t>(heap_end - room), key_size, 0};
        std::memcpy(bytes.data() + sizeof(PageHeader), &slot, sizeof(slot));
        const size_t begin = heap_end - room + key_size;
        for (size_t at = begin; at < heap_end; ++at) {
          bytes[at] = static_cast<char>(at < begin + 3 ? body[at - begin] : 0);
        }
        problems.insert(validate_page(bytes.data(), kPageBytes, pgno));
      }
    }
  }
  EXPECT_GT(problems.size(), 4u);
}

TEST_F(EveryPageTest, IsNotFoundUnderAnEmptyKey) {
  EXPECT_EQ(*find(tree_.source(), tree_.root(), ""), std::nullopt);
}

}  // namespace
}  // namespace holdfast::tree
