// Cold starts that replay a long log: in slices, in stretches, with every kind of operation.
#include "store/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "store/apply.h"
#include "store/slice_feeder.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

class ReplayTest : public testing::Test {
 protected:
  // Everything that is committed stays behind the checkpoint that the store was created with.
  StoreOptions options() {
    StoreOptions options = TestMachine::small_store();
    options.helper_thread = has_thread_;
    options.checkpoint_log_bytes = ~uint64_t{0};
    return options;
  }

  void commit(const std::function<Status(Transaction&)>& write) {
    Transaction txn = std::move(*store_.begin());
    ASSERT_TRUE(write(txn));
    ASSERT_TRUE(txn.commit());
  }
  void put(const std::string& key, const std::string& value) {
    commit([&](Transaction& txn) { return txn.put(key, value); });
  }

  // What the store held, applied as it was committed, is what a cold start makes of the log.
  void expect_replayed() {
    const auto before = contents(store_);
    { const Store gone = std::move(store_); }
    machine_.reboot();
    store_ = machine_.open(options());
    EXPECT_TRUE(store_.recovery().cold);
    EXPECT_TRUE(contents(store_) == before);
    EXPECT_THAT(store_.check()->problems, IsEmpty());
  }

  TestMachine machine_;
  bool has_thread_ = false;
  Store store_ = machine_.open(options());
};

// All of the log.
Stretch stretch_of(const Context& context) {
  log::Position begin;
  begin.lsn = log::make_lsn(1, log::kSegmentHeaderSize);
  begin.epoch = 1;
  Stretch stretch(begin, {1u << 20, 1u << 30});
  log::Reader reader(*context.segments, context.store_id, begin, log::Trust::kUnproven);
  while (const auto record = *reader.next(~0ull)) {
    log::PayloadReader payload(record->payload);
    std::string_view rest = payload.rest();
    while (const auto operation = payload.next()) {
      stretch.add(*record, *operation, rest.substr(0, rest.size() - payload.rest().size()));
      rest = payload.rest();
    }
    stretch.end_record(record->header, reader.position());
  }
  return stretch;
}

std::string numbered(uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(6 - std::min<size_t>(6, digits.size()), '0') + digits;
}

TEST_F(ReplayTest, KeysInAnyOrder) {
  for (uint64_t i = 0; i < 600; ++i) put(numbered(i * 7919 % 600), std::string(60, 'v'));
  expect_replayed();
}

TEST_F(ReplayTest, TablesWithCommonPrefixesAreDivided) {
  for (uint64_t i = 0; i < 600; ++i) {
    const std::string table = i % 3 == 0 ? "a/first_table_of_three/" : "b/second_table/of/three/";
    put(table + numbered(i * 7919 % 600), std::string(60, 'v'));
  }
  expect_replayed();
}

TEST_F(ReplayTest, KeysThatDifferOnlyInZerosAtTheirEnd) {
  for (int i = 0; i < 300; ++i) {
    const std::string key = "z" + std::string(static_cast<size_t>(i % 9), '\0');
    put(key, std::to_string(i) + std::string(100, 'v'));
    if (i % 7 == 0) commit([&](Transaction& txn) { return txn.del("z" + std::string(2, '\0')); });
  }
  expect_replayed();
}

TEST_F(ReplayTest, OneKeyWrittenOverAndOver) {
  for (int i = 0; i < 2000; ++i) {
    commit([&](Transaction& txn) -> Status {
      HOLDFAST_TRY(i % 3 == 0 ? txn.raise("n", i * 2) : txn.add("n", i));
      if (i == 700) return txn.put("n", "no number");
      if (i == 1400) return txn.del("n");
      return txn.put("t", std::to_string(i));
    });
  }
  expect_replayed();
}

TEST_F(ReplayTest, RangesDeletedBetweenWrites) {
  for (uint64_t i = 0; i < 900; ++i) {
    put(numbered(i * 7919 % 300), std::string(40, 'v'));
    if (i % 90 == 60) {
      const KeyRange range{numbered(i % 7 * 40), numbered(i % 7 * 40 + i % 200)};
      commit([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(txn.del_range(range));
        return txn.add(range.begin, 1);
      });
    }
    if (i == 450) commit([](Transaction& txn) { return txn.del_range({numbered(200), ""}); });
  }
  expect_replayed();
}

