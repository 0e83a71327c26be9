#include "log/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/test_log.h"

namespace holdfast::log {
namespace {

using testing::ElementsAre;

void touch(TestLog& log, const std::string& path, std::string_view bytes = "x") {
  auto file = log.os().open(path, os::OpenMode::kCreate);
  ASSERT_TRUE(file) << file.status().to_string();
  ASSERT_TRUE((*file)->write_at(0, bytes));
}

TEST(SegmentTest, TheFirstSegmentsOfAStoreAreSmall) {
  TestLog log;
  const SegmentFiles files(log.os(), "/wal", 16u << 20);
  EXPECT_EQ(files.capacity(0), 1u << 20);
  EXPECT_EQ(files.capacity(1), 1u << 20);
  EXPECT_EQ(files.capacity(2), 2u << 20);
  EXPECT_EQ(files.capacity(5), 16u << 20);
  EXPECT_EQ(files.capacity(~0ull), 16u << 20);
  const SegmentFiles small(log.os(), "/wal", 8192);
  EXPECT_EQ(small.capacity(1), 8192u);
}

TEST(SegmentTest, NamesAreInTheOrderOfNumbers) {
  TestLog log;
  EXPECT_EQ(log.path(9), "/wal/00000000000000000009.wal");
  EXPECT_LT(log.path(9), log.path(10));
}

TEST(SegmentTest, ListIgnoresForeignNames) {
  TestLog log;
  for (const char* name :
       {"prepare.tmp", "7.wal", "00000000000000000007.wal.bak", "0000000000000000000x.wal",
        "-0000000000000000007.wal", "00000000000000000008.log", "99999999999999999999.wal"}) {
    touch(log, std::string("/wal/") + name);
  }
  touch(log, log.path(12));
  touch(log, log.path(3));
  EXPECT_THAT(*log.files().list(), ElementsAre(3, 12));
}

TEST(SegmentTest, APreparedSegmentIsZerosAndNotStarted) {
  TestLog log;
  SegmentFiles files = log.files();
  ASSERT_TRUE(files.prepare(4, 10'000));
  const auto segment = files.open(4);
  ASSERT_TRUE(segment) << segment.status().to_string();
  EXPECT_EQ((*segment)->capacity(), 10'000u);
  EXPECT_FALSE((*segment)->started(kTestStore));
  std::string bytes;
  ASSERT_TRUE((*segment)->read(0, 1u << 20, bytes));
  EXPECT_EQ(bytes, std::string(10'000, '\0'));
  EXPECT_THAT(*log.os().list("/wal"), ElementsAre("00000000000000000004.wal"));
}

TEST(SegmentTest, APreparedSegmentLargerThanOnePieceIsWrittenWhole) {
  TestLog log;
  SegmentFiles files = log.files();
  ASSERT_TRUE(files.prepare(4, (1u << 20) + 512));
  EXPECT_EQ((*files.open(4))->capacity(), (1u << 20) + 512);
}

TEST(SegmentTest, APreparationThatIsAwaitedMeanwhileIsAsLong) {
  TestLog log;
  SegmentFiles files = log.files();
  for (const int pieces : {0, 1, 2}) {
    const auto number = static_cast<uint64_t>(4 + pieces);
    int asked = 0;
    ASSERT_TRUE(files.prepare(number, (2u << 20) + 512, [&] { return asked++ == pieces; }));
    EXPECT_EQ(asked, pieces + 1);
    const auto segment = *files.open(number);
    EXPECT_EQ(segment->capacity(), (2u << 20) + 512);
    std::string bytes;
    ASSERT_TRUE(segment->read(0, segment->capacity(), bytes));
    EXPECT_EQ(bytes, std::string(segment->capacity(), '\0'));
  }
}

TEST(SegmentTest, APreparationThatFailsLeavesNothingButTheTemporary) {
  TestLog log;
  SegmentFiles files = log.files();
  ASSERT_TRUE(log.os().make_directories(log.path(4)));  // in the way of the rename
  EXPECT_FALSE(files.prepare(4, 10'000));
  EXPECT_THAT(*log.os().list("/wal"), ElementsAre("00000000000000000004.wal", "prepare.tmp"));
  // What it left is no part of the next one.
  ASSERT_TRUE(files.prepare(5, 600));
  EXPECT_EQ((*files.open(5))->capacity(), 600u);
  EXPECT_THAT(*log.os().list("/wal"),
              ElementsAre("00000000000000000004.wal", "00000000000000000005.wal"));
}

TEST(SegmentTest, ASegmentStartsOnceItsHeaderIsWritten) {
  TestLog log;
  SegmentFiles files = log.files();
  ASSERT_TRUE(files.prepare(1, TestLog::kCapacity));
  EXPECT_FALSE((*files.open(1))->started(kTestStore));
  log.start(1);
  EXPECT_TRUE((*files.open(1))->started(kTestStore));
}

TEST(SegmentTest, ASegmentOfAnotherStoreIsNotStarted) {
  TestLog log;
  log.start(1);
  std::array<char, 16> other = kTestStore;
  other[15] = 'x';
  EXPECT_FALSE((*log.files().open(1))->started(other));
}

TEST(SegmentTest, ASegmentUnderAnotherNumberIsNotStarted) {
  TestLog log;
  log.start(1);
  ASSERT_TRUE(log.files().recycle(1, 2));
  EXPECT_FALSE((*log.files().open(2))->started(kTestStore));
}

TEST(SegmentTest, ASegmentCutShortIsStartedButNotWhole) {
  TestLog log;
  log.start(1);
  EXPECT_TRUE((*log.files().open(1))->whole());
  auto file = log.os().open(log.path(1), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(TestLog::kCapacity - 1));
  EXPECT_TRUE((*log.files().open(1))->started(kTestStore));
  EXPECT_FALSE((*log.files().open(1))->whole());
}

TEST(SegmentTest, AFileShorterThanAHeaderIsCorruption) {
  TestLog log;
  touch(log, log.path(1), std::string(kSegmentHeaderSize - 1, 'x'));
  const Status status = log.files().open(1).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.path(), log.path(1));
}

TEST(SegmentTest, AFileOfAHeaderIsASegment) {
  TestLog log;
  touch(log, log.path(1), std::string(kSegmentHeaderSize, 'x'));
  const auto segment = log.files().open(1);
  ASSERT_TRUE(segment) << segment.status().to_string();
  EXPECT_FALSE((*segment)->started(kTestStore));
}

TEST(SegmentTest, WhatAnEarlierPreparationLeftIsNotKept) {
  TestLog log;
  touch(log, "/wal/prepare.tmp", "left");
  ASSERT_TRUE(log.files().prepare(1, 10'000, [] { return true; }));
  std::string bytes;
  ASSERT_TRUE((*log.files().open(1))->read(0, 10'000, bytes));
  EXPECT_EQ(bytes, std::string(10'000, '\0'));
}

TEST(SegmentTest, AMissingSegmentIsNotFound) {
  TestLog log;
  EXPECT_EQ(log.files().open(1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log.files().remove(1).code(), StatusCode::kNotFound);
  EXPECT_EQ(log.files().recycle(1, 2).code(), StatusCode::kNotFound);
}

TEST(SegmentTest, OnlyTheLastFewStartedSegmentsAreRemembered) {
  TestLog log;
  SegmentFiles files = log.files();
  for (uint64_t number = 1; number <= 9; ++number) log.start(number);
  const auto first = *files.open(1);
  EXPECT_EQ(*files.open(1), first);
  for (uint64_t number = 2; number <= 9; ++number) ASSERT_TRUE(files.open(number));
  EXPECT_NE(*files.open(1), first);
}

TEST(SegmentTest, ASegmentWhoseHeaderIsDamagedIsNotRemembered) {
  TestLog log;
  SegmentFiles files = log.files();
  log.start(1);
  log.flip(1, 72);
  const auto first = *files.open(1);
  ASSERT_EQ(first->header().segment, 1u);
  EXPECT_NE(*files.open(1), first);
}

TEST(SegmentTest, AForgottenSegmentIsOpenedAgain) {
  TestLog log;
  SegmentFiles files = log.files();
  log.start(1);
  const auto before = *files.open(1);
  files.forget(1);
  EXPECT_NE(*files.open(1), before);
}

TEST(SegmentTest, ARecycledSegmentIsGoneFromItsOldNumber) {
  TestLog log;
  SegmentFiles files = log.files();
  log.start(1);
  ASSERT_TRUE(files.open(1));
  ASSERT_TRUE(files.recycle(1, 3));
  EXPECT_THAT(*files.list(), ElementsAre(3));
  EXPECT_EQ(files.open(1).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(files.remove(3));
  EXPECT_THAT(*files.list(), ElementsAre());
}

TEST(SegmentTest, ReadsEndAtTheEndOfTheFile) {
  TestLog log;
  log.start(1);
  const auto segment = *log.files().open(1);
  std::string bytes;
  ASSERT_TRUE(segment->read(TestLog::kCapacity - 10, 100, bytes));
  EXPECT_EQ(bytes.size(), 10u);
  ASSERT_TRUE(segment->read(TestLog::kCapacity + 10, 100, bytes));
  EXPECT_EQ(bytes, "");
}

}  // namespace
}  // namespace holdfast::log
