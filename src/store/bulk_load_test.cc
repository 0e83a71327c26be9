#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "holdfast/load.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Rows = std::map<std::string, std::string>;

class BulkLoadTest : public testing::Test {
 protected:
  Result<Load> try_load(uint64_t memory_bytes = 16u << 10) {
    StoreOptions options = TestMachine::small_store();
    options.deadline = std::chrono::milliseconds(1);
    return Load::open(os_, machine_.path(), options, {memory_bytes});
  }
  Load load(uint64_t memory_bytes = 16u << 10) {
    auto load = try_load(memory_bytes);
    EXPECT_TRUE(load) << load.status().to_string();
    return std::move(*load);
  }
  // Puts rows that are drawn from `seed`, into the load and into `expected`.
  void put_random(Load& load, uint32_t seed, int count, Rows& expected) {
    std::mt19937 random(seed);
    for (int i = 0; i < count; ++i) {
      const std::string key = "key" + std::to_string(random() % 5000);
      const std::string value(random() % 150 == 0 ? 3000 : random() % 80,
                              static_cast<char>('a' + i % 26));
      ASSERT_TRUE(load.put(key, value));
      expected[key] = value;
    }
  }
  void expect_store(const Rows& expected) {
    Store store = machine_.open();
    EXPECT_EQ(contents(store), expected);
    const auto report = store.check();
    ASSERT_TRUE(report) << report.status().to_string();
    EXPECT_THAT(report->problems, IsEmpty());
    EXPECT_EQ(report->leaked_pages, 0u);
  }
  TestMachine machine_;
  FaultyOs os_{machine_.os()};
};

TEST_F(BulkLoadTest, RowsInOrderMakeANewStore) {
  Rows expected;
  {
    Load load = this->load(8u << 10);
    for (int i = 10000; i < 14000; ++i) {
      ASSERT_TRUE(load.put(std::to_string(i), std::string(30, 'x')));
      expected[std::to_string(i)] = std::string(30, 'x');
    }
    ASSERT_TRUE(load.commit());
  }
  expect_store(expected);
}

TEST_F(BulkLoadTest, OfRowsInAnyOrderTheLastOfEachKeyCounts) {
  Rows expected;
  {
    Load load = this->load();
    put_random(load, 1, 6000, expected);
    ASSERT_TRUE(load.commit());
  }
  expect_store(expected);
}

TEST_F(BulkLoadTest, WhatFitsIntoMemoryNeedsNoFile) {
  Rows expected;
  os_.fault = [](const Attempt& attempt) {
    return attempt.call == Call::kOpen && attempt.path.ends_with("load.tmp")
               ? Status(StatusCode::kIoError, "made")
               : Status::ok();
  };
  {
    Load load = this->load(4u << 20);
    put_random(load, 2, 3000, expected);
    ASSERT_TRUE(load.commit());
  }
  expect_store(expected);
}

TEST_F(BulkLoadTest, OrderThatEndsHalfWayIsTakenUp) {
  Rows expected;
  {
    Load load = this->load(8u << 10);
    for (int i = 10000; i < 11000; ++i) {
      ASSERT_TRUE(load.put(std::to_string(i), "first"));
      expected[std::to_string(i)] = "first";
    }
    for (int i = 10500; i > 9000; i -= 3) {
      ASSERT_TRUE(load.put(std::to_string(i), "second"));
      expected[std::to_string(i)] = "second";
    }
    ASSERT_TRUE(load.commit());
  }
  expect_store(expected);
}

TEST_F(BulkLoadTest, RowsGoAmongThoseThatAreThere) {
  Rows expected;
  {
    Store store = machine_.open();
    for (int i = 0; i < 500; ++i) {
      const std::string key = "key" + std::to_string(i * 7);
      ASSERT_TRUE(store.put(key, "before"));
      expected[key] = "before";
    }
  }
  for (const uint32_t seed : {3u, 4u}) {
    Load load = this->load();
    put_random(load, seed, 2000, expected);
    ASSERT_TRUE(load.commit());
  }
  expect_store(expected);
  machine_.reboot();
  expect_store(expected);
}

TEST_F(BulkLoadTest, WithoutACommitNothingHasHappened) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  {
    Load load = this->load();
    Rows unused;
    put_random(load, 5, 3000, unused);
  }
  expect_store({{"a", "1"}});
  EXPECT_THAT(*machine_.os().list("/s"), ElementsAre("LOCK", "data", "shm", "wal"));
}

