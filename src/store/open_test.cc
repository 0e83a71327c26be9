#include "store/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/forwarding_os.h"
#include "os/posix_os.h"
#include "store/create.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"
#include "support/temporary_directory.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OpenTest : public testing::Test {
 protected:
  StoreOptions existing_only() {
    StoreOptions options = TestMachine::small_store();
    options.create = false;
    return options;
  }
  StatusCode open_code(const StoreOptions& options = TestMachine::small_store()) {
    return machine_.try_open(options).status().code();
  }
  std::vector<std::string> names() { return *machine_.os().list("/s"); }
  // A store that holds three keys and nobody has open.
  void make_store() {
    Store store = machine_.open();
    for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(store.put(key, "1"));
    ASSERT_TRUE(store.del("b"));
  }
  TestMachine machine_;
};

TEST_F(OpenTest, WithoutCreateNothingIsCreated) {
  EXPECT_EQ(open_code(existing_only()), StatusCode::kNotAStore);
  EXPECT_THAT(*machine_.os().list("/"), IsEmpty());
  ASSERT_TRUE(machine_.os().make_directories("/s"));
  EXPECT_EQ(open_code(existing_only()), StatusCode::kNotAStore);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OpenTest, ADirectoryOfOtherThingsIsLeftAlone) {
  ASSERT_TRUE(machine_.os().make_directories("/s"));
  machine_.write("/s/notes.txt", 0, "mine");
  EXPECT_EQ(open_code(), StatusCode::kNotAStore);
  EXPECT_THAT(names(), ElementsAre("notes.txt"));
}

TEST_F(OpenTest, AFileIsNotAStore) {
  const TemporaryDirectory directory;
  const std::string path = directory.path_of("file");
  ASSERT_TRUE(os::posix_os().open(path, os::OpenMode::kCreate));
  EXPECT_FALSE(Store::open(path));
  EXPECT_THAT(*os::posix_os().list(directory.path()), ElementsAre("file"));
}

TEST_F(OpenTest, ADataFileOfAnotherProgramIsNotAStore) {
  ASSERT_TRUE(machine_.os().make_directories("/s"));
  machine_.write("/s/data", 0, std::string(4096, 'x'));
  EXPECT_EQ(open_code(), StatusCode::kNotAStore);
  EXPECT_EQ(machine_.read("/s/data", 0, 5000), std::string(4096, 'x'));
}

TEST_F(OpenTest, AStoreIsCreatedWithItsParents) {
  const StoreOptions options = TestMachine::small_store();
  auto store = Store::open(machine_.os(), "/deep/down/s", options);
  ASSERT_TRUE(store) << store.status().to_string();
  EXPECT_TRUE(store->recovery().created);
  EXPECT_EQ(store->path(), "/deep/down/s");
  EXPECT_THAT(*machine_.os().list("/deep/down/s"), ElementsAre("LOCK", "data", "shm", "wal"));
}

TEST_F(OpenTest, WhatAnInterruptedCreationLeftIsReplaced) {
  ASSERT_TRUE(machine_.os().make_directories("/s/wal"));
  machine_.write("/s/data.new", 0, "half");
  machine_.write(machine_.log_path(1), 0, "half");
  machine_.write(machine_.log_path(9), 0, "half");
  machine_.write("/s/LOCK", 0, "");
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().created);
  ASSERT_TRUE(store.put("a", "1"));
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(OpenTest, AFormatOutOfItsBoundsIsRefused) {
  for (const uint32_t page_size : {0u, 256u, 1000u, 32768u}) {
    StoreOptions options = TestMachine::small_store();
    options.page_size_bytes = page_size;
    EXPECT_EQ(open_code(options), StatusCode::kInvalidArgument) << page_size;
  }
  for (const uint32_t segment_size : {0u, 4096u, 2u << 30}) {
    StoreOptions options = TestMachine::small_store();
    options.segment_size_bytes = segment_size;
    EXPECT_EQ(open_code(options), StatusCode::kInvalidArgument) << segment_size;
  }
  EXPECT_EQ(open_code(), StatusCode::kOk);
}

TEST_F(OpenTest, TheFormatOfAnExistingStoreStays) {
  make_store();
  StoreOptions options = TestMachine::small_store();
  options.page_size_bytes = 4096;
  EXPECT_EQ(machine_.open(options).stats()->page_size_bytes, 512u);
  machine_.reboot();
  EXPECT_EQ(machine_.open(options).stats()->page_size_bytes, 512u);
}

