#include "log/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "log/test_log.h"
#include "support/faulty_os.h"

namespace holdfast::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A log of one segment, from whose begin tests read.
class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    log.start(1);
    begin = log.end;
  }
  TestLog log;
  Position begin;
};

TEST_F(ReaderTest, AnEmptyLogHoldsNothing) {
  EXPECT_THAT(log.payloads(begin), IsEmpty());
  EXPECT_TRUE(log.status);
  EXPECT_EQ(log.reached.lsn, begin.lsn);
}

TEST_F(ReaderTest, RecordsComeBackInOrder) {
  log.append("one");
  log.append("");
  log.append("three");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one", "", "three"));
  EXPECT_EQ(log.reached.lsn, log.end.lsn);
  EXPECT_EQ(log.reached.prev_crc, log.end.prev_crc);
  EXPECT_EQ(log.reached.version, 3u);
  EXPECT_EQ(log.reached.time_us, 3000u);
}

TEST_F(ReaderTest, NothingIsReadBehindTheLimit) {
  log.append("one");
  const Lsn second = log.append("two");
  EXPECT_THAT(log.payloads(begin, second), ElementsAre("one"));
  EXPECT_THAT(log.payloads(begin, log.end.lsn - 1), ElementsAre("one", "two"));  // padding
  EXPECT_THAT(log.payloads(begin, second + sizeof(RecordHeader) + 2), ElementsAre("one"));
  EXPECT_THAT(log.payloads(begin, second + 1), ElementsAre("one"));
}

TEST_F(ReaderTest, TruncatedTailIsIgnored) {
  log.append("one");
  const Lsn second = log.append("two");
  log.zero(second + 32, log.end.lsn);
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  EXPECT_TRUE(log.status);
  EXPECT_EQ(log.reached.lsn, second);
}

TEST_F(ReaderTest, ALogCutAtAnyByteGivesItsLongestWholePrefix) {
  std::vector<Lsn> ends;  // of headers and payloads, without padding
  for (const char* payload : {"one", "second", "third record"}) {
    ends.push_back(log.append(payload) + sizeof(RecordHeader) + std::string(payload).size());
  }
  for (Lsn cut = log.end.lsn; cut >= begin.lsn; --cut) {
    log.zero(cut, log.end.lsn);
    const size_t whole = std::count_if(ends.begin(), ends.end(), [&](Lsn e) { return e <= cut; });
    EXPECT_EQ(log.payloads(begin).size(), whole) << cut;
    EXPECT_TRUE(log.status);
  }
}

TEST_F(ReaderTest, AFlippedBitInAnyByteOfARecordEndsHistoryBeforeIt) {
  log.append("one");
  const Lsn second = log.append("payload");
  log.append("three");
  for (uint64_t byte = 0; byte < sizeof(RecordHeader) + 7; ++byte) {
    log.flip(1, lsn_offset(second) + byte);
    EXPECT_THAT(log.payloads(begin), ElementsAre("one")) << byte;
    log.flip(1, lsn_offset(second) + byte);
  }
  EXPECT_EQ(log.payloads(begin).size(), 3u);
}

TEST_F(ReaderTest, RecordOfAnEarlierUseOfTheFileIsRefused) {
  log.append("old");
  const std::string old = log.read(1, kSegmentHeaderSize, record_size(3));
  log.end = {};
  log.start(1, TestLog::kCapacity, [](SegmentHeader& header) { header.salt = 99; });
  log.write(1, kSegmentHeaderSize, old);
  EXPECT_THAT(log.payloads(begin), IsEmpty());
}

TEST_F(ReaderTest, ARecordAtAnotherPlaceIsRefused) {
  const Position before = log.end;
  log.append("one");
  const std::string bytes = log.read(1, kSegmentHeaderSize, record_size(3));
  log.write(1, lsn_offset(log.end.lsn), bytes);
  Position there = before;
  there.lsn = log.end.lsn;
  EXPECT_THAT(log.payloads(there), IsEmpty());
}

