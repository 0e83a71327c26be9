// Rot: bits that turn over, sectors that become zeros, noise or a copy of another sector, at every
// place of every file. The store is refused, or what is wrong is told where it is read; never is
// anything read that was not written, and a checkpoint that rots costs nothing, since there is
// another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "simulation/store_story.h"
#include "store/superblock.h"

namespace holdfast::sim {
namespace {

using Contents = std::map<std::string, std::string>;

constexpr uint64_t kSector = 512;

struct Place {
  std::string path;
  uint64_t offset = 0;
};

// Every sector of the files that hold the truth.
std::vector<Place> places_of(Machine& machine) {
  std::map<std::string, uint64_t> sizes;
  machine.disk().for_each_file([&](const std::string& path, DiskFile& file) {
    if (path.ends_with("/data") || path.ends_with(".wal")) sizes[path] = file.size();
  });
  std::vector<Place> places;
  for (const auto& [path, size] : sizes) {
    for (uint64_t offset = 0; offset < size; offset += kSector) places.push_back({path, offset});
  }
  return places;
}

std::string read_sector(os::File& file, uint64_t offset) {
  std::string bytes(kSector, '\0');
  const auto count = file.read_at(offset, bytes.data(), bytes.size());
  bytes.resize(count ? *count : 0);
  return bytes;
}

std::string damaged(Machine& machine, const std::string& bytes, const std::string& other) {
  Random& random = machine.random();
  std::string result = bytes;
  switch (random.below(6)) {
    case 0:
      return std::string(bytes.size(), '\0');
    case 1:
      random.fill(result.data(), result.size());
      return result;
    case 2:
      return other;
    default: {
      // Where something stands, if something does.
      const size_t used = std::max<size_t>(1, result.find_last_not_of('\0') + 1);
      result[random.below(used)] ^= static_cast<char>(1 << random.below(8));
      return result;
    }
  }
}

// False: nothing has changed.
bool damage(Machine& machine, const Place& place, const std::vector<Place>& places) {
  os::Os& os = machine.harness_os();
  const auto file = os.open(place.path, os::OpenMode::kReadWrite);
  const Place& from = places[machine.random().below(places.size())];
  const auto source = os.open(from.path, os::OpenMode::kReadWrite);
  if (!file || !source) return false;
  const std::string before = read_sector(**file, place.offset);
  std::string after = damaged(machine, before, read_sector(**source, from.offset));
  after.resize(before.size());
  if (after == before) return false;
  return static_cast<bool>((*file)->write_at(place.offset, after)) &&
         static_cast<bool>((*file)->sync_data());
}

// Old pages and new ones in their places, two checkpoints with a segment of the log between them,
// and a log that goes on behind them.
void prepare(os::Os& os, Trial& trial) {
  auto store = open_store(os, trial);
  for (int i = 0; store && i < 24; ++i) {
    const std::string key = "key" + std::to_string(i * 5 % 16);
    transact(*store, trial, put_value(key, i % 6 == 0 ? 4000 : 40));
    if (i == 3 || i == 9 || i == 14) (void)store->checkpoint();
  }
}

// As above; then pages become short, and whatever can be used again is.
void prepare_short_of_pages(os::Os& os, Trial& trial) {
  prepare(os, trial);
  auto store = open_store(os, trial);
  for (int i = 0; store && i < 6; ++i) {
    transact(*store, trial, [](Transaction& txn, uint64_t id) -> Status {
      for (int k = 0; k < 40; ++k) {
        HOLDFAST_TRY(txn.put("many" + std::to_string(k), std::string(200 + id % 7, 'm')));
      }
      return Status::ok();
    });
  }
}

Contents contents_of(os::Os& os, const Trial& trial) {
  Contents contents;
  auto store = Store::open(os, kStorePath, trial.options);
  auto snapshot = store->snapshot();
  Cursor cursor = snapshot->scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) contents.emplace(cursor.key(), cursor.value());
  return contents;
}

bool is_refusal(const Status& status) {
  return status.code() == StatusCode::kCorruption || status.code() == StatusCode::kNotAStore ||
         status.code() == StatusCode::kUnsupported;
}

// What a cut at the end of the log leaves is a former state; every row was written once like this.
std::string compare_rows(Store& store, const Contents& expected, bool& is_whole) {
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  Cursor cursor = snapshot->scan(KeyRange::all());
  Contents found;
  for (; cursor.valid(); cursor.next()) found.emplace(cursor.key(), cursor.value());
  const Status status = cursor.status();
  if (!status && !is_refusal(status)) return status.to_string();
  is_whole = static_cast<bool>(status) && found == expected;
  if (!status) {
    for (const auto& [key, value] : found) {
      const auto at = expected.find(key);
      if (at == expected.end() || at->second != value) return key + " has a wrong value";
    }
    return "";
  }
  if (is_whole) return "";
  return inconsistency(*snapshot);
}

// The bytes in use of a segment end here.
uint64_t end_of_log(os::Os& os, const std::string& path) {
  const auto file = os.open(path, os::OpenMode::kReadWrite);
  std::string bytes(1u << 20, '\0');
  const auto count = file ? (*file)->read_at(0, bytes.data(), bytes.size()) : size_t{0};
  bytes.resize(count ? *count : 0);
  return bytes.find_last_not_of('\0') + 1;
}

bool in_meta(const Place& place) {
  return place.path.ends_with("/data") && place.offset >= kSector &&
         place.offset < uint64_t{store::kFirstPage} * kSector;
}

std::string verify(os::Os& os, const Trial& trial, const Place& place, uint64_t log_end,
                   const Contents& expected) {
  auto store = Store::open(os, kStorePath, trial.options);
  if (!store) {
    if (in_meta(place)) return "the other checkpoint is no help: " + store.status().to_string();
    return is_refusal(store.status()) ? "" : store.status().to_string();
  }
  const auto report = store->check();
  if (!report) return "check: " + report.status().to_string();
  bool is_whole = false;
  if (std::string wrong = compare_rows(*store, expected, is_whole); !wrong.empty()) return wrong;
  if (is_whole) return "";
  if (!report->problems.empty()) return "";
  // The last record of the log has no witness: what says that it was synced is not synced itself.
  const bool at_end = place.path.ends_with(".wal") && place.offset + 2 * kSector >= log_end;
  return at_end ? "" : "something is lost and nobody says so";
}

// A store without damage, and where it can be damaged.
struct Sound {
  Sound(uint64_t seed, const Script& prepare_store, bool metas_only) : machine(seed) {
    trial.options = simulated_options();
    prepare_store(machine.harness_os(), trial);
    expected = contents_of(machine.harness_os(), trial);
    machine.cut_power();
    places = places_of(machine);
    if (metas_only) std::erase_if(places, [](const Place& place) { return !in_meta(place); });
  }