TEST_F(OpenTest, ALongActorIsRefused) {
  StoreOptions options = TestMachine::small_store();
  options.actor = std::string(129, 'a');
  EXPECT_EQ(open_code(options), StatusCode::kInvalidArgument);
  options.actor.pop_back();
  EXPECT_EQ(open_code(options), StatusCode::kOk);
}

TEST_F(OpenTest, JoiningIsNoColdStart) {
  Store first = machine_.open();
  EXPECT_TRUE(first.recovery().cold);
  EXPECT_TRUE(first.recovery().created);
  ASSERT_TRUE(first.put("a", "1"));
  Store second = machine_.open();
  EXPECT_FALSE(second.recovery().cold);
  EXPECT_FALSE(second.recovery().created);
  EXPECT_EQ(second.recovery().version, 1u);
}

// What looks untrustworthy with nobody inside may be the work of who came meanwhile.
TEST_F(OpenTest, WhoComesAndGoesMeanwhileMakesNoColdStart) {
  make_store();
  FaultyOs os(machine_.os());
  std::unique_ptr<Context> other;
  enum { kBefore, kLookedWhoIsInside, kOtherCame, kOtherGone } now = kBefore;
  os.fault = [&](const Attempt& attempt) {
    if (now == kBefore && attempt.call == Call::kLock && attempt.size == liveness_byte(0)) {
      now = kLookedWhoIsInside;
    } else if (now == kLookedWhoIsInside && attempt.call == Call::kInfo && is_data(attempt.path)) {
      now = kOtherCame;
      other = machine_.attach();
      EXPECT_EQ(other->locks->checkpoint.try_lock(false), LockOutcome::kAcquired);
    } else if (now == kOtherCame && attempt.call == Call::kUnlock) {
      now = kOtherGone;
      other->locks->checkpoint.unlock();
      other.reset();
    }
    return Status::ok();
  };
  const Store store = std::move(*Store::open(os, "/s", TestMachine::small_store()));
  EXPECT_EQ(now, kOtherGone);
  EXPECT_FALSE(store.recovery().cold);
}

TEST_F(OpenTest, AColdStartReportsWhatItDid) {
  make_store();
  machine_.reboot();
  Store store = machine_.open();
  const RecoveryReport& report = store.recovery();
  EXPECT_TRUE(report.cold);
  EXPECT_FALSE(report.created);
  EXPECT_EQ(report.transactions_applied, 4u);
  EXPECT_EQ(report.writes_applied, 3u);
  EXPECT_EQ(report.deletes_applied, 1u);
  EXPECT_EQ(report.transactions_discarded, 0u);
  EXPECT_EQ(report.orphaned_entries, 0u);
  EXPECT_EQ(report.version, 4u);
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(contents(store), SizeIs(2));
}

TEST_F(OpenTest, ASecondColdStartAppliesNothing) {
  make_store();
  machine_.reboot();
  (void)machine_.open();
  machine_.reboot();
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_EQ(store.recovery().transactions_applied, 0u);
  EXPECT_EQ(store.recovery().version, 4u);
  EXPECT_THAT(contents(store), SizeIs(2));
  EXPECT_EQ(store.stats()->checkpoints, 1u) << "or the log would be needed from the first on";
}

TEST_F(OpenTest, ATornTransactionIsReported) {
  log::Lsn last = 0;
  {
    make_store();
    const auto context = machine_.attach();
    last = read_tail(context->control().tail).lsn;
  }
  // A header that nothing follows, as a power cut leaves it.
  log::RecordHeader header;
  header.type = static_cast<uint16_t>(log::RecordType::kCommit);
  header.lsn = last;
  machine_.write(machine_.log_path(1), log::lsn_offset(last),
                 {reinterpret_cast<const char*>(&header), sizeof(header)});
  machine_.reboot();
  Store store = machine_.open();
  EXPECT_EQ(store.recovery().transactions_discarded, 1u);
  EXPECT_GT(store.recovery().bytes_discarded, 0u);
  EXPECT_THAT(store.recovery().warnings, ElementsAre(HasSubstr("one incomplete transaction")));
  EXPECT_EQ(store.recovery().version, 4u);
}