TEST_F(BulkLoadTest, TheStoreIsItsOwnMeanwhile) {
  Store store = machine_.open();
  EXPECT_EQ(try_load().status().code(), StatusCode::kBusy);
  ASSERT_TRUE(store.close());
  Load load = this->load();
  StoreOptions impatient = TestMachine::small_store();
  impatient.deadline = std::chrono::milliseconds(1);
  EXPECT_EQ(machine_.try_open(impatient).status().code(), StatusCode::kBusy);
}

TEST_F(BulkLoadTest, ARefusedRowLeavesTheRest) {
  {
    Load load = this->load();
    ASSERT_TRUE(load.put("a", "1"));
    EXPECT_EQ(load.put("", "x").code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(load.put("b", std::string((1u << 20) + 1, 'x')).code(), StatusCode::kTooLarge);
    ASSERT_TRUE(load.put("c", std::string(1u << 20, 'y')));
    ASSERT_TRUE(load.commit());
    EXPECT_EQ(load.put("d", "2").code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(load.commit().status().code(), StatusCode::kInvalidArgument);
  }
  expect_store({{"a", "1"}, {"c", std::string(1u << 20, 'y')}});
}

TEST_F(BulkLoadTest, AFullDiskEndsTheLoadAndLeavesTheStore) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  {
    Load load = this->load();
    os_.fault = [](const Attempt& attempt) {
      return attempt.call == Call::kAllocate && attempt.path.ends_with("data")
                 ? Status(StatusCode::kNoSpace, "full")
                 : Status::ok();
    };
    Status status;
    for (int i = 0; status && i < 200'000; ++i) {
      status = load.put(std::to_string(1'000'000 + i), std::string(50, 'x'));
    }
    EXPECT_EQ(status.code(), StatusCode::kNoSpace);
    EXPECT_EQ(load.put("b", "2").code(), StatusCode::kNoSpace);
    EXPECT_EQ(load.commit().status().code(), StatusCode::kNoSpace);
  }
  expect_store({{"a", "1"}});
}

// A machine that counts forks as told.
class ForkedOs final : public os::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;
  uint32_t fork_count() override { return os_.fork_count() + forks; }
  uint32_t forks = 0;
};

TEST_F(BulkLoadTest, AChildCannotCommitItsParentsLoad) {
  ForkedOs os(machine_.os());
  {
    auto load = Load::open(os, machine_.path(), TestMachine::small_store(), {});
    ASSERT_TRUE(load);
    ASSERT_TRUE(load->put("a", "1"));
    os.forks = 1;
    EXPECT_EQ(load->commit().status().code(), StatusCode::kForked);
    os.forks = 0;
    EXPECT_TRUE(load->commit());
  }
  expect_store({{"a", "1"}});
}

// The kernel tells once: the checkpoint's own sync would not hear of it.
TEST_F(BulkLoadTest, AnEarlySyncThatFailsEndsTheLoad) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  {
    Load load = this->load(1u << 20);
    std::atomic<bool> failed = false;
    os_.fault = [&failed](const Attempt& attempt) {
      const bool fails =
          attempt.call == Call::kSync && attempt.path.ends_with("data") && !failed.exchange(true);
      return fails ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
    };
    const std::string value(90, 'x');
    for (int i = 0; i < 120'000; ++i) ASSERT_TRUE(load.put(std::to_string(1'000'000 + i), value));
    EXPECT_EQ(load.commit().status().code(), StatusCode::kIoError);
    EXPECT_TRUE(failed);
    os_.fault = nullptr;
  }
  expect_store({{"a", "1"}});
}

TEST_F(BulkLoadTest, RowsPutAsideAreVerified) {
  {
    Load load = this->load();
    Rows unused;
    put_random(load, 6, 3000, unused);
    machine_.flip("/s/load.tmp", 1000);
    EXPECT_EQ(load.commit().status().code(), StatusCode::kCorruption);
  }
  expect_store({});
}

// The log does not have the rows: without the newest meta the older one must have them, too.
TEST_F(BulkLoadTest, EitherMetaHasTheRows) {
  for (const int slot : {0, 1}) {
    TestMachine machine;
    Rows expected;
    {
      auto load = Load::open(machine.os(), machine.path(), TestMachine::small_store(), {});
      ASSERT_TRUE(load);
      put_random(*load, 7, 1000, expected);
      ASSERT_TRUE(load->commit());
    }
    machine.flip(machine.data_path(), static_cast<uint64_t>(1 + slot) * 512 + 40);
    Store store = machine.open();
    EXPECT_EQ(contents(store), expected);
  }
}

}  // namespace
}  // namespace holdfast::store
