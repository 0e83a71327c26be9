// Logs that were cut, overwritten or damaged, at every kind of place. What a crash can leave is cut
// and told; what only decay can leave is refused, by name and place, and nothing is changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/log_file.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Contents = std::map<std::string, std::string>;

constexpr int kTransactions = 6;

std::string value_of(int number) {
  return std::string(30 + number * 40, static_cast<char>('a' + number % 26));
}

// What the first `count` transactions leave.
Contents contents_after(int count) {
  Contents all;
  for (int i = 1; i <= count; ++i) {
    all["key" + std::to_string(i)] = value_of(i);
    all["twin" + std::to_string(i)] = value_of(i);
    all.erase("twin" + std::to_string(i - 2));
  }
  return all;
}

Status commit_number(Store& store, int number) {
  HOLDFAST_ASSIGN(Transaction txn, store.begin());
  HOLDFAST_TRY(txn.put("key" + std::to_string(number), value_of(number)));
  HOLDFAST_TRY(txn.put("twin" + std::to_string(number), value_of(number)));
  HOLDFAST_TRY(txn.del("twin" + std::to_string(number - 2)));
  return txn.commit().status();
}

StoreOptions small_store() {
  StoreOptions options;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 16u << 10;
  options.helper_thread = false;
  return options;
}

class LogDamageTest : public testing::Test {
 protected:
  void make_store(int transactions = kTransactions) {
    Store store = open_or_die(original_, small_store());
    for (int i = 1; i <= transactions; ++i) {
      const Status status = commit_number(store, i);
      ASSERT_TRUE(status) << status.to_string();
    }
    ASSERT_TRUE(store.close());
  }
  // A fresh copy of the store, as after a reboot.
  void copy() {
    fs::remove_all(path_);
    reboot(original_);
    fs::copy(original_, path_, fs::copy_options::recursive);
  }
  std::string segment() const { return segment_path(path_, 1); }
  // The store has exactly the first `count` transactions, and works.
  void expect_recovered(int count) {
    {
      auto store = Store::open(path_, small_store());
      ASSERT_TRUE(store) << store.status().to_string();
      EXPECT_TRUE(store->recovery().cold);
      EXPECT_EQ(store->recovery().version, static_cast<uint64_t>(count));
      EXPECT_EQ(store->recovery().transactions_applied, static_cast<uint64_t>(count));
      EXPECT_EQ(contents(*store), contents_after(count));
      expect_sound(*store);
      const Status status = commit_number(*store, count + 1);
      EXPECT_TRUE(status) << status.to_string();
      EXPECT_EQ(contents(*store), contents_after(count + 1));
    }
    reboot(path_);
    Store again = open_or_die(path_, small_store());
    EXPECT_EQ(contents(again), contents_after(count + 1));
    EXPECT_THAT(again.recovery().warnings, IsEmpty());
    expect_sound(again);
  }
  // Opening is refused as damage of `file` at `offset`, and changes nothing.
  void expect_refused(const std::string& file, std::optional<uint64_t> offset) {
    const auto before = files_below(path_);
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto store = Store::open(path_, small_store());
      ASSERT_FALSE(store);
      const Status status = store.status();
      EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.to_string();
      EXPECT_EQ(status.path(), file) << status.to_string();
      EXPECT_EQ(status.offset(), offset ? offset : status.offset()) << status.to_string();
    }
    EXPECT_TRUE(files_below(path_) == before) << "files were changed";
  }

  TemporaryDirectory directory_;
  const std::string original_ = directory_.path_of("original");
  const std::string path_ = directory_.path_of("store");
};

// Where to cut a record: everywhere in its header, then here and there, and its last bytes.
std::vector<uint64_t> places_in(const LogEntry& entry) {
  std::vector<uint64_t> places;
  for (uint64_t at = 0; at < entry.size; at += at < 64 ? 8 : 33)
    places.push_back(entry.offset + at);
  places.push_back(entry.end() - 9);
  return places;
}

// How many of the commits end at or before `place`.
int whole_records(const LogFile& log, uint64_t place) {
  int count = 0;
  for (const LogEntry& entry : log.commits()) count += entry.payload_end() <= place ? 1 : 0;
  return count;
}

