// A process that dies at a chosen point of a transaction: what it committed is there, what it did
// not is not, whether the control block survived it or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using Contents = std::map<std::string, std::string>;

enum class Start : uint8_t { kWarm, kCold };

class CrashPointsTest : public testing::TestWithParam<std::tuple<Durability, Start>> {
 protected:
  static constexpr ChildProcess::End kKilled{-1, SIGKILL};

  Store open() const {
    StoreOptions options;
    options.durability = std::get<0>(GetParam());
    return open_or_die(path_, options);
  }
  // `body` in a process that dies when it is done.
  void crash_after(const std::function<void(Store&)>& body) const {
    const auto end = run_in_child([&] {
      Store store = open();
      body(store);
      if (!HasFailure()) die_by_kill();
    });
    EXPECT_EQ(end, kKilled);
    if (std::get<1>(GetParam()) == Start::kCold) reboot(path_);
  }
  void expect_contents(const Contents& expected, uint64_t version) const {
    Store store = open();
    EXPECT_EQ(store.recovery().cold, std::get<1>(GetParam()) == Start::kCold);
    EXPECT_EQ(store.recovery().version, version);
    EXPECT_EQ(contents(store), expected);
    expect_sound(store);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(CrashPointsTest, AfterBegin) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("kept", "1"));
    Transaction txn = std::move(*store.begin());
    die_by_kill();
  });
  expect_contents({{"kept", "1"}}, 1);
}

TEST_P(CrashPointsTest, AfterWrite) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("kept", "1"));
    Transaction txn = std::move(*store.begin());
    ASSERT_TRUE(txn.put("gone", "2"));
    die_by_kill();
  });
  expect_contents({{"kept", "1"}}, 1);
}

TEST_P(CrashPointsTest, BeforeCommit) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("kept", "1"));
    Transaction txn = std::move(*store.begin());
    ASSERT_TRUE(txn.get("kept"));
    ASSERT_TRUE(txn.put("gone", std::string(100'000, 'x')));
    ASSERT_TRUE(txn.put("kept", "changed"));
    ASSERT_TRUE(txn.del("kept"));
    die_by_kill();
  });
  expect_contents({{"kept", "1"}}, 1);
}

TEST_P(CrashPointsTest, AfterCommit) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("old", "0"));
    Transaction txn = std::move(*store.begin());
    ASSERT_TRUE(txn.put("kept", "1"));
    ASSERT_TRUE(txn.put("large", std::string(100'000, 'x')));
    ASSERT_TRUE(txn.del("old"));
    const auto version = txn.commit();
    ASSERT_TRUE(version) << version.status().to_string();
    die_by_kill();
  });
  expect_contents({{"kept", "1"}, {"large", std::string(100'000, 'x')}}, 2);
}

TEST_P(CrashPointsTest, AfterAbort) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("kept", "1"));
    Transaction txn = std::move(*store.begin());
    ASSERT_TRUE(txn.put("gone", "2"));
    txn.abort();
    ASSERT_TRUE(store.put("also kept", "3"));
  });
  expect_contents({{"also kept", "3"}, {"kept", "1"}}, 2);
}

TEST_P(CrashPointsTest, AfterCheckpoint) {
  crash_after([](Store& store) {
    ASSERT_TRUE(store.put("before", "1"));
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.put("after", "2"));
  });
  expect_contents({{"after", "2"}, {"before", "1"}}, 2);
}

TEST_P(CrashPointsTest, InTheMiddleOfSeveralInterleavedTransactions) {
  crash_after([](Store& store) {
    Transaction first = std::move(*store.begin());
    Transaction second = std::move(*store.begin());
    Transaction third = std::move(*store.begin());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(first.put("first" + std::to_string(i), "1"));
      ASSERT_TRUE(second.put("second" + std::to_string(i), "2"));
      ASSERT_TRUE(third.put("third" + std::to_string(i), "3"));
    }
    ASSERT_TRUE(second.commit());
    ASSERT_TRUE(third.put("third3", "3"));
    ASSERT_TRUE(first.commit());
    die_by_kill();
  });
  expect_contents({{"first0", "1"},
                   {"first1", "1"},
                   {"first2", "1"},
                   {"second0", "2"},
                   {"second1", "2"},
                   {"second2", "2"}},
                  2);
}

TEST_P(CrashPointsTest, SeveralIncompleteInARow) {
  Contents expected;
  for (int i = 0; i < 5; ++i) {
    const std::string key = "kept" + std::to_string(i);
    expected[key] = "1";
    crash_after([&](Store& store) {
      ASSERT_TRUE(store.put(key, "1"));
      Transaction one = std::move(*store.begin());
      Transaction two = std::move(*store.begin());
      ASSERT_TRUE(one.put("gone1", "x"));
      ASSERT_TRUE(two.del(key));
      die_by_kill();
    });
    expect_contents(expected, i + 1);
    if (std::get<1>(GetParam()) == Start::kCold) reboot(path_);
  }
}

TEST_P(CrashPointsTest, AKillFromOutsideInTheMiddleOfATransaction) {
  Channel written;
  ChildProcess child = ChildProcess::start([&] {
    Store store = open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(store.put("kept" + std::to_string(i), "1"));
    Transaction txn = std::move(*store.begin());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(txn.put("gone" + std::to_string(i), "2"));
    written.send("x");
    await_kill();
  });
  ASSERT_TRUE(written.receive(1));
  child.kill();
  EXPECT_EQ(child.wait(), kKilled);
  if (std::get<1>(GetParam()) == Start::kCold) reboot(path_);
  Contents expected;
  for (int i = 0; i < 50; ++i) expected["kept" + std::to_string(i)] = "1";
  expect_contents(expected, 50);
}

TEST_P(CrashPointsTest, ObservationsAreRememberedAndFoundOrNeither) {
  crash_after([](Store& store) {
    const Space space = *store.space("project");
    NewObservation kept;
    kept.content = "the kept anchor";
    ASSERT_TRUE(space.observations().add(kept));
    Transaction txn = std::move(*store.begin());
    NewObservation gone;
    gone.content = "the lost anchor";
    ASSERT_TRUE(space.observations(txn).add(gone));
    die_by_kill();
  });
  Store store = open();
  const Space space = *store.space("project");
  const auto hits = space.recall({.text = "anchor"});
  ASSERT_TRUE(hits) << hits.status().to_string();
  ASSERT_EQ(hits->size(), 1u);
  EXPECT_EQ(hits->front().observation.content, "the kept anchor");
  EXPECT_EQ(*space.observations().count(), 1u);
  expect_sound(store);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, CrashPointsTest,
                         testing::Combine(testing::Values(Durability::strict, Durability::batched),
                                          testing::Values(Start::kWarm, Start::kCold)),
                         [](const auto& test_info) {
                           const bool strict = std::get<0>(test_info.param) == Durability::strict;
                           const bool warm = std::get<1>(test_info.param) == Start::kWarm;
                           return std::string(strict ? "Strict" : "Batched") +
                                  (warm ? "Warm" : "Cold");
                         });

}  // namespace
}  // namespace holdfast
