// What waits in the log for the tree in large amounts: who reads goes through it or applies it, who
// commits waits for it, and the ring of published roots is never overrun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "os/forwarding_os.h"
#include "store/append.h"
#include "store/apply.h"
#include "store/load.h"
#include "store/published.h"
#include "store/sync.h"
#include "store/test_interloper.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;

// Its disk has room, so commits need not wait for pages.
class RoomyOs final : public os::ForwardingOs {
 public:
  explicit RoomyOs(os::Os& os) : ForwardingOs(os) {}
  uint64_t free_disk_bytes(const std::string&) override { return 4ull << 30; }
};

StoreOptions options_of(Durability durability) {
  StoreOptions options = TestMachine::small_store();
  options.durability = durability;
  options.page_size_bytes = 4096;
  options.segment_size_bytes = 4u << 20;
  options.deadline = std::chrono::milliseconds(20);
  return options;
}

// Commits that nobody has synced or applied, of `size` bytes each.
void append_commits(const Context& context, int count, size_t size) {
  for (int i = 0; i < count; ++i) {
    log::PayloadBuilder payload("");
    payload.put("key" + std::to_string(i), std::string(size, 'v'));
    ASSERT_TRUE(append(context, payload, {}, {}, context.deadline()));
  }
}

uint64_t unapplied(const Context& context) {
  const ControlBlock& control = context.control();
  return read_tail(control.tail).version - read_latest_root(control).version;
}

class BacklogTest : public testing::Test {
 protected:
  Store open(Durability durability) {
    return std::move(*Store::open(os_, machine_.path(), options_of(durability)));
  }
  std::unique_ptr<Context> attach(Durability durability = Durability::strict) {
    return std::move(open_context(os_, machine_.path(), options_of(durability))->context);
  }
  // Another process that applies, and is slow.
  std::unique_ptr<Context> hold_apply() {
    auto holder = attach();
    EXPECT_EQ(holder->locks->apply.try_lock(false), LockOutcome::kAcquired);
    return holder;
  }

  TestMachine machine_;
  RoomyOs os_{machine_.os()};
  std::unique_ptr<Context> context_ = attach();
};

TEST_F(BacklogTest, ManyCommitsAreAppliedByWhoReadsOrReadThroughTheLogMeanwhile) {
  Store store = open(Durability::strict);
  append_commits(*context_, 4200, 5);
  {
    const auto holder = hold_apply();
    EXPECT_EQ(*store.begin()->get("key4199"), "vvvvv");
    EXPECT_GT(unapplied(*context_), 4000u);
    holder->locks->apply.unlock();
  }
  ASSERT_TRUE(store.put("more", "1"));
  EXPECT_EQ(*open(Durability::strict).begin()->get("key4199"), "vvvvv");
  EXPECT_LT(unapplied(*context_), 10u);
}

TEST_F(BacklogTest, WhoTakesASnapshotAppliesWhatIsManyCommits) {
  Store store = open(Durability::strict);
  append_commits(*context_, 1100, 5);
  ASSERT_TRUE(try_sync(*context_, true));
  EXPECT_GT(unapplied(*context_), 1000u);
  EXPECT_EQ(*store.snapshot()->get("key1099"), "vvvvv");
  EXPECT_LT(unapplied(*context_), 10u);
}

// So much of the log would be held in the memory of each reader.
TEST_F(BacklogTest, MuchThatIsSyncedIsAppliedByWhoReads) {
  Store store = open(Durability::strict);
  append_commits(*context_, 10, 1000 << 10);
  ASSERT_TRUE(try_sync(*context_, true));
  EXPECT_EQ(store.get("key9")->value().size(), 1000u << 10);
  EXPECT_EQ(unapplied(*context_), 0u);
}

TEST_F(BacklogTest, CommitsWaitForALateHelperAndSayWhoIsInTheWay) {
  const auto context = attach(Durability::batched);
  append_commits(*context, 70, 1000 << 10);
  ASSERT_TRUE(load_bytes(*context));
  {
    const auto holder = hold_apply();
    Store strict = open(Durability::strict);
    // Nothing was committed, or the commit was and its acknowledgement would be a promise.
    const Status refused = strict.put("strict", "1").status();
    EXPECT_EQ(refused.code(), StatusCode::kBusy);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("apply lock is held by"));
    const Status late = bound_backlog(*context, true);
    EXPECT_EQ(late.code(), StatusCode::kBusy);
    EXPECT_THAT(std::string(late.message()), HasSubstr("whether it will last is not known"));
    Store batched = open(Durability::batched);
    EXPECT_EQ(batched.put("batched", "1").status().code(), StatusCode::kBusy);
    holder->locks->apply.unlock();
  }
  EXPECT_TRUE(bound_backlog(*context, true));
  EXPECT_EQ(unapplied(*context), 0u);
}

