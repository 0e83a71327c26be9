#include "holdfast/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "store/test_machine.h"
#include "store/watch_slots.h"
#include "support/temporary_directory.h"

namespace holdfast::store {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchTest : public testing::Test {
 protected:
  Watch watch(const KeyRange& range, std::optional<uint64_t> cursor = std::nullopt) {
    return std::move(*store_->watch(range, cursor));
  }
  // "3: +a -b" for each commit; "missed" first if so.
  static std::vector<std::string> look(Watch& watch) {
    const auto result = watch.wait(milliseconds(0));
    EXPECT_TRUE(result) << result.status().to_string();
    std::vector<std::string> all;
    if (result->missed) all.push_back("missed");
    for (const WatchedCommit& commit : result->commits) {
      all.push_back(std::to_string(commit.version) + ":");
      for (const WatchedKey& key : commit.keys) {
        all.back() += (key.deleted ? " -" : " +") + key.key;
      }
    }
    return all;
  }
  void reopen(Durability durability) {
    StoreOptions options = TestMachine::small_store();
    options.durability = durability;
    store_.reset();
    store_ = machine_.open(options);
  }

  TestMachine machine_;
  std::optional<Store> store_ = machine_.open();
};

TEST_F(WatchTest, ShowsWhatTouchesTheRangeFromNowOn) {
  ASSERT_TRUE(store_->put("a/before", "1"));
  Watch on_a = watch(KeyRange::prefix("a/"));
  EXPECT_THAT(look(on_a), IsEmpty());
  ASSERT_TRUE(store_->put("a/x", "1"));
  ASSERT_TRUE(store_->put("b/x", "1"));
  Transaction txn = std::move(*store_->begin());
  ASSERT_TRUE(txn.put("a/y", "1"));
  ASSERT_TRUE(txn.del("a/x"));
  ASSERT_TRUE(txn.put("b/y", "1"));
  ASSERT_TRUE(txn.commit());
  EXPECT_THAT(look(on_a), ElementsAre("2: +a/x", "4: -a/x +a/y"));
  EXPECT_EQ(on_a.cursor(), 4u);
  EXPECT_THAT(look(on_a), IsEmpty());
}

// Of a range that is deleted, what lies in the watched one; and nobody wakes for what does not.
TEST_F(WatchTest, ShowsTheWatchedPartOfARangeThatIsDeleted) {
  const std::string ends[] = {"", "b", "d", "f", "h"};
  for (const std::string& begin : ends) {
    for (const std::string& end : ends) {
      if (!end.empty() && begin >= end) continue;
      const KeyRange watched{"d", "f"};
      Watch inside = watch(watched);
      Watch on_all = watch(KeyRange::all());
      Watch behind = watch({"d", ""});
      const auto version = store_->update([&](Transaction& txn) {
        return txn.del_range({begin, end});
      });
      ASSERT_TRUE(version) << version.status().to_string();
      const bool overlaps = (end.empty() || end > watched.begin) && begin < watched.end;
      const auto seen = inside.wait(milliseconds(0));
      ASSERT_TRUE(seen);
      ASSERT_EQ(seen->commits.size(), overlaps ? 1u : 0u) << begin << " to " << end;
      if (overlaps) {
        const WatchedKey& key = seen->commits[0].keys.at(0);
        EXPECT_TRUE(key.is_range && key.deleted);
        EXPECT_EQ(key.key, std::max(begin, watched.begin));
        EXPECT_EQ(key.range_end, end.empty() ? watched.end : std::min(end, watched.end));
      }
      EXPECT_EQ(on_all.wait(milliseconds(0))->commits.size(), 1u);
      EXPECT_EQ(behind.wait(milliseconds(0))->commits.size(), end.empty() || end > "d" ? 1u : 0u);
    }
  }
}

// At most so much at a time: the next call goes on.
TEST_F(WatchTest, ShowsVeryMuchInParts) {
  Watch all = watch(KeyRange::all());
  const auto write = [&](int commit) {
    return store_->update([&](Transaction& txn) -> Status {
      for (int i = 0; i < 100; ++i) {
        HOLDFAST_TRY(txn.put(std::string(100, 'k') + std::to_string(commit * 100 + i), ""));
      }
      return Status::ok();
    });
  };
  constexpr int kCommits = 130;  // of 10 KB of keys each
  for (int commit = 0; commit < kCommits; ++commit) {
    const auto version = write(commit);
    ASSERT_TRUE(version) << version.status().to_string();
  }
  const auto first = all.wait(milliseconds(0));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->missed);
  EXPECT_GT(first->commits.size(), 50u);
  EXPECT_LT(first->commits.size(), static_cast<size_t>(kCommits));
  const auto rest = all.wait(milliseconds(0));
  ASSERT_TRUE(rest);
  EXPECT_EQ(first->commits.size() + rest->commits.size(), static_cast<size_t>(kCommits));
}

