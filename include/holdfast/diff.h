// Diff: what changed between two snapshots of one store, key by key.
//
// Versions share the parts of the tree that did not change, and those are never read: a diff costs
// what changed, not what the store holds, and bounded memory. It feeds incremental backup, change
// feeds, and a reader that was away for too long to follow the log.
//
// Thread-safety: one thread at a time per object. Lifetimes: a Diff must not outlive either of its
//   snapshots, nor their store. Nothing may be used after fork().
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "holdfast/status.h"
#include "holdfast/transaction.h"

namespace holdfast {

// A position among the keys that differ, in key order. Forward only.
class Diff {
 public:
  class Impl;
  explicit Diff(std::unique_ptr<Impl> impl);
  Diff(Diff&&) noexcept;
  Diff& operator=(Diff&&) noexcept;
  ~Diff();

  // From `from` to `to`, within `range`; stands at the first key that differs. Which of the two is
  // the older does not matter. Errors: InvalidArgument (snapshots of different stores), Closed,
  // Forked. What goes wrong later shows in status().
  static Result<Diff> between(const Snapshot& from, const Snapshot& to,
                              const KeyRange& range = KeyRange::all());

  // False behind the last key that differs and after an error; status() tells which.
  bool valid() const;
  void next();  // REQUIRES: valid()
  const Status& status() const;

  // REQUIRES: valid(). The view holds until the diff moves.
  std::string_view key() const;
  // The value in `from`, and in `to`; nullopt where the key does not exist. Views hold as long as
  // the snapshots. Errors: Corruption.
  Result<std::optional<std::string_view>> before() const;
  Result<std::optional<std::string_view>> after() const;

  // Pages of the two trees that were looked into so far: what the diff has cost.
  uint64_t pages_read() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast
