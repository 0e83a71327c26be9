// One step of trimming a history, inside of a transaction.
//
// Who: history_trim.cc, retention.cc. Thread-safety: that of the transaction.
// Invariants:
//   1. What of a key stays is its newest versions without a gap: the oldest go first.
//   2. The state that the transaction has read is written with every cut, so of two that let go of
//      the same versions one conflicts, and counts stay exact.
#pragma once

#include <string>

#include "holdfast/history.h"
#include "store/history_rows.h"

namespace holdfast::store {

// Writes the cuts of at most `keys_max` keys from `from` on, and sets `result` anew. Looks without
// being remembered. REQUIRES: the caller has read the trim state, and writes it if anything went.
Status trim_in(Transaction& txn, const std::string& prefix, const Retention& retention,
               uint64_t now_us, std::string_view from, size_t keys_max, HistoryTrim* result);

// Reads of a transaction that are not remembered.
class PeekReader final : public Reader {
 public:
  explicit PeekReader(Transaction& txn) : txn_(txn) {}
  Result<std::optional<std::string>> get(std::string_view key) override { return txn_.peek(key); }
  Cursor scan(const KeyRange& range) override { return txn_.peek_scan(range); }
  uint64_t version() const override { return txn_.version(); }

 private:
  Transaction& txn_;
};

}  // namespace holdfast::store