TEST_F(WatchTest, ReportsTimeAndActor) {
  StoreOptions options = TestMachine::small_store();
  options.actor = "agent-7";
  Store other = machine_.open(options);
  Watch all = watch(KeyRange::all());
  ASSERT_TRUE(other.put("a", "1"));
  const auto result = all.wait(milliseconds(0));
  ASSERT_TRUE(result && result->commits.size() == 1);
  EXPECT_EQ(result->commits[0].actor, "agent-7");
  EXPECT_GT(result->commits[0].time_us, 0u);
}

TEST_F(WatchTest, GoesOnFromACursorThatWasKept) {
  Watch first = watch(KeyRange::prefix("k"));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i), "v"));
  EXPECT_EQ(look(first).size(), 5u);
  for (int i = 5; i < 8; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i), "v"));
  Watch second = watch(KeyRange::prefix("k"), first.cursor());
  EXPECT_THAT(look(second), ElementsAre("6: +k5", "7: +k6", "8: +k7"));
  Watch from_start = watch(KeyRange::prefix("k"), 0);
  EXPECT_EQ(look(from_start).size(), 8u);
}

TEST_F(WatchTest, GoesOnAfterARestartAndAcrossSegments) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store_->put("k", std::string(500, 'v')));
  const uint64_t kept = 40;
  store_.reset();
  machine_.reboot();
  store_ = machine_.open();
  ASSERT_TRUE(store_->put("k", "after"));
  Watch again = watch(KeyRange::prefix("k"), kept);
  std::vector<std::string> all = look(again);
  ASSERT_EQ(all.size(), 61u);
  EXPECT_EQ(all.front(), "41: +k");
  EXPECT_EQ(all.back(), "101: +k");
}

TEST_F(WatchTest, SaysWhenTheLogNoLongerReachesBack) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(store_->put("k", std::string(500, 'v')));
    ASSERT_TRUE(store_->checkpoint());
  }
  Watch late = watch(KeyRange::prefix("k"), 1);
  EXPECT_THAT(look(late), ElementsAre("missed"));
  EXPECT_EQ(late.cursor(), 180u);
  ASSERT_TRUE(store_->put("k", "next"));
  EXPECT_THAT(look(late), ElementsAre("181: +k"));
}

TEST_F(WatchTest, ACursorFromTheFutureIsToldAsMissed) {
  ASSERT_TRUE(store_->put("k", "v"));
  Watch future = watch(KeyRange::all(), 1000);
  EXPECT_THAT(look(future), ElementsAre("missed"));
  ASSERT_TRUE(store_->put("k", "w"));
  EXPECT_THAT(look(future), ElementsAre("2: +k"));
}

TEST_F(WatchTest, KeepsTheLogItStillNeeds) {
  Watch slow = watch(KeyRange::prefix("k"));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(store_->put("k", std::string(500, 'v')));
    ASSERT_TRUE(store_->checkpoint());
  }
  EXPECT_EQ(look(slow).size(), 60u);
}

TEST_F(WatchTest, AnIdleWatchReadsNothingAndLetsGoOfTheLog) {
  Watch idle = watch(KeyRange::prefix("quiet"));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(store_->put("k", std::string(500, 'v')));
    EXPECT_THAT(look(idle), IsEmpty());
    EXPECT_EQ(idle.cursor(), store_->stats()->version);
    ASSERT_TRUE(store_->checkpoint());
  }
  ASSERT_TRUE(store_->put("k", "v"));
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_LT(store_->stats()->log_bytes, 16u * (16u << 10));
}

