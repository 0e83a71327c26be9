// A store that one handle has for itself alone: on file systems that lie, and on request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "store/engine.h"
#include "store/exclusive.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const os::FileSystem kHostShare{"9p", 0x01021997, os::FileSystemTrust::kLies};

StoreOptions impatient(Sharing sharing = Sharing::automatic) {
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  options.sharing = sharing;
  return options;
}

class ExclusiveTest : public testing::Test {
 protected:
  ExclusiveTest() { lying_.lies_on = kHostShare; }
  Result<Store> try_open(os::Os& os, Sharing sharing = Sharing::automatic) {
    return Store::open(os, "/s", impatient(sharing));
  }
  Store open(os::Os& os, Sharing sharing = Sharing::automatic) {
    auto store = try_open(os, sharing);
    EXPECT_TRUE(store) << store.status().to_string();
    return std::move(*store);
  }
  TestMachine machine_;
  FaultyOs lying_{machine_.os()};
};

TEST_F(ExclusiveTest, WhereLocksLieOneHandleAtATimeHasTheStore) {
  {
    Store store = open(lying_);
    EXPECT_TRUE(store.recovery().exclusive);
    ASSERT_TRUE(store.put("a", "1"));
    const Status status = try_open(lying_).status();
    EXPECT_EQ(status.code(), StatusCode::kBusy);
    EXPECT_THAT(std::string(status.message()), HasSubstr("9p"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("named volume"));
    EXPECT_EQ(status.path(), "/s");
  }
  EXPECT_EQ(*open(lying_).get("a"), "1");
}

TEST_F(ExclusiveTest, NothingIsMappedWhereMappingsLie) {
  lying_.fault = [](const Attempt& attempt) {
    return attempt.call == Call::kMap ? Status(StatusCode::kIoError, "mapped") : Status::ok();
  };
  {
    Store store = open(lying_);
    ASSERT_TRUE(store.put("a", std::string(5000, 'x')));
  }
  Store store = open(lying_);
  EXPECT_EQ(*store.get("a"), std::string(5000, 'x'));
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST_F(ExclusiveTest, ReadPagesMatchAMapWhileTheyAreUsedAgain) {
  std::map<std::string, std::string> expected;
  uint64_t number = 0;
  for (int round = 0; round < 4; ++round) {
    Store store = open(lying_);
    auto old = store.snapshot();
    const auto before = expected;
    for (int i = 0; i < 300; ++i) {
      const std::string key = "key" + std::to_string(number * 7919 % 97);
      const std::string value(number % 40 * 20, static_cast<char>('a' + number % 26));
      ++number;
      if (number % 5 == 0) {
        ASSERT_TRUE(store.del(key));
        expected.erase(key);
      } else {
        ASSERT_TRUE(store.put(key, value));
        expected[key] = value;
      }
      if (i % 100 == 50) {
        ASSERT_TRUE(store.checkpoint());
      }
    }
    EXPECT_EQ(contents(store), expected);
    EXPECT_EQ(contents(*old), before);
    EXPECT_THAT(store.check()->problems, IsEmpty());
  }
}

TEST_F(ExclusiveTest, ThreadsShareTheOneHandle) {
  // They wait for each other, on a loaded machine for long.
  StoreOptions patient = impatient();
  patient.deadline = TestMachine::small_store().deadline;
  auto opened = Store::open(lying_, "/s", patient);
  ASSERT_TRUE(opened) << opened.status().to_string();
  Store store = std::move(*opened);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        const auto version = store.put(key, key);
        ASSERT_TRUE(version) << version.status().to_string();
        ASSERT_EQ(*store.get(key), key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(contents(store).size(), 200u);
}

TEST_F(ExclusiveTest, AFailedSyncVoidsTheTailThereToo) {
  Store store = open(lying_);
  ASSERT_TRUE(store.put("a", "1"));
  lying_.fault = [failed = false](const Attempt& attempt) mutable {
    if (attempt.call != Call::kSync || !attempt.path.ends_with(".wal") || failed)
      return Status::ok();
    failed = true;
    return Status(StatusCode::kIoError, "the disk failed");
  };
  EXPECT_EQ(store.put("a", "2").status().code(), StatusCode::kAborted);
  EXPECT_EQ(*store.get("a"), "1");
  EXPECT_TRUE(store.put("a", "3"));
}

TEST_F(ExclusiveTest, ADamagedPageIsAnErrorAndNotReadTwice) {
  {
    Store store = open(lying_);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(store.put("k" + std::to_string(i), "value"));
    ASSERT_TRUE(store.checkpoint());
  }
  Store store = open(lying_);
  const auto data = machine_.os().open("/s/data", os::OpenMode::kReadWrite);
  const uint64_t size = (*data)->info()->size_bytes;
  machine_.write("/s/data", 3 * 512, std::string(size - 3 * 512, 'x'));
  const Status status = store.get("k50").status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
}

TEST_F(ExclusiveTest, AHandleThatWasKilledLeavesTheStoreToTheNext) {
  { ASSERT_TRUE(open(lying_).put("a", "1")); }
  {
    auto context = open_context(lying_, "/s", impatient());  // destroyed without closing
    ASSERT_TRUE(context);
  }
  EXPECT_EQ(*open(lying_).get("a"), "1");
}

TEST_F(ExclusiveTest, SharingCanBeRequired) {
  const Status status = try_open(lying_, Sharing::required).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("9p"));
  EXPECT_TRUE(try_open(machine_.os(), Sharing::required));
}

TEST_F(ExclusiveTest, WhereNotEvenOneIsSafeTheStoreIsRefused) {
  lying_.lies_on = os::FileSystem{"wslfs", 0x53464846, os::FileSystemTrust::kRefused};
  for (const Sharing sharing : {Sharing::automatic, Sharing::exclusive}) {
    EXPECT_EQ(try_open(lying_, sharing).status().code(), StatusCode::kUnsupported);
  }
}

TEST_F(ExclusiveTest, OnRequestItKeepsOthersOutAnywhere) {
  {
    Store alone = open(machine_.os(), Sharing::exclusive);
    ASSERT_TRUE(alone.put("a", "1"));
    const Status shared = try_open(machine_.os()).status();
    EXPECT_EQ(shared.code(), StatusCode::kBusy);
    EXPECT_THAT(std::string(shared.message()), HasSubstr("for itself alone"));
    EXPECT_EQ(try_open(machine_.os(), Sharing::exclusive).status().code(), StatusCode::kBusy);
  }
  Store shared = open(machine_.os());
  EXPECT_EQ(*shared.get("a"), "1");
  EXPECT_FALSE(shared.recovery().exclusive);
}

TEST_F(ExclusiveTest, ItWaitsForThoseWhoShare) {
  std::optional<Store> shared = open(machine_.os());
  ASSERT_TRUE(shared->put("a", "1"));
  EXPECT_EQ(try_open(machine_.os(), Sharing::exclusive).status().code(), StatusCode::kBusy);
  ASSERT_TRUE(shared->put("a", "2"));  // its control block was left alone
  shared.reset();
  EXPECT_EQ(*open(machine_.os(), Sharing::exclusive).get("a"), "2");
}

TEST_F(ExclusiveTest, WhereByteLocksDoNothingTheWholeFileIsLocked) {
  lying_.fault = [](const Attempt& attempt) {
    return attempt.call == Call::kLock ? Status(StatusCode::kUnsupported, "no locks")
                                       : Status::ok();
  };
  Store store = open(lying_);
  ASSERT_TRUE(store.put("a", "1"));
  EXPECT_EQ(try_open(lying_).status().code(), StatusCode::kBusy);
  EXPECT_EQ(*store.get("a"), "1");
}

TEST_F(ExclusiveTest, WhereNoLockWorksTheStoreIsRefused) {
  lying_.fault = [](const Attempt& attempt) {
    const bool lock = attempt.call == Call::kLock || attempt.call == Call::kLockWhole;
    return lock ? Status(StatusCode::kUnsupported, "no locks") : Status::ok();
  };
  const Status status = try_open(lying_).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("neither kind of file lock"));
}

// --- Another kernel over the same directory, whose locks do not reach this one.

constexpr std::array<char, 16> kOtherBoot{'o', 't', 'h', 'e', 'r'};

TEST_F(ExclusiveTest, AStoreSharedUnderAnotherKernelIsRefusedWhereItsLocksDoNotReach) {
  std::string while_open;
  {
    Store shared = open(machine_.os());
    ASSERT_TRUE(shared.put("a", "1"));
    while_open = machine_.read("/s/shm", 0, sizeof(ControlBlock));
  }
  lying_.other_boot = kOtherBoot;
  const std::string closed = machine_.read("/s/shm", 0, sizeof(ControlBlock));
  machine_.write("/s/shm", 0, while_open);  // as if the locks of those inside were not seen
  const Status status = try_open(lying_).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another kernel"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("delete the file shm"));
  machine_.write("/s/shm", 0, closed);
  EXPECT_EQ(*open(lying_).get("a"), "1");
}

TEST_F(ExclusiveTest, AStoreThatAnotherKernelHasAloneIsRefused) {
  std::string marker;
  {
    Store guest = open(lying_);
    ASSERT_TRUE(guest.put("a", "1"));
    marker = machine_.read("/s/shm", 0, 4096);
  }
  machine_.write("/s/shm", 0, marker);  // killed, or its locks are not seen
  FaultyOs host(machine_.os());
  host.other_boot = kOtherBoot;
  for (const Sharing sharing : {Sharing::automatic, Sharing::exclusive}) {
    const Status status = try_open(host, sharing).status();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << status.to_string();
  }
  // The guest itself, after a reboot, knows its own trace.
  lying_.other_boot = kOtherBoot;
  EXPECT_EQ(*open(lying_).get("a"), "1");
}

// Nobody syncs the marker: of what a power cut leaves of it nothing is believed.
TEST_F(ExclusiveTest, AMarkerThatIsTornIsNone) {
  std::string marker;
  {
    Store guest = open(lying_);
    ASSERT_TRUE(guest.put("a", "1"));
    marker = machine_.read("/s/shm", 0, 4096);
  }
  FaultyOs host(machine_.os());
  host.other_boot = kOtherBoot;
  for (size_t at = 0; at < 32; ++at) {
    std::string torn = marker;
    torn[at] = static_cast<char>(torn[at] ^ 0x40);
    (void)machine_.os().remove("/s/shm");
    machine_.write("/s/shm", 0, torn);
    EXPECT_EQ(*open(host).get("a"), "1") << at;
  }
}

TEST_F(ExclusiveTest, AfterAKillAndARebootTheStoreOpensShared) {
  { ASSERT_TRUE(open(machine_.os(), Sharing::exclusive).put("a", "1")); }
  { ASSERT_TRUE(open_context(machine_.os(), "/s", impatient(Sharing::exclusive))); }
  FaultyOs rebooted(machine_.os());
  rebooted.other_boot = kOtherBoot;
  EXPECT_EQ(*open(rebooted).get("a"), "1");
}

}  // namespace
}  // namespace holdfast::store
