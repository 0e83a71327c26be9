// What every call of a store answers when the machine fails beneath it: at each of its calls to the
// kernel, on pages and records that it reads, behind locks that it waits for, in a child, after
// close(). A call may fail then, and says so in the failure's own words; it never lies, and what
// was there before is there when the store is opened again.
#include "support/store_world.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class EveryCallTest : public testing::TestWithParam<Durability> {
 protected:
  std::unique_ptr<World> world(std::chrono::milliseconds deadline = std::chrono::seconds(2)) {
    return std::make_unique<World>(GetParam(), deadline);
  }
};

// Of failures for which it does not matter when a commit is durable.
class EveryStrictCallTest : public EveryCallTest {};

// --- Calls to the kernel.

// Fails the n-th of the calls that can fail, for each n, alone or with all behind it.
void fail_each_step(const ApiCall& call, const std::function<std::unique_ptr<World>()>& make,
                    StatusCode code, bool changes_only, bool for_good, bool may_wait = false) {
  std::set<StatusCode> expected = {code, StatusCode::kAborted, StatusCode::kReadOnly};
  if (may_wait) expected.insert(StatusCode::kBusy);
  for (int step = 1;; ++step) {
    const auto world = make();
    int count = 0;
    world->os.fault = [&](const Attempt& attempt) {
      if (changes_only && !attempt.is_change) return Status::ok();
      ++count;
      const bool strikes = for_good ? count >= step : count == step;
      return strikes ? Status(code, "the machine failed") : Status::ok();
    };
    const Status status = call.run(*world);
    EXPECT_TRUE(status || expected.contains(status.code()))
        << "step " << step << ": " << status.to_string();
    const bool struck = count >= step;
    expect_as_before(*world);
    if (!struck || testing::Test::HasFailure()) return;
  }
}

TEST_P(EveryCallTest, AnswersForEachErrorOfTheDisk) {
  for_each_call([&](const ApiCall& call) {
    fail_each_step(
        call, [&] { return world(); }, StatusCode::kIoError, false, false);
  });
}

TEST_P(EveryCallTest, AnswersWhenTheDiskFailsForGood) {
  for_each_call([&](const ApiCall& call) {
    fail_each_step(
        call, [&] { return world(); }, StatusCode::kIoError, false, true);
  });
}

TEST_P(EveryCallTest, AnswersWhenTheDiskIsFull) {
  for_each_call([&](const ApiCall& call) {
    fail_each_step(
        call, [&] { return world(); }, StatusCode::kNoSpace, true, true);
  });
}

// --- What others have left half-done.

// The tail of the log is being voided, for a sync of it failed; who was to do it has gone.
void leave_voiding(World& world) {
  change_state(world.machine.attach()->control(), EngineState::kRunning, EngineState::kVoiding);
}
template <SharedLock Locks::*lock>
void die_holding(World& world) {
  const auto dying = world.machine.attach();
  CHECK(((*dying->locks).*lock).try_lock(false) == LockOutcome::kAcquired);
}
// A record is in the log and the tail does not say so.
void die_before_publishing(World& world) {
  const auto dying = world.machine.attach();
  const Tail before = read_tail(dying->control().tail);
  log::PayloadBuilder payload("");
  payload.put("w8", std::string(50, '2'));
  CHECK(append(*dying, payload, {}, {}, dying->deadline()).is_ok());
  CHECK(dying->locks->commit.try_lock(false) == LockOutcome::kAcquired);
  publish_tail(dying->control().tail, before);
}

TEST_P(EveryCallTest, TidiesUpBehindTheDeadOrSaysWhyNot) {
  const ApiCall calls[] = {
      {"put", [](World& w) { return w.store->put("new", std::string(5000, 'n')).status(); }},
      {"snapshot",
       [](World& w) -> Status {
         HOLDFAST_ASSIGN(Snapshot now, w.store->snapshot());
         return read_rows(now);
       }},
      {"transaction", [](World& w) { return w.txn->commit().status(); }},
      {"checkpoint", [](World& w) { return w.store->checkpoint(); }},
      {"close", [](World& w) { return w.store->close(); }},
  };
  for (const auto leave :
       {leave_voiding, die_before_publishing, die_holding<&Locks::commit>,
        die_holding<&Locks::apply>, die_holding<&Locks::sync>, die_holding<&Locks::checkpoint>,
        die_holding<&Locks::prepare>, die_holding<&Locks::turn>}) {
    const auto make = [&] {
      auto made = world(std::chrono::milliseconds(5));
      leave(*made);
      return made;
    };
    for (const ApiCall& call : calls) {
      SCOPED_TRACE(call.name);
      // Who cannot ask whether the owner lives has to wait for it.
      fail_each_step(call, make, StatusCode::kIoError, false, false, true);
    }
  }
}

