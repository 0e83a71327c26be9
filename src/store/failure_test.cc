// What runs out, vanishes or is refused while a store is opened or open: descriptors, memory,
// space and permission at each step of opening, slots and rings, the files LOCK and shm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/engine.h"
#include "store/page_allocation.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class FailureTest : public testing::Test {
 protected:
  static StoreOptions impatient() {
    StoreOptions options = TestMachine::small_store();
    options.deadline = std::chrono::milliseconds(1);
    return options;
  }
  static StoreOptions batched() {
    StoreOptions options = TestMachine::small_store();
    options.durability = Durability::batched;
    return options;
  }
  TestMachine machine_;
  FaultyOs os_{machine_.os()};
};

// --- Opening.

// Fails the n-th call of opening with `error`, for each n; then opens undisturbed.
void fail_each_step_of_opening(TestMachine& machine, FaultyOs& os, const Status& error,
                               const std::function<void()>& restore, bool exists) {
  for (int step = 1;; ++step) {
    restore();
    int calls = 0;
    os.fault = [&](const Attempt&) { return ++calls == step ? error : Status::ok(); };
    std::optional<Store> opened;
    if (auto store = Store::open(os, "/s", TestMachine::small_store())) opened = std::move(*store);
    const bool struck = calls >= step;
    os.fault = {};
    opened.reset();
    auto store = machine.try_open();
    ASSERT_TRUE(store) << "after step " << step << ": " << store.status().to_string();
    if (exists) {
      EXPECT_EQ(*store->get("a"), "1") << "after step " << step;
    }
    EXPECT_TRUE(store->put("b", "2"));
    EXPECT_THAT(store->check()->problems, IsEmpty()) << "after step " << step;
    if (!struck) return;
    ASSERT_LT(step, 1000);
  }
}

const Status kErrors[] = {
    Status(StatusCode::kIoError, "open failed: Too many open files"),
    Status(StatusCode::kNoSpace, "No space left on device"),
    Status(StatusCode::kPermissionDenied, "Permission denied"),
};

TEST_F(FailureTest, AnErrorAtAnyStepOfJoiningLeavesTheStoreAsItWas) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  for (const Status& error : kErrors) {
    fail_each_step_of_opening(
        machine_, os_, error, [] {}, true);
  }
}

TEST_F(FailureTest, AnErrorAtAnyStepOfAColdStartLeavesTheStoreAsItWas) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  for (const Status& error : kErrors) {
    fail_each_step_of_opening(
        machine_, os_, error, [&] { machine_.reboot(); }, true);
  }
}

TEST_F(FailureTest, AnErrorAtAnyStepOfCreationLeavesAPathWhereOneCanBeMade) {
  const auto restore = [&] {
    for (const std::string directory : {"/s/wal", "/s"}) {
      const auto names = machine_.os().list(directory);
      if (!names) continue;
      for (const std::string& name : *names) (void)machine_.os().remove(directory + "/" + name);
    }
  };
  for (const Status& error : kErrors) {
    fail_each_step_of_opening(machine_, os_, error, restore, false);
  }
}

TEST_F(FailureTest, AnErrorAtAnyStepOfOpeningAloneLeavesTheStoreAsItWas) {
  os_.lies_on = os::FileSystem{"9p", 0x01021997, os::FileSystemTrust::kLies};
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  for (const Status& error : kErrors) {
    fail_each_step_of_opening(
        machine_, os_, error, [] {}, true);
  }
}

// --- Files that vanish.

TEST_F(FailureTest, ALockFileReplacedInUseIsNoticed) {
  std::optional<Store> inside = machine_.open();
  ASSERT_TRUE(inside->put("a", "1"));
  ASSERT_TRUE(machine_.os().remove("/s/LOCK"));
  // Not through the new file: nobody could see who lives.
  const Status status = machine_.try_open(impatient()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("LOCK"));
  ASSERT_TRUE(inside->put("a", "2"));
  inside.reset();
  EXPECT_EQ(*machine_.open().get("a"), "2");
}

