#include "log/scan.h"

#include <gtest/gtest.h>

#include "log/test_log.h"
#include "support/faulty_os.h"

namespace holdfast::log {
namespace {

class ScanTest : public testing::Test {
 protected:
  ScanTest() {
    log.start(1);
    begin = log.end;
  }
  // Reads what history there is, then scans what lies behind.
  TailScan scan() {
    (void)log.payloads(begin);
    EXPECT_TRUE(log.status) << log.status.to_string();
    SegmentFiles files = log.files();
    auto result = scan_tail(files, kTestStore, log.reached);
    EXPECT_TRUE(result) << result.status().to_string();
    return *result;
  }
  TestLog log;
  Position begin;
};

TEST_F(ScanTest, NothingLiesBehindAWholeLog) {
  log.append("one");
  const TailScan found = scan();
  EXPECT_FALSE(found.torn_record);
  EXPECT_EQ(found.orphaned_entries, 0u);
  EXPECT_EQ(found.bytes_discarded, 0u);
  EXPECT_EQ(found.durable_lsn_max, 0u);
  EXPECT_EQ(found.segment_max, 1u);
  EXPECT_EQ(found.started_max, 1u);
  EXPECT_EQ(found.epoch_max, 1u);
}

TEST_F(ScanTest, ATornRecordIsTold) {
  log.append("one");
  const Lsn second = log.append("two");
  log.zero(second + sizeof(RecordHeader), log.end.lsn);
  const TailScan found = scan();
  EXPECT_TRUE(found.torn_record);
  EXPECT_EQ(found.orphaned_entries, 0u);
  EXPECT_GE(found.bytes_discarded, sizeof(RecordHeader));
}

TEST_F(ScanTest, OrphansAreCounted) {
  log.append("one");
  const Lsn second = log.append("two");
  log.append("three");
  log.append(std::string(1000, 'x'));
  log.flip(1, lsn_offset(second) + sizeof(RecordHeader));
  const TailScan found = scan();
  EXPECT_TRUE(found.torn_record);
  EXPECT_EQ(found.orphaned_entries, 2u);
  EXPECT_EQ(found.bytes_discarded, record_size(3) + record_size(5) + record_size(1000));
}

TEST_F(ScanTest, ACutSegmentIsTold) {
  log.append("one");
  EXPECT_EQ(scan().cut_segment, 0u);
  auto file = log.os().open(log.path(1), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(TestLog::kCapacity - 1));
  EXPECT_EQ(scan().cut_segment, 1u);
}

TEST_F(ScanTest, ADamagedHeaderIsRotOnlyIfARecordSaysThatItWasDurable) {
  log.append("one");
  const Lsn end = log.end.lsn;
  log.start(2);
  log.append("two", [&](RecordHeader& header) { header.durable_lsn = end; });
  log.flip(2, 72);
  EXPECT_EQ(scan().headless_segment, 0u);
  EXPECT_EQ(scan().orphaned_entries, 1u);
  EXPECT_EQ(scan().bytes_discarded, record_size(3));
  log.flip(2, 72);
  log.append("three", [&](RecordHeader& header) { header.durable_lsn = log.end.lsn; });
  log.flip(2, 72);
  EXPECT_EQ(scan().headless_segment, 2u);
}

TEST_F(ScanTest, BehindADamagedHeaderOnlyWholeRecordsCount) {
  log.append("one");
  log.start(2);
  const Lsn first = log.append("two");
  const Lsn second = log.append("three");
  log.flip(2, 72);
  EXPECT_EQ(scan().orphaned_entries, 2u);
  log.flip(2, lsn_offset(second) + sizeof(RecordHeader));
  EXPECT_EQ(scan().orphaned_entries, 1u);
  auto file = log.os().open(log.path(2), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(lsn_offset(second) - 1));
  EXPECT_EQ(scan().orphaned_entries, 1u);
  ASSERT_TRUE((*file)->truncate(lsn_offset(second) - kRecordAlignment));
  EXPECT_EQ(scan().orphaned_entries, 0u);
  ASSERT_TRUE((*file)->truncate(lsn_offset(first) + 1));
  EXPECT_EQ(scan().orphaned_entries, 0u);
}

TEST_F(ScanTest, AHeaderOfNoTypeWasNeverBegun) {
  log.append("one");
  const Position end = log.end;
  log.append("two", [](RecordHeader& header) { header.type = 0; });
  log.end = end;
  const TailScan found = scan();
  EXPECT_FALSE(found.torn_record);
  EXPECT_EQ(found.orphaned_entries, 0u);
}

TEST_F(ScanTest, OrphansBehindZerosAreFound) {
  const Lsn lost = log.append(std::string(2000, 'x'));
  const Lsn behind = log.append("orphan");
  log.zero(lost, behind);
  const TailScan found = scan();
  EXPECT_FALSE(found.torn_record);
  EXPECT_EQ(found.orphaned_entries, 1u);
}

TEST_F(ScanTest, AnOrphanIsFoundWhereverInItsSectorItBegins) {
  for (uint64_t size = 0; size < 512; size += 8) {
    TestLog other;
    other.start(1);
    begin = other.end;
    const Lsn lost = other.append(std::string(size, 'x'));
    const Lsn behind = other.append("orphan");
    other.zero(lost, behind);
    SegmentFiles files = other.files();
    EXPECT_EQ(scan_tail(files, kTestStore, begin)->orphaned_entries, 1u) << size;
  }
}

TEST_F(ScanTest, AnOrphanAtTheVeryEndOfASegmentIsFound) {
  const Lsn lost = log.append("lost");
  const uint64_t rest = TestLog::kCapacity - lsn_offset(log.end.lsn) - sizeof(RecordHeader);
  log.append(std::string(rest - sizeof(RecordHeader), 'x'));
  ASSERT_EQ(lsn_offset(log.end.lsn) + sizeof(RecordHeader), TestLog::kCapacity);
  log.append("");
  log.zero(lost, lost + sizeof(RecordHeader));
  EXPECT_EQ(scan().orphaned_entries, 2u);
}

TEST_F(ScanTest, NothingWasBegunWhereNoHeaderFits) {
  const uint64_t rest = TestLog::kCapacity - lsn_offset(log.end.lsn) - sizeof(RecordHeader);
  log.append(std::string(rest - kRecordAlignment, 'x'));
  ASSERT_EQ(lsn_offset(log.end.lsn) + kRecordAlignment, TestLog::kCapacity);
  EXPECT_FALSE(scan().torn_record);
  EXPECT_EQ(scan().bytes_discarded, 0u);
}

TEST_F(ScanTest, RotBeforeALaterWitnessIsTold) {
  const Lsn first = log.append("one");
  const Lsn behind_first = log.end.lsn;
  log.append("two", [&](RecordHeader& header) { header.durable_lsn = behind_first; });
  log.flip(1, lsn_offset(first) + sizeof(RecordHeader));
  EXPECT_GT(scan().durable_lsn_max, first);
}

TEST_F(ScanTest, ATornTailWithoutAWitnessIsNotRot) {
  log.append("one");
  const Lsn second = log.append("two");
  log.append("three", [&](RecordHeader& header) { header.durable_lsn = second; });
  log.flip(1, lsn_offset(second) + sizeof(RecordHeader));
  EXPECT_LE(scan().durable_lsn_max, second);
}

TEST_F(ScanTest, AWitnessInALaterSegmentIsHeard) {
  const Lsn first = log.append("one");
  const Lsn behind_first = log.end.lsn;
  log.start(2);
  log.append("two", [&](RecordHeader& header) { header.durable_lsn = behind_first; });
  log.flip(1, lsn_offset(first) + sizeof(RecordHeader));
  const TailScan found = scan();
  EXPECT_EQ(found.durable_lsn_max, behind_first);
  EXPECT_EQ(found.orphaned_entries, 1u);
}

TEST_F(ScanTest, ANoteIsAWitness) {
  const Lsn first = log.append("one");
  const Lsn behind_first = log.end.lsn;
  log.append("", [&](RecordHeader& header) {
    header.type = static_cast<uint16_t>(RecordType::kNote);
    header.durable_lsn = behind_first;
  });
  log.flip(1, lsn_offset(first));
  EXPECT_EQ(scan().durable_lsn_max, behind_first);
}

TEST_F(ScanTest, LeftoversOfAnEarlierUseAreNoOrphans) {
  log.append("one");
  log.append("two");
  const std::string old = log.read(1, kSegmentHeaderSize, record_size(3) * 2);
  log.end = {};
  log.start(1, TestLog::kCapacity, [](SegmentHeader& header) { header.salt = 99; });
  log.append("x");
  log.write(1, lsn_offset(log.end.lsn), old.substr(record_size(3)));
  const TailScan found = scan();
  EXPECT_EQ(found.orphaned_entries, 0u);
}

TEST_F(ScanTest, SegmentsBeforeTheEndAreNotScanned) {
  log.append("one");
  const Position end = log.end;
  log.append("voided", [](RecordHeader& header) { header.durable_lsn = ~0ull; });
  log.end = end;
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) { header.epoch = 2; });
  log.append("two");
  const TailScan found = scan();
  EXPECT_EQ(found.orphaned_entries, 0u);
  EXPECT_EQ(found.durable_lsn_max, 0u);
  EXPECT_EQ(found.started_max, 2u);
  EXPECT_EQ(found.epoch_max, 2u);
}

