// KeySource and KeyTarget: the little that search/ and memory/ need of a store, so that they run on
// a Transaction, on a Snapshot, on a map in tests, and later on another engine.
//
// Thread-safety: one thread at a time per object.
// Invariants:
//   1. Ranges are read by scan, page-wise, never by a loop of gets over many keys: a get that
//      costs 1 us here costs 1 ms where the engine is remote.
//   2. A KeyTarget reads its own writes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ordered_key.h"
#include "holdfast/transaction.h"

namespace holdfast::search {

// Called with each key and value in order; false ends the scan. The views hold for the call only.
using KeyVisitor = std::function<bool(std::string_view key, std::string_view value)>;

// Goes to and fro in a range of keys. What it shows holds until it moves.
class KeyCursor {
 public:
  virtual ~KeyCursor() = default;
  virtual void seek(std::string_view key) = 0;  // to the first key that is not below it
  virtual void next() = 0;                      // REQUIRES: valid()
  // False at the end of the range, and after an error; status() tells which.
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;    // REQUIRES: valid()
  virtual std::string_view value() const = 0;  // REQUIRES: valid()
  virtual const Status& status() const = 0;
};

class KeySource {
 public:
  virtual ~KeySource() = default;
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual Status scan(const KeyRange& range, const KeyVisitor& visit) = 0;
  // As get and scan, but a transaction does not remember it: for hints where to look.
  virtual Result<std::optional<std::string>> peek(std::string_view key) { return get(key); }
  virtual Status peek_scan(const KeyRange& range, const KeyVisitor& visit) {
    return scan(range, visit);
  }
  // For who comes back to a range again and again; remembered as little. The source must outlive
  // it.
  virtual std::unique_ptr<KeyCursor> peek_cursor(const KeyRange& range) = 0;
  // The version that is read: less than that of every commit that is not seen.
  virtual uint64_t version() const = 0;
};

class KeyTarget : public KeySource {
 public:
  virtual Status put(std::string_view key, std::string_view value) = 0;
  virtual Status del(std::string_view key) = 0;
  // Transaction's: none of them reads, so they conflict with readers only.
  virtual Status del_range(const KeyRange& range) = 0;
  virtual Status add(std::string_view key, int64_t delta) = 0;
  virtual Status raise(std::string_view key, int64_t least) = 0;
  virtual Status put_stamped(std::string_view before, std::string_view after,
                             std::string_view value, const StampOptions& options) = 0;
};

// All keys that begin with `prefix`.
inline KeyRange prefix_range(std::string_view prefix) {
  return KeyRange{std::string(prefix), ordered_prefix_end(prefix)};
}

// How many keys begin with `prefix`, up to `most`: as a hint.
inline Result<uint32_t> count_keys(KeySource& source, std::string_view prefix, uint32_t most) {
  uint32_t count = 0;
  HOLDFAST_TRY(source.peek_scan(
      prefix_range(prefix), [&](std::string_view, std::string_view) { return ++count < most; }));
  return count;
}

}  // namespace holdfast::search
