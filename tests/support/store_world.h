// World: a store with something of everything in it, on a machine that can fail; each call of its
// handle, and of what was had from it before; and what holds when all is over. For tests that ask
// every call, of store/ only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "holdfast/diff.h"
#include "holdfast/history.h"
#include "holdfast/watch.h"
#include "store/append.h"
#include "store/published.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {

// On which nobody waits: the time that a wait would take has passed when it begins.
class SkippingOs final : public os::ForwardingOs {
 public:
  explicit SkippingOs(os::Os& os) : ForwardingOs(os) {}
  os::WaitResult futex_wait(const os::Shared<uint32_t>& word, uint32_t expected,
                            uint64_t timeout_us) override {
    if (word.load() != expected) return os_.futex_wait(word, expected, timeout_us);
    skipped_us_ += timeout_us;
    return os::WaitResult::kTimedOut;
  }
  void sleep_us(uint64_t duration_us) override { skipped_us_ += duration_us; }
  uint64_t wall_time_us() override { return os_.wall_time_us() + skipped_us_; }
  uint64_t monotonic_time_us() override { return os_.monotonic_time_us() + skipped_us_; }

 private:
  uint64_t skipped_us_ = 0;
};

constexpr int kRows = 40;
constexpr uint64_t kLongAgo = 1'000'000;

inline std::string row_key(int row) {
  return "row/" + std::to_string(100 + row);
}
// Some stand outside of the leaves.
inline std::string row_value(int row) {
  return std::string(row % 13 == 0 ? 1500 : 20, static_cast<char>('a' + row % 26));
}

// A store with something of everything in it, on a machine that can fail; and another process,
// whose last commits are in no tree yet.
struct World {
  explicit World(Durability durability, std::chrono::milliseconds deadline);

  TestMachine machine;
  SkippingOs clock{machine.os()};
  FaultyOs os{clock};
  FaultyOs others_os{clock};
  StoreOptions options;
  std::optional<Store> other;
  std::optional<Store> store;
  std::optional<Snapshot> snapshot;
  std::optional<Transaction> txn;
  std::optional<Cursor> cursor;
  std::optional<Watch> watch;
  std::optional<Diff> diff;
};

inline Status write_rows(Store& store) {
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

inline World::World(Durability durability, std::chrono::milliseconds deadline)
    : options(TestMachine::small_store()) {
  options.durability = durability;
  options.deadline = deadline;
  other.emplace(std::move(*Store::open(others_os, machine.path(), TestMachine::small_store())));
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

inline Status walk(Cursor cursor) {
  for (; cursor.valid(); cursor.next()) {
    if (!cursor.key().starts_with("row/")) continue;
    const int row = std::stoi(std::string(cursor.key().substr(4))) - 100;
    EXPECT_EQ(cursor.value(), row_value(row)) << "a lie";
  }
  return cursor.status();
}

inline Status walk(HistoryCursor cursor) {
  for (; cursor.valid(); cursor.next()) EXPECT_EQ(cursor.value(), "3");
  return cursor.status();
}

inline Status read_rows(Reader& reader) {
  for (int row = 0; row < kRows; row += 3) {
    HOLDFAST_ASSIGN(const auto value, reader.get(row_key(row)));
    EXPECT_EQ(value, row_value(row)) << "a lie";
  }
  HOLDFAST_ASSIGN(const auto number, reader.get("number"));
  EXPECT_TRUE(number.has_value());
  return Status::ok();
}

inline const History& kept() {
  static const History history("kept/");
  return history;
}

inline Status in_transaction(World& world, const Store::Work& work) {
  return world.store->update(work).status();
}

struct ApiCall {
  const char* name;
  Status (*run)(World&);
};

// Of the handle.
inline const ApiCall kCalls[] = {
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
inline const ApiCall kCallsOfParts[] = {
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
inline const ApiCall kWalkOfCursor = {"a cursor", [](World& w) {
                                        while (w.cursor->valid()) w.cursor->next();
                                        return Status(w.cursor->status());
                                      }};

// Each with the name under which it fails.
inline void for_each_refusable_call(const std::function<void(const ApiCall&)>& body) {
  for (const ApiCall& call : kCalls) {
    SCOPED_TRACE(call.name);
    body(call);
  }
  for (const ApiCall& call : kCallsOfParts) {
    SCOPED_TRACE(call.name);
    body(call);
  }
}

inline void for_each_call(const std::function<void(const ApiCall&)>& body) {
  for_each_refusable_call(body);
  SCOPED_TRACE(kWalkOfCursor.name);
  body(kWalkOfCursor);
}

// Opened again, first beside what the processes have left in memory, then without it.
inline void expect_as_before(World& world) {
  world.os.fault = nullptr;
  world.os.before_each = nullptr;
  world.others_os.fault = nullptr;
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
    EXPECT_THAT(again->check()->problems, testing::IsEmpty());
    Snapshot now = std::move(*again->snapshot());
    EXPECT_TRUE(read_rows(now));
    EXPECT_TRUE(walk(now.scan(KeyRange::all())));
    EXPECT_TRUE(again->put("more", "1"));
  }
}

}  // namespace holdfast::store
