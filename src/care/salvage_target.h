// SalvageTarget: the new store that salvage writes, in transactions of bounded size.
//
// Who: care/salvage. One thread at a time.
// Invariants:
//   1. What is written later wins.
//   2. Names of snapshots are not written: they lead to pages of the old store. They are
//      remembered.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "care/tree_walk.h"
#include "holdfast/blob.h"
#include "holdfast/store.h"
#include "log/record.h"
#include "store/create.h"

namespace holdfast::care {

class SalvageTarget {
 public:
  static Result<std::unique_ptr<SalvageTarget>> create(os::Os& os, const std::string& path,
                                                       const StoreOptions& options,
                                                       const store::Beginning& beginning);

  Status put(std::string_view key, std::string_view value);
  Status del(std::string_view key);
  // kAdd or kMax.
  Status change_number(log::OperationKind kind, std::string_view key, int64_t operand);
  // Keys in [begin, end); an empty end: to the last key.
  Status del_range(std::string_view begin, std::string_view end);
  Status flush();

  // From here on replace() compares with what is there now, and names of snapshots are remembered
  // anew. Without it, nothing is there.
  Status begin_replacing();
  bool replacing() const { return base_.has_value(); }
  // Makes `rows`, in key order, all that there is in `span`; writes only what differs. Keys that
  // are not replaced by anything stay.
  struct KeyValue {
    std::string key;
    std::string value;
  };
  Status replace(const KeySpan& span, std::vector<KeyValue> rows);
  // Names what was written so far.
  Result<NamedSnapshot> name_snapshot(const std::string& name);
  Status drop_snapshot(const std::string& name) { return store_.drop_snapshot(name); }

  // Of the snapshots that had one.
  const std::set<std::string>& snapshot_names() const { return snapshot_names_; }
  // Counts what the store holds. REQUIRES: flush().
  struct Counts {
    uint64_t keys = 0;
    uint64_t key_bytes = 0;
    uint64_t value_bytes = 0;
    uint64_t version = 0;
  };
  Result<Counts> count(const KeyRange& range);
  // Every blob against its hash, and the records of blobs against each other.
  Result<BlobCheck> check_blobs();
  Status close();

 private:
  struct Write {
    log::OperationKind kind;
    std::string key;
    std::string value;  // of a put; of a deleted range: its end
    int64_t operand = 0;
  };
  explicit SalvageTarget(Store store) : store_(std::move(store)) {}
  Status add(Write write);
  static Status write_to(Transaction& txn, const Write& write);

  Store store_;
  std::vector<Write> pending_;
  uint64_t pending_bytes_ = 0;
  std::set<std::string> snapshot_names_;
  std::optional<Snapshot> base_;
};

}  // namespace holdfast::care
