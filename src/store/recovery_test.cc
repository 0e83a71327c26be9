#include "store/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "store/append.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class RecoveryTest : public testing::Test {
 protected:
  void put(Store& store, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(store.put("key" + std::to_string(i), std::string(900, 'v')));
    }
  }
  // Commits until so many segments are in use; the last of them has several records. Nobody made a
  // checkpoint, and the power fails.
  void fill(uint64_t segments) {
    {
      Store store = machine_.open();
      const auto inside = machine_.attach();
      while (last_segment(*inside) < segments && !HasFailure()) put(store, 1);
      put(store, 3);
      ASSERT_TRUE(prepare_segments(*inside, false));
    }
    machine_.reboot();
  }
  static uint64_t last_segment(const Context& context) {
    return log::lsn_segment(read_tail(context.control().tail).lsn);
  }
  Status refusal() {
    auto store = machine_.try_open();
    return store ? Status::ok() : store.status();
  }
  // Where the records of a segment begin.
  std::vector<uint64_t> records(uint64_t segment) {
    const std::string bytes = machine_.read(machine_.log_path(segment), 0, 1u << 20);
    std::vector<uint64_t> offsets;
    uint64_t offset = log::kSegmentHeaderSize;
    while (offset + sizeof(log::RecordHeader) <= bytes.size()) {
      log::RecordHeader header;
      std::memcpy(&header, bytes.data() + offset, sizeof(header));
      if (header.lsn != log::make_lsn(segment, offset)) break;
      offsets.push_back(offset);
      offset += log::record_size(header.payload_size);
    }
    return offsets;
  }

  TestMachine machine_;
};

TEST_F(RecoveryTest, ADamagedHeaderOfADurableSegmentIsNamed) {
  fill(2);
  machine_.flip(machine_.log_path(2), 72);
  const Status status = refusal();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the header of a log segment"));
  EXPECT_EQ(status.path(), machine_.log_path(2));
  EXPECT_EQ(status.offset(), 0u);
  machine_.flip(machine_.log_path(2), 72);
  EXPECT_TRUE(refusal());
}

TEST_F(RecoveryTest, AMissingSegmentIsNamedWhereOnlyThePreparedOneStandsBehindIt) {
  fill(2);
  ASSERT_TRUE(machine_.os().remove(machine_.log_path(2)));
  const Status status = refusal();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(std::string(status.message()), HasSubstr("log segment 2 is missing"));
  EXPECT_EQ(status.path(), machine_.log_path(2));
}

// Who accepts what may only be in the page cache syncs it, or a later start, which goes back to the
// checkpoint before, might miss it.
TEST_F(RecoveryTest, TheSegmentThatHistoryEndsInIsSynced) {
  fill(3);
  FaultyOs os(machine_.os());
  std::set<std::string> synced;
  os.fault = [&](const Attempt& attempt) {
    if (attempt.call == Call::kSync) synced.insert(attempt.path);
    return Status::ok();
  };
  ASSERT_TRUE(Store::open(os, machine_.path(), TestMachine::small_store()));
  EXPECT_THAT(synced, Contains(machine_.log_path(3)));
}

TEST_F(RecoveryTest, OneEntryThatBelongsToNothingIsTold) {
  std::string log;
  {
    StoreOptions options = TestMachine::small_store();
    options.durability = Durability::batched;
    Store store = machine_.open(options);
    put(store, 3);
    log = machine_.read(machine_.log_path(1), 0, 1u << 20);
  }
  machine_.reboot();
  machine_.write(machine_.log_path(1), 0, log);  // before anybody synced it and wrote so down
  const std::vector<uint64_t> at = records(1);
  ASSERT_EQ(at.size(), 3u);
  machine_.flip(machine_.log_path(1), at[1] + sizeof(log::RecordHeader));
  const Store store = machine_.open();
  EXPECT_EQ(store.recovery().transactions_applied, 1u);
  EXPECT_EQ(store.recovery().orphaned_entries, 1u);
  EXPECT_THAT(store.recovery().warnings, ElementsAre(HasSubstr("one incomplete transaction"),
                                                     HasSubstr("ignored 1 log entr")));
}

TEST_F(RecoveryTest, ADamagedRootThatIsALeafFallsBackToTheOlder) {
  {
    Store store = machine_.open();
    for (const char* const key : {"a", "b", "c"}) {
      ASSERT_TRUE(store.put(key, "v"));
      ASSERT_TRUE(store.checkpoint());
    }
  }
  machine_.reboot();
  const Meta newest = machine_.newest_meta();
  ASSERT_EQ(newest.root_height, 1u);
  machine_.flip(machine_.data_path(), uint64_t{newest.root_pgno} * 512 + 100);
  Store store = machine_.open();
  EXPECT_EQ(contents(store).size(), 3u);
  EXPECT_THAT(
      store.recovery().warnings,
      ElementsAre(HasSubstr("checkpoint " + std::to_string(newest.number) + " cannot be used")));
}

}  // namespace
}  // namespace holdfast::store
