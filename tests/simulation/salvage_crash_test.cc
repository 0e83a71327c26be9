// Salvage, with a crash or an error at every step: the old store stays as it is to the last byte,
// the new one is whole or not there, and salvage can be run again over what is left.
#include <gtest/gtest.h>

#include "holdfast/blob.h"
#include "holdfast/care.h"
#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

using Contents = std::map<std::string, std::string>;
constexpr const char* kNew = "/saved";

StoreOptions existing_only() {
  StoreOptions options = simulated_options();
  options.create = false;
  return options;
}

struct Expected {
  Contents newest;
  Contents named;  // of the snapshot
};

// A store with rows in the tree and in the log alone, large values, a blob and a named snapshot.
Expected make_store(Machine& machine, Trial& trial) {
  trial.options = simulated_options();
  {
    Store store = std::move(*Store::open(machine.harness_os(), kStorePath, trial.options));
    for (int i = 0; i < 6; ++i) transact(store, trial, put_value("key" + std::to_string(i), 60));
    const auto blob = store.blobs().write(std::string(3000, 'b'));
    (void)store.update([&](Transaction& txn) -> Status {
      HOLDFAST_TRY(store.blobs().reference(txn, *blob, "somebody"));
      return txn.put("large", std::string(1500, 'l'));
    });
    if (!create_named(store, trial, "named")) trial.ledger.fail("no snapshot");
    read_named(store, trial, "named");
    for (int i = 2; i < 4; ++i) transact(store, trial, put_value("key" + std::to_string(i), 70));
  }
  machine.cut_power();  // what is not durable is not there to be saved
  Store store = std::move(*Store::open(machine.harness_os(), kStorePath, trial.options));
  Contents all;
  Snapshot snapshot = std::move(*store.snapshot());
  Cursor cursor = snapshot.scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
  return {std::move(all), *trial.names["named"].contents};
}

// Every file of the old store, byte for byte.
Contents files_of(Machine& machine) {
  Contents files;
  machine.disk().for_each_file([&](const std::string& path, DiskFile&) {
    if (!path.starts_with(std::string(kStorePath) + "/") || path.ends_with("/shm")) return;
    auto file = machine.harness_os().open(path, os::OpenMode::kRead);
    std::string bytes((*file)->info()->size_bytes, '\0');
    (void)(*file)->read_at(0, bytes.data(), bytes.size());
    files.emplace(path, std::move(bytes));
  });
  return files;
}

std::string compare(Reader& reader, Contents expected, const char* what) {
  Cursor cursor = reader.scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) {
    if (cursor.key().starts_with('\x0f')) continue;  // the engine's
    const auto row = expected.find(std::string(cursor.key()));
    if (row == expected.end()) return std::string(what) + "has a key that never was";
    if (row->second != cursor.value()) return std::string(what) + "differs at " + row->first;
    expected.erase(row);
  }
  if (!cursor.status()) return cursor.status().to_string();
  std::erase_if(expected, [](const auto& row) { return row.first.starts_with('\x0f'); });
  return expected.empty() ? "" : std::string(what) + "lacks " + expected.begin()->first;
}

// What is wrong with the new store, "" if nothing; `mark` is written to it or, if it is to be there
// already, read.
std::string verify_new(os::Os& os, const Expected& expected, bool marked) {
  auto store = Store::open(os, kNew, existing_only());
  if (!store) return "the new store cannot be opened: " + store.status().to_string();
  const auto report = store->check();
  if (!report) return report.status().to_string();
  if (!report->problems.empty()) return "check of the new store: " + report->problems[0];
  Contents all = expected.newest;
  if (marked) all["mark"] = "m";
  Snapshot snapshot = std::move(*store->snapshot());
  if (std::string wrong = compare(snapshot, all, "the new store "); !wrong.empty()) return wrong;
  const auto blobs = store->blobs().check(snapshot, true);
  if (!blobs) return blobs.status().to_string();
  if (blobs->blobs != 1) return "the blob is gone";
  if (!blobs->problems.empty()) return "blobs of the new store: " + blobs->problems[0];
  auto named = store->open_snapshot("named");
  if (!named) return "the snapshot is gone: " + named.status().to_string();
  if (std::string wrong = compare(*named, expected.named, "the snapshot "); !wrong.empty()) {
    return wrong;
  }
  if (!marked && !store->put("mark", "m")) return "the new store cannot be written";
  return "";
}