TEST_F(FailureTest, ALockFileDeletedWhileNobodyIsInsideIsMadeAgain) {
  { ASSERT_TRUE(machine_.open().put("a", "1")); }
  ASSERT_TRUE(machine_.os().remove("/s/LOCK"));
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_EQ(*store.get("a"), "1");
}

// --- What runs out.

TEST_F(FailureTest, ARingFullOfRootsWaitsForASyncAndNamesWhoIsAtIt) {
  StoreOptions options = batched();
  options.deadline = std::chrono::milliseconds(1);
  Store store = machine_.open(options);
  const auto stuck = machine_.attach();
  ASSERT_EQ(stuck->locks->sync.try_lock(false), LockOutcome::kAcquired);
  Status status;
  uint64_t written = 0;
  while (status && written <= kRootRingSize) {
    ASSERT_TRUE(store.put("key", std::to_string(written)));
    status = store.snapshot().status();  // applies: a root each
    ++written;
  }
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the sync lock is held by pid"));
  EXPECT_LT(written, kRootRingSize);
  stuck->locks->sync.unlock();
  EXPECT_EQ(*store.get("key"), std::to_string(written - 1));
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(FailureTest, PagesThatNoListHasRoomForAreGivenUpUntilAColdStart) {
  std::optional<Store> store = machine_.open();
  ASSERT_TRUE(store->put("key", "1"));
  {
    const auto context = machine_.attach();
    AllocationLine& line = context->control().allocation;
    // Full, of what is not yet dead.
    const uint64_t head = line.retired_head.load();
    auto* entries = reinterpret_cast<RetiredEntry*>(context->region(kRetiredRegion));
    entries[head % kRetiredCapacity].run.store(uint64_t{kFirstPage} << 32 | 1);
    entries[head % kRetiredCapacity].death.store(~0ull);
    line.retired_tail.store(head + kRetiredCapacity);
  }
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store->put("key", std::to_string(i)));
    ASSERT_TRUE(store->flush());
  }
  EXPECT_GT(store->stats()->leaked_pages, 0u);
  EXPECT_EQ(*store->get("key"), "4");
  store.reset();
  machine_.reboot();
  store = machine_.open();
  EXPECT_EQ(store->stats()->leaked_pages, 0u);
  EXPECT_EQ(*store->get("key"), "4");
  EXPECT_THAT(store->check()->problems, IsEmpty());
}

TEST_F(FailureTest, PagesHeldForASnapshotThatNoListHasRoomForAreGivenUpToo) {
  std::optional<Store> store = machine_.open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->put("key" + std::to_string(i), "old"));
  ASSERT_TRUE(store->flush());
  std::optional<Snapshot> snapshot = std::move(*store->snapshot());
  {
    // Room for one run more.
    const auto context = machine_.attach();
    AllocationLine& line = context->control().allocation;
    ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
    const uint64_t buffer = line.held_buffer.load();
    ASSERT_TRUE(back_region(*context, kHeldRegions[buffer], line.held_backed[buffer],
                            kHeldCapacity * sizeof(RetiredEntry)));
    line.held_count.store(kHeldCapacity - 1);
    context->locks->apply.unlock();
  }
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(store->put("key" + std::to_string(i), std::to_string(round)));
    }
  }
  EXPECT_GT(store->stats()->leaked_pages, 0u);
  EXPECT_EQ(*snapshot->get("key7"), "old") << "what is given up is not given to others";
  EXPECT_EQ(*store->get("key7"), "19");
  snapshot.reset();
  store.reset();
  machine_.reboot();
  store = machine_.open();
  EXPECT_EQ(store->stats()->leaked_pages, 0u);
  EXPECT_EQ(*store->get("key7"), "19");
  EXPECT_THAT(store->check()->problems, IsEmpty());
}

// --- Clocks.

