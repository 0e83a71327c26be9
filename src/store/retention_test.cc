#include "store/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "store/history_rows.h"
#include "store/test_interloper.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast {
namespace {

using store::TestMachine;
using testing::IsEmpty;
using testing::SizeIs;

class RetentionTest : public testing::Test {
 protected:
  void put(const History& history, const std::string& key, const std::string& value) {
    ASSERT_TRUE(store_.update([&](Transaction& txn) { return history.put(txn, key, value); }));
  }
  void keep(const History& history, const Retention& retention) {
    ASSERT_TRUE(store_.update([&](Transaction& txn) { return history.keep(txn, retention); }));
  }
  void trim_all() {
    for (int i = 0; i < 10'000; ++i) {
      const auto more = store_.trim_histories();
      ASSERT_TRUE(more) << more.status().to_string();
      if (!*more) return;
    }
    FAIL() << "trimming does not end";
  }
  void trim_all_at(uint64_t now_us) {
    store::Retainer retainer;
    const auto begin = [&] { return store_.begin(); };
    while (*retainer.step(begin, now_us) == store::RetainStep::kMore) {
    }
  }
  KeptHistory kept(const History& history) {
    auto snapshot = store_.snapshot();
    const auto found = history.kept(*snapshot);
    EXPECT_TRUE(found && *found);
    return **found;
  }
  size_t versions(const History& history, const std::string& key) {
    auto snapshot = store_.snapshot();
    return history.versions(*snapshot, key, 1'000'000)->size();
  }
  // What the counters should say: every version's row, walked over.
  void expect_counts(const History& history) {
    auto snapshot = store_.snapshot();
    uint64_t count = 0, bytes = 0;
    Cursor cursor = snapshot->scan(store::rows_of(history.prefix(), {}));
    for (; cursor.valid(); cursor.next()) {
      const auto row = store::parse_row(cursor.value());
      ASSERT_TRUE(row);
      if (row->is_floor()) continue;
      ++count;
      bytes += store::row_bytes(cursor.key(), cursor.value());
    }
    const auto found = history.kept(*snapshot);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->versions, count);
    EXPECT_EQ((*found)->bytes, bytes);
  }

  TestMachine machine_;
  Store store_ = machine_.open();
  History history_{"h/"};
};

TEST_F(RetentionTest, WhatIsNotKeptToIsNoHistoryOfStats) {
  put(history_, "a", "1");
  EXPECT_EQ(store_.stats()->histories, 0u);
  keep(history_, {});
  EXPECT_EQ(store_.stats()->histories, 1u);
  EXPECT_EQ(store_.stats()->history_versions, 1u);
  EXPECT_EQ(store_.stats()->history_bytes, 2 + 1 + 2 + 8 + 8 + 1 + 1u);
  ASSERT_TRUE(store_.update([&](Transaction& txn) { return history_.stop_keeping(txn); }));
  EXPECT_EQ(store_.stats()->histories, 0u);
}

TEST_F(RetentionTest, CommitsTrimByThemselves) {
  keep(history_, {.count = 3});
  for (int i = 0; i < 1000; ++i) put(history_, "a", std::to_string(i));
  EXPECT_LE(versions(history_, "a"), 300u);
  trim_all();
  EXPECT_LE(versions(history_, "a"), 3 + 64u);
  expect_counts(history_);
}

TEST_F(RetentionTest, ANewRetentionIsCarriedOutWhole) {
  for (int i = 0; i < 100; ++i) put(history_, "a", std::to_string(i));
  keep(history_, {.count = 10});
  trim_all();
  EXPECT_EQ(versions(history_, "a"), 10u);
  keep(history_, {.count = 2});
  trim_all();
  EXPECT_EQ(versions(history_, "a"), 2u);
  keep(history_, {});
  trim_all();
  EXPECT_EQ(versions(history_, "a"), 2u);
}

TEST_F(RetentionTest, AVersionThatATransactionPutsTwiceCountsOnce) {
  keep(history_, {});
  ASSERT_TRUE(store_.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(history_.put(txn, "a", "123"));
    HOLDFAST_TRY(history_.put(txn, "a", "1234567"));
    HOLDFAST_TRY(history_.del(txn, "a"));
    return history_.put(txn, "b", "");
  }));
  EXPECT_EQ(kept(history_).versions, 2u);
  expect_counts(history_);
}

