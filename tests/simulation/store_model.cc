#include "simulation/store_model.h"

namespace holdfast::sim {
namespace {

constexpr std::string_view kCounter = "counter";
constexpr std::string_view kBlindCounter = "adds";
constexpr std::string_view kGreatestId = "greatest";

std::string key_of(char kind, uint64_t id) {
  return std::string(1, kind) + "/" + std::to_string(id);
}

// As holdfast/status.h describes the codes.
bool definitely_not_committed(StatusCode code) {
  return code == StatusCode::kAborted || code == StatusCode::kConflict ||
         code == StatusCode::kTooOld || code == StatusCode::kNoSpace ||
         code == StatusCode::kTooLarge;
}

std::string check_report(Store& store) {
  const auto report = store.check();
  if (!report) return "check failed: " + report.status().to_string();
  if (report->problems.empty()) return "";
  return "check found: " + report->problems.front() + " (and " +
         std::to_string(report->problems.size() - 1) + " more)";
}

std::string compare(const Ledger& ledger, const std::map<uint64_t, bool>& present) {
  for (uint64_t id = 0; id < ledger.fates().size(); ++id) {
    const bool here = present.count(id) > 0;
    if (ledger.fates()[id] == Ledger::Fate::kAcknowledged && !here) {
      return "transaction " + std::to_string(id) + " was acknowledged and is lost";
    }
    if (ledger.fates()[id] == Ledger::Fate::kAborted && here) {
      return "transaction " + std::to_string(id) + " was reported as aborted and is there";
    }
  }
  for (const auto& [id, unused] : present) {
    if (id >= ledger.fates().size()) return "transaction " + std::to_string(id) + " is a ghost";
  }
  return "";
}

}  // namespace

Status write_marks(Transaction& txn, uint64_t id) {
  HOLDFAST_ASSIGN(const auto counter, txn.get(kCounter));
  const uint64_t count = counter ? std::stoull(*counter) : 0;
  const std::string number = std::to_string(id);
  HOLDFAST_TRY(txn.put(kCounter, std::to_string(count + 1)));
  HOLDFAST_TRY(txn.put(key_of('a', id), number));
  HOLDFAST_TRY(txn.put(key_of('b', id), number));
  HOLDFAST_TRY(txn.add(kBlindCounter, 1));
  HOLDFAST_TRY(txn.raise(kGreatestId, static_cast<int64_t>(id)));
  HOLDFAST_TRY(txn.put_stamped("s/", "/" + number, number));
  HOLDFAST_TRY(txn.del_range(KeyRange::prefix("w/")));
  HOLDFAST_TRY(txn.put("w/1", number));
  return txn.put("w/2/" + number, number);
}

void Ledger::acknowledge(uint64_t id, uint64_t version) {
  fates_[id] = Fate::kAcknowledged;
  if (version == 0) fail("a commit was acknowledged as version 0");
}

void Ledger::forget_acknowledged() {
  for (Fate& fate : fates_) {
    if (fate == Fate::kAcknowledged) fate = Fate::kUnknown;
  }
}

StoreOptions simulated_options(Durability durability) {
  StoreOptions options;
  options.durability = durability;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 8192;
  options.helper_thread = false;
  options.deadline = std::chrono::seconds(60);
  return options;
}

std::optional<Store> open_store(os::Os& os, Trial& trial) {
  auto store = Store::open(os, kStorePath, trial.options);
  if (store) return std::move(*store);
  if (!trial.errors_allowed) trial.ledger.fail("open: " + store.status().to_string());
  return std::nullopt;
}

bool transact(Store& store, Trial& trial, const Body& body) {
  const uint64_t id = trial.ledger.begin();
  const auto version = store.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(write_marks(txn, id));
    return body ? body(txn, id) : Status::ok();
  });
  if (version) {
    trial.ledger.acknowledge(id, *version);
    return true;
  }
  trial.errors.push_back(version.status());
  if (definitely_not_committed(version.status().code())) trial.ledger.abort(id);
  if (!trial.errors_allowed) trial.ledger.fail("commit: " + version.status().to_string());
  return false;
}

void read_consistently(Store& store, Trial& trial) {
  auto snapshot = store.snapshot();
  if (!snapshot) {
    if (!trial.errors_allowed) trial.ledger.fail("snapshot: " + snapshot.status().to_string());
    return;
  }
  if (trial.options.durability == Durability::strict) trial.ledger.saw_durable(snapshot->version());
  const std::string wrong = inconsistency(*snapshot);
  if (!wrong.empty() && !trial.errors_allowed) trial.ledger.fail("a snapshot: " + wrong);
}

