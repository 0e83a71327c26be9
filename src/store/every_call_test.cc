// What every call of a store answers when the machine fails beneath it: at each of its calls to the
// kernel, on pages and records that it reads, behind locks that it waits for, in a child, after
// close(). A call may fail then, and says so in the failure's own words; it never lies, and what
// was there before is there when the store is opened again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "holdfast/diff.h"
#include "holdfast/history.h"
#include "holdfast/watch.h"
#include "store/append.h"
#include "store/published.h"
#include "store/test_machine.h"
#include "support/failing_os.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kRows = 40;
constexpr uint64_t kLongAgo = 1'000'000;

std::string row_key(int row) {
  return "row/" + std::to_string(100 + row);
}
// Some stand outside of the leaves.
std::string row_value(int row) {
  return std::string(row % 13 == 0 ? 1500 : 20, static_cast<char>('a' + row % 26));
}

// A store with something of everything in it, on a machine that can fail; and another process,
// whose last commits are in no tree yet.
struct World {
  explicit World(Durability durability, std::chrono::milliseconds deadline);

  TestMachine machine;
  FailingOs os{machine.os()};
  StoreOptions options;
  std::optional<Store> other;
  std::optional<Store> store;
  std::optional<Snapshot> snapshot;
  std::optional<Transaction> txn;
  std::optional<Cursor> cursor;
  std::optional<Watch> watch;
  std::optional<Diff> diff;
};

Status write_rows(Store& store) {
  for (int row = 0; row < kRows; ++row) {
    HOLDFAST_TRY(store.put(row_key(row), row_value(row)).status());
  }
  HOLDFAST_TRY(store.add("number", 7).status());
  const History kept("kept/");
  for (int round = 0; round < 4; ++round) {
    HOLDFAST_TRY(store
                     .update([&](Transaction& txn) -> Status {
                       if (round == 0) {
                         HOLDFAST_TRY(kept.keep(txn, {std::chrono::seconds(0), 2}));
                       }
                       HOLDFAST_TRY(kept.put(txn, "a", std::to_string(round)));
                       return kept.put(txn, "b", std::to_string(round));
                     })
                     .status());
  }
  for (int i = 0; i < 20; ++i) HOLDFAST_TRY(store.put("gone/" + std::to_string(i), "x").status());
  return store.create_snapshot("named").status();
}

World::World(Durability durability, std::chrono::milliseconds deadline)
    : options(TestMachine::small_store()) {
  options.durability = durability;
  options.deadline = deadline;
  other.emplace(machine.open());
  CHECK(write_rows(*other).is_ok());
  store.emplace(std::move(*Store::open(os, machine.path(), options)));
  snapshot.emplace(std::move(*store->snapshot()));
  CHECK(store->put("changed", "1").is_ok() && store->flush().is_ok());
  txn.emplace(std::move(*store->begin()));
  CHECK(txn->get("changed").is_ok() && txn->put("txn", "1").is_ok());
  CHECK(txn->del_range(KeyRange::prefix("gone/1")).is_ok() && txn->add("number", 1).is_ok());
  cursor.emplace(txn->scan(KeyRange::all()));
  watch.emplace(std::move(*store->watch(KeyRange::prefix("w"))));
  for (int i = 0; i < 8; ++i) CHECK(other->put("w" + std::to_string(i), "new").is_ok());
  CHECK(other->add("number", 1).is_ok());
  // By one who dies before it syncs.
  const auto dying = machine.attach();
  log::PayloadBuilder payload("");
  payload.put("w8", "unsynced");
  payload.change_number(log::OperationKind::kAdd, "number", 1);
  CHECK(append(*dying, payload, {}, {}, dying->deadline()).is_ok());
}

Status walk(Cursor cursor) {
  for (; cursor.valid(); cursor.next()) {
    if (!cursor.key().starts_with("row/")) continue;
    const int row = std::stoi(std::string(cursor.key().substr(4))) - 100;
    EXPECT_EQ(cursor.value(), row_value(row)) << "a lie";
  }
  return cursor.status();
}