TEST_F(LogDamageTest, ALogWhoseEndNeverArrivedKeepsEveryWholeTransaction) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  ASSERT_GE(log.commits().size(), static_cast<size_t>(kTransactions));
  const uint64_t size = fs::file_size(log.path());
  for (const LogEntry& entry : {log.commits().front(), log.commits()[kTransactions - 1]}) {
    for (const uint64_t place : places_in(entry)) {
      SCOPED_TRACE("zeros from offset " + std::to_string(place));
      copy();
      overwrite(segment(), place, std::string(size - place, '\0'));
      expect_recovered(whole_records(log, place));
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogDamageTest, ALogThatWasCutKeepsEveryWholeTransaction) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  for (const LogEntry& entry : log.commits()) {
    for (const uint64_t place : {entry.offset, entry.offset + 1, entry.offset + 64,
                                 entry.offset + 65, entry.end() - 9, entry.end()}) {
      SCOPED_TRACE("cut at offset " + std::to_string(place));
      copy();
      fs::resize_file(segment(), place);
      expect_recovered(whole_records(log, place));
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogDamageTest, GarbageAtTheEndIsIgnored) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  const uint64_t size = fs::file_size(log.path());
  std::mt19937 random(11);
  const auto garbage = [&](uint64_t count) {
    std::string bytes;
    while (bytes.size() < count) bytes += static_cast<char>(random());
    return bytes;
  };
  for (const uint64_t place :
       {log.end(), log.end() + 3, log.commits().back().offset + 1, log.commits()[2].offset,
        log.commits()[2].offset + 70, log.commits()[0].offset, log.commits()[0].end() - 9}) {
    SCOPED_TRACE("garbage from offset " + std::to_string(place));
    copy();
    overwrite(segment(), place, garbage(size - place));
    expect_recovered(whole_records(log, place));
    if (HasFailure()) return;
  }
}

TEST_F(LogDamageTest, ATornLastRecordIsDiscardedAndCounted) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  const LogEntry& last = log.commits()[kTransactions - 1];
  const uint64_t size = fs::file_size(log.path());
  copy();
  overwrite(segment(), last.offset + 100, std::string(size - last.offset - 100, '\0'));
  Store store = open_or_die(path_, small_store());
  EXPECT_EQ(store.recovery().version, kTransactions - 1u);
  EXPECT_EQ(store.recovery().transactions_discarded, 1u);
  EXPECT_EQ(store.recovery().orphaned_entries, 0u);
  EXPECT_GE(store.recovery().bytes_discarded, 64u);
  EXPECT_THAT(store.recovery().warnings, Contains(HasSubstr("incomplete")));
}

TEST_F(LogDamageTest, AnyDamageInTheMiddleIsRefusedWithItsPlace) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  for (const size_t number : {size_t{0}, size_t{1}, size_t{3}}) {
    const LogEntry& entry = log.commits()[number];
    for (const uint64_t at : {uint64_t{0}, uint64_t{4}, uint64_t{8}, uint64_t{16}, uint64_t{45},
                              uint64_t{52}, uint64_t{63}, uint64_t{64}, entry.size - 9}) {
      SCOPED_TRACE("bit of record " + std::to_string(number) + " at " + std::to_string(at));
      copy();
      flip_bit(segment(), entry.offset + at);
      expect_refused(segment(), entry.offset);
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogDamageTest, AHoleOfZerosInTheMiddleIsRefused) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  const LogEntry& entry = log.commits()[2];
  copy();
  overwrite(segment(), entry.offset, std::string(entry.size, '\0'));
  expect_refused(segment(), entry.offset);
}

TEST_F(LogDamageTest, CheckFindsDamageInTheMiddleWhileTheStoreIsOpen) {
  make_store();
  const LogFile log(segment_path(original_, 1));
  Store store = open_or_die(original_, small_store());
  EXPECT_FALSE(store.recovery().cold);
  flip_bit(log.path(), log.commits()[2].offset + 70);
  auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(
      report->problems,
      Contains(AllOf(HasSubstr(log.path()), HasSubstr(std::to_string(log.commits()[2].offset)))));
}

TEST_F(LogDamageTest, ADamagedOrEmptySegmentHeaderIsRefused) {
  make_store();
  copy();
  flip_bit(segment(), 40);
  expect_refused(segment(), std::nullopt);
  for (const uint64_t size : {0, 1, 511}) {
    SCOPED_TRACE("cut to " + std::to_string(size));
    copy();
    fs::resize_file(segment(), size);
    expect_refused(segment(), std::nullopt);
  }
}

