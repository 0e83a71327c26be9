// Pages of a mapping that become others while they are read: what the kernel could not write and
// dropped shows what was there before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/os.h"
#include "tree/cursor.h"
#include "tree/diff.h"
#include "tree/page.h"
#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

using testing::HasSubstr;

constexpr uint32_t kSizeBytes = 512;
constexpr int kRowCount = 3000;

std::string row_key(int number) {
  return "row" + std::to_string(10'000 + number);
}

TestBatch rows(const std::string& value) {
  TestBatch batch;
  for (int i = 0; i < kRowCount; ++i) batch[row_key(i)] = value;
  return batch;
}

// A tree of three levels in memory that stands for the mapping, and a file with the same pages.
class ChangedPageTest : public testing::Test {
 protected:
  ChangedPageTest() {
    CHECK(tree_.apply(rows("before")));
    before_ = tree_.root();
    CHECK(tree_.apply(rows("after")));
    CHECK(tree_.root().height == 3);
    file_ = *os_->open("/data", os::OpenMode::kCreate);
    source_ = tree_.pages().fresh_source();
    source_->set_doubt(state_, kInDoubt, *file_);
  }

  std::string_view pages() {
    return {tree_.pages().page(0), size_t{tree_.source().page_count()} * kSizeBytes};
  }
  void write_file() { CHECK(file_->write_at(0, pages())); }
  // All pages become those of another commit.
  void change_mapping() {
    for (uint32_t pgno = 1; pgno < tree_.source().page_count(); ++pgno) {
      PageHeader header;
      std::memcpy(&header, tree_.pages().page(pgno), sizeof(header));
      header.birth_version += 7;
      std::memcpy(tree_.pages().page(pgno), &header, sizeof(header));
    }
  }
  Page page_of(const PageRef& ref) { return {tree_.pages().page(ref.pgno), kSizeBytes}; }
  void expect_rows_from(Cursor& cursor, int number) {
    for (; number < kRowCount; ++number, cursor.next()) {
      ASSERT_TRUE(cursor.valid()) << cursor.status().to_string();
      ASSERT_EQ(cursor.key(), row_key(number));
      ASSERT_EQ(*cursor.value(), "after");
    }
    EXPECT_FALSE(cursor.valid());
    EXPECT_TRUE(cursor.status());
  }

  static constexpr uint32_t kInDoubt = 2;
  std::unique_ptr<os::Os> os_ = os::make_memory_os();
  TestTree tree_{kSizeBytes, true};
  Root before_;
  std::unique_ptr<os::File> file_;
  os::Shared<uint32_t> state_{};
  std::unique_ptr<PageSource> source_;
};

TEST_F(ChangedPageTest, ACursorDoesNotGoOnOnALeafThatHasBecomeAnother) {
  for (const bool forwards : {true, false}) {
    Cursor cursor(*source_, tree_.root());
    cursor.seek(row_key(300));
    const std::string before(pages());
    change_mapping();
    forwards ? cursor.next() : cursor.prev();
    EXPECT_FALSE(cursor.valid());
    EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption) << cursor.status().to_string();
    before.copy(tree_.pages().page(0), before.size());
  }
}

TEST_F(ChangedPageTest, ACursorDoesNotGoOnOnABranchThatHasBecomeAnother) {
  const PageRef branch_ref = page_of(tree_.root().page).child(1);
  char* const branch = tree_.pages().page(branch_ref.pgno);
  for (const bool forwards : {true, false}) {
    Cursor cursor(*source_, tree_.root());
    const PageRef leaf = page_of(branch_ref).child(2);
    cursor.seek(std::string(page_of(leaf).prefix()) + std::string(page_of(leaf).suffix(0)));
    branch[8] ^= 1;
    for (uint32_t i = 0; i <= page_of(leaf).cell_count() && cursor.valid(); ++i) {
      forwards ? cursor.next() : cursor.prev();
    }
    EXPECT_FALSE(cursor.valid());
    EXPECT_THAT(cursor.status().to_string(), HasSubstr("has become another while it was read"));
    EXPECT_THAT(cursor.status().to_string(), HasSubstr(std::to_string(branch_ref.pgno)));
    branch[8] ^= 1;
  }
}

TEST_F(ChangedPageTest, ADiffDoesNotGoOnOnPagesThatHaveBecomeOthers) {
  DiffCursor diff(*source_, before_, tree_.root(), "", "");
  ASSERT_TRUE(diff.valid());
  diff.next();
  ASSERT_TRUE(diff.valid());
  change_mapping();
  diff.next();
  EXPECT_FALSE(diff.valid());
  EXPECT_EQ(diff.status().code(), StatusCode::kCorruption);
}

TEST_F(ChangedPageTest, InDoubtPagesAreReadToWhereTheyStay) {
  write_file();
  state_.store(kInDoubt);
  Cursor cursor(*source_, tree_.root());
  cursor.seek_first();
  change_mapping();
  expect_rows_from(cursor, 0);
}

TEST_F(ChangedPageTest, ACursorGoesOnFromWhereItStandsWhenDoubtArises) {
  write_file();
  Cursor cursor(*source_, tree_.root());
  cursor.seek(row_key(300));
  state_.store(kInDoubt);
  change_mapping();
  cursor.next();
  expect_rows_from(cursor, 301);
  Cursor backwards(*source_, tree_.root());
  backwards.seek(row_key(300));
  backwards.prev();
  ASSERT_TRUE(backwards.valid());
  EXPECT_EQ(backwards.key(), row_key(299));
}

TEST_F(ChangedPageTest, InDoubtWhatTheFileDoesNotHaveIsRefused) {
  change_mapping();
  write_file();
  source_->set_loss_inquiry([] { return true; });
  state_.store(kInDoubt);
  const auto found = find(*source_, tree_.root(), row_key(1));
  EXPECT_THAT(found.status().to_string(), HasSubstr("was lost by the disk"));
}

TEST_F(ChangedPageTest, AValueOutsideOfTheTreeIsVerifiedUntilItIsOnTheDisk) {
  ASSERT_TRUE(tree_.apply(TestBatch{{"large", std::string(3000, 'l')}}));
  source_ = tree_.pages().fresh_source();
  os::Shared<uint64_t> durable_below{};
  source_->set_durable(durable_below);
  const auto found = *find(*source_, tree_.root(), "large");
  const uint64_t birth = found->overflow.birth_version;
  char& byte = tree_.pages().page(found->overflow.pgno)[2000];
  durable_below.store(birth);
  EXPECT_TRUE(value_bytes(*source_, *found));
  byte ^= 1;
  EXPECT_EQ(value_bytes(*source_, *found).status().code(), StatusCode::kCorruption);
  byte ^= 1;
  EXPECT_TRUE(value_bytes(*source_, *found));
  durable_below.store(birth + 1);
  byte ^= 1;
  EXPECT_TRUE(value_bytes(*source_, *found)) << "what is on the disk is not compared again";
}

TEST_F(ChangedPageTest, AValueOutsideOfTheTreeStaysInDoubt) {
  ASSERT_TRUE(tree_.apply(TestBatch{{"large", std::string(3000, 'l')}}));
  write_file();
  source_ = tree_.pages().fresh_source();
  source_->set_doubt(state_, kInDoubt, *file_);
  state_.store(kInDoubt);
  const auto found = *find(*source_, tree_.root(), "large");
  const auto value = value_bytes(*source_, *found);
  ASSERT_TRUE(value);
  tree_.pages().page(found->overflow.pgno)[2000] ^= 1;
  EXPECT_EQ(*value, std::string(3000, 'l'));
}

}  // namespace
}  // namespace holdfast::tree
