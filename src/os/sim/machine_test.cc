#include "os/sim/machine.h"

#include <gtest/gtest.h>

#include <set>

#include "base/check.h"
#include "os/sim/crash_loop.h"

namespace holdfast::sim {
namespace {

using os::File;
using os::LockKind;
using os::MapAccess;
using os::OpenMode;
using os::Os;
using os::Shared;

std::unique_ptr<File> open(Os& os, const std::string& path) {
  auto file = os.open(path, OpenMode::kCreate);
  CHECK(file.is_ok());
  return std::move(*file);
}

std::string read_all(Os& os, const std::string& path) {
  auto file = os.open(path, OpenMode::kReadWrite);
  if (!file) return "absent";
  std::string bytes((*file)->info()->size_bytes, '?');
  CHECK((*file)->read_at(0, bytes.data(), bytes.size()).is_ok());
  return bytes;
}

// A word in a mapping of /shm, as processes share it.
struct SharedWord {
  explicit SharedWord(Os& os) : file(open(os, "/shm")) {
    CHECK(file->allocate(0, 4096));
    mapping = *file->map(4096, MapAccess::kReadWrite);
    word = reinterpret_cast<Shared<uint32_t>*>(mapping->data());
  }
  std::unique_ptr<File> file;
  std::unique_ptr<os::Mapping> mapping;
  Shared<uint32_t>* word;
};

TEST(MachineTest, ProcessesRunToTheirEndAndShareTheDisk) {
  Machine machine(1);
  for (const char* path : {"/a", "/b"}) {
    machine.spawn([path](Os& os) {
      auto file = open(os, path);
      ASSERT_TRUE(file->write_at(0, path));
      const std::vector<std::string_view> pieces = {"x", "", "yz"};
      ASSERT_TRUE(file->write_gather_at(2, pieces));
      ASSERT_TRUE(file->sync_data());
    });
  }
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_EQ(*machine.harness_os().list("/"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read_all(machine.harness_os(), "/a"), "/axyz");
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
}

uint64_t hash_of_run(uint64_t seed) {
  Machine machine(seed);
  for (int i = 0; i < 3; ++i) {
    machine.spawn([](Os& os) {
      SharedWord shared(os);
      for (int k = 0; k < 50; ++k) {
        shared.word->fetch_add(1);
        os.sleep_us(os.monotonic_time_us() % 7);
      }
    });
  }
  CHECK(machine.run() == RunEnd::kFinished);
  return machine.trace_hash();
}

TEST(MachineTest, SameSeedGivesTheSameRunAndOthersDiffer) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    hashes.insert(hash_of_run(seed));
    EXPECT_EQ(hash_of_run(seed), hash_of_run(seed));
  }
  EXPECT_GE(hashes.size(), 19U);
}

TEST(MachineTest, StoresOfOneProcessAreSeenByOthersAtTheSameAddress) {
  Machine machine(3);
  for (int i = 0; i < 4; ++i) {
    machine.spawn([](Os& os) {
      SharedWord shared(os);
      for (int k = 0; k < 100; ++k) shared.word->fetch_add(1);
    });
  }
  ASSERT_EQ(machine.run(), RunEnd::kFinished);
  SharedWord shared(machine.harness_os());
  EXPECT_EQ(shared.word->load(), 400U);
}

TEST(MachineTest, LostUpdatesOfARaceAreFound) {
  bool found = false;
  for (uint64_t seed = 0; seed < 20 && !found; ++seed) {
    Machine machine(seed);
    for (int i = 0; i < 2; ++i) {
      machine.spawn([](Os& os) {
        SharedWord shared(os);
        for (int k = 0; k < 20; ++k) shared.word->store(shared.word->load() + 1);
      });
    }
    ASSERT_EQ(machine.run(), RunEnd::kFinished);
    found = SharedWord(machine.harness_os()).word->load() != 40;
  }
  EXPECT_TRUE(found);
}

TEST(MachineTest, KilledProcessLosesItsLocksAndRunsNoDestructor) {
  Machine machine(1);
  bool destructed = false;
  struct Sentinel {
    bool& flag;
    ~Sentinel() { flag = true; }
  };
  Process& victim = machine.spawn([&](Os& os) {
    Sentinel sentinel{destructed};
    auto file = open(os, "/lock");
    ASSERT_TRUE(*file->lock_try(7, LockKind::kExclusive));
    for (;;) os.sleep_us(1000);
  });
  bool was_held = false;
  bool taken = false;
  machine.spawn([&](Os& os) {
    auto file = open(os, "/lock");
    while (!*file->lock_held_by_other(0, 10)) os.sleep_us(100);
    was_held = !*file->lock_try(7, LockKind::kShared);
    machine.kill(victim);
    taken = *file->lock_try(7, LockKind::kExclusive);
  });
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_TRUE(victim.killed());
  EXPECT_TRUE(was_held);
  EXPECT_TRUE(taken);
  EXPECT_FALSE(destructed);
}

TEST(MachineTest, LocksBelongToDescriptions) {
  Machine machine(1);
  Os& os = machine.harness_os();
  auto first = open(os, "/lock");
  auto second = open(os, "/lock");
  EXPECT_TRUE(*first->lock_try(1, LockKind::kShared));
  EXPECT_TRUE(*second->lock_try(1, LockKind::kShared));
  EXPECT_FALSE(*second->lock_try(1, LockKind::kExclusive));
  EXPECT_FALSE(*first->lock_held_by_other(2, 5));
  ASSERT_TRUE(second->unlock(1));
  EXPECT_TRUE(*first->lock_try(1, LockKind::kExclusive));
  EXPECT_FALSE(*first->lock_held_by_other(0, 5));
  EXPECT_TRUE(*second->lock_held_by_other(0, 5));
  first.reset();
  EXPECT_TRUE(*second->lock_try(1, LockKind::kExclusive));
}

TEST(MachineTest, FutexWakesWaitersAndTimesOut) {
  Machine machine(5, {.spurious_wake_chance = 0});
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    machine.spawn([&](Os& os) {
      SharedWord shared(os);
      while (shared.word->load() == 0) {
        ASSERT_EQ(os.futex_wait(*shared.word, 0, UINT64_MAX), os::WaitResult::kWoken);
      }
      ++woken;
    });
  }
  machine.spawn([&](Os& os) {
    SharedWord shared(os);
    const uint64_t begin_us = os.monotonic_time_us();
    EXPECT_EQ(os.futex_wait(*shared.word, 0, 5'000), os::WaitResult::kTimedOut);
    EXPECT_GE(os.monotonic_time_us(), begin_us + 5'000);
    EXPECT_EQ(os.futex_wait(*shared.word, 1, UINT64_MAX), os::WaitResult::kWoken);
    shared.word->store(1);
    os.futex_wake(*shared.word, 100);
  });
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_EQ(woken, 3);
}

TEST(MachineTest, LostWakeIsADeadlock) {
  Machine machine(1, {.spurious_wake_chance = 0});
  machine.spawn([](Os& os) {
    SharedWord shared(os);
    os.futex_wait(*shared.word, 0, UINT64_MAX);
  });
  EXPECT_EQ(machine.run(), RunEnd::kDeadlock);
}

TEST(MachineTest, SpinningForEverIsALivelock) {
  Machine machine(1, {.step_max = 10'000});
  machine.spawn([](Os& os) {
    SharedWord shared(os);
    while (shared.word->load() == 0) {
    }
  });
  EXPECT_EQ(machine.run(), RunEnd::kLivelock);
}

TEST(MachineTest, StoppedProcessKeepsItsLocksUntilContinued) {
  Machine machine(1);
  Process* itself = nullptr;
  Process& holder = machine.spawn([&](Os& os) {
    auto file = open(os, "/lock");
    ASSERT_TRUE(*file->lock_try(0, LockKind::kExclusive));
    machine.stop(*itself);
  });
  itself = &holder;
  ASSERT_EQ(machine.run(), RunEnd::kStopped);
  EXPECT_TRUE(holder.stopped());
  Os& os = machine.harness_os();
  EXPECT_FALSE(*open(os, "/lock")->lock_try(0, LockKind::kShared));
  EXPECT_EQ(os.describe_process(holder.os().process()), "pid 1001, state T (stopped)");
  machine.continue_process(holder);
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_EQ(os.describe_process(holder.os().process()), "pid 1001, gone");
}

TEST(MachineTest, PlannedStopEndsAfterItsTime) {
  Machine machine(1);
  machine.spawn([](Os& os) {
    const uint64_t begin_us = os.monotonic_time_us();
    os.sleep_us(1);
    EXPECT_GE(os.monotonic_time_us(), begin_us + 70'000);
  });
  machine.set_plan({.fault = Fault::kStop, .step = 1, .stop_us = 70'000});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_TRUE(machine.plan_fired());
}

TEST(MachineTest, PowerCutEndsAllAndRestartsTheMachine) {
  Machine machine(1, {.loss = Loss::kAll});
  const auto boot_id = machine.boot_id();
  const uint64_t wall_us = machine.harness_os().wall_time_us();
  for (int i = 0; i < 2; ++i) {
    machine.spawn([i](Os& os) {
      auto file = open(os, "/f" + std::to_string(i));
      ASSERT_TRUE(*file->lock_try(0, LockKind::kExclusive));
      ASSERT_TRUE(file->write_at(0, "synced"));
      ASSERT_TRUE(file->sync_data());
      ASSERT_TRUE(os.sync_directory("/"));
      ASSERT_TRUE(file->write_at(0, "lost"));
      for (;;) os.sleep_us(100);
    });
  }
  machine.set_plan({.fault = Fault::kPowerCut, .step = 100});
  EXPECT_EQ(machine.run(), RunEnd::kPowerCut);
  EXPECT_TRUE(machine.plan_fired());
  EXPECT_NE(machine.boot_id(), boot_id);
  EXPECT_GT(machine.harness_os().wall_time_us(), wall_us);
  EXPECT_EQ(read_all(machine.harness_os(), "/f0"), "synced");
  EXPECT_TRUE(*open(machine.harness_os(), "/f0")->lock_try(0, LockKind::kExclusive));
  bool ran = false;
  machine.spawn([&](Os& os) { ran = read_all(os, "/f1") == "synced"; });
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_TRUE(ran);
}

TEST(MachineTest, KillKeepsThePageCacheAndAPrefixOfTheWrite) {
  std::set<size_t> sizes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Machine machine(seed);
    Process& process = machine.spawn([](Os& os) {
      auto file = open(os, "/a");
      ASSERT_TRUE(file->write_at(0, std::string(2000, 'x')));
    });
    machine.set_plan({.fault = Fault::kKill, .step = 2});
    EXPECT_EQ(machine.run(), RunEnd::kFinished);
    EXPECT_TRUE(process.killed());
    const std::string bytes = read_all(machine.harness_os(), "/a");
    EXPECT_EQ(bytes, std::string(bytes.size(), 'x'));
    sizes.insert(bytes.size());
  }
  EXPECT_GT(sizes.size(), 50U);
  EXPECT_EQ(sizes.count(0) + sizes.count(512) + sizes.count(1024), 3U);
}

TEST(MachineTest, KillAllLeavesNobody) {
  Machine machine(1);
  Process* processes[3];
  for (Process*& process : processes) {
    process = &machine.spawn([](Os& os) {
      for (;;) os.sleep_us(10);
    });
  }
  machine.set_plan({.fault = Fault::kKillAll, .step = 20});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  for (Process* process : processes) EXPECT_TRUE(process->killed());
}

TEST(MachineTest, PlanCountsTheStepsOfOneProcess) {
  Machine machine(1);
  Process& first = machine.spawn([](Os& os) {
    for (int i = 0; i < 10; ++i) os.sleep_us(1);
  });
  Process& second = machine.spawn([](Os& os) {
    for (int i = 0; i < 10; ++i) os.sleep_us(1);
  });
  machine.set_plan({.fault = Fault::kKill, .step = 4, .process = second.id()});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_TRUE(first.finished());
  EXPECT_TRUE(second.killed());
  EXPECT_EQ(second.steps(), 4U);
}

TEST(MachineTest, PlanBeyondTheRunDoesNotFire) {
  Machine machine(1);
  machine.spawn([](Os& os) { os.sleep_us(1); });
  machine.set_plan({.fault = Fault::kPowerCut, .step = 2});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_FALSE(machine.plan_fired());
}

StatusCode code_of_write(Plan plan, std::string* left = nullptr) {
  Machine machine(1);
  StatusCode code = StatusCode::kOk;
  machine.spawn([&](Os& os) {
    auto file = os.open("/a", OpenMode::kCreate);
    if (!file) {
      code = file.status().code();
      return;
    }
    code = (*file)->write_at(0, "0123456789").code();
    if (code == StatusCode::kOk) code = (*file)->write_at(0, "0").code();
  });
  machine.set_plan(plan);
  CHECK(machine.run() == RunEnd::kFinished);
  if (left != nullptr) *left = read_all(machine.harness_os(), "/a");
  return code;
}

TEST(MachineTest, ErrorsStrikeTheCallsTheyFit) {
  EXPECT_EQ(code_of_write({.fault = Fault::kIoError, .step = 1}), StatusCode::kIoError);
  EXPECT_EQ(code_of_write({.fault = Fault::kIoError, .step = 3}), StatusCode::kIoError);
  EXPECT_EQ(code_of_write({.fault = Fault::kNoSpace, .step = 1}), StatusCode::kNoSpace);
  EXPECT_EQ(code_of_write({.fault = Fault::kNoSpace, .step = 2}), StatusCode::kNoSpace);
  // The second write goes where space is allocated.
  EXPECT_EQ(code_of_write({.fault = Fault::kNoSpace, .step = 3}), StatusCode::kOk);
  EXPECT_EQ(code_of_write({.fault = Fault::kIoError, .step = 2, .persistent = true}),
            StatusCode::kIoError);
  std::string left;
  EXPECT_EQ(code_of_write({.fault = Fault::kShortWrite, .step = 1}, &left), StatusCode::kNoSpace);
  EXPECT_TRUE(std::string("0123456789").starts_with(left));
}

TEST(MachineTest, ReadErrorStrikesReads) {
  Machine machine(1);
  machine.spawn([](Os& os) {
    auto file = open(os, "/a");
    char byte;
    EXPECT_TRUE(file->read_at(0, &byte, 1).is_ok());
    EXPECT_EQ(file->read_at(0, &byte, 1).status().code(), StatusCode::kIoError);
    EXPECT_TRUE(file->read_at(0, &byte, 1).is_ok());
  });
  machine.set_plan({.fault = Fault::kReadError, .step = 2});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
}

TEST(MachineTest, SyncErrorIsToldOnceToEachDescriptionOpenThen) {
  Machine machine(1, {.evict_chance = 0});
  machine.spawn([](Os& os) {
    auto first = open(os, "/a");
    auto second = open(os, "/a");
    ASSERT_TRUE(first->write_at(0, "x"));
    EXPECT_EQ(first->sync_data().code(), StatusCode::kIoError);
    EXPECT_TRUE(first->sync_data());
    EXPECT_EQ(second->sync_data().code(), StatusCode::kIoError);
    EXPECT_TRUE(second->sync_data());
    EXPECT_TRUE(open(os, "/a")->sync_data());
  });
  machine.set_plan({.fault = Fault::kSyncError, .step = 1});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
}

TEST(MachineTest, BackgroundErrorIsToldToWhoSyncsNextEvenIfOpenedLater) {
  Machine machine(1, {.evict_chance = 0});
  machine.spawn([](Os& os) {
    ASSERT_TRUE(open(os, "/a")->write_at(0, "x"));
    os.sleep_us(1);
    auto later = open(os, "/a");
    EXPECT_EQ(later->sync_data().code(), StatusCode::kIoError);
    EXPECT_TRUE(later->sync_data());
    EXPECT_TRUE(open(os, "/a")->sync_data());
  });
  machine.set_plan({.fault = Fault::kWritebackError, .step = 3});
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  EXPECT_TRUE(machine.plan_fired());
}

TEST(MachineTest, WallClockJumpsBackWhereAsked) {
  Machine machine(1, {.clock_back_chance = 0.5});
  bool went_back = false;
  Os& os = machine.harness_os();
  const uint64_t monotonic_us = os.monotonic_time_us();
  uint64_t last_us = os.wall_time_us();
  for (int i = 0; i < 50; ++i) {
    const uint64_t now_us = os.wall_time_us();
    went_back |= now_us < last_us;
    last_us = now_us;
  }
  EXPECT_TRUE(went_back);
  EXPECT_GE(os.monotonic_time_us(), monotonic_us);
}

TEST(MachineTest, ProcessesMayLiveInNamespacesOfTheirOwn) {
  Machine machine(1, {.pid_namespaces = true});
  Process& first = machine.spawn([](Os&) {});
  Process& second = machine.spawn([](Os&) {});
  EXPECT_EQ(first.os().process().pid, second.os().process().pid);
  EXPECT_NE(first.os().process().pid_namespace_inode, second.os().process().pid_namespace_inode);
  EXPECT_FALSE(first.os().has_threads());
}

TEST(MachineTest, LargeWritesAreSeenHalfDone) {
  bool half = false;
  for (uint64_t seed = 0; seed < 300 && !half; ++seed) {
    Machine machine(seed);
    machine.harness_os();
    open(machine.harness_os(), "/a");
    machine.spawn([](Os& os) { ASSERT_TRUE(open(os, "/a")->write_at(0, std::string(4096, 'x'))); });
    machine.spawn([&](Os& os) {
      for (int i = 0; i < 10; ++i) {
        const size_t size = read_all(os, "/a").size();
        half |= size > 0 && size < 4096;
      }
    });
    ASSERT_EQ(machine.run(), RunEnd::kFinished);
  }
  EXPECT_TRUE(half);
}

TEST(MachineTest, ChancesKillAndFailWithoutAPlan) {
  bool killed = false;
  bool failed = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Machine machine(seed, {.kill_chance = 0.01, .io_error_chance = 0.05});
    Process& process = machine.spawn([&](Os& os) {
      for (int i = 0; i < 30; ++i) {
        failed |= !os.open("/a" + std::to_string(i), OpenMode::kCreate).is_ok();
      }
    });
    ASSERT_EQ(machine.run(), RunEnd::kFinished);
    killed |= process.killed();
  }
  EXPECT_TRUE(killed);
  EXPECT_TRUE(failed);
}

TEST(MachineTest, TraceNamesTheStepsAndTheFileBehindAnAddress) {
  Machine machine(1, {.trace = true});
  machine.spawn([](Os& os) { SharedWord(os).word->store(1); });
  ASSERT_EQ(machine.run(), RunEnd::kFinished);
  const auto& trace = machine.trace();
  ASSERT_GE(trace.size(), 4U);
  EXPECT_EQ(trace[0], "1 p0 open /shm 0+0");
  EXPECT_EQ(trace[1], "2 p0 allocate /shm 0+4096");
  EXPECT_EQ(trace[3], "4 p0 store /shm 0");
}

TEST(MachineTest, TouchingAMappingPastTheEndOfTheFileIsFatal) {
  const auto touch = [](uint64_t size, uint64_t at) {
    return run_in_child([&] {
      Machine machine(1);
      auto file = open(machine.harness_os(), "/a");
      auto mapping = *file->map(1 << 20, MapAccess::kRead);
      CHECK(file->allocate(0, 50'000) && file->truncate(size));
      volatile char byte = mapping->data()[at];
      return byte == 0 ? "" : "not zero";
    });
  };
  EXPECT_EQ(touch(10'000, 9'999), "");
  EXPECT_EQ(touch(10'000, 12'287), "");  // the last page is there in full
  EXPECT_NE(touch(10'000, 12'288), "");
  EXPECT_NE(touch(0, 0), "");
}

// What runs of `machine` come to: their steps, and all bytes after a power cut.
std::string future_of(Machine& machine) {
  for (int i = 0; i < 2; ++i) {
    machine.spawn([](Os& os) {
      SharedWord shared(os);
      auto file = open(os, "/dir/unsynced");
      for (uint64_t k = 0; k < 20; ++k) {
        const uint32_t before = shared.word->fetch_add(1);
        CHECK(file->write_at(k * 700, std::to_string(before)));
        if (k == 10) CHECK(open(os, "/dir/new")->write_at(0, "new"));
      }
    });
  }
  EXPECT_EQ(machine.run(), RunEnd::kFinished);
  std::string text = std::to_string(machine.trace_hash());
  machine.cut_power();
  Os& os = machine.harness_os();
  text += " " + std::to_string(os.monotonic_time_us());
  for (const std::string directory : {"/", "/dir/"}) {
    const auto names = os.list(directory);
    for (size_t i = 0; names && i < names->size(); ++i) {
      text += (*names)[i] + read_all(os, directory + (*names)[i]);
    }
  }
  return text;
}

TEST(MachineTest, CopiesOfAPreparedMachineHaveItsFuture) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto prepare = [](Machine& machine) {
      Os& os = machine.harness_os();
      CHECK(open(os, "/synced")->write_at(5000, "synced"));
      CHECK(open(os, "/synced")->sync_data() && os.sync_directory("/"));
      CHECK(os.make_directories("/dir"));
      CHECK(open(os, "/dir/old")->write_at(0, std::string(3000, 'u')));
      CHECK(os.rename("/dir/old", "/dir/unsynced"));
      CHECK(open(os, "/removed")->write_at(0, "removed") && os.remove("/removed"));
      SharedWord shared(os);
      shared.word->store(77);
      CHECK(shared.file->truncate(4 << 20));
      (*shared.file->map(4 << 20, MapAccess::kReadWrite))->data()[(3 << 20) + 1] = 'x';
    };
    Machine prepared(seed);
    prepare(prepared);
    Machine copy(prepared);
    const std::string future = future_of(copy);
    EXPECT_EQ(read_all(prepared.harness_os(), "/dir/unsynced"), std::string(3000, 'u'));
    Machine another(prepared);
    EXPECT_EQ(future_of(another), future) << seed;
    EXPECT_EQ(future_of(prepared), future) << seed;
    Machine anew(seed);
    prepare(anew);
    EXPECT_EQ(future_of(anew), future) << seed;
  }
}

TEST(MachineTest, FilesThatOutliveTheirProcessAreHarmless) {
  std::unique_ptr<File> left;
  std::unique_ptr<os::Mapping> mapping;
  {
    Machine machine(1);
    machine.spawn([&](Os& os) {
      left = open(os, "/a");
      mapping = *left->map(4096, MapAccess::kRead);
    });
    ASSERT_EQ(machine.run(), RunEnd::kFinished);
    EXPECT_EQ(left->write_at(0, "x").code(), StatusCode::kIoError);
  }
  left.reset();
}

}  // namespace
}  // namespace holdfast::sim
