// Reads and writes of the ordered keyspace: Snapshot, Cursor, Transaction.
//
// Keys are 1 to 1,024 bytes, ordered bytewise; values 0 to 1 MiB. Keys that begin with bytes
// 0x00 to 0x0f belong to Holdfast's own layers (spaces, observations, indexes); use others.
//
// Thread-safety: one thread at a time per object; objects are independent of each other.
// Lifetimes: a Cursor or a view must not outlive what it came from; a Snapshot or Transaction
//   must not outlive its Store. Nothing may be used after fork().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast {

// Keys in [begin, end); an empty end means "to the last key".
struct KeyRange {
  std::string begin;
  std::string end;

  static KeyRange all() { return {}; }
  // All keys that start with `prefix`.
  static KeyRange prefix(std::string_view prefix);
};

// A position in an ordered scan. Forward only; seek may go anywhere inside the range.
class Cursor {
 public:
  class Impl;
  explicit Cursor(std::unique_ptr<Impl> impl);
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  ~Cursor();

  // False at the end of the range and after an error; status() tells which.
  bool valid() const { return at_->valid; }
  void next();  // REQUIRES: valid()
  // To the first key >= `key` within the range.
  void seek(std::string_view key);
  // REQUIRES: valid(). Views hold until the cursor moves.
  std::string_view key() const {
    if (!at_->valid) refuse();
    return at_->key;
  }
  std::string_view value() const {
    if (!at_->valid) refuse();
    return at_->value;
  }
  const Status& status() const;

  // What the cursor stands on.
  struct Row {
    std::string_view key;
    std::string_view value;
    bool valid = false;
  };

 private:
  [[noreturn]] static void refuse();

  std::unique_ptr<Impl> impl_;
  const Row* at_;  // inside of *impl_
};

// What memory layers read from: a Snapshot or a Transaction.
class Reader {
 public:
  virtual ~Reader() = default;
  // The value of `key`, or nullopt. Errors: InvalidArgument (key length), Corruption, IoError.
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  // In key order, from the first key of the range.
  virtual Cursor scan(const KeyRange& range) = 0;
  // The version that is read.
  virtual uint64_t version() const = 0;
};

// A consistent view at one version: lock-free, no copy. Pins its version until destroyed.
class Snapshot final : public Reader {
 public:
  class Impl;
  explicit Snapshot(std::unique_ptr<Impl> impl);
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot() override;

  Result<std::optional<std::string>> get(std::string_view key) override;
  // Without a copy; the view holds as long as the snapshot, except for values over about a page
  // where it holds until the next get_view.
  Result<std::optional<std::string_view>> get_view(std::string_view key);
  Cursor scan(const KeyRange& range) override;
  uint64_t version() const override;

 private:
  std::unique_ptr<Impl> impl_;
};

// Numbers: values of 8 bytes, an int64 with the little end first, that add() and raise() change.
std::string encode_number(int64_t number);
// nullopt: not 8 bytes.
std::optional<int64_t> decode_number(std::string_view value);

// How a commit stamps a key, or its value, with its version: 8 bytes.
struct StampOptions {
  bool descending = false;  // the version's complement instead: the newest key comes first
  // The value is stored behind 8 bytes: the commit's time in microseconds since 1970, little end
  // first (UINT64_MAX in own reads).
  bool has_time = false;
  enum class Place : uint8_t {
    kKey,      // between `before` and `after`, big-endian
    kValue,    // in front of the value, behind the time if there is one, little-endian
    kNowhere,  // the time only
  };
  Place version_in = Place::kKey;
};

// An optimistic, serializable transaction. Reads see its snapshot and its own writes, and are
// remembered: commit fails with Conflict when a key or range that was read has changed since.
class Transaction final : public Reader {
 public:
  class Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction() override;  // aborts if not committed

  Result<std::optional<std::string>> get(std::string_view key) override;
  Cursor scan(const KeyRange& range) override;
  uint64_t version() const override;

  // As get and scan, but not remembered: what is seen may have changed by the commit, which does
  // not conflict then. For hints, such as which row to read next.
  Result<std::optional<std::string>> peek(std::string_view key);
  Cursor peek_scan(const KeyRange& range);

  // Buffered until commit. Errors: InvalidArgument (key length), TooLarge (value, or the sum).
  Status put(std::string_view key, std::string_view value);
  Status del(std::string_view key);
  // Deletes the keys of `range`, and what this transaction has written there; takes one operation
  // however many there are. To others it is as if every key in the range had been written. The
  // store's own keys, which begin with byte 0f (names of snapshots), stay.
  // Errors: InvalidArgument (length of the ends), TooLarge.
  Status del_range(const KeyRange& range);

  // Changes a number (see above) without reading it, so that such changes do not conflict with
  // each other; a transaction that reads the number does conflict with them. Its own reads see the
  // number changed. A value that is not 8 bytes long stays as it is: the change has no effect.
  // Errors: InvalidArgument (key length; this transaction has put a value there that is no
  // number), TooLarge.
  Status add(std::string_view key, int64_t delta);    // wraps; an absent key counts as 0
  Status raise(std::string_view key, int64_t least);  // to `least`, if it is less or absent

  // Puts `value` under a key that nobody else can write: `before`, the commit's version, `after`.
  // So appending never conflicts. Until the commit, own reads see it under version UINT64_MAX.
  // With the version in the value, or nowhere, the key is `before` and `after`, and as any other.
  // Errors: InvalidArgument (length of the whole key), TooLarge.
  Status put_stamped(std::string_view before, std::string_view after, std::string_view value,
                     const StampOptions& options = {});

  // Makes the writes visible and, in strict mode, durable; returns the commit's version (the
  // snapshot's when nothing was written). The transaction is finished either way.
  // Errors: Conflict and TooOld (retry in a new transaction), Busy (deadline; the message names
  // the holder), NoSpace, IoError, Aborted (voided: definitely not committed), ReadOnly.
  // Nothing was committed, unless the message says that the commit is in the log or that it is not
  // known whether it is durable: then it may still become visible. docs/guarantees.md has them all.
  Result<uint64_t> commit();
  void abort();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast
