// Serializability, exactly: virtual processes run random transactions over few keys, and every
// read and write is noted outside the store. Each transaction leaves a stamped key, so the store
// itself says which of them committed, and at which version. Afterwards they are replayed in that
// order on a std::map: every read must be what the map says there.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ordered_key.h"
#include "simulation/store_story.h"

namespace holdfast::sim {
namespace {

using Contents = std::map<std::string, std::string>;

constexpr uint64_t kKeys = 8;

// A read has a range and what it saw there; a write has neither more nor less than it does.
struct Step {
  enum class Kind : uint8_t { kRead, kPut, kDelete, kDeleteRange, kStamped };
  Kind kind = Kind::kRead;
  KeyRange range = {};  // or the key, in `begin`
  std::string value = {};
  Contents seen = {};
};

struct Attempt {
  enum class Fate : uint8_t { kUnknown, kCommitted, kAborted };
  std::vector<Step> steps;
  Fate fate = Fate::kUnknown;
  uint64_t version = 0;
};

struct Observed {
  std::vector<Attempt> attempts;
  std::map<uint64_t, Contents> snapshots;  // by version
};

uint64_t draw(os::Os& os, uint64_t bound) {
  uint64_t value = 0;
  os.random_bytes(reinterpret_cast<char*>(&value), sizeof(value));
  return value % bound;
}

std::string key_number(uint64_t number) {
  return "k/" + std::to_string(number);
}

KeyRange drawn_range(os::Os& os) {
  if (draw(os, 5) == 0) return KeyRange::prefix("t/");
  const uint64_t first = draw(os, kKeys);
  return {key_number(first), key_number(first + 1 + draw(os, kKeys - first))};
}

bool inside(const KeyRange& range, const std::string& key) {
  return key >= range.begin && (range.end.empty() || key < range.end);
}

// The state of `contents` in `range`.
Contents part_of(const Contents& contents, const KeyRange& range) {
  Contents part;
  for (auto at = contents.lower_bound(range.begin); at != contents.end(); ++at) {
    if (!inside(range, at->first)) break;
    part.insert(*at);
  }
  return part;
}

Result<Contents> read_range(Reader& reader, const KeyRange& range) {
  Contents seen;
  Cursor cursor = reader.scan(range);
  for (; cursor.valid(); cursor.next()) seen.emplace(cursor.key(), cursor.value());
  HOLDFAST_TRY(Status(cursor.status()));
  return seen;
}

Status do_step(os::Os& os, Transaction& txn, uint64_t id, Attempt& attempt) {
  Step step;
  const uint64_t choice = draw(os, 10);
  if (choice < 3) {
    const std::string key = key_number(draw(os, kKeys));
    step.range = {key, key + '\0'};
    HOLDFAST_ASSIGN(const auto value, txn.get(key));
    if (value) step.seen.emplace(key, *value);
  } else if (choice < 5) {
    step.range = drawn_range(os);
    HOLDFAST_ASSIGN(step.seen, read_range(txn, step.range));
  } else if (choice < 8) {
    step.kind = Step::Kind::kPut;
    step.range.begin = key_number(draw(os, kKeys));
    step.value = std::to_string(id) + std::string(draw(os, 3) * 30, '.');
    HOLDFAST_TRY(txn.put(step.range.begin, step.value));
  } else if (choice < 9) {
    step.kind = Step::Kind::kDelete;
    step.range.begin = key_number(draw(os, kKeys));
    HOLDFAST_TRY(txn.del(step.range.begin));
  } else {
    step.kind = Step::Kind::kDeleteRange;
    step.range = drawn_range(os);
    HOLDFAST_TRY(txn.del_range(step.range));
  }
  attempt.steps.push_back(std::move(step));
  return Status::ok();
}

// Behind everything else: what it is called is not known before the commit.
Status leave_stamps(os::Os& os, Transaction& txn, uint64_t id, Attempt& attempt) {
  const std::string number = std::to_string(id);
  if (draw(os, 3) == 0) {
    Step step;
    step.kind = Step::Kind::kStamped;
    step.value = number;
    HOLDFAST_TRY(txn.put_stamped("t/", "/" + number, number));
    attempt.steps.push_back(std::move(step));
  }
  return txn.put_stamped("i/", "", number);
}

Status fill(os::Os& os, Transaction& txn, uint64_t id, Attempt& attempt) {
  for (uint64_t i = 2 + draw(os, 4); i > 0; --i) {
    HOLDFAST_TRY(do_step(os, txn, id, attempt));
    if (draw(os, 4) == 0) os.sleep_us(draw(os, 200));
  }
  return leave_stamps(os, txn, id, attempt);
}

// False: the process gives up.
bool run_transaction(os::Os& os, Store& store, Trial& trial, Observed& observed) {
  const uint64_t id = observed.attempts.size();
  observed.attempts.emplace_back();
  auto txn = store.begin();
  Attempt attempt;
  Status status = txn ? fill(os, *txn, id, attempt) : txn.status();
  observed.attempts[id].steps = std::move(attempt.steps);  // before its fate is open
  if (status) {
    const auto version = txn->commit();
    status = version.status();
    if (version) observed.attempts[id].version = *version;
  }
  Attempt& done = observed.attempts[id];
  if (status) {
    done.fate = Attempt::Fate::kCommitted;
    return true;
  }
  const StatusCode code = status.code();
  const bool again = code == StatusCode::kConflict || code == StatusCode::kTooOld;
  if (again || code == StatusCode::kAborted) done.fate = Attempt::Fate::kAborted;
  if (!again && !trial.errors_allowed) trial.ledger.fail("transaction: " + status.to_string());
  return again;
}

void take_snapshot(Store& store, Trial& trial, Observed& observed) {
  auto snapshot = store.snapshot();
  if (!snapshot) return;
  auto contents = read_range(*snapshot, KeyRange::all());
  if (!contents) return;
  const auto [at, is_new] = observed.snapshots.emplace(snapshot->version(), *contents);
  if (!is_new && at->second != *contents) trial.ledger.fail("two snapshots of a version differ");
}

void apply(const Step& step, uint64_t version, Contents& contents) {
  switch (step.kind) {
    case Step::Kind::kRead:
      return;
    case Step::Kind::kPut:
      contents[step.range.begin] = step.value;
      return;
    case Step::Kind::kDelete:
      contents.erase(step.range.begin);
      return;
    case Step::Kind::kDeleteRange:
      std::erase_if(contents, [&](const auto& each) { return inside(step.range, each.first); });
      return;
    case Step::Kind::kStamped: {
      std::string key = "t/";
      append_ordered_u64(key, version);
      contents[key + "/" + step.value] = step.value;
    }
  }
}

std::string shown(const Contents& contents) {
  std::string text = "{";
  for (const auto& [key, value] : contents) text += " " + key + "=" + value;
  return text + " }";
}

// The attempts that the store says were committed, by version.
Result<std::map<uint64_t, uint64_t>> committed(Reader& reader) {
  HOLDFAST_ASSIGN(const Contents marks, read_range(reader, KeyRange::prefix("i/")));
  std::map<uint64_t, uint64_t> ids;
  for (const auto& [key, value] : marks) {
    std::string_view version = std::string_view(key).substr(2);
    ids[*take_ordered_u64(version)] = std::stoull(value);
  }
  return ids;
}

std::string compare_fates(const Observed& observed, const std::map<uint64_t, uint64_t>& ids,
                          bool may_lose) {
  std::map<uint64_t, uint64_t> version_of;
  for (const auto& [version, id] : ids) version_of[id] = version;
  for (uint64_t id = 0; id < observed.attempts.size(); ++id) {
    const Attempt& attempt = observed.attempts[id];
    const auto at = version_of.find(id);
    const bool here = at != version_of.end();
    const std::string name = "transaction " + std::to_string(id);
    if (here && attempt.fate == Attempt::Fate::kAborted) return name + " was aborted and is there";
    if (attempt.fate != Attempt::Fate::kCommitted) continue;
    if (!here && !may_lose) return name + " was acknowledged and is lost";
    if (here && at->second != attempt.version) return name + " has another version";
  }
  return "";
}

std::string replay(const Observed& observed, const std::map<uint64_t, uint64_t>& ids,
                   bool check_snapshots, Contents& state) {
  const auto check_through = [&](uint64_t after, uint64_t before) -> std::string {
    if (!check_snapshots) return "";
    for (auto at = observed.snapshots.upper_bound(after);
         at != observed.snapshots.end() && at->first < before; ++at) {
      for (const char* prefix : {"k/", "t/"}) {
        const KeyRange range = KeyRange::prefix(prefix);
        if (part_of(at->second, range) == part_of(state, range)) continue;
        return "the snapshot of version " + std::to_string(at->first) + " was " +
               shown(part_of(at->second, range)) + ", not " + shown(part_of(state, range));
      }
    }
    return "";
  };
  uint64_t last = 0;
  for (const auto& [version, id] : ids) {
    if (id >= observed.attempts.size()) return "transaction " + std::to_string(id) + " is a ghost";
    if (last > 0) {
      if (std::string wrong = check_through(last - 1, version); !wrong.empty()) return wrong;
    }
    for (const Step& step : observed.attempts[id].steps) {
      if (step.kind == Step::Kind::kRead && step.seen != part_of(state, step.range)) {
        return "transaction " + std::to_string(id) + ", version " + std::to_string(version) +
               ", read " + shown(step.seen) + ", not " + shown(part_of(state, step.range));
      }
      apply(step, version, state);
    }
    last = version;
  }
  return last > 0 ? check_through(last - 1, last + 1) : "";
}

std::string check_history(Store& store, const Observed& observed, bool may_lose) {
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  const auto ids = committed(*snapshot);
  if (!ids) return ids.status().to_string();
  if (std::string wrong = compare_fates(observed, *ids, may_lose); !wrong.empty()) return wrong;
  Contents state;
  if (std::string wrong = replay(observed, *ids, !may_lose, state); !wrong.empty()) return wrong;
  for (const char* prefix : {"k/", "t/"}) {
    const auto found = read_range(*snapshot, KeyRange::prefix(prefix));
    if (!found) return found.status().to_string();
    if (*found != part_of(state, KeyRange::prefix(prefix))) {
      return "at the end there is " + shown(*found) + ", not " +
             shown(part_of(state, KeyRange::prefix(prefix)));
    }
  }
  return "";
}

Story story_of(int processes, int transactions, Durability durability, bool may_lose) {
  const auto observed = std::make_shared<Observed>();
  Story story;
  story.durability = durability;
  story.prepare = [](os::Os& os, Trial& trial) { (void)open_store(os, trial); };
  story.forget = [observed] { *observed = {}; };
  for (int i = 0; i < processes; ++i) {
    story.processes.push_back([=](os::Os& os, Trial& trial) {
      auto store = open_store(os, trial);
      for (int k = 0; store && k < transactions; ++k) {
        if (!run_transaction(os, *store, trial, *observed)) break;
        if (draw(os, 3) == 0) take_snapshot(*store, trial, *observed);
      }
    });
  }
  story.verify_more = [=](os::Os&, Store& store) {
    return check_history(store, *observed, may_lose);
  };
  return story;
}

TEST(StoreIsolation, EveryReadIsThatOfASerialOrder) {
  expect_survived(story_of(3, 8, Durability::strict, false), {Fault::kNone}, 1500);
}

TEST(StoreIsolation, BatchedTransactionsToo) {
  expect_survived(story_of(4, 10, Durability::batched, false), {Fault::kNone}, 1500);
}

TEST(StoreIsolation, WhoeverDies) {
  expect_survived(story_of(3, 3, Durability::strict, false), {Fault::kKill, Fault::kPowerCut}, 2);
}

TEST(StoreIsolation, WhoeverDiesOfBatchedWriters) {
  expect_survived(story_of(3, 4, Durability::batched, false), {Fault::kKill, Fault::kKillAll}, 2);
}

TEST(StoreIsolation, WhenBatchedCommitsAreLost) {
  expect_survived(story_of(3, 4, Durability::batched, true), {Fault::kPowerCut}, 2);
}

TEST(StoreIsolation, WhenTheEndOfTheLogIsVoided) {
  expect_survived(story_of(3, 4, Durability::strict, false), {Fault::kSyncError}, 100,
                  {Fault::kSyncError});
}

}  // namespace
}  // namespace holdfast::sim