Status walk(HistoryCursor cursor) {
  for (; cursor.valid(); cursor.next()) EXPECT_EQ(cursor.value(), "3");
  return cursor.status();
}

Status read_rows(Reader& reader) {
  for (int row = 0; row < kRows; row += 3) {
    HOLDFAST_ASSIGN(const auto value, reader.get(row_key(row)));
    EXPECT_EQ(value, row_value(row)) << "a lie";
  }
  HOLDFAST_ASSIGN(const auto number, reader.get("number"));
  EXPECT_TRUE(number.has_value());
  return Status::ok();
}

const History& kept() {
  static const History history("kept/");
  return history;
}

Status in_transaction(World& world, const Store::Work& work) {
  return world.store->update(work).status();
}

struct ApiCall {
  const char* name;
  Status (*run)(World&);
};

// Of the handle.
const ApiCall kCalls[] = {
    {"get", [](World& w) { return w.store->get(row_key(1)).status(); }},
    {"get of a large value", [](World& w) { return w.store->get(row_key(13)).status(); }},
    {"get of what the log has", [](World& w) { return w.store->get("w3").status(); }},
    {"put", [](World& w) { return w.store->put("new", "1").status(); }},
    {"put of a large value",
     [](World& w) { return w.store->put("new", std::string(5000, 'n')).status(); }},
    {"puts over a segment's end",
     [](World& w) {
       for (int i = 0; i < 5; ++i) {
         HOLDFAST_TRY(w.store->put("new" + std::to_string(i), std::string(3900, 'n')).status());
       }
       return Status::ok();
     }},
    {"del", [](World& w) { return w.store->del("gone/7").status(); }},
    {"add", [](World& w) { return w.store->add("number", 1).status(); }},
    {"snapshot",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Snapshot now, w.store->snapshot());
       HOLDFAST_TRY(read_rows(now));
       return walk(now.scan(KeyRange::all()));
     }},
    {"update",
     [](World& w) {
       return in_transaction(w, [](Transaction& txn) -> Status {
         HOLDFAST_TRY(read_rows(txn));
         HOLDFAST_TRY(txn.peek("w1").status());
         HOLDFAST_TRY(txn.add("number", 1));
         HOLDFAST_TRY(txn.raise("number", 3));
         HOLDFAST_TRY(txn.put_stamped("new", "", "1"));
         HOLDFAST_TRY(txn.put("new", "1"));
         HOLDFAST_TRY(txn.put("w55", "1"));
         HOLDFAST_TRY(txn.del("w7"));
         return walk(txn.scan(KeyRange::all()));
       });
     }},
    {"update that conflicts",
     [](World& w) {
       return in_transaction(w, [&w, tries = 0](Transaction& txn) mutable -> Status {
         HOLDFAST_TRY(txn.get("w1").status());
         HOLDFAST_TRY(walk(txn.scan(KeyRange::prefix("gone/"))));
         if (++tries < 5) HOLDFAST_TRY(w.other->put("w1", std::to_string(tries)).status());
         return txn.put("new", "1");
       });
     }},
    {"update that refuses",
     [](World& w) {
       const Status status = in_transaction(w, [](Transaction& txn) -> Status {
         HOLDFAST_TRY(txn.get("w1").status());
         return Status(StatusCode::kConditionFalse, "refused");
       });
       return status.code() == StatusCode::kConditionFalse ? Status::ok() : status;
     }},
    {"deletion of a range",
     [](World& w) {
       return in_transaction(
           w, [](Transaction& txn) { return txn.del_range(KeyRange::prefix("gone/")); });
     }},
    {"flush", [](World& w) { return w.store->flush(); }},
    {"checkpoint",
     [](World& w) -> Status {
       HOLDFAST_TRY(w.store->put("new", std::string(3000, 'n')).status());
       return w.store->checkpoint();
     }},
    {"stats", [](World& w) { return w.store->stats().status(); }},
    {"check",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(const CheckReport report, w.store->check());
       if (report.problems.empty()) return Status::ok();
       return Status(StatusCode::kCorruption, report.problems.front());
     }},
    {"creating a named snapshot",
     [](World& w) { return w.store->create_snapshot("another").status(); }},
    {"opening a named snapshot",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Snapshot named, w.store->open_snapshot("named"));
       return read_rows(named);
     }},
    {"listing named snapshots", [](World& w) { return w.store->list_snapshots().status(); }},
    {"dropping a named snapshot", [](World& w) { return w.store->drop_snapshot("named"); }},
    {"diff",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Snapshot named, w.store->open_snapshot("named"));
       HOLDFAST_ASSIGN(Snapshot now, w.store->snapshot());
       HOLDFAST_ASSIGN(Diff diff, Diff::between(named, now));
       for (; diff.valid(); diff.next()) {
         HOLDFAST_TRY(diff.before().status());
         HOLDFAST_TRY(diff.after().status());
       }
       return diff.status();
     }},
    {"a new watch",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Watch watch, w.store->watch(KeyRange::all(), 3));
       return watch.wait(std::chrono::milliseconds(0)).status();
     }},
    {"trimming histories",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(bool more, w.store->trim_histories());
       for (int i = 0; more && i < 5; ++i) {
         HOLDFAST_ASSIGN(more, w.store->trim_histories());
       }
       return Status::ok();
     }},
    {"a step of trimming",
     [](World& w) {
       return kept()
           .trim_step(*w.store, {std::chrono::seconds(1), 1}, 1'000'000'000'000'000'000)
           .status();
     }},
    {"a step of trimming by age",
     [](World& w) {
       return kept().trim_step(*w.store, {std::chrono::seconds(1), 0}, kLongAgo).status();
     }},
    {"writes to a history",
     [](World& w) {
       return in_transaction(w, [](Transaction& txn) -> Status {
         HOLDFAST_TRY(kept().put(txn, "c", "3"));
         HOLDFAST_TRY(kept().del(txn, "c"));
         HOLDFAST_TRY(kept().keep(txn, {std::chrono::seconds(3), 9}));
         return History("new/").put(txn, "c", "3");
       });
     }},
    {"the end of a history's retention",
     [](World& w) {
       return in_transaction(w, [](Transaction& txn) { return kept().stop_keeping(txn); });
     }},
    {"a new beginning of a history",
     [](World& w) {
       return in_transaction(w, [](Transaction& txn) { return History("new/").begin_here(txn); });
     }},
    {"erasing a history",
     [](World& w) {
       return in_transaction(w, [](Transaction& txn) { return kept().erase(txn); });
     }},
    {"reads of a history",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Snapshot now, w.store->snapshot());
       HOLDFAST_TRY(kept().get(now, "a").status());
       HOLDFAST_TRY(kept().find(now, "a", AsOf::version(now.version())).status());
       HOLDFAST_TRY(kept().versions(now, "a", 10).status());
       HOLDFAST_TRY(kept().floor(now).status());
       HOLDFAST_TRY(kept().kept(now).status());
       HOLDFAST_TRY(list_histories(now, 10).status());
       HOLDFAST_TRY(walk(kept().scan(now, KeyRange::all())));
       const auto as_of_time = kept().get(now, "a", AsOf::time_us(UINT64_MAX));
       return as_of_time.status();
     }},
};

