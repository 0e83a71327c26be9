// VersionedRows: rows (0, 0) to (0, n - 1) of a store whose values are overwritten, each by one
// writer, and the ledger of it: which version of each row was begun and which acknowledged.
//
// Process-safe: each row has one writer; anybody may read.
// Invariants:
//   1. Version 0 is the row as it was loaded. `begun` is `acknowledged` or one more.
//   2. A get that began after `acknowledged` was v finds v or a later one, up to `begun`.
#pragma once

#include <atomic>
#include <vector>

#include "bench/board.h"
#include "bench/engine.h"
#include "bench/shared_array.h"

namespace holdfast::bench {

class VersionedRows {
 public:
  explicit VersionedRows(uint64_t count) : versions_(count) {}
  uint64_t size() const { return versions_.size(); }

  static Key key(uint64_t i) { return {0, i}; }
  static Value<kValueSize> value(uint64_t i, uint32_t version) { return {version, i}; }

  uint32_t acknowledged(uint64_t i) const { return versions_[i].acknowledged; }
  uint32_t begun(uint64_t i) const { return versions_[i].begun; }

  // Writer: puts the next version of row i, timed.
  void overwrite(Session& session, Board& board, WorkerSlot& slot, uint64_t i);
  // Reader: gets row i, timed, and requires that it is a version it may be.
  void get(Session& session, Board& board, WorkerSlot& slot, uint64_t i, std::string& read) const;
  // Compares the rows that were ever overwritten (or all) and the number of all; takes over what
  // it finds, so that the rows may be used again.
  void verify(Session& session, bool all, Verdict& verdict);

 private:
  struct Versions {
    std::atomic<uint32_t> begun;
    std::atomic<uint32_t> acknowledged;
  };
  SharedArray<Versions> versions_;
};

}  // namespace holdfast::bench