  Machine machine;
  Trial trial;
  Contents expected;
  std::vector<Place> places;
};

Outcome rot(const Case& at, const Sound& sound) {
  const std::vector<Place>& places = sound.places;
  if (at.step > places.size()) return {false, ""};
  Machine machine(sound.machine);
  const Place& place = places[at.step - 1];
  const uint64_t log_end = end_of_log(machine.harness_os(), place.path);
  for (uint64_t i = machine.random().below(64); i > 0; --i) (void)machine.random().next();
  if (!damage(machine, place, places)) return {true, ""};
  machine.cut_power();
  std::string wrong = verify(machine.harness_os(), sound.trial, place, log_end, sound.expected);
  if (!wrong.empty()) wrong = place.path + " at " + std::to_string(place.offset) + ": " + wrong;
  return {true, wrong};
}

void expect_told(const Script& prepare_store, bool metas_only, uint64_t seeds) {
  CrashLoop loop;
  loop.faults = {Fault::kNone};
  loop.persistent_faults = {};
  loop.seeds = seeds;
  OncePerSeed<Sound> sound;
  const CrashReport report = for_each_crash(loop, [&](const Case& at) {
    return rot(at, sound.get(at.seed, [&] {
      return std::make_unique<Sound>(at.seed, prepare_store, metas_only);
    }));
  });
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  std::printf("%llu runs, %llu places\n", static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.step_max));
}

TEST(StoreRot, IsToldOrHarmless) {
  expect_told(prepare, false, 16);
}

TEST(StoreRot, TheOtherCheckpointMakesUpForAMeta) {
  expect_told(prepare_short_of_pages, true, 300);
}

}  // namespace
}  // namespace holdfast::sim