TEST_P(EveryCallTest, OnlyReadsFromAStoreThatOnlyReads) {
  for_each_call([&](const ApiCall& call) {
    const auto world = this->world();
    make_read_only(world->machine.attach()->control());
    const Status status = call.run(*world);
    EXPECT_TRUE(status || status.code() == StatusCode::kReadOnly) << status.to_string();
    expect_as_before(*world);
  });
}

// --- What is mapped and lost.

TEST_P(EveryCallTest, TellsOfMemoryThatIsLostMeanwhile) {
  for_each_call([&](const ApiCall& call) {
    for (const bool shared : {false, true}) {
      // Closely at the beginning, where most calls have ended.
      for (int step = 1, count = 0; count >= step - 1; step += 1 + step / 3) {
        const auto world = this->world();
        std::atomic<bool>& lost = shared ? world->os.lost.shared : world->os.lost.pages;
        count = 0;
        world->os.before_each = [&] {
          if (++count == step) lost = true;
        };
        const Status status = call.run(*world);
        world->os.before_each = nullptr;
        EXPECT_TRUE(status || status.code() == StatusCode::kIoError) << status.to_string();
        lost = true;
        EXPECT_EQ(world->store->get(row_key(1)).status().code(), StatusCode::kIoError);
        EXPECT_EQ(world->store->put("new", "1").status().code(), StatusCode::kIoError);
        lost = false;
        expect_as_before(*world);
        if (HasFailure()) return;
      }
    }
  });
}

// --- What is damaged.

TEST_P(EveryStrictCallTest, SaysWhichPageIsDamagedOrNeverReadIt) {
  uint64_t first = 3;
  for_each_call([&](const ApiCall& call) {
    const uint64_t pages = world()->machine.read("/s/data", 0, 1u << 20).size() / 512;
    for (uint64_t page = 3 + first++ % 9; page < pages; page += 9) {
      const auto world = this->world();
      world->machine.flip(world->machine.data_path(), page * 512 + 300);
      const Status status = call.run(*world);
      EXPECT_TRUE(status || status.code() == StatusCode::kCorruption) << status.to_string();
    }
  });
}

TEST_P(EveryStrictCallTest, SaysWhereTheLogIsDamagedOrNeverReadIt) {
  uint64_t first = 0;
  for_each_call([&](const ApiCall& call) {
    const auto end = log::lsn_offset(read_tail(world()->machine.attach()->control().tail).lsn);
    for (uint64_t offset = end - 500 + first++ % 40; offset < end; offset += 40) {
      const auto world = this->world();
      const uint64_t segment =
          log::lsn_segment(read_tail(world->machine.attach()->control().tail).lsn);
      world->machine.flip(world->machine.log_path(segment), offset);
      const Status status = call.run(*world);
      // Who cannot see what came after it begins again, and is told then.
      const std::set<StatusCode> expected = {StatusCode::kOk, StatusCode::kTooOld,
                                             StatusCode::kCorruption};
      EXPECT_TRUE(expected.contains(status.code())) << status.to_string();
    }
  });
}

// --- Others.

TEST_P(EveryStrictCallTest, NamesWhoHoldsALockOrDoesNotNeedIt) {
  for_each_call([&](const ApiCall& call) {
    for (SharedLock Locks::*lock : {&Locks::commit, &Locks::apply, &Locks::sync, &Locks::checkpoint,
                                    &Locks::prepare, &Locks::turn}) {
      const auto world = this->world(std::chrono::milliseconds(1));
      const auto holder = world->machine.attach();
      ASSERT_EQ(((*holder->locks).*lock).try_lock(false), LockOutcome::kAcquired);
      // Its own writes would wait as well.
      const Status status = call.run(*world);
      if (!status) {
        EXPECT_EQ(status.code(), StatusCode::kBusy) << status.to_string();
        EXPECT_THAT(std::string(status.message()), HasSubstr("is held by pid"));
      }
      ((*holder->locks).*lock).unlock();
      EXPECT_EQ(*world->store->get(row_key(1)), row_value(1));
    }
  });
}

TEST_P(EveryCallTest, NeedsASlotToReadOrSaysThatAllAreTaken) {
  for_each_call([&](const ApiCall& call) {
    const auto world = this->world();
    auto holder = world->machine.attach();
    for (ReaderSlot& slot : holder->control().readers) {
      uint32_t nobody = 0;
      (void)slot.owner.compare_exchange(nobody, holder->attachment->owner());
    }
    holder->control().reader_slots_used.store(kReaderSlots);
    // Those that the handle has at hand.
    std::vector<Snapshot> held;
    while (auto snapshot = world->store->snapshot()) held.push_back(std::move(*snapshot));
    const Status status = call.run(*world);
    EXPECT_TRUE(status || status.code() == StatusCode::kBusy) << status.to_string();
    held.clear();
    holder.reset();
    expect_as_before(*world);
  });
}

