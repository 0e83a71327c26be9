// Opening, creating and loading a store on a machine that fails at every single step of it, or
// loses what it has mapped. The next one finds what was there before; of a load all rows or none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "holdfast/load.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

// What goes wrong at a step: each call that can fail, or each call at all.
enum class Mishap : uint8_t { kError, kErrorsForGood, kFullDisk, kPagesLost, kSharedLost };
constexpr Mishap kMishaps[] = {Mishap::kError, Mishap::kErrorsForGood, Mishap::kFullDisk,
                               Mishap::kPagesLost, Mishap::kSharedLost};

// Makes it happen at the n-th step from now on. `count`: the steps so far.
void prepare(FaultyOs& os, Mishap mishap, int step, std::atomic<int>& count) {
  count = 0;
  switch (mishap) {
    case Mishap::kError:
    case Mishap::kErrorsForGood:
      os.fault = [&count, mishap, step](const Attempt&) {
        const int now = ++count;
        const bool strikes = mishap == Mishap::kError ? now == step : now >= step;
        return strikes ? Status(StatusCode::kIoError, "the machine failed") : Status::ok();
      };
      return;
    case Mishap::kFullDisk:
      os.fault = [&count, step](const Attempt& attempt) {
        if (!attempt.is_change || ++count < step) return Status::ok();
        return Status(StatusCode::kNoSpace, "the disk is full");
      };
      return;
    case Mishap::kPagesLost:
    case Mishap::kSharedLost:
      os.before_each = [&os, &count, mishap, step] {
        if (++count != step) return;
        (mishap == Mishap::kPagesLost ? os.lost.pages : os.lost.shared) = true;
      };
      return;
  }
}

void heal(FaultyOs& os) {
  os.fault = nullptr;
  os.before_each = nullptr;
  os.lost.pages = false;
  os.lost.shared = false;
}

// Runs `make` and `body` on a new machine for each mishap and step, until the step is not reached.
// All steps up to the 40th, then fewer.
void for_each_step(const std::function<void(TestMachine&)>& make,
                   const std::function<void(TestMachine&, FaultyOs&)>& body,
                   const std::function<void(TestMachine&)>& verify) {
  for (const Mishap mishap : kMishaps) {
    for (int step = 1;; step += 1 + step / 40) {
      SCOPED_TRACE("mishap " + std::to_string(static_cast<int>(mishap)) + " at step " +
                   std::to_string(step));
      TestMachine machine;
      make(machine);
      FaultyOs os(machine.os());
      std::atomic<int> count = 0;
      prepare(os, mishap, step, count);
      body(machine, os);
      const bool struck = count >= step;
      heal(os);
      verify(machine);
      if (testing::Test::HasFailure()) return;
      if (struck) continue;
      EXPECT_GT(step, 1) << "nothing was asked of the machine";
      break;
    }
  }
}

Status expected_or_ok(const Status& status) {
  const StatusCode code = status.code();
  EXPECT_TRUE(status || code == StatusCode::kIoError || code == StatusCode::kNoSpace ||
              code == StatusCode::kAborted || code == StatusCode::kReadOnly ||
              code == StatusCode::kUnsupported)
      << status.to_string();
  return status;
}

// A store with commits that only the log has, and a named snapshot.
void make_store(TestMachine& machine) {
  Store store = machine.open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(store.put("k" + std::to_string(i), "before"));
  ASSERT_TRUE(store.put("large", std::string(3000, 'l')));
  ASSERT_TRUE(store.create_snapshot("name"));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(store.put("k" + std::to_string(i), "after"));
  ASSERT_TRUE(store.update([](Transaction& txn) { return txn.del_range({"k1", "k2"}); }));
}

void verify_store(TestMachine& machine) {
  for (const bool cold : {false, true}) {
    if (cold) machine.reboot();
    auto store = machine.try_open();
    ASSERT_TRUE(store) << store.status().to_string();
    EXPECT_EQ(*store->get("k3"), "after");
    EXPECT_EQ(*store->get("k15"), std::nullopt);
    EXPECT_EQ(store->get("large")->value().size(), 3000u);
    auto named = store->open_snapshot("name");
    ASSERT_TRUE(named) << named.status().to_string();
    EXPECT_EQ(*named->get("k15"), "before");
    EXPECT_THAT(store->check()->problems, IsEmpty());
    EXPECT_TRUE(store->put("new", "1"));
  }
}

// --- Opening.

void open_and_use(FaultyOs& os, const StoreOptions& options) {
  auto store = Store::open(os, "/s", options);
  if (!expected_or_ok(store.status())) return;
  (void)expected_or_ok(store->put("new", "1").status());
  (void)expected_or_ok(store->get("k3").status());
  (void)expected_or_ok(store->close());
}

TEST(EveryStepTest, OfJoining) {
  std::optional<Store> inside;
  for_each_step(
      [&](TestMachine& machine) {
        make_store(machine);
        inside.emplace(machine.open());
      },
      [](TestMachine&, FaultyOs& os) { open_and_use(os, TestMachine::small_store()); },
      [&](TestMachine& machine) {
        EXPECT_EQ(*inside->get("k3"), "after");
        inside.reset();
        verify_store(machine);
      });
}