TEST_F(ReaderTest, BrokenChainEndsHistory) {
  log.append("one");
  log.append("two", [](RecordHeader& header) { header.prev_header_crc ^= 1; });
  log.append("three");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ARecordOfAnotherEpochEndsHistory) {
  log.append("one");
  log.append("two", [](RecordHeader& header) { ++header.epoch; });
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ARecordOfAnEarlierVersionEndsHistory) {
  log.append("one");
  log.append("two", [](RecordHeader& header) { header.version = 0; });
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ARecordOfAnUnknownTypeEndsHistory) {
  log.append("one");
  log.append("two", [](RecordHeader& header) { header.type = 3; });
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ARecordThatClaimsMoreThanTheSegmentHoldsEndsHistory) {
  log.append("one");
  log.append("two", [](RecordHeader& header) { header.payload_size = ~0u; });
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ASegmentIsReadToItsLastByte) {
  const uint64_t room = TestLog::kCapacity - kSegmentHeaderSize;
  const std::string payload(room - sizeof(RecordHeader), 'p');
  log.append(payload);
  ASSERT_EQ(lsn_offset(log.end.lsn), TestLog::kCapacity);
  log.start(2);
  log.append("next");
  EXPECT_THAT(log.payloads(begin), ElementsAre(payload, "next"));
}

TEST_F(ReaderTest, ReadingGoesOnInTheSuccessor) {
  for (const auto trust : {Trust::kAccepted, Trust::kUnproven}) {
    TestLog chain;
    chain.start(1);
    const Position first = chain.end;
    chain.append("one");
    chain.start(2);
    chain.start(5);  // segment 2 stays empty, numbers may be left out
    chain.append("two");
    EXPECT_THAT(chain.payloads(first, ~0ull, trust), ElementsAre("one", "two"));
    EXPECT_EQ(chain.reached.lsn, chain.end.lsn);
  }
}

TEST_F(ReaderTest, SegmentsThatAreNotStartedAreNoSuccessors) {
  log.append("one");
  const Position end = log.end;
  ASSERT_TRUE(log.files().prepare(2, TestLog::kCapacity));
  log.write(3, 0, "too short");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  log.start(4);
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one", "two"));
  SegmentFiles files = log.files();
  EXPECT_EQ((*successor(files, kTestStore, lsn_segment(end.lsn)))->number(), 4u);
}

TEST_F(ReaderTest, SuccessorOfTheHighestEpochWins) {
  log.append("one");
  const Position end = log.end;
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.epoch = 3; });
  log.append("right");
  log.end = end;
  log.start(3, TestLog::kCapacity, [](SegmentHeader& header) { header.epoch = 2; });
  log.append("wrong");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one", "right"));
}

TEST_F(ReaderTest, OfSuccessorsOfOneEpochTheLastWins) {
  log.append("one");
  const Position end = log.end;
  log.start(2);
  log.append("wrong");
  log.end = end;
  log.start(3);
  log.append("right");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one", "right"));
}

TEST_F(ReaderTest, DeclaredEndCutsWholeRecords) {
  log.append("one");
  const Position end = log.end;
  log.append("voided");
  log.end = end;
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.epoch = 2; });
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one", "two"));
}

TEST_F(ReaderTest, ADeclaredEndThatIsNotReachedEndsHistory) {
  log.append("one");
  const Lsn second = log.append("two");
  log.start(2);
  log.append("three");
  log.flip(1, lsn_offset(second) + sizeof(RecordHeader));
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  EXPECT_TRUE(log.status);
  EXPECT_EQ(log.reached.lsn, second);
}

TEST_F(ReaderTest, ASuccessorWhoseChainDiffersIsNotEntered) {
  log.append("one");
  const Lsn end = log.end.lsn;
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.prev_crc ^= 1; });
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  EXPECT_EQ(log.reached.lsn, end);
}

TEST_F(ReaderTest, ASuccessorThatBeginsElsewhereIsNotEntered) {
  log.append("one");
  const Lsn end = log.end.lsn;
  log.start(2, TestLog::kCapacity,
            [](SegmentHeader& header) { header.prev_end_lsn += kRecordAlignment; });
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  EXPECT_EQ(log.reached.lsn, end);
}

TEST_F(ReaderTest, ASegmentThatIsRemovedMeanwhileIsNoSuccessor) {
  log.append("one");
  const Lsn end = log.end.lsn;
  log.start(2);
  log.append("two");
  FaultyOs os(log.os());
  os.fault = [&](const Attempt& attempt) {
    const bool is_gone = attempt.call == Call::kOpen && attempt.path == log.path(2);
    return is_gone ? Status(StatusCode::kNotFound, "removed") : Status::ok();
  };
  SegmentFiles files(os, "/wal", 1u << 20);
  const auto next = successor(files, kTestStore, lsn_segment(end));
  ASSERT_TRUE(next) << next.status().to_string();
  EXPECT_EQ(*next, nullptr);
}