TEST_F(OpenTest, ANewerFormatIsRefusedAndLeftAsItIs) {
  make_store();
  machine_.reboot();
  auto data = *machine_.os().open("/s/data", os::OpenMode::kReadWrite);
  Superblock superblock = *read_superblock(*data, "/s/data");
  ++superblock.format_version;
  ASSERT_TRUE(write_superblock(*data, superblock));
  const std::string before = machine_.read("/s/data", 0, 1u << 20);
  EXPECT_EQ(open_code(), StatusCode::kUnsupported);
  EXPECT_EQ(machine_.read("/s/data", 0, 1u << 20), before);
  EXPECT_THAT(names(), ElementsAre("LOCK", "data", "wal"));
}

TEST_F(OpenTest, AStoreOpenInAnotherVersionOfHoldfastIsRefused) {
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "1"));
  auto context = machine_.attach();
  context->control().header.layout.store(7);
  const Status status = machine_.try_open().status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another version"));
  context.reset();
  ASSERT_TRUE(store.close());
  { const Store moved = std::move(store); }
  // Nobody uses it any more: its control block is replaced.
  Store again = machine_.open();
  EXPECT_TRUE(again.recovery().cold);
  EXPECT_EQ(*again.get("a"), "1");
}

TEST_F(OpenTest, AStoreOpenUnderAnotherKernelIsRefused) {
  auto context = machine_.attach();
  context->control().header.boot_id[0].fetch_add(1);
  const Status status = machine_.try_open().status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another kernel"));
  context.reset();
  EXPECT_TRUE(machine_.open().recovery().cold);
}

TEST_F(OpenTest, AControlBlockThatVanishedInUseIsNotMadeAgain) {
  auto context = machine_.attach();
  machine_.reboot();
  EXPECT_EQ(open_code(), StatusCode::kUnsupported);
  EXPECT_THAT(names(), ElementsAre("LOCK", "data", "wal"));
}

TEST_F(OpenTest, AControlBlockOfAnotherStoreIsIgnored) {
  make_store();
  {
    auto other = Store::open(machine_.os(), "/other", TestMachine::small_store());
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->put("foreign", "1"));
  }
  ASSERT_TRUE(machine_.os().rename("/other/shm", "/s/shm"));
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_EQ(*store.get("foreign"), std::nullopt);
  EXPECT_EQ(*store.get("a"), "1");
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(OpenTest, AHalfMadeControlBlockIsMadeAgain) {
  make_store();
  {
    const auto context = machine_.attach();
    context->control().header.initialized.store(0);
  }
  EXPECT_TRUE(machine_.open().recovery().cold);
  auto file = machine_.os().open("/s/shm", os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(100));
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_THAT(contents(store), SizeIs(2));
}

TEST_F(OpenTest, AStoreThatOnlyReadsIsRecoveredByTheNextWhoComesAlone) {
  make_store();
  {
    const auto context = machine_.attach();
    make_read_only(context->control());
    EXPECT_FALSE(machine_.open().recovery().cold);  // not alone
    EXPECT_EQ(machine_.open().put("a", "2").status().code(), StatusCode::kReadOnly);
    EXPECT_EQ(*machine_.open().get("a"), "1");
  }
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_TRUE(store.put("a", "2"));
}