TEST_F(LogDamageTest, AMissingLogIsRefusedAndNotMadeUpForByTheLastCheckpoint) {
  make_store();
  {
    Store store = open_or_die(original_, small_store());
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(commit_number(store, kTransactions + 1));
  }
  copy();
  fs::remove(segment());
  expect_refused(segment(), std::nullopt);
  copy();
  fs::remove_all(path_ + "/wal");
  expect_refused(segment(), std::nullopt);
}

TEST_F(LogDamageTest, AMissingSegmentInTheMiddleIsRefused) {
  make_store(60);
  ASSERT_TRUE(fs::exists(segment_path(original_, 3)));
  copy();
  fs::remove(segment_path(path_, 2));
  const auto before = files_below(path_);
  auto store = Store::open(path_, small_store());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.status().code(), StatusCode::kCorruption) << store.status().to_string();
  EXPECT_TRUE(files_below(path_) == before) << "files were changed";
}

TEST_F(LogDamageTest, ADamagedHeaderOfTheLastSegmentIsRefused) {
  make_store(60);
  uint64_t last = 1;
  while (!LogFile(segment_path(original_, last + 1)).entries().empty()) ++last;
  ASSERT_GT(last, 2u);
  // Magic, number, end of the segment before, salt, checksum.
  for (const uint64_t at : {0, 32, 40, 72, 508}) {
    SCOPED_TRACE("bit at " + std::to_string(at));
    copy();
    flip_bit(segment_path(path_, last), at);
    expect_refused(segment_path(path_, last), 0);
  }
}

TEST_F(LogDamageTest, TheLastSegmentCutAnywhereKeepsEveryWholeTransactionBeforeIt) {
  make_store(60);
  uint64_t last_number = 1;
  int before_last = 0;
  while (true) {
    const LogFile next(segment_path(original_, last_number + 1));
    if (next.entries().empty()) break;
    before_last += whole_records(LogFile(segment_path(original_, last_number)), ~0ull);
    ++last_number;
  }
  const LogFile log(segment_path(original_, last_number));
  ASSERT_GT(last_number, 2u);
  for (const LogEntry& entry : {log.commits().front(), log.commits().back()}) {
    for (const uint64_t place : {entry.offset, entry.offset + 64, entry.end() - 9}) {
      SCOPED_TRACE("cut at offset " + std::to_string(place));
      copy();
      fs::resize_file(segment_path(path_, last_number), place);
      expect_recovered(before_last + whole_records(log, place));
      if (HasFailure()) return;
    }
  }
}

// The log of a machine that lost its power before anything was synced: no record says that another
// was durable.
TEST_F(LogDamageTest, AThousandEntriesBehindATornOneAreDiscardedWhole) {
  constexpr uint64_t kEntries = 1000;
  {
    StoreOptions options;
    options.durability = Durability::batched;
    Store store = open_or_die(original_, options);
    for (uint64_t i = 0; i <= kEntries; ++i) ASSERT_TRUE(store.put(std::to_string(i), "v"));
  }
  copy();
  LogFile log(segment());
  ASSERT_EQ(log.commits().size(), kEntries + 1);
  log.forge([](log::RecordHeader& header) { header.durable_lsn = 0; });
  const LogEntry& torn = log.commits()[1];
  uint64_t behind = 0;  // notes, too
  for (const LogEntry& entry : log.entries()) behind += entry.offset > torn.offset ? 1 : 0;
  flip_bit(segment(), torn.offset + 64);
  Store store = open_or_die(path_);
  const RecoveryReport& report = store.recovery();
  EXPECT_EQ(report.version, 1u);
  EXPECT_EQ(report.transactions_applied, 1u);
  EXPECT_EQ(report.transactions_discarded, 1u);
  EXPECT_EQ(report.orphaned_entries, behind);
  EXPECT_EQ(report.bytes_discarded, log.end() - torn.offset);
  EXPECT_EQ(report.warnings.size(), 2u);
  EXPECT_EQ(contents(store), (Contents{{"0", "v"}}));
  expect_sound(store);
  std::printf("discarded: %llu entries in %.1f ms\n", static_cast<unsigned long long>(behind + 1),
              static_cast<double>(report.duration_us) / 1000);
}

}  // namespace
}  // namespace holdfast