TEST(EveryStepTest, OfAColdStart) {
  for_each_step(
      [](TestMachine& machine) {
        make_store(machine);
        machine.reboot();
      },
      [](TestMachine&, FaultyOs& os) { open_and_use(os, TestMachine::small_store()); },
      verify_store);
}

TEST(EveryStepTest, OfOpeningForOneAlone) {
  StoreOptions alone = TestMachine::small_store();
  alone.sharing = Sharing::exclusive;
  for_each_step(
      make_store, [&](TestMachine&, FaultyOs& os) { open_and_use(os, alone); }, verify_store);
}

TEST(EveryStepTest, OfCreation) {
  for_each_step([](TestMachine&) {},
                [](TestMachine&, FaultyOs& os) { open_and_use(os, TestMachine::small_store()); },
                [](TestMachine& machine) {
                  auto store = machine.try_open();
                  ASSERT_TRUE(store) << store.status().to_string();
                  EXPECT_TRUE(store->put("a", "1"));
                  EXPECT_THAT(store->check()->problems, IsEmpty());
                });
}

// Nobody is inside: what it says of the machine and of the files must fit them, or the
// store starts cold.
TEST(EveryStepTest, OfReadingAControlBlockWithAByteThatIsWrong) {
  for (const Sharing sharing : {Sharing::automatic, Sharing::exclusive}) {
    StoreOptions options = TestMachine::small_store();
    options.sharing = sharing;
    for (uint64_t offset = 0; offset < offsetof(ControlHeader, incarnation); ++offset) {
      SCOPED_TRACE("byte " + std::to_string(offset));
      TestMachine machine;
      make_store(machine);
      machine.flip("/s/shm", offset);
      {
        auto store = machine.try_open(options);
        ASSERT_TRUE(store) << store.status().to_string();
        EXPECT_EQ(*store->get("k3"), "after");
      }
      verify_store(machine);
      if (testing::Test::HasFailure()) return;
    }
  }
}

// --- Loading.

constexpr int kLoaded = 500;

// Out of order, so that they are put aside and sorted.
std::string loaded_key(int i) {
  return "load/" + std::to_string(1000 + i * 387 % kLoaded);
}

Status load_rows(FaultyOs& os, bool in_order) {
  StoreOptions options = TestMachine::small_store();
  HOLDFAST_ASSIGN(Load load, Load::open(os, "/s", options, {in_order ? 64u << 10 : 2u << 10}));
  for (int i = 0; i < kLoaded; ++i) {
    const std::string key = in_order ? "load/" + std::to_string(1000 + i) : loaded_key(i);
    HOLDFAST_TRY(load.put(key, std::string(i % 100 == 50 ? 1200 : 30, 'x')));
  }
  return load.commit().status();
}

void expect_all_or_none(TestMachine& machine, const Status& loaded) {
  const bool may_be_either =
      !loaded && std::string(loaded.message()).find("not known") != std::string::npos;
  for (const bool cold : {false, true}) {
    if (cold) machine.reboot();
    auto store = machine.try_open();
    ASSERT_TRUE(store) << store.status().to_string();
    Snapshot now = std::move(*store->snapshot());
    int count = 0;
    Cursor cursor = now.scan(KeyRange::prefix("load/"));
    for (; cursor.valid(); cursor.next()) ++count;
    ASSERT_TRUE(cursor.status());
    EXPECT_TRUE(count == 0 || count == kLoaded) << count;
    EXPECT_TRUE(!loaded || count == kLoaded);
    EXPECT_TRUE(loaded || may_be_either || count == 0) << loaded.to_string();
  }
  verify_store(machine);
}

TEST(EveryStepTest, OfALoad) {
  for (const bool in_order : {false, true}) {
    Status loaded;
    for_each_step(
        make_store,
        [&](TestMachine&, FaultyOs& os) { loaded = expected_or_ok(load_rows(os, in_order)); },
        [&](TestMachine& machine) { expect_all_or_none(machine, loaded); });
  }
}

// The rows wait in blocks of a file, each behind a header with its size and checksum.
TEST(EveryStepTest, OfReadingRowsThatWerePutAsideAndDamaged) {
  int told = 0;
  for (uint64_t offset = 0; offset < 40'000; offset += offset < 24 ? 1 : 1111) {
    TestMachine machine;
    make_store(machine);
    Status loaded;
    {
      StoreOptions options = TestMachine::small_store();
      auto load = Load::open(machine.os(), "/s", options, {2u << 10});
      ASSERT_TRUE(load);
      for (int i = 0; i < kLoaded; ++i) {
        ASSERT_TRUE(load->put(loaded_key(i), std::string(30, 'x')));
      }
      if (machine.read("/s/load.tmp", offset, 1).empty()) break;
      machine.flip("/s/load.tmp", offset);
      loaded = load->commit().status();
    }
    EXPECT_TRUE(loaded || loaded.code() == StatusCode::kCorruption) << loaded.to_string();
    told += !loaded;
    expect_all_or_none(machine, loaded);
    ASSERT_FALSE(testing::Test::HasFailure()) << "byte " << offset;
  }
  EXPECT_GT(told, 20);
}

}  // namespace
}  // namespace holdfast::store