// Salvages again if it has to, then the new store, warm and after another power cut.
std::string verify(Machine& machine, const Contents& before, const Expected& expected, bool saved) {
  os::Os& os = machine.harness_os();
  if (files_of(machine) != before) return "the old store was changed";
  const bool there = os.list(kNew).status().code() != StatusCode::kNotFound;
  if (saved && !there) return "a salvage that succeeded is lost";
  if (!there) {
    const auto store = Store::open(os, kNew, existing_only());
    const bool begun = os.open("/saved.partial/SALVAGE", os::OpenMode::kRead).is_ok();
    const std::string said(store.status().message());
    if (store.status().code() != StatusCode::kNotAStore) return "half a store can be opened";
    if (begun && said.find("holdfast salvage again") == std::string::npos) {
      return "nothing says what to do about a salvage that was killed: " + said;
    }
    const auto report = care::salvage(os, kStorePath, kNew, {});
    if (!report) return "salvage cannot be run again: " + report.status().to_string();
    if (!report->complete()) return "the second salvage has doubts: " + report->doubts[0];
    if (os.list("/saved.partial")) return "the second salvage leaves something";
  }
  if (std::string wrong = verify_new(os, expected, false); !wrong.empty()) return wrong;
  machine.cut_power();
  if (files_of(machine) != before) return "the old store was changed";
  return verify_new(os, expected, true);
}

struct OldStore {
  explicit OldStore(uint64_t seed) : machine(seed), expected(make_store(machine, trial)) {
    machine.cut_power();
    files = files_of(machine);
  }

  Machine machine;
  Trial trial;
  Expected expected;
  Contents files;
};

Outcome salvage_at(const Case& at, const OldStore& old, int processes) {
  if (!old.trial.ledger.failure().empty()) return {false, old.trial.ledger.failure()};
  Machine machine(old.machine);
  const Contents& before = old.files;
  int saved = 0, refused = 0;
  std::string wrong;
  for (int i = 0; i < processes; ++i) {
    machine.spawn([&](os::Os& os) {
      const auto report = care::salvage(os, kStorePath, kNew, {});
      if (report && report->complete()) ++saved;
      if (report) return;
      const StatusCode code = report.status().code();
      if (code == StatusCode::kBusy || code == StatusCode::kInvalidArgument) ++refused;
    });
  }
  machine.set_plan(at.plan());
  const RunEnd end = machine.run();
  const bool fired = machine.plan_fired();
  machine.set_plan({});
  if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
    return {fired, std::string(run_end_name(end))};
  }
  if (!fired && (saved != 1 || refused != processes - 1))
    return {fired, "not one of them saved it"};
  if (saved > 1) return {fired, "two salvages to one place"};
  const bool errors = at.fault != Fault::kKill && at.fault != Fault::kPowerCut;
  // With errors a salvage may end with doubts; then what it wrote is not the whole store.
  if (errors && saved == 0) {
    os::Os& os = machine.harness_os();
    if (files_of(machine) != before) return {fired, "the old store was changed"};
    if (os.list(kNew)) return {fired, ""};
  }
  return {fired, verify(machine, before, old.expected, saved == 1)};
}

// Returns the last step at which a fault struck.
uint64_t expect_saved(std::vector<Fault> faults, std::vector<Fault> persistent, int processes,
                      uint64_t seeds = 1, uint64_t step_first = 1) {
  CrashLoop loop;
  loop.faults = std::move(faults);
  loop.persistent_faults = std::move(persistent);
  loop.seeds = seeds;
  loop.step_first = step_first;
  OncePerSeed<OldStore> old;
  const CrashReport report = for_each_crash(loop, [&](const Case& at) {
    const auto make = [&] { return std::make_unique<OldStore>(at.seed); };
    return salvage_at(at, old.get(at.seed, make), processes);
  });
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  std::printf("%llu crashes, %llu steps\n", static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.step_max));
  return report.step_max;
}

TEST(SalvageCrash, KilledAtAnyStepItCanBeRunAgain) {
  const uint64_t last = expect_saved({Fault::kKill, Fault::kPowerCut}, {}, 1);
  // While the new store gets its name much can be durable in any order.
  expect_saved({Fault::kPowerCut}, {}, 1, 20, last - 20);
}

TEST(SalvageCrash, OfTwoToOnePlaceOneSaves) {
  expect_saved({Fault::kKill}, {}, 2);
}

TEST(SalvageErrors, FailedCallsLeaveNothingHalf) {
  expect_saved({Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kSyncError},
               {Fault::kNoSpace, Fault::kSyncError}, 1);
}

}  // namespace
}  // namespace holdfast::sim