TEST_F(ScanTest, SegmentsThatAreNotStartedCountAsExistingOnly) {
  ASSERT_TRUE(log.files().prepare(3, TestLog::kCapacity));
  log.write(4, 0, "too short");
  const TailScan found = scan();
  EXPECT_EQ(found.segment_max, 4u);
  EXPECT_EQ(found.started_max, 1u);
}

TEST_F(ScanTest, AHighEpochOfAnAbandonedSegmentIsKnown) {
  log.append("one");
  const Position end = log.end;
  log.start(2, TestLog::kCapacity, [](SegmentHeader& header) {
    header.epoch = 9;
    header.prev_crc ^= 1;
  });
  log.end = end;
  const TailScan found = scan();
  EXPECT_EQ(found.epoch_max, 9u);
  EXPECT_EQ(found.started_max, 2u);
}

// --- A disk that fails or changes meanwhile.

// Each call to the machine fails in turn: the error is told, and never taken for the end.
TEST_F(ScanTest, ADiskThatCannotBeReadIsTold) {
  log.append("one");
  const Lsn second = log.append("two");
  for (int i = 0; i < 40; ++i) log.append(std::string(150, 'x'));
  log.start(2);
  log.append("four");
  for (int i = 0; i < 20; ++i) log.append(std::string(300, 'y'));
  log.flip(2, 20);  // without its header
  log.flip(1, lsn_offset(second) + sizeof(RecordHeader));
  const TailScan whole = scan();
  for (const StatusCode code : {StatusCode::kIoError, StatusCode::kNotFound}) {
    for (int step = 1, count = step; count >= step; ++step) {
      FaultyOs os(log.os());
      count = 0;
      os.fault = [&](const Attempt&) {
        return ++count == step ? Status(code, "the disk failed") : Status::ok();
      };
      SegmentFiles files(os, "/wal", 1u << 20);
      Reader reader(files, kTestStore, begin, Trust::kUnproven);
      Status status;
      while (true) {
        const auto record = reader.next(~0ull);
        status = record.status();
        if (!record || !*record) break;
      }
      if (status) {
        const auto found = scan_tail(files, kTestStore, reader.position());
        status = found.status();
        // A file that has gone since it was listed is no part of the log any more.
        EXPECT_TRUE(!found || code == StatusCode::kNotFound ||
                    found->orphaned_entries == whole.orphaned_entries);
      }
      EXPECT_TRUE(status || status.code() == code || status.code() == StatusCode::kCorruption)
          << status.to_string();
      EXPECT_TRUE(!status || count < step || code == StatusCode::kNotFound) << "step " << step;
    }
  }
}

TEST_F(ScanTest, ASegmentThatIsCutWhileItIsOpenedIsNotStarted) {
  log.append("one");
  FaultyOs os(log.os());
  os.fault = [&, calls = 0](const Attempt&) mutable -> Status {
    if (++calls != 3) return Status::ok();  // behind the opening and the look at its length
    auto file = log.os().open(log.path(1), os::OpenMode::kReadWrite);
    return (*file)->truncate(10);
  };
  SegmentFiles files(os, "/wal", 1u << 20);
  const auto segment = files.open(1);
  ASSERT_TRUE(segment) << segment.status().to_string();
  EXPECT_FALSE((*segment)->started(kTestStore));
}

}  // namespace
}  // namespace holdfast::log