// Who always comes too late takes its turn, and gives up when its time is over.
TEST_P(EveryCallTest, ConflictsUntilItsTimeIsOver) {
  const auto world = this->world(std::chrono::milliseconds(500));
  int tries = 0;
  const Store::Work work = [&](Transaction& txn) -> Status {
    HOLDFAST_TRY(txn.get("w1").status());
    // Past those who give way to a turn: the writer is in the same process.
    const auto meanwhile = world->machine.attach();
    log::PayloadBuilder payload("");
    payload.put("w1", std::to_string(++tries));
    HOLDFAST_TRY(append(*meanwhile, payload, {}, {}, meanwhile->deadline()).status());
    return txn.put("new", "1");
  };
  const uint64_t turns = world->store->stats()->turns;
  const Status status = in_transaction(*world, work);
  EXPECT_EQ(status.code(), StatusCode::kConflict) << status.to_string();
  EXPECT_GT(tries, 9);
  EXPECT_EQ(world->store->stats()->turns, turns + 1);
  // A refusal in the turn is the answer.
  tries = 0;
  const Status refused = in_transaction(*world, [&](Transaction& txn) -> Status {
    HOLDFAST_TRY(work(txn));
    return tries > 9 ? Status(StatusCode::kConditionFalse, "refused") : Status::ok();
  });
  EXPECT_EQ(refused.code(), StatusCode::kConditionFalse) << refused.to_string();
  // Another has its turn for longer than that.
  const auto holder = world->machine.attach();
  ASSERT_EQ(holder->locks->turn.try_lock(false), LockOutcome::kAcquired);
  const Status busy = in_transaction(*world, work);
  EXPECT_EQ(busy.code(), StatusCode::kBusy) << busy.to_string();
  EXPECT_THAT(std::string(busy.message()), HasSubstr("turn lock is held by pid"));
}

// --- What cannot be accepted.

TEST_P(EveryStrictCallTest, RefusesKeysAndNamesOfWrongLength) {
  const auto world = this->world();
  for (const std::string& key : {std::string(), std::string(2000, 'k')}) {
    Store& store = *world->store;
    Transaction& txn = *world->txn;
    Snapshot& snapshot = *world->snapshot;
    int number = 0;
    for (const Status& refused :
         {store.get(key).status(), store.put(key, "").status(), store.del(key).status(),
          store.add(key, 1).status(), snapshot.get(key).status(), snapshot.get_view(key).status(),
          txn.get(key).status(), txn.peek(key).status(), txn.put(key, ""), txn.del(key),
          txn.add(key, 1), txn.raise(key, 1), store.create_snapshot(key).status(),
          store.open_snapshot(key).status(), store.drop_snapshot(key)}) {
      ++number;
      EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << "call " << number;
    }
  }
  const std::string key(2000, 'k');
  const std::string long_key(120, 'k');  // with what a history adds it is none
  Transaction& txn = *world->txn;
  int number = 0;
  for (const Status& refused :
       {txn.put_stamped(key, key, ""), txn.del_range({key, ""}), txn.del_range({"a", key}),
        kept().put(txn, "", ""), kept().put(txn, long_key, ""), kept().del(txn, long_key),
        kept().del(txn, ""), kept().get(txn, "").status(), kept().find(txn, "").status(),
        kept().versions(txn, "", 1).status()}) {
    ++number;
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << "call " << number;
  }
  EXPECT_TRUE(kept().versions(*world->txn, "a", 0)->empty());
  EXPECT_TRUE(kept().versions(*world->txn, "a", 5, 0)->empty());
  EXPECT_TRUE(list_histories(*world->txn, 0)->empty());
  expect_as_before(*world);
}

// --- Handles that are none any more.

TEST_P(EveryCallTest, IsRefusedInAChild) {
  const auto world = this->world();
  for_each_refusable_call([&](const ApiCall& call) {
    world->os.forks = 1;
    EXPECT_EQ(call.run(*world).code(), StatusCode::kForked);
    world->os.forks = 0;
  });
  expect_as_before(*world);
}

TEST_P(EveryCallTest, IsRefusedOnceTheHandleIsClosed) {
  const auto world = this->world();
  ASSERT_TRUE(world->store->close());
  for_each_refusable_call(
      [&](const ApiCall& call) { EXPECT_EQ(call.run(*world).code(), StatusCode::kClosed); });
  expect_as_before(*world);
}

INSTANTIATE_TEST_SUITE_P(Durability, EveryStrictCallTest, testing::Values(Durability::strict));
INSTANTIATE_TEST_SUITE_P(Durabilities, EveryCallTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& with) {
                           return with.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast::store