namespace {

// The numbers that were changed blindly agree with the transactions that are there.
std::string wrong_numbers(Reader& reader, const std::map<uint64_t, bool>& present) {
  const auto adds = reader.get(kBlindCounter);
  const auto greatest = reader.get(kGreatestId);
  if (!adds || !greatest) return "a number cannot be read";
  if (present.empty()) return *adds || *greatest ? "numbers without a transaction" : "";
  if (!*adds || decode_number(**adds) != static_cast<int64_t>(present.size())) {
    return "the sum of what was added differs from the " + std::to_string(present.size()) +
           " transactions";
  }
  const auto last = static_cast<int64_t>(present.rbegin()->first);
  return *greatest && decode_number(**greatest) == last ? "" : "the greatest id is wrong";
}

// Every transaction's stamped key is there once, and what each deleted is gone but for the last's.
std::string wrong_stamps(Reader& reader, const std::map<uint64_t, bool>& present) {
  std::map<uint64_t, bool> stamped;
  std::string last;
  Cursor cursor = reader.scan(KeyRange::prefix("s/"));
  for (; cursor.valid(); cursor.next()) {
    last = cursor.value();
    if (cursor.key().substr(2 + 8) != "/" + last) return "a stamped key has a wrong value";
    if (!stamped.emplace(std::stoull(last), true).second) return "a stamped key is there twice";
  }
  if (!cursor.status()) return cursor.status().to_string();
  if (stamped != present) return "the stamped keys are not those of the transactions";
  std::string kept;
  cursor = reader.scan(KeyRange::prefix("w/"));
  for (; cursor.valid(); cursor.next()) {
    if (cursor.value() != last) return "a key of a deleted range is there";
    kept += std::string(cursor.key()) + " ";
  }
  if (!cursor.status()) return cursor.status().to_string();
  if (kept == (last.empty() ? "" : "w/1 w/2/" + last + " ")) return "";
  return "behind the deleted range stands: " + kept;
}

}  // namespace

std::string inconsistency(Reader& reader, std::map<uint64_t, bool>* present) {
  std::map<uint64_t, bool> a;
  std::map<uint64_t, bool> b;
  for (auto [kind, found] : {std::pair{'a', &a}, std::pair{'b', &b}}) {
    Cursor cursor = reader.scan(KeyRange::prefix(std::string(1, kind) + "/"));
    for (; cursor.valid(); cursor.next()) {
      const std::string id(cursor.key().substr(2));
      if (cursor.value() != id) return "key " + std::string(cursor.key()) + " has a wrong value";
      found->emplace(std::stoull(id), true);
    }
    if (!cursor.status()) return cursor.status().to_string();
  }
  if (a != b) return "a transaction is there in part";
  const auto counter = reader.get(kCounter);
  if (!counter) return counter.status().to_string();
  const uint64_t count = *counter ? std::stoull(**counter) : 0;
  if (count != a.size()) {
    return "the counter is " + std::to_string(count) + " after " + std::to_string(a.size()) +
           " transactions";
  }
  if (std::string wrong = wrong_numbers(reader, a); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_stamps(reader, a); !wrong.empty()) return wrong;
  if (present != nullptr) *present = std::move(a);
  return "";
}

namespace {

// What is wrong with a snapshot that can be opened.
std::string wrong_with_named(Snapshot& snapshot, const std::string& name, NameFate& fate) {
  if (std::string wrong = inconsistency(snapshot); !wrong.empty()) {
    return "snapshot " + name + ": " + wrong;
  }
  std::map<std::string, std::string> contents;
  Cursor cursor = snapshot.scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) contents.emplace(cursor.key(), cursor.value());
  if (!cursor.status()) return "snapshot " + name + ": " + cursor.status().to_string();
  if (!fate.contents)
    fate.contents = std::move(contents);
  else if (*fate.contents != contents)
    return "snapshot " + name + " has changed";
  return "";
}

std::string compare_names(Store& store, Trial& trial) {
  const auto list = store.list_snapshots();
  if (!list) return "list: " + list.status().to_string();
  std::map<std::string, uint64_t> present;
  for (const NamedSnapshot& each : *list) present[each.name] = each.version;
  for (auto& [name, fate] : trial.names) {
    const bool here = present.erase(name) > 0;
    if (fate.dropped && here) return "snapshot " + name + " was dropped and is there";
    if (fate.created && !fate.drop_begun && !here) return "snapshot " + name + " is lost";
    if (!here) continue;
    auto snapshot = store.open_snapshot(name);
    if (!snapshot) return "snapshot " + name + ": " + snapshot.status().to_string();
    if (std::string wrong = wrong_with_named(*snapshot, name, fate); !wrong.empty()) return wrong;
  }
  return present.empty() ? "" : "snapshot " + present.begin()->first + " is a ghost";
}

}  // namespace