// Of what was had from it before.
const ApiCall kCallsOfParts[] = {
    {"a snapshot's get", [](World& w) { return read_rows(*w.snapshot); }},
    {"a snapshot's scan", [](World& w) { return walk(w.snapshot->scan(KeyRange::all())); }},
    {"a snapshot's view",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(const auto view, w.snapshot->get_view(row_key(26)));
       EXPECT_EQ(view, row_value(26));
       return Status::ok();
     }},
    {"a transaction's get", [](World& w) { return read_rows(*w.txn); }},
    {"a transaction's scan", [](World& w) { return walk(w.txn->scan(KeyRange::all())); }},
    {"a transaction's number", [](World& w) { return w.txn->get("number").status(); }},
    {"a transaction's put", [](World& w) { return w.txn->put("new", "1"); }},
    {"a transaction's del", [](World& w) { return w.txn->del("gone/3"); }},
    {"a transaction's deletion of a range",
     [](World& w) { return w.txn->del_range(KeyRange::prefix("gone/")); }},
    {"a transaction's add", [](World& w) { return w.txn->add("number", 1); }},
    {"a transaction's raise", [](World& w) { return w.txn->raise("number", 1); }},
    {"a transaction's stamped put", [](World& w) { return w.txn->put_stamped("new", "", "1"); }},
    {"a transaction's commit", [](World& w) { return w.txn->commit().status(); }},
    {"a watch", [](World& w) { return w.watch->wait(std::chrono::milliseconds(0)).status(); }},
};