TEST_F(ReplayTest, ValuesLargerThanASlice) {
  for (uint64_t i = 0; i < 20; ++i) put(numbered(i * 7 % 20), std::string(9000 + i, 'v'));
  expect_replayed();
}

TEST_F(ReplayTest, DamageMetByTheThreadEndsTheReplay) {
  for (uint64_t i = 0; i < 600; ++i) put(numbered(i), std::string(20, 'v'));
  const auto context = machine_.attach(options());
  Stretch stretch({}, {1u << 20, 1u << 30});
  log::Record record;
  record.header.lsn = log::make_lsn(1, log::kSegmentHeaderSize);
  record.payload = "no operation stands there";
  stretch.add(record, {log::OperationKind::kPut, "key", "value"}, record.payload);
  for (const bool has_thread : {false, true}) {
    Slices slices(*context, stretch, 1000);
    ASSERT_TRUE(slices.open());
    SliceFeeder feeder(slices, has_thread);
    EXPECT_EQ(feeder.next().status().code(), StatusCode::kCorruption);
  }
}

TEST_F(ReplayTest, ThreadThatIsNotWaitedForEnds) {
  for (uint64_t i = 0; i < 600; ++i) put(numbered(i), std::string(20, 'v'));
  const auto context = machine_.attach(options());
  Stretch stretch = stretch_of(*context);
  for (const int calls : {0, 1, 3}) {
    Slices slices(*context, stretch, 1000);
    ASSERT_TRUE(slices.open());
    SliceFeeder feeder(slices, true);
    for (int i = 0; i < calls; ++i) EXPECT_NE(*feeder.next(), nullptr);
  }
}

// --- Random histories

class RandomHistory {
 public:
  explicit RandomHistory(uint32_t seed) : random_(seed) {}

  Status write(Transaction& txn) {
    for (uint32_t left = 1 + below(12); left > 0; --left) HOLDFAST_TRY(operation(txn));
    return Status::ok();
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  std::string key() {
    static const std::string kTables[] = {"", "t/", "table/with/a/long/name/", "table/with/b/"};
    std::string key = kTables[below(4)];
    if (below(8) == 0) return key + "hot";
    if (below(8) == 0) return key + std::string(1 + below(4), '\0');
    return key + std::to_string(below(250));
  }

  Status operation(Transaction& txn) {
    switch (below(40)) {
      case 0: {
        const std::string begin = key();
        const std::string end = below(6) == 0 ? "" : below(2) == 0 ? begin + "5" : key();
        return txn.del_range({begin, end});
      }
      case 1:
      case 2:
      case 3:
      case 4:
        return txn.put_stamped("s/", std::to_string(below(3)), "12345678" + key(),
                               {.descending = below(2) == 0, .has_time = below(2) == 0});
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        return txn.del(key());
      case 10:
        return txn.put(key(), std::string(1000 + below(1000), 'w'));
      default:
        break;
    }
    if (below(2) == 0) return txn.put(key(), std::string(below(80), 'v'));
    const std::string name = key();
    const int64_t operand = static_cast<int32_t>(random_());
    const Status done = below(3) == 0 ? txn.raise(name, operand) : txn.add(name, operand);
    return done.code() == StatusCode::kInvalidArgument ? Status::ok() : done;  // not a number
  }

  std::mt19937 random_;
};

class ReplayRandomTest : public ReplayTest, public testing::WithParamInterface<uint32_t> {};

TEST_P(ReplayRandomTest, HasTheEffectOfOneCommitAfterTheOther) {
  RandomHistory history(GetParam());
  has_thread_ = GetParam() % 2 == 1;  // from the first cold start on
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 250; ++i) {
      commit([&](Transaction& txn) { return history.write(txn); });
    }
    expect_replayed();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplayRandomTest, testing::Range(0u, 12u));

// --- Slices

