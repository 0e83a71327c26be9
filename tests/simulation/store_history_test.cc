// Histories with a crash at every step of writing, trimming and reading them, with clocks that jump
// backwards: every state is shown exactly or refused as too old, and what retention keeps is never
// refused. The model is made from the transactions that the store itself says were committed
// ("s/<version>/<id>", store_model.h): what a transaction does follows from its id.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "holdfast/history.h"
#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

const History kByCount("hc/");
const History kByAge("ha/");
constexpr uint64_t kCount = 3;
constexpr std::chrono::seconds kAge{1};

using Change = std::optional<std::string>;  // nullopt: a deletion

std::map<std::string, Change> changes_of(uint64_t id) {
  std::map<std::string, Change> changes;
  for (uint64_t i = 0; i < 2; ++i) {
    Change& change = changes["k" + std::to_string((id * 7 + i * 3) % 4)];
    change.reset();
    if ((id + i) % 4 != 0) change = "v" + std::to_string(id) + std::string(id % 3 * 40, '.');
  }
  return changes;
}

Status change(Transaction& txn, uint64_t id) {
  for (const auto& [key, value] : changes_of(id)) {
    for (const History* history : {&kByCount, &kByAge}) {
      HOLDFAST_TRY(value ? history->put(txn, key, *value) : history->del(txn, key));
    }
  }
  HOLDFAST_TRY(txn.put("hid/" + std::to_string(id), {}));
  return txn.put_stamped("last", {}, std::to_string(id),
                         {.has_time = true, .version_in = StampOptions::Place::kValue});
}

using State = std::map<std::string, std::string>;

// What was committed by change(), by version.
std::map<uint64_t, uint64_t> commits(Reader& reader) {
  std::map<uint64_t, uint64_t> ids;
  Cursor cursor = reader.scan(KeyRange::prefix("s/"));
  for (; cursor.valid(); cursor.next()) {
    const auto changed = reader.get("hid/" + std::string(cursor.value()));
    if (!changed || !*changed) continue;
    std::string_view version = cursor.key().substr(2);
    ids[*take_ordered_u64(version)] = std::stoull(std::string(cursor.value()));
  }
  return ids;
}

std::string shown(const State& state) {
  std::string text;
  for (const auto& [key, value] : state) text += key + "=" + value + " ";
  return text;
}

// The state as of `as_of`; nullopt: too old.
std::optional<State> read_state(const History& history, Reader& reader, const AsOf& as_of,
                                std::string* wrong) {
  State state;
  HistoryCursor cursor = history.scan(reader, {}, as_of);
  for (; cursor.valid(); cursor.next()) state[std::string(cursor.key())] = cursor.value();
  if (cursor.status().code() == StatusCode::kTooOld) return std::nullopt;
  if (!cursor.status()) *wrong = cursor.status().to_string();
  return state;
}

// One key's versions, newest first, and what of them retention must have kept.
std::string check_versions(Reader& reader, const std::map<uint64_t, uint64_t>& ids) {
  std::map<std::string, std::vector<std::pair<uint64_t, Change>>> expected;
  for (auto commit = ids.rbegin(); commit != ids.rend(); ++commit) {
    for (const auto& [key, value] : changes_of(commit->second)) {
      expected[key].emplace_back(commit->first, value);
    }
  }
  for (const auto& [key, all] : expected) {
    const auto kept = kByCount.versions(reader, key, 1000);
    if (!kept) return kept.status().to_string();
    const size_t least = std::min<size_t>(all.size(), kCount);
    if (kept->size() < least || kept->size() > all.size()) {
      return key + " has " + std::to_string(kept->size()) + " versions of " +
             std::to_string(all.size());
    }
    for (size_t i = 0; i < kept->size(); ++i) {
      const KeyVersion& version = (*kept)[i];
      const Change found =
          version.is_deletion ? std::nullopt : std::optional<std::string>(version.value);
      if (version.version != all[i].first || found != all[i].second) {
        return key + " has a wrong version " + std::to_string(version.version);
      }
    }
  }
  return "";
}

// What is counted is what is there.
std::string check_counts(Reader& reader, const History& history) {
  uint64_t versions = 0;
  for (int i = 0; i < 4; ++i) {
    const auto kept = history.versions(reader, "k" + std::to_string(i), 1000);
    if (!kept) return kept.status().to_string();
    versions += kept->size();
  }
  const auto kept = history.kept(reader);
  if (!kept) return kept.status().to_string();
  if (!*kept || (*kept)->versions == versions) return "";
  return "counted are " + std::to_string((*kept)->versions) + " versions, there are " +
         std::to_string(versions);
}