TEST_F(FailureTest, CommitTimesRiseWhenTheClockGoesBackwards) {
  class Clock : public os::ForwardingOs {
   public:
    using ForwardingOs::ForwardingOs;
    uint64_t wall_time_us() override { return now_us -= 1'000'000; }
    uint64_t now_us = 1'700'000'000'000'000;
  };
  Clock clock(machine_.os());
  std::optional<Store> store = *Store::open(clock, "/s", TestMachine::small_store());
  const auto time_of_last = [&] { return read_tail(machine_.attach()->control().tail).time_us; };
  uint64_t before = 0;
  for (int i = 0; i < 20; ++i) {
    if (i == 10) {
      store.reset();
      machine_.reboot();
      clock.now_us = 5;
      store = *Store::open(clock, "/s", TestMachine::small_store());
    }
    ASSERT_TRUE(store->put("key", std::to_string(i)));
    EXPECT_GT(time_of_last(), before);
    before = time_of_last();
  }
}

// --- A directory that is not where it was.

TEST_F(FailureTest, AStoreThatWasMovedWhileOpenIsNotWrittenToAtItsOldPlace) {
  std::optional<Store> store = machine_.open();
  ASSERT_TRUE(store->put("a", "1"));
  // As moved: another store stands there now.
  for (const std::string file : {"/data", "/LOCK", "/shm"}) {
    ASSERT_TRUE(machine_.os().rename("/s" + file, "/away" + file.substr(1)));
  }
  Store other = machine_.open();
  ASSERT_TRUE(other.put("a", "other"));
  Status refused;
  for (int i = 0; i < 100 && refused; ++i) {
    refused = store->put("b" + std::to_string(i), std::string(1000, 'x')).status();
  }
  EXPECT_EQ(refused.code(), StatusCode::kIoError) << refused.to_string();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("moved"));
  EXPECT_EQ(store->checkpoint().code(), StatusCode::kIoError) << "its log is not there";
  store.reset();
  EXPECT_EQ(*other.get("a"), "other");
}

// --- What a transaction that only reads promises.

TEST_F(FailureTest, AStrictTransactionThatOnlyReadsWaitsUntilWhatItReadIsDurable) {
  Store relaxed = machine_.open(batched());
  Store strict = machine_.open();
  ASSERT_TRUE(relaxed.put("a", "1"));
  Transaction reader = std::move(*strict.begin());
  ASSERT_EQ(*reader.get("a"), "1");
  ASSERT_LT(strict.stats()->durable_version, 1u);
  const auto version = reader.commit();
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, 1u);
  EXPECT_EQ(strict.stats()->durable_version, 1u);
  // Once it is durable nothing is synced for it.
  const uint64_t syncs = strict.stats()->syncs;
  Transaction again = std::move(*strict.begin());
  ASSERT_EQ(*again.get("a"), "1");
  ASSERT_TRUE(again.commit());
  EXPECT_EQ(strict.stats()->syncs, syncs);
}

TEST_F(FailureTest, AStrictTransactionThatReadWhatIsVoidedIsToldSo) {
  Store relaxed = *Store::open(os_, "/s", batched());
  Store strict = *Store::open(os_, "/s", TestMachine::small_store());
  ASSERT_TRUE(strict.put("a", "0"));
  ASSERT_TRUE(relaxed.put("a", "1"));
  Transaction reader = std::move(*strict.begin());
  ASSERT_EQ(*reader.get("a"), "1");
  os_.fault = [failed = false](const Attempt& attempt) mutable {
    if (attempt.call != Call::kSync || !attempt.path.ends_with(".wal") || failed)
      return Status::ok();
    failed = true;
    return Status(StatusCode::kIoError, "the disk failed");
  };
  EXPECT_EQ(reader.commit().status().code(), StatusCode::kAborted);
  EXPECT_EQ(*strict.get("a"), "0");
}

}  // namespace
}  // namespace holdfast::store