TEST_F(OpenTest, ALogThatWasCutBehindOurBackIsNotBelieved) {
  make_store();
  const auto tail = [&] { return read_tail(machine_.attach()->control().tail); }();
  machine_.flip(machine_.log_path(1), log::lsn_offset(tail.last_lsn));
  Store store = machine_.open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_EQ(store.recovery().transactions_discarded, 1u);
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(OpenTest, WhoeverRecoversForTooLongMakesOthersBusy) {
  make_store();
  auto lock = machine_.os().open("/s/LOCK", os::OpenMode::kReadWrite);
  ASSERT_TRUE(*(*lock)->lock_try(kAttachByte, os::LockKind::kExclusive));
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(2);
  EXPECT_EQ(open_code(options), StatusCode::kBusy);
  ASSERT_TRUE((*lock)->unlock(kAttachByte));
  EXPECT_EQ(open_code(options), StatusCode::kOk);
}

TEST_F(OpenTest, ADamagedFirstSegmentIsCorruptionAndChangesNothing) {
  make_store();
  machine_.reboot();
  machine_.flip(machine_.log_path(1), 40);
  const std::string before = machine_.read("/s/data", 0, 1u << 20);
  EXPECT_EQ(open_code(), StatusCode::kCorruption);
  EXPECT_EQ(machine_.read("/s/data", 0, 1u << 20), before);
  machine_.flip(machine_.log_path(1), 40);  // restored
  Store store = machine_.open();
  EXPECT_THAT(contents(store), SizeIs(2));
}

TEST_F(OpenTest, PathsAreToldApart) {
  os::Os& os = machine_.os();
  EXPECT_EQ(*inspect_path(os, "/s"), PathState::kAbsent);
  ASSERT_TRUE(os.make_directories("/s"));
  EXPECT_EQ(*inspect_path(os, "/s"), PathState::kEmpty);
  machine_.write("/s/data.new", 0, "x");
  EXPECT_EQ(*inspect_path(os, "/s"), PathState::kEmpty);
  machine_.write("/s/other", 0, "x");
  EXPECT_EQ(*inspect_path(os, "/s"), PathState::kForeign);
  machine_.write("/s/data", 0, "x");
  EXPECT_EQ(*inspect_path(os, "/s"), PathState::kStore);
}

// What an opening that was interrupted leaves beside nothing else is no other program's.
TEST_F(OpenTest, ControlBlocksAloneAreNotForeign) {
  for (const char* name : {"shm", "shm.new", "data.new", "LOCK"}) {
    TestMachine machine;
    ASSERT_TRUE(machine.os().make_directories("/s"));
    machine.write("/s/" + std::string(name), 0, "x");
    EXPECT_EQ(*inspect_path(machine.os(), "/s"), PathState::kEmpty) << name;
    EXPECT_TRUE(machine.try_open()) << name;
  }
  TestMachine machine;
  ASSERT_TRUE(machine.os().make_directories("/s"));
  machine.write("/s/shm.old", 0, "x");
  EXPECT_EQ(*inspect_path(machine.os(), "/s"), PathState::kForeign);
}

// The number of a slot's lives has 20 bits, and 0 means that there was none.
TEST_F(OpenTest, ASlotThatWasUsedAMillionTimesBeginsAnew) {
  TestMachine machine;
  const auto holder = machine.attach();
  for (ProcessSlot& slot : holder->control().processes) {
    if (slot.attached.load() == 0) slot.generation.store((1u << 20) - 1);
  }
  Store store = machine.open();
  const HandleId id = store.handle_id();
  EXPECT_NE(id.owner, 0u);
  EXPECT_TRUE(store.handle_alive(id));
  EXPECT_FALSE(store.handle_alive({id.incarnation + 1, id.owner}));
  EXPECT_FALSE(store.handle_alive({id.incarnation, 0}));
  EXPECT_FALSE(holder->attachment->owner_dead(static_cast<uint32_t>(id.owner)));
  ASSERT_TRUE(store.put("a", "1"));
}

// On a machine without threads what helpers would do is done by the calls.
TEST_F(OpenTest, WithoutThreadsThereAreNoHelpers) {
  class ThreadlessOs final : public os::ForwardingOs {
   public:
    explicit ThreadlessOs(os::Os& os) : ForwardingOs(os) {}
    bool has_threads() override { return false; }
  };
  TestMachine machine;
  ThreadlessOs os(machine.os());
  StoreOptions options = TestMachine::small_store();
  options.helper_thread = true;
  options.durability = Durability::batched;
  Store store = std::move(*Store::open(os, machine.path(), options));
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(store.put(std::to_string(i), "v"));
  EXPECT_LT(store.stats()->commits_unsynced, 2900u);
  ASSERT_TRUE(store.close());
}

TEST_F(OpenTest, MappingsMayBeGuarded) {
  TemporaryDirectory directory;
  StoreOptions options;
  options.guard_mappings = true;
  Store store = std::move(*Store::open(directory.path() + "/s", options));
  ASSERT_TRUE(store.put("a", "1"));
  EXPECT_EQ(*store.get("a"), "1");
}

// Its files are not this handle's any more, whatever comes to lie there.
TEST_F(OpenTest, AStoreThatWasMovedIsNotMadeLonger) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("a", "1"));
  ASSERT_TRUE(machine.os().rename("/s/data", "/s/moved"));
  Status status;
  for (int i = 0; i < 50 && status; ++i) status = store.put("b", std::string(3000, 'v')).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("was moved or removed"));
  EXPECT_EQ(*store.get("a"), "1");
  ASSERT_TRUE(machine.os().rename("/s/moved", "/s/data"));
  EXPECT_TRUE(store.put("b", std::string(3000, 'v')));
}

}  // namespace
}  // namespace holdfast::store