std::string check_all(Reader& reader) {
  const auto ids = commits(reader);
  State state;
  for (const auto& [version, id] : ids) {
    for (const auto& [key, value] : changes_of(id)) {
      state.erase(key);
      if (value) state[key] = *value;
    }
    std::string wrong;
    for (const History* history : {&kByCount, &kByAge}) {
      const auto found = read_state(*history, reader, AsOf::version(version), &wrong);
      if (!wrong.empty()) return wrong;
      if (found && *found != state) {
        return history->prefix() + " as of " + std::to_string(version) + " is " + shown(*found) +
               ", not " + shown(state);
      }
    }
  }
  std::string wrong;
  for (const History* history : {&kByCount, &kByAge}) {
    const auto latest = read_state(*history, reader, AsOf::latest(), &wrong);
    if (!latest || *latest != state) return history->prefix() + " has lost its newest state";
    if (wrong = check_counts(reader, *history); !wrong.empty()) return wrong;
  }
  if (!ids.empty()) {
    const auto last = reader.get("last");
    const bool is_right = last && *last && (*last)->size() > 16 &&
                          load_le<uint64_t>((*last)->data() + 8) == ids.rbegin()->first &&
                          (*last)->substr(16) == std::to_string(ids.rbegin()->second);
    if (!is_right) return "the stamp in a value is not that of its commit";
  }
  return check_versions(reader, ids);
}

void read_exactly(Store& store, Trial& trial) {
  auto snapshot = store.snapshot();
  if (!snapshot) return;
  if (const std::string wrong = check_all(*snapshot); !wrong.empty()) trial.ledger.fail(wrong);
}

Status keep_both(Store& store) {
  return store
      .update([](Transaction& txn) -> Status {
        HOLDFAST_TRY(kByCount.keep(txn, {.count = kCount}));
        return kByAge.keep(txn, {.age = kAge});
      })
      .status();
}

Script prepared(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    if (!store) return;
    for (int i = 0; i < count; ++i) transact(*store, trial, change);
    if (!keep_both(*store)) trial.ledger.fail("cannot keep histories");
  };
}

Script writes_history(int count) {
  return [=](os::Os& os, Trial& trial) { write_some(os, trial, count, change); };
}

// Steps of both kinds: those that a retention in the store asks for, and those that a caller does.
Script trims(int rounds) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < rounds; ++i) {
      if (!store->trim_histories()) return;
      if (!kByCount.trim_step(*store, {.count = kCount}, 0, {}, 3)) return;
    }
  };
}

Script reads(int count) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < count; ++i) read_exactly(*store, trial);
  };
}

Story story_of(std::vector<Script> processes) {
  Story story;
  story.prepare = prepared(8);
  story.processes = std::move(processes);
  story.machine.clock_back_chance = 0.2;
  story.verify_more = [](os::Os&, Store& store) -> std::string {
    for (int i = 0; i < 2; ++i) {
      auto snapshot = store.snapshot();
      if (!snapshot) return snapshot.status().to_string();
      if (std::string wrong = check_all(*snapshot); !wrong.empty()) return wrong;
      // What was underway when it crashed goes on, and hides nothing that is kept.
      while (true) {
        const auto more = store.trim_histories();
        if (!more) return more.status().to_string();
        if (!*more) break;
      }
    }
    return "";
  };
  return story;
}

TEST(StoreHistory, TrimmingIsAllOrNothing) {
  expect_survived(story_of({trims(3)}), kCrashes, 2);
}

TEST(StoreHistory, WritersAndATrimmerWhateverDies) {
  expect_survived(story_of({writes_history(2), trims(2)}), kCrashes, 1);
}

TEST(StoreHistory, TwoTrimmersCountNothingTwice) {
  expect_survived(story_of({trims(2), trims(2)}), {Fault::kKill}, 1);
}

TEST(StoreHistory, ReadersOfThePastBesideWritersAndATrimmer) {
  expect_survived(story_of({writes_history(2), trims(2), reads(2)}), {Fault::kKill}, 1);
}

}  // namespace
}  // namespace holdfast::sim
