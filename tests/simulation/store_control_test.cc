// Control blocks that are not what they should be: of another store, of another boot, older than
// the files, cut, of another build; and directories that were copied. Nobody is fooled: what was
// acknowledged is there, and nobody joins what others see differently.
#include <gtest/gtest.h>

#include <cstddef>

#include "simulation/store_story.h"
#include "store/control.h"

namespace holdfast::sim {
namespace {

constexpr const char* kControl = "/store/shm";

// A control block is large and nearly empty: of small stores all that is used is at its beginning.
constexpr uint64_t kUsedMax = store::kBitmapRegion.offset + (64u << 10);

struct FileCopy {
  uint64_t size = 0;
  std::string bytes;  // from the beginning; zeros behind
};

FileCopy read_file(os::Os& os, const std::string& path) {
  const auto file = os.open(path, os::OpenMode::kRead);
  if (!file) return {};
  FileCopy copy;
  copy.size = (*file)->info()->size_bytes;
  copy.bytes.resize(std::min(copy.size, kUsedMax));
  (void)(*file)->read_at(0, copy.bytes.data(), copy.bytes.size());
  copy.bytes.resize(copy.bytes.find_last_not_of('\0') + 1);
  return copy;
}

void write_file(os::Os& os, const std::string& path, const FileCopy& copy) {
  auto file = os.open(path, os::OpenMode::kCreate);
  (void)(*file)->truncate(0);
  (void)(*file)->truncate(copy.size);
  (void)(*file)->write_at(0, copy.bytes);
}

// Turns bits over where a member of the header lies.
void change(os::Os& os, size_t offset, uint8_t bits = 1) {
  auto file = os.open(kControl, os::OpenMode::kReadWrite);
  char byte = 0;
  (void)(*file)->read_at(offset, &byte, 1);
  byte = static_cast<char>(byte ^ bits);
  (void)(*file)->write_at(offset, {&byte, 1});
}

void transact_some(os::Os& os, Trial& trial, int count, bool checkpoint) {
  auto store = open_store(os, trial);
  for (int i = 0; store && i < count; ++i) {
    transact(*store, trial, put_value("key" + std::to_string(i), 200));
  }
  if (store && checkpoint) (void)store->checkpoint();
}

enum class Forgery : uint8_t {
  kOlder,
  kOfAnotherStore,
  kCut,
  kZeros,
  kLayout,
  kBoot,
  kGone,
  kPageSize,
  kSegmentSize
};
constexpr uint64_t kForgeries = 9;

void forge(Machine& machine, Forgery forgery, const FileCopy& older) {
  os::Os& os = machine.harness_os();
  using store::ControlHeader;
  const auto some_bits = static_cast<uint8_t>(1 + machine.random().below(255));
  switch (forgery) {
    case Forgery::kOlder:
      return write_file(os, kControl, older);
    case Forgery::kOfAnotherStore: {
      {
        (void)Store::open(os, "/other", simulated_options())->put("x", "y");
      }
      return write_file(os, kControl, read_file(os, "/other/shm"));
    }
    case Forgery::kCut:
      return (void)(*os.open(kControl, os::OpenMode::kReadWrite))
          ->truncate(machine.random().below(store::kControlFileSize));
    case Forgery::kZeros:
      return write_file(os, kControl, {64 << 10, ""});
    case Forgery::kLayout:
      return change(os, offsetof(ControlHeader, layout));
    case Forgery::kBoot:
      return change(os, offsetof(ControlHeader, boot_id));
    case Forgery::kGone:
      return (void)os.remove(kControl);
    case Forgery::kPageSize:
      return change(os, offsetof(ControlHeader, page_shift) + machine.random().below(4), some_bits);
    case Forgery::kSegmentSize:
      return change(os, offsetof(ControlHeader, segment_capacity_max) + machine.random().below(4),
                    some_bits);
  }
}

Outcome forged(const Case& at) {
  Machine machine(at.seed);
  Trial trial;
  trial.options = simulated_options();
  os::Os& os = machine.harness_os();
  transact_some(os, trial, 3, at.seed % 3 == 0);
  const FileCopy older = read_file(os, kControl);
  const auto later = static_cast<int>(1 + machine.random().below(30));
  transact_some(os, trial, later, machine.random().chance(0.5));
  forge(machine, static_cast<Forgery>(at.seed % kForgeries), older);
  return {true, verify_machine(machine, trial)};
}

TEST(StoreControl, OneThatIsNotThisStoresAsItIsNowIsNotBelieved) {
  const CrashReport report = for_each_seed(1, 24 * kForgeries, forged);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

// --- Another build of Holdfast, whose control block differs, while this one has the store open.

Outcome another_build(const Case& at) {
  Machine machine(at.seed);
  Trial trial;
  trial.options = simulated_options();
  os::Os& harness = machine.harness_os();
  transact_some(harness, trial, 2, false);
  bool inside = false;
  int refused = 0;
  machine.spawn([&](os::Os& os) {
    auto store = open_store(os, trial);
    inside = true;
    for (int i = 0; store && i < 6; ++i) transact(*store, trial);
    if (store) (void)store->close();
    inside = false;
  });
  machine.spawn([&](os::Os& os) {
    while (!inside) os.sleep_us(50);
    change(harness, offsetof(store::ControlHeader, layout));
    const bool was_inside = inside;
    const auto store = Store::open(os, kStorePath, trial.options);
    if (!store && store.status().code() == StatusCode::kUnsupported) ++refused;
    if (store && was_inside && inside) trial.ledger.fail("two builds have the store open");
    if (!store && store.status().code() != StatusCode::kUnsupported) {
      trial.ledger.fail(store.status().to_string());
    }
  });
  const RunEnd end = machine.run();
  if (end != RunEnd::kFinished) return {true, std::string(run_end_name(end))};
  return {true, verify_machine(machine, trial)};
}

TEST(StoreControl, AnotherBuildIsKeptOutWhileOneHasTheStoreOpen) {
  const CrashReport report = for_each_seed(1, 100, another_build);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

// --- A directory that is copied while others write: at one instant, as a snapshot of the disk.

void copy_directory(Machine& machine, const std::string& to) {
  os::Os& os = machine.harness_os();
  (void)os.make_directories(to + "/wal");
  std::vector<std::string> paths;
  machine.disk().for_each_file([&](const std::string& path, DiskFile&) {
    if (path.starts_with(std::string(kStorePath) + "/")) paths.push_back(path);
  });
  for (const std::string& path : paths) {
    write_file(os, to + path.substr(std::string(kStorePath).size()), read_file(os, path));
  }
}

std::string verify_copy(os::Os& os, const Trial& trial, const std::vector<Ledger::Fate>& fates) {
  auto store = Store::open(os, "/copy", trial.options);
  if (!store) return "the copy: " + store.status().to_string();
  if (!store->recovery().cold) return "the copy was believed to be the store that it is a copy of";
  const auto report = store->check();
  if (!report || !report->problems.empty()) return "the copy is damaged";
  std::map<uint64_t, bool> present;
  auto snapshot = store->snapshot();
  if (std::string wrong = inconsistency(*snapshot, &present); !wrong.empty()) return wrong;
  for (uint64_t id = 0; id < fates.size(); ++id) {
    if (fates[id] == Ledger::Fate::kAcknowledged && present.count(id) == 0) {
      return "the copy lacks what was acknowledged before";
    }
  }
  return store->put("only in the copy", "x") ? "" : "the copy cannot be written";
}

Outcome copied(const Case& at) {
  Machine machine(at.seed);
  Trial trial;
  trial.options = simulated_options();
  transact_some(machine.harness_os(), trial, 4, true);
  std::vector<Ledger::Fate> fates;
  uint64_t steps = 0;
  const uint64_t step = 1 + machine.random().below(600);
  machine.on_step = [&](Process&, StepKind, const StepDetail&) {
    if (++steps != step) return;
    fates = trial.ledger.fates();
    copy_directory(machine, "/copy");
  };
  for (int i = 0; i < 2; ++i) {
    machine.spawn([&](os::Os& os) { transact_some(os, trial, 4, true); });
  }
  const RunEnd end = machine.run();
  machine.on_step = nullptr;
  if (end != RunEnd::kFinished) return {true, std::string(run_end_name(end))};
  if (steps >= step) {
    std::string wrong = verify_copy(machine.harness_os(), trial, fates);
    if (!wrong.empty()) return {true, wrong};
  }
  return {true, verify_machine(machine, trial)};
}

TEST(StoreControl, ACopiedDirectoryIsAStoreOfItsOwn) {
  const CrashReport report = for_each_seed(1, 150, copied);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

// --- Segments that are missing.

Outcome segment_missing(const Case& at) {
  Machine machine(at.seed);
  Trial trial;
  trial.options = simulated_options();
  os::Os& os = machine.harness_os();
  transact_some(os, trial, 25, true);
  transact_some(os, trial, 25, true);
  transact_some(os, trial, static_cast<int>(5 * (at.seed % 6)), false);
  machine.cut_power();
  const std::vector<std::string> names = *os.list("/store/wal");
  if (at.step > names.size()) return {false, ""};
  const std::string path = "/store/wal/" + names[at.step - 1];
  const FileCopy bytes = read_file(os, path);
  if (!os.remove(path) || !os.sync_directory("/store/wal")) return {true, "cannot be removed"};
  auto store = Store::open(os, kStorePath, trial.options);
  if (store) {
    (void)store->close();
    // It was not needed; or it was the last, of which nothing is left that could say so.
    if (at.step == names.size()) return {true, ""};
    return {true, verify_machine(machine, trial)};
  }
  if (store.status().code() != StatusCode::kCorruption) return {true, store.status().to_string()};
  write_file(os, path, bytes);  // found again
  return {true, verify_machine(machine, trial)};
}

TEST(StoreControl, AMissingSegmentIsMissedOrWasNotNeeded) {
  CrashLoop loop;
  loop.faults = {Fault::kNone};
  loop.persistent_faults = {};
  loop.seeds = 12;
  const CrashReport report = for_each_crash(loop, segment_missing);
  EXPECT_TRUE(report.is_ok()) << report.to_string();
}

}  // namespace
}  // namespace holdfast::sim
