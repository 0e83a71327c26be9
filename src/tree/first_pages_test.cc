#include "tree/first_pages.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

constexpr uint32_t kPageSize = 4096;
constexpr int kKeys = 6'000;  // more pages than are kept

std::string paged_key(int number) {
  char key[8];
  std::snprintf(key, sizeof(key), "%06d", number);
  return key;
}

// A tree in memory that stands for the mapping, and a file with the same pages.
class FirstPagesTest : public testing::Test {
 protected:
  FirstPagesTest() {
    TestBatch batch;
    for (int i = 0; i < kKeys; ++i) batch[paged_key(i)] = std::string(900, static_cast<char>(i));
    CHECK(tree_.apply(batch));
    file_ = *os_->open("/data", os::OpenMode::kCreate);
    CHECK(file_->write_at(0, pages()));
    source_ = tree_.pages().fresh_source();
    source_->read_first(*file_, size_t{4} << 20);
  }

  std::string_view pages() {
    return {tree_.pages().page(0), size_t{tree_.source().page_count()} * kPageSize};
  }
  // All that is in the mapping is lost; the test still has it.
  void clear_mapping() {
    saved_ = pages();
    std::memset(tree_.pages().page(0), 0, saved_.size());
  }
  void restore_mapping() { std::memcpy(tree_.pages().page(0), saved_.data(), saved_.size()); }

  StatusCode find_key(int number) {
    const auto found = find(*source_, tree_.root(), paged_key(number));
    if (!found) return found.status().code();
    if (!*found) return StatusCode::kNotFound;
    EXPECT_EQ((*found)->inline_bytes, std::string(900, static_cast<char>(number)));
    return StatusCode::kOk;
  }

  std::unique_ptr<os::Os> os_ = os::make_memory_os();
  TestTree tree_{kPageSize};
  std::unique_ptr<os::File> file_;
  std::unique_ptr<PageSource> source_;
  std::string saved_;
};

TEST_F(FirstPagesTest, WhatIsNeededFirstIsNotLookedForInTheMapping) {
  clear_mapping();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(find_key(i), StatusCode::kOk);
}

TEST_F(FirstPagesTest, WhatCannotBeReadIsLookedForInTheMapping) {
  ASSERT_TRUE(file_->truncate(kPageSize * 20));
  for (int i = 0; i < 500; ++i) ASSERT_EQ(find_key(i), StatusCode::kOk);
}

TEST_F(FirstPagesTest, WhatIsDamagedInBothIsCorrupt) {
  ASSERT_TRUE(file_->truncate(kPageSize * 20));
  clear_mapping();
  EXPECT_EQ(find_key(kKeys - 1), StatusCode::kCorruption);
}

TEST_F(FirstPagesTest, WhoNeedsManyPagesGoesOnWithTheMapping) {
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(find_key(i), StatusCode::kOk);
  ASSERT_TRUE(file_->truncate(0));
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(find_key(i), StatusCode::kOk);
}

TEST_F(FirstPagesTest, WhoNeedsAPageOftenGoesOnWithTheMapping) {
  clear_mapping();
  ASSERT_EQ(find_key(7), StatusCode::kOk);
  restore_mapping();
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(find_key(7), StatusCode::kOk);
  const uint32_t root = tree_.root().page.pgno;
  EXPECT_EQ(source_->ahead(root), tree_.pages().page(root));
}

TEST_F(FirstPagesTest, AViewStaysAsItWas) {
  const auto found = find(*source_, tree_.root(), paged_key(1));
  ASSERT_TRUE(found && *found);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(find_key(i), StatusCode::kOk);
  clear_mapping();
  EXPECT_EQ((*found)->inline_bytes, std::string(900, '\1'));
}

}  // namespace
}  // namespace holdfast::tree