// The helper has done it when the lock is had.
TEST_F(BacklogTest, WhoWaitedForTheHelperDoesNotApplyAgain) {
  Interloper::Places places;
  bool acted = true;
  while (acted) {
    append_commits(*context_, 70, 1000 << 10);
    Interloper interloper(places, [&] {
      const auto helper = attach();
      (void)try_apply_tail(*helper);
    });
    ASSERT_TRUE(bound_backlog(*context_, true));
    acted = interloper.has_acted() && places.size() < 8;
    EXPECT_EQ(unapplied(*context_), 0u);
  }
}

TEST_F(BacklogTest, WritesOfSeveralTablesAreReadInTheOrderOfTheirKeys) {
  Store store = open(Durability::batched);
  std::map<std::string, std::string> expected;
  std::mt19937 random(7);
  const auto put = [&](const std::string& key, const std::string& value) {
    log::PayloadBuilder payload("");
    payload.put(key, value);
    ASSERT_TRUE(append(*context_, payload, {}, {}, context_->deadline()));
    expected[key] = value;
  };
  // A table holds half a MiB at first: keys below, between and above those of the one before.
  for (int i = 0; i < 2500; ++i) {
    put(std::to_string(100 + random() % 900), std::string(1000, static_cast<char>('a' + i % 26)));
  }
  const auto holder = hold_apply();
  Transaction txn = std::move(*store.begin());
  EXPECT_EQ(contents(txn), expected);
  for (const auto& [key, value] : expected) EXPECT_EQ(*txn.get(key), value);
  for (int i = 0; i < 50; ++i) {
    const std::string begin = std::to_string(random() % 1000);
    Cursor cursor = txn.scan({begin, ""});
    const auto at = expected.lower_bound(begin);
    ASSERT_EQ(cursor.valid(), at != expected.end());
    EXPECT_EQ(cursor.valid() ? cursor.key() : "", at != expected.end() ? at->first : "");
  }
  holder->locks->apply.unlock();
}

// --- Thousands of roots.

TEST_F(BacklogTest, TheRingOfRootsIsNotOverrunByWhatIsNotDurable) {
  const ControlBlock& control = context_->control();
  for (uint32_t i = 0; i < kRootRingSize + 100; ++i) {
    append_commits(*context_, 1, 5);
    const uint64_t target = read_tail(control.tail).version;
    ASSERT_TRUE(try_lock_apply(*context_, false));
    const ApplyGuard guard(*context_);
    ASSERT_TRUE(apply_through(*context_, target, log::Trust::kAccepted));
  }
  EXPECT_TRUE(root_ring_full(control));
  EXPECT_GT(unapplied(*context_), 90u);
  // Who wants the rest in the tree makes room.
  ASSERT_TRUE(apply_tail(*context_, context_->deadline()));
  EXPECT_EQ(unapplied(*context_), 0u);
  EXPECT_FALSE(root_ring_full(control));
}

TEST_F(BacklogTest, AReaderOfARootThatTheRingHasForgottenIsServedAndCounted) {
  Store store = open(Durability::strict);
  ASSERT_TRUE(store.put("a", "1") && store.flush());
  Snapshot old = std::move(*store.snapshot());
  Watch watch = std::move(*store.watch(KeyRange::all(), old.version()));
  for (uint32_t i = 0; i < kRootRingSize + 10; ++i) {
    append_commits(*context_, 1, 5);
    if (i % 64 == 0) {
      ASSERT_TRUE(try_sync(*context_, false));
    }
    ASSERT_TRUE(try_apply_tail(*context_));
  }
  ASSERT_TRUE(store.flush());
  const auto stats = store.stats();
  ASSERT_TRUE(stats) << stats.status().to_string();
  EXPECT_EQ(stats->oldest_pinned_version, old.version());
  EXPECT_EQ(*old.get("a"), "1");
  Watch late = std::move(*store.watch(KeyRange::all(), old.version() + 1));
  EXPECT_GT(late.wait(std::chrono::milliseconds(0))->commits.size(), 900u);
  EXPECT_GT(watch.wait(std::chrono::milliseconds(0))->commits.size(), 900u);
}

TEST_F(BacklogTest, OfManyReadersTheOldestAreNamed) {
  Store store = open(Durability::strict);
  std::vector<Snapshot> readers;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(store.put("a", std::to_string(i)) && store.flush());
    readers.push_back(std::move(*store.snapshot()));
  }
  const auto stats = store.stats();
  EXPECT_EQ(stats->readers, 40u);
  EXPECT_LT(stats->oldest_readers.size(), 40u);
  EXPECT_EQ(stats->oldest_readers.front().version, readers.front().version());
}

}  // namespace
}  // namespace holdfast::store