class SlicesTest : public ReplayTest {
 protected:
  // What is in the log, read through slices of at most `bytes_max`.
  std::vector<std::vector<std::pair<std::string, std::string>>> slices(uint64_t bytes_max) {
    const auto context = machine_.attach(options());
    Stretch stretch = stretch_of(*context);
    Slices source(*context, stretch, bytes_max);
    EXPECT_TRUE(source.open());
    std::vector<std::vector<std::pair<std::string, std::string>>> all;
    for (Slice slice; *source.next(slice);) {
      all.emplace_back();
      for (const Change& change : slice.changes) all.back().emplace_back(change.key, change.value);
    }
    return all;
  }
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_F(SlicesTest, FollowEachOtherInTheOrderOfTheirKeys) {
  for (const char* key : {"tea", "bun", "tin", "b", "tear", "bug"}) put(key, "1");
  const auto all = slices(12);
  EXPECT_GT(all.size(), 2u);
  std::string keys;
  for (const Pairs& slice : all) {
    for (const auto& [key, value] : slice) keys += key + " ";
  }
  EXPECT_EQ(keys, "b bug bun tea tear tin ");
}

TEST_F(SlicesTest, EarlierPlacesFollowWhatAllKeysShare) {
  for (const char* key : {"abcd2", "abcd1", "abcd2", "abce", "abc", "ab", "b", "abcd1"}) {
    put(key, "1");
  }
  std::string keys;
  for (const Pairs& slice : slices(1)) {
    for (const auto& [key, value] : slice) keys += key + " ";
  }
  EXPECT_EQ(keys, "ab abc abcd1 abcd1 abcd2 abcd2 abce b ");
}

TEST_F(SlicesTest, OneKeysOperationsStayInTheOrderOfTheLog) {
  for (const char* value : {"1", "2", "3", "4"}) put("key", value);
  EXPECT_EQ(slices(1000),
            (std::vector<Pairs>{{{"key", "1"}, {"key", "2"}, {"key", "3"}, {"key", "4"}}}));
  EXPECT_EQ(slices(14),
            (std::vector<Pairs>{{{"key", "1"}, {"key", "2"}}, {{"key", "3"}, {"key", "4"}}}));
}

TEST_F(SlicesTest, KeysWithTheSameHeadAreToldApart) {
  for (const char* end : {"c", "a", "d", "b"}) {
    put(std::string("x") + "a long head in common " + end, "1");
    put(std::string("y") + "another in common " + end, "2");
  }
  std::string ends;
  for (const Pairs& slice : slices(40)) {
    EXPECT_EQ(slice.size(), 1u);
    for (const auto& [key, value] : slice) ends += key.back();
  }
  EXPECT_EQ(ends, "abcdabcd");
}

TEST_F(SlicesTest, StretchIsFullAtItsLimits) {
  log::Record record;
  const log::Operation put{log::OperationKind::kPut, "key", "value"};
  Stretch by_memory({}, {3 * sizeof(Place), ~0ull});
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(by_memory.full());
    by_memory.add(record, put, "bytes");
  }
  EXPECT_TRUE(by_memory.full());
  Stretch by_log({}, {~0u, 100});
  record.header.payload_size = 50;
  by_log.end_record(record.header, {});
  EXPECT_TRUE(by_log.full());
}

// The history ends with a void, which leaves a version number out and nothing behind it; without
// further rows the last stretch is of nothing else.
TEST_F(ReplayTest, ALogOfSeveralStretchesMayEndWithAVoid) {
  constexpr int kCommitsOfAStretch = 14;  // 1,400 places of 24 bytes; 32 KiB are a stretch
  for (int rows = 0; rows < 3; ++rows) {
    for (int i = 0; i < kCommitsOfAStretch; ++i) {
      commit([](Transaction& txn) -> Status {
        for (int k = 0; k < 100; ++k) HOLDFAST_TRY(txn.put("key" + std::to_string(k), "value"));
        return Status::ok();
      });
    }
    for (int i = 0; i < rows; ++i) put("more", std::to_string(i));
    {
      FaultyOs os(machine_.os());
      Store failing = std::move(*Store::open(os, machine_.path(), options()));
      os.fault = [changes = 0](const Attempt& attempt) mutable {
        const bool strikes = attempt.is_change && ++changes == 2;
        return strikes ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
      };
      ASSERT_EQ(failing.put("voided", "1").status().code(), StatusCode::kAborted);
      os.fault = nullptr;
    }
    expect_replayed();
    EXPECT_EQ(store_.stats()->applies, 2u);
  }
}

}  // namespace
}  // namespace holdfast::store