bool create_named(Store& store, Trial& trial, const std::string& name) {
  trial.names[name];
  const auto created = store.create_snapshot(name);
  if (!created) {
    trial.errors.push_back(created.status());
    if (!trial.errors_allowed) trial.ledger.fail("create: " + created.status().to_string());
    return false;
  }
  trial.names[name].created = true;
  read_named(store, trial, name);
  return true;
}

bool drop_named(Store& store, Trial& trial, const std::string& name) {
  trial.names[name].drop_begun = true;
  const Status status = store.drop_snapshot(name);
  if (!status) {
    trial.errors.push_back(status);
    if (!trial.errors_allowed) trial.ledger.fail("drop: " + status.to_string());
    return false;
  }
  trial.names[name].dropped = true;
  return true;
}

void read_named(Store& store, Trial& trial, const std::string& name) {
  auto snapshot = store.open_snapshot(name);
  if (snapshot) {
    const std::string wrong = wrong_with_named(*snapshot, name, trial.names[name]);
    if (!wrong.empty() && !trial.errors_allowed) trial.ledger.fail(wrong);
  } else if (snapshot.status().code() != StatusCode::kNotFound && !trial.errors_allowed) {
    trial.ledger.fail("open " + name + ": " + snapshot.status().to_string());
  }
}

namespace {

std::string compare_with_ledger(Store& store, Trial& trial) {
  auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.status().to_string();
  if (snapshot->version() < trial.ledger.durable_seen()) {
    return "version " + std::to_string(trial.ledger.durable_seen()) +
           " was read as durable, the store is back at " + std::to_string(snapshot->version());
  }
  std::map<uint64_t, bool> present;
  if (std::string wrong = inconsistency(*snapshot, &present); !wrong.empty()) return wrong;
  if (std::string wrong = compare(trial.ledger, present); !wrong.empty()) return wrong;
  if (trial.options.durability == Durability::strict) {
    // What a strict reader saw is durable, whoever wrote it and whatever that one was told.
    trial.ledger.saw_durable(snapshot->version());
    for (const auto& [id, unused] : present) trial.ledger.acknowledge(id, snapshot->version());
  }
  return "";
}

// What a failed disk lost before may only be told now, once.
std::string write_again(Store& store, Trial& trial) {
  if (transact(store, trial)) return "";
  if (trial.errors_allowed && trial.errors.back().code() == StatusCode::kAborted) {
    trial.errors_allowed = false;
    if (transact(store, trial)) return "";
  }
  return "commit: " + trial.errors.back().to_string();
}

std::string verify_once(os::Os& os, Trial& trial) {
  auto store = Store::open(os, kStorePath, trial.options);
  if (!store) return "reopening: " + store.status().to_string();
  // A torn meta is left out silently; one that is whole must lead to a whole tree.
  for (const std::string& warning : store->recovery().warnings) {
    if (warning.find("checkpoint") != std::string::npos) return warning;
    if (warning.find("snapshot") != std::string::npos) return warning;
  }
  if (std::string wrong = check_report(*store); !wrong.empty()) return wrong;
  if (std::string wrong = compare_with_ledger(*store, trial); !wrong.empty()) return wrong;
  if (std::string wrong = compare_names(*store, trial); !wrong.empty()) return wrong;
  if (std::string wrong = write_again(*store, trial); !wrong.empty()) {
    return "after recovery: " + wrong;
  }
  if (std::string wrong = check_report(*store); !wrong.empty()) return "after writing, " + wrong;
  return trial.verify_more ? trial.verify_more(os, *store) : "";
}

}  // namespace

std::string verify_store(os::Os& os, Trial& trial) {
  if (!trial.ledger.failure().empty()) return trial.ledger.failure();
  for (int round = 0; round < 2; ++round) {
    std::string wrong = verify_once(os, trial);
    if (trial.errors_allowed && wrong.find("was lost by the disk") != std::string::npos) {
      // Whoever reads that is told to open the store again, which must bring it back.
      trial.errors_allowed = false;
      wrong = verify_once(os, trial);
    }
    if (wrong.empty()) wrong = trial.ledger.failure();
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string verify_machine(Machine& machine, Trial& trial) {
  const bool strict = trial.options.durability == Durability::strict;
  if (!strict || machine.steps() % 2 == 0) {
    if (std::string wrong = verify_store(machine.harness_os(), trial); !wrong.empty()) return wrong;
  }
  machine.cut_power();
  if (std::string wrong = verify_store(machine.harness_os(), trial); !wrong.empty()) {
    return "after a power cut, " + wrong;
  }
  return "";
}

}  // namespace holdfast::sim
