// The oracle of the store's crash scenarios: a ledger of what each virtual process tried and what
// it was told, kept outside the store, and the check of a store against it.
//
// Every transaction `id` writes "a/<id>" and "b/<id>" (all or nothing), adds one to "counter"
// (serializable), does whatever its script says, and one of each operation that reads nothing: adds
// one to "adds", raises "greatest" to its id, puts "s/<version>/<id>", deletes all of "w/" and puts
// two keys there. So in every consistent state the counters equal the number of "a/" keys, of "b/"
// and of "s/" keys, and those of "w/" belong to the last "s/".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/store.h"
#include "os/sim/crash_loop.h"
#include "os/sim/machine.h"

namespace holdfast::sim {

class Ledger {
 public:
  enum class Fate : uint8_t { kUnknown, kAcknowledged, kAborted };

  uint64_t begin() {
    fates_.push_back(Fate::kUnknown);
    return fates_.size() - 1;
  }
  void acknowledge(uint64_t id, uint64_t version);
  void abort(uint64_t id) { fates_[id] = Fate::kAborted; }
  // A strict reader saw this version: it must never be lost.
  void saw_durable(uint64_t version) { durable_seen_ = std::max(durable_seen_, version); }
  void fail(const std::string& text) {
    if (failure_.empty()) failure_ = text;
  }

  const std::vector<Fate>& fates() const { return fates_; }
  uint64_t durable_seen() const { return durable_seen_; }
  const std::string& failure() const { return failure_; }
  // Forgets what was acknowledged without being durable (batched commits, and a power cut or a
  // disk that failed).
  void forget_acknowledged();

 private:
  std::vector<Fate> fates_;
  uint64_t durable_seen_ = 0;
  std::string failure_;
};

// What is known of the name of a snapshot. A name is created and dropped at most once.
struct NameFate {
  bool created = false;                                        // acknowledged
  bool drop_begun = false;                                     // may be gone
  bool dropped = false;                                        // acknowledged
  std::optional<std::map<std::string, std::string>> contents;  // as read once
};

// What a scenario needs to know of its trial.
struct Trial {
  Ledger ledger;
  std::map<std::string, NameFate> names;
  StoreOptions options;
  bool errors_allowed = false;  // a fault makes calls fail: then only lies are failures
  std::vector<Status> errors;   // what commits returned
  // What else must hold of a store that has been opened again, undisturbed; "" if it does.
  std::function<std::string(os::Os&, Store&)> verify_more;
};

inline constexpr const char* kStorePath = "/store";

StoreOptions simulated_options(Durability durability = Durability::strict);

// Opens the store; a failure that the fault does not excuse goes to the ledger.
std::optional<Store> open_store(os::Os& os, Trial& trial);

// What every transaction writes, see above.
Status write_marks(Transaction& txn, uint64_t id);

using Body = std::function<Status(Transaction&, uint64_t id)>;
// One transaction as above with `body`'s writes, noted in the ledger. False: it failed.
bool transact(Store& store, Trial& trial, const Body& body = {});
// Reads a snapshot and checks that it is consistent.
void read_consistently(Store& store, Trial& trial);

// Names the newest version, reads it once, or drops it; noted in the trial. False: it failed.
bool create_named(Store& store, Trial& trial, const std::string& name);
bool drop_named(Store& store, Trial& trial, const std::string& name);
// Reads what is named, where it is, and compares it with what it was.
void read_named(Store& store, Trial& trial, const std::string& name);

// What is wrong with the contents of `reader`, "" if nothing: see above.
std::string inconsistency(Reader& reader, std::map<uint64_t, bool>* present = nullptr);

// Opens the store once more (warm, or cold if `machine` lost its memory), verifies every page and
// record, compares with the ledger, writes and checks again. Returns what is wrong, or "".
std::string verify_store(os::Os& os, Trial& trial);

// verify_store as the machine stands, then again after its power was cut: what was acknowledged
// must be on the disk, not only in the cache. With an odd number of steps the power is cut first.
std::string verify_machine(Machine& machine, Trial& trial);

}  // namespace holdfast::sim