// Asks nobody whether its store is open; it is not to be used then.
const ApiCall kWalkOfCursor = {"a cursor", [](World& w) {
                                 while (w.cursor->valid()) w.cursor->next();
                                 return Status(w.cursor->status());
                               }};

// Each with the name under which it fails.
void for_each_refusable_call(const std::function<void(const ApiCall&)>& body) {
  for (const ApiCall& call : kCalls) {
    SCOPED_TRACE(call.name);
    body(call);
  }
  for (const ApiCall& call : kCallsOfParts) {
    SCOPED_TRACE(call.name);
    body(call);
  }
}

void for_each_call(const std::function<void(const ApiCall&)>& body) {
  for_each_refusable_call(body);
  SCOPED_TRACE(kWalkOfCursor.name);
  body(kWalkOfCursor);
}

class EveryCallTest : public testing::TestWithParam<Durability> {
 protected:
  std::unique_ptr<World> world(std::chrono::milliseconds deadline = std::chrono::seconds(2)) {
    return std::make_unique<World>(GetParam(), deadline);
  }
};

// Of failures for which it does not matter when a commit is durable.
class EveryStrictCallTest : public EveryCallTest {};

// Opened again, first beside what the processes have left in memory, then without it.
void expect_as_before(World& world) {
  world.os.fault = nullptr;
  world.os.before_each = nullptr;
  world.diff.reset();
  world.cursor.reset();
  world.txn.reset();
  world.watch.reset();
  world.snapshot.reset();
  world.store.reset();
  world.other.reset();
  for (const bool reboots : {false, true}) {
    if (reboots) world.machine.reboot();
    auto again = world.machine.try_open();
    ASSERT_TRUE(again) << again.status().to_string();
    EXPECT_THAT(again->check()->problems, IsEmpty());
    Snapshot now = std::move(*again->snapshot());
    EXPECT_TRUE(read_rows(now));
    EXPECT_TRUE(walk(now.scan(KeyRange::all())));
    EXPECT_TRUE(again->put("more", "1"));
  }
}

// --- Calls to the kernel.

// Fails the n-th of the calls that can fail, for each n, alone or with all behind it.
void fail_each_step(const ApiCall& call, const std::function<std::unique_ptr<World>()>& make,
                    StatusCode code, bool changes_only, bool for_good, bool may_wait = false) {
  std::set<StatusCode> expected = {code, StatusCode::kAborted, StatusCode::kReadOnly};
  if (may_wait) expected.insert(StatusCode::kBusy);
  for (int step = 1;; ++step) {
    const auto world = make();
    int count = 0;
    world->os.fault = [&](bool changes) {
      if (changes_only && !changes) return Status::ok();
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