TEST_F(ReaderTest, ASuccessorOfAnEarlierVersionIsNotEntered) {
  log.append("one");
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.start_version = 0; });
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, ASegmentOfAnotherStoreIsNotEntered) {
  log.append("one");
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.store_id = {}; });
  log.append("two");
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
}

TEST_F(ReaderTest, VersionsThatASuccessorLeavesOutAreTakenOver) {
  log.append("one");
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.start_version = 10; });
  EXPECT_THAT(log.payloads(begin), ElementsAre("one"));
  EXPECT_EQ(log.reached.version, 10u);
  EXPECT_EQ(log.reached.lsn, make_lsn(2, kSegmentHeaderSize));
}

TEST_F(ReaderTest, AMissingFirstSegmentIsCorruption) {
  ASSERT_TRUE(log.files().remove(1));
  EXPECT_THAT(log.payloads(begin), IsEmpty());
  EXPECT_EQ(log.status.code(), StatusCode::kCorruption);
  EXPECT_EQ(log.status.path(), log.path(1));
}

TEST_F(ReaderTest, ADamagedHeaderOfTheFirstSegmentIsCorruption) {
  log.append("one");
  log.flip(1, 100);
  EXPECT_THAT(log.payloads(begin), IsEmpty());
  EXPECT_EQ(log.status.code(), StatusCode::kCorruption);
  EXPECT_EQ(log.status.path(), log.path(1));
}

TEST(ReaderWindowTest, ARecordThatSpansTwoWindowsIsWhole) {
  // The border falls on every part of the second record once.
  for (const uint64_t before_border : {8, 40, 64, 72, 200}) {
    TestLog log;
    log.start(1, 256u << 10);
    const Position begin = log.end;
    const std::string first(Window::kSize - 2 * sizeof(RecordHeader) - before_border, 'a');
    const std::string second(500, 'b');
    log.append("");
    log.append(first.substr(0, first.size() & ~7ull));
    log.append(second);
    log.append("last");
    const auto all = log.payloads(begin);
    ASSERT_EQ(all.size(), 4u) << before_border;
    EXPECT_EQ(all[2], second);
  }
}

TEST(ReaderWindowTest, ARecordLargerThanAWindowIsWhole) {
  TestLog log;
  log.start(1, 1u << 20);
  const Position begin = log.end;
  const std::string large(3 * Window::kSize + 5, 'x');
  log.append("before");
  log.append(large);
  log.append("after");
  EXPECT_THAT(log.payloads(begin), ElementsAre("before", large, "after"));
  EXPECT_THAT(log.payloads(begin, log.end.lsn, Trust::kAccepted),
              ElementsAre("before", large, "after"));
}

TEST(ReaderWindowTest, AViewEndsAtTheLimitAndAtTheSegment) {
  TestLog log;
  log.start(1);
  Window window;
  window.enter(*log.files().open(1));
  EXPECT_EQ(window.view(600, 50, 620)->size(), 20u);
  EXPECT_EQ(window.view(600, 50, 600)->size(), 0u);
  EXPECT_EQ(window.view(TestLog::kCapacity - 10, 50, ~0ull)->size(), 10u);
  EXPECT_EQ(window.view(TestLog::kCapacity + 10, 50, ~0ull)->size(), 0u);
  EXPECT_EQ(window.view(512, 50, ~0ull)->size(), 50u);  // backwards
}

TEST(ReaderWindowTest, ARecordThatWasNotThereIsSeenOnceTheLimitMoves) {
  TestLog log;
  log.start(1);
  SegmentFiles files = log.files();
  Reader reader(files, kTestStore, log.end, Trust::kAccepted);
  EXPECT_FALSE(*reader.next(log.end.lsn));
  log.append("one");
  EXPECT_EQ((*reader.next(log.end.lsn))->payload, "one");
  log.append("two");
  EXPECT_EQ((*reader.next(log.end.lsn))->payload, "two");
  EXPECT_FALSE(*reader.next(log.end.lsn));
}

}  // namespace
}  // namespace holdfast::log