TEST_F(RetentionTest, ManyVersionsOfOneKeyGoInSteps) {
  // Rows as commits would have left them, many at once.
  for (int round = 0; round < 12; ++round) {
    ASSERT_TRUE(store_.update([&](Transaction& txn) -> Status {
      for (int i = 0; i < 1000; ++i) {
        const std::string key =
            store::row_key(store::group_of("h/", "a"), static_cast<uint64_t>(round * 1000 + i + 1));
        HOLDFAST_TRY(txn.put(key, std::string(9, '\0') + "v"));
      }
      return Status::ok();
    }));
  }
  const auto first = history_.trim_step(store_, {.count = 100}, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->next, "a");
  EXPECT_LE(first->versions_trimmed, History::kTrimVersionsMax);
  EXPECT_GT(first->versions_trimmed, History::kTrimVersionsMax / 4);
  // What is left is whole: the oldest went.
  auto snapshot = store_.snapshot();
  const auto left = history_.versions(*snapshot, "a", 20'000);
  ASSERT_EQ(left->size(), 12'000 - first->versions_trimmed);
  EXPECT_EQ(left->front().version, 12'000u);
  EXPECT_EQ(left->back().version, first->versions_trimmed + 1);
  for (std::string from = "a"; !from.empty();) {
    const auto step = history_.trim_step(store_, {.count = 100}, 0, from);
    ASSERT_TRUE(step);
    from = step->next;
  }
  EXPECT_EQ(versions(history_, "a"), 100u);
}

TEST_F(RetentionTest, ARoundGoesOnWhereItsProcessDied) {
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(store_.update([&](Transaction& txn) -> Status {
      return history_.put(txn, "key/" + std::to_string(i % 300), std::to_string(i));
    }));
  }
  keep(history_, {.count = 1});
  ASSERT_TRUE(*store_.trim_histories());
  EXPECT_TRUE(kept(history_).is_trimming);
  EXPECT_EQ(kept(history_).versions, 600 - History::kTrimKeysMax);
  ASSERT_TRUE(store_.close());
  store_ = machine_.open();
  ASSERT_TRUE(*store_.trim_histories());
  EXPECT_FALSE(kept(history_).is_trimming);
  EXPECT_EQ(kept(history_).versions, 300u);
  expect_counts(history_);
}

TEST_F(RetentionTest, OneHistoryThatIsAlwaysDueDoesNotStarveOthers) {
  const History other("i/");
  for (int i = 0; i < 300; ++i) put(history_, "k" + std::to_string(i), "v");
  for (int i = 0; i < 5; ++i) put(other, "a", "v");
  keep(history_, {.count = 1});
  keep(other, {.count = 1});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store_.trim_histories());
  EXPECT_EQ(versions(other, "a"), 1u);
}

TEST_F(RetentionTest, AgeIsReckonedByTheClockOfWhoTrims) {
  put(history_, "a", "1");
  put(history_, "a", "2");
  auto before = store_.snapshot();
  const uint64_t time_us = (*history_.find(*before, "a"))->time_us;
  keep(history_, {.age = std::chrono::hours(1)});
  trim_all();
  EXPECT_EQ(versions(history_, "a"), 2u);
  trim_all_at(time_us + 3'599'000'000);
  EXPECT_EQ(versions(history_, "a"), 2u);
  trim_all_at(time_us + 3 * 3'600'000'000);
  EXPECT_EQ(versions(history_, "a"), 1u);
  EXPECT_EQ(kept(history_).versions, 1u);
  auto snapshot = store_.snapshot();
  EXPECT_EQ(history_.get(*snapshot, "a", AsOf::version(1)).status().code(), StatusCode::kTooOld);
}

TEST_F(RetentionTest, AClockThatIsSetBackTrimsLess) {
  put(history_, "a", "1");
  put(history_, "a", "2");
  auto before = store_.snapshot();
  const uint64_t time_us = (*history_.find(*before, "a"))->time_us;
  keep(history_, {.age = std::chrono::minutes(1)});
  trim_all_at(time_us - 3'600'000'000);
  EXPECT_EQ(versions(history_, "a"), 2u);
  trim_all_at(5);  // less than the age: nothing is as old
  EXPECT_EQ(versions(history_, "a"), 2u);
}

TEST_F(RetentionTest, AHistoryThatBeginsHereKnowsNothingOfBefore) {
  put(history_, "a", "1");
  const auto begun = store_.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(history_.begin_here(txn));
    return history_.put(txn, "b", "2");
  });
  ASSERT_TRUE(begun);
  auto snapshot = store_.snapshot();
  EXPECT_EQ(history_.floor(*snapshot)->version, *begun);
  EXPECT_EQ(*history_.get(*snapshot, "b", AsOf::version(*begun)), "2");
  const uint64_t time_us = (*history_.find(*snapshot, "b"))->time_us;
  EXPECT_EQ(*history_.get(*snapshot, "b", AsOf::time_us(time_us)), "2");
  EXPECT_EQ(history_.get(*snapshot, "b", AsOf::version(*begun - 1)).status().code(),
            StatusCode::kTooOld);
  EXPECT_EQ(history_.get(*snapshot, "b", AsOf::time_us(time_us - 1)).status().code(),
            StatusCode::kTooOld);
}

TEST_F(RetentionTest, ErasingLeavesNothing) {
  for (int i = 0; i < 20; ++i) put(history_, "a", std::to_string(i));
  keep(history_, {.count = 3});
  trim_all();
  ASSERT_TRUE(store_.update([&](Transaction& txn) { return history_.erase(txn); }));
  auto snapshot = store_.snapshot();
  EXPECT_FALSE(snapshot->scan(KeyRange::prefix("h/")).valid());
  EXPECT_FALSE(snapshot->scan(KeyRange::prefix("\x0fr")).valid());
  EXPECT_THAT(*list_histories(*snapshot, 10), IsEmpty());
}

TEST_F(RetentionTest, ListingGoesOnBehindAPrefix) {
  for (const std::string prefix : {"a", "b", "c"}) keep(History(prefix), {.count = 1});
  auto snapshot = store_.snapshot();
  EXPECT_THAT(*list_histories(*snapshot, 2), SizeIs(2));
  EXPECT_EQ(list_histories(*snapshot, 2, "b")->front().prefix, "c");
}

TEST_F(RetentionTest, BadRetentionsAreRefused) {
  auto txn = store_.begin();
  EXPECT_EQ(History("").keep(*txn, {.count = 1}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(history_.keep(*txn, {.age = std::chrono::seconds(-1)}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(History(std::string(2000, 'x')).keep(*txn, {}).code(), StatusCode::kInvalidArgument);
}

TEST_F(RetentionTest, TheHelperThreadTrimsBesideTheCommits) {
  StoreOptions options = TestMachine::small_store();
  options.helper_thread = true;
  Store store = machine_.open(options);
  keep(history_, {.count = 1});
  // Whatever the thread's luck, at some time most of what was put has gone.
  uint64_t count = 0;
  for (uint64_t most = 0; count + 100 >= most || most < 500;) {
    for (int i = 0; i < 64; ++i) {
      ASSERT_TRUE(store.update([&](Transaction& txn) { return history_.put(txn, "a", "v"); }));
      ++most;
    }
    count = store.stats()->history_versions;
  }
  ASSERT_TRUE(store.close());
  expect_counts(history_);
}

TEST_F(RetentionTest, WhatAgeLeavesOfADeletedKeyGoesAsWell) {
  keep(history_, {.age = std::chrono::hours(1)});
  put(history_, "a", "1");
  put(history_, "b", "1");
  ASSERT_TRUE(store_.update([&](Transaction& txn) { return history_.del(txn, "a"); }));
  const uint64_t now_us = machine_.os().wall_time_us();
  trim_all_at(now_us + 2 * 3'600'000'000);
  EXPECT_EQ(kept(history_).versions, 1u);
  const auto rows = [&] {
    auto snapshot = store_.snapshot();
    Cursor cursor = snapshot->scan(store::rows_of(history_.prefix(), {}));
    size_t count = 0;
    for (; cursor.valid(); cursor.next()) ++count;
    return count;
  };
  EXPECT_EQ(rows(), 1u);
  expect_counts(history_);
  // Where nothing is left there is nothing to do.
  ASSERT_TRUE(store_.update([&](Transaction& txn) { return history_.del(txn, "b"); }));
  trim_all_at(now_us + 40 * 3'600'000'000);
  trim_all_at(now_us + 80 * 3'600'000'000);
  trim_all_at(now_us + 120 * 3'600'000'000);
  EXPECT_EQ(kept(history_).versions, 0u);
  EXPECT_EQ(rows(), 0u);
}

TEST_F(RetentionTest, OnlyWhatWasWrittenIsARetention) {
  const Retention retention{std::chrono::seconds(5), 7};
  const std::string value = store::retention_value(retention);
  EXPECT_EQ(store::parse_retention(value)->count, 7u);
  for (const std::string& spoiled :
       {std::string(), value.substr(1), value + "x", std::string(value.size(), '\0')}) {
    EXPECT_FALSE(store::parse_retention(spoiled));
  }
  EXPECT_EQ(store::parse_retention("\xff").status().code(), StatusCode::kUnsupported);
}

TEST_F(RetentionTest, AStepOfAHandleThatIsInOneIsRefused) {
  store::Retainer retainer;
  const auto inside = [&] {
    const auto refused = retainer.step([&] { return store_.begin(); }, 1);
    EXPECT_EQ(*refused, store::RetainStep::kBusy);
    return store_.begin();
  };
  EXPECT_EQ(*retainer.step(inside, 1), store::RetainStep::kDone);
}

TEST_F(RetentionTest, ManyHistoriesAreLookedAtAFewAtATime) {
  std::vector<History> all;
  for (int i = 0; i < 300; ++i) all.emplace_back("h" + std::to_string(1000 + i) + "/");
  ASSERT_TRUE(store_.update([&](Transaction& txn) -> Status {
    for (const History& each : all) HOLDFAST_TRY(each.keep(txn, {.count = 1}));
    return Status::ok();
  }));
  put(all.back(), "a", "1");
  put(all.back(), "a", "2");
  store::Retainer retainer;
  for (int steps = 1; versions(all.back(), "a") == 2; ++steps) {
    ASSERT_LE(steps, 10);
    EXPECT_EQ(*retainer.step([&] { return store_.begin(); }, 1), store::RetainStep::kMore);
  }
  // What is left of the round, and one that finds nothing: whoever calls until it is done, as the
  // helper thread does, must come to rest.
  int steps = 1;
  while (*retainer.step([&] { return store_.begin(); }, 1) == store::RetainStep::kMore) {
    ASSERT_LE(++steps, 20);
  }
  EXPECT_GT(steps, 300 / 64);
}

// Another handle trims the same, or what this one has mapped is lost, at any moment of a step.
TEST(RetentionAtAnyMomentTest, AStepIsWholeOrNotDone) {
  for (const bool is_lost : {false, true}) {
    store::Interloper::Places places;
    for (bool acted = true; acted;) {
      TestMachine machine;
      FaultyOs os(machine.os());
      Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
      StoreOptions hasty = TestMachine::small_store();
      hasty.deadline = std::chrono::milliseconds(1);
      Store other = machine.open(hasty);
      const History history("h/");
      for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(other.update([&](Transaction& txn) -> Status {
          HOLDFAST_TRY(history.keep(txn, {.count = 1}));
          return history.put(txn, "a", std::to_string(i));
        }));
      }
      Status status;
      {
        store::Interloper interloper(places, [&] {
          if (is_lost) {
            os.lost.pages = true;
          } else {
            (void)other.trim_histories();  // not while a lock is held
          }
        });
        status = store.trim_histories().status();
        acted = interloper.has_acted();
      }
      EXPECT_TRUE(status || status.code() == StatusCode::kIoError) << status.to_string();
      os.lost.pages = false;
      while (*store.trim_histories()) {
      }
      Snapshot now = std::move(*store.snapshot());
      EXPECT_THAT(*history.versions(now, "a", 10), SizeIs(1));
      EXPECT_EQ((*history.kept(now))->versions, 1u);
      EXPECT_THAT(store.check()->problems, IsEmpty());
    }
    EXPECT_GT(places.size(), 30u);
  }
}

// Writers, retentions that change, and two handles that trim at once: what the counters say is
// always what is there.
TEST_F(RetentionTest, CountsAreExactWhateverIsTrimmedByWhom) {
  std::mt19937_64 random(5);
  Store other = machine_.open();
  keep(history_, {.count = 2});
  for (int round = 0; round < 300; ++round) {
    const std::string key = "k" + std::to_string(random() % 7);
    if (random() % 5 == 0) {
      ASSERT_TRUE(store_.update([&](Transaction& txn) { return history_.del(txn, key); }));
    } else {
      put(history_, key, std::string(random() % 50, 'v'));
    }
    if (random() % 20 == 0) keep(history_, {.count = random() % 4});
    if (random() % 4 == 0) {
      ASSERT_TRUE(store_.trim_histories());
    }
    if (random() % 4 == 0) {
      ASSERT_TRUE(other.trim_histories());
    }
    if (random() % 9 == 0) {
      ASSERT_TRUE(history_.trim_step(other, {.count = 1}, 0, key, 2));
    }
    if (round % 10 == 0) expect_counts(history_);
    if (HasFatalFailure()) return;
  }
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

}  // namespace
}  // namespace holdfast