TEST_F(WatchTest, LongBordersAreWatchedExactlyInTheEnd) {
  const std::string stem(100, 'p');
  Watch exact = watch({stem + "b", stem + "d"});
  for (const char* last : {"a", "b", "c", "d"}) ASSERT_TRUE(store_->put(stem + last, "v"));
  EXPECT_THAT(look(exact), ElementsAre("2: +" + stem + "b", "3: +" + stem + "c"));
  const std::string highest(60, '\xff');
  Watch at_the_end = watch({highest, highest + "z"});
  ASSERT_TRUE(store_->put(highest + "a", "v"));
  EXPECT_EQ(look(at_the_end).size(), 1u);
}

TEST_F(WatchTest, MuchIsGivenInPieces) {
  Watch all = watch(KeyRange::all());
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i), "v"));
  size_t seen = 0;
  while (true) {
    const size_t count = look(all).size();
    if (count == 0) break;
    EXPECT_LE(count, 1000u);
    seen += count;
  }
  EXPECT_EQ(seen, 1500u);
}

TEST_F(WatchTest, AStrictWatchSeesDurableCommitsOnlyABatchedOneAll) {
  Watch strict = watch(KeyRange::all());
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  Store batched = machine_.open(options);
  Watch eager = std::move(*batched.watch(KeyRange::all()));
  ASSERT_TRUE(batched.put("a", "1"));
  EXPECT_THAT(look(eager), ElementsAre("1: +a"));
  EXPECT_THAT(look(strict), IsEmpty());
  ASSERT_TRUE(batched.flush());
  EXPECT_THAT(look(strict), ElementsAre("1: +a"));
  EXPECT_THAT(look(eager), IsEmpty());
}

TEST_F(WatchTest, ClosedAndFullAreTold) {
  Watch open = watch(KeyRange::all());
  std::vector<Watch> watches;
  for (uint32_t i = 0; i + 1 < kWatchSlots; ++i) watches.push_back(watch(KeyRange::all()));
  EXPECT_EQ(store_->watch(KeyRange::all()).status().code(), StatusCode::kBusy);
  watches.pop_back();
  EXPECT_TRUE(store_->watch(KeyRange::all()));
  watches.clear();
  ASSERT_TRUE(store_->close());
  EXPECT_EQ(open.wait(milliseconds(0)).status().code(), StatusCode::kClosed);
}

TEST_F(WatchTest, SlotsOfTheDeadAreUsedAgain) {
  {
    auto dead = machine_.attach();
    for (uint32_t i = 0; i < kWatchSlots; ++i) ASSERT_TRUE(claim_watch(*dead, "a", "b", false));
  }
  EXPECT_TRUE(store_->watch(KeyRange::all()));
}

TEST_F(WatchTest, WithoutWatchersNothingIsMarked) {
  ASSERT_TRUE(store_->put("a", "1"));
  const auto context = machine_.attach();
  EXPECT_EQ(context->control().watches.slots_used.load(), 0u);
}

TEST_F(WatchTest, OnlySlotsThatAreTouchedAreWoken) {
  Watch on_a = watch(KeyRange::prefix("a"));
  Watch on_b = watch(KeyRange::prefix("b"));
  ASSERT_TRUE(store_->put("x", "1"));  // a new slot counts as touched once
  const auto context = machine_.attach();
  WatchSlot* slots = context->control().watch_slots;
  const uint32_t a = slots[0].changes.load();
  const uint32_t b = slots[1].changes.load();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store_->put("b", "1"));
  EXPECT_EQ(slots[0].changes.load(), a);
  EXPECT_EQ(slots[1].changes.load(), b + 10);
}

TEST(WatchOnDiskTest, ASleeperIsWokenByAnotherHandle) {
  TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path() + "/s"));
  Store other = std::move(*Store::open(directory.path() + "/s"));
  Watch sleeper = std::move(*store.watch(KeyRange::prefix("job/")));
  std::thread writer([&] {
    ASSERT_TRUE(other.put("noise", "1"));
    ASSERT_TRUE(other.put("job/1", "1"));
  });
  const auto result = sleeper.wait(std::chrono::seconds(30));
  writer.join();
  ASSERT_TRUE(result) << result.status().to_string();
  ASSERT_EQ(result->commits.size(), 1u);
  EXPECT_EQ(result->commits[0].keys[0].key, "job/1");
}

}  // namespace
}  // namespace holdfast::store
