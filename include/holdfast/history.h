// History: keys that keep their versions, under a prefix of the keyspace that the caller owns. What
// is put gets a new version and leaves the older ones, which can be read as of any version or time
// down to a floor; retention moves the floor up and lets go of what lies below.
//
// Thread-safety: a value; const access from any thread. What is read from or written to says for
//   itself.
// Errors of every call that reads: those of the Reader, Unsupported (written by a newer Holdfast).
// Invariants:
//   1. Putting and deleting read nothing that a commit validates: they conflict with readers of the
//   key, never with each
//      other.
//   2. A read as of a version shows exactly what commits up to it have left, or says TooOld.
//   3. Times rise with versions, whatever the clock did; so "as of a time" is as of the last commit
//      that is not later.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/store.h"
#include "holdfast/transaction.h"

namespace holdfast {

// Which state to read.
struct AsOf {
  enum class Kind : uint8_t { kLatest, kVersion, kTime };
  Kind kind = Kind::kLatest;
  uint64_t number = 0;

  static AsOf latest() { return {}; }
  // As the commit of that version left it.
  static AsOf version(uint64_t version) { return {Kind::kVersion, version}; }
  // Microseconds since 1970.
  static AsOf time_us(uint64_t time_us) { return {Kind::kTime, time_us}; }
};

// How much is kept. The newest version of a key always is, unless it says that the key was deleted.
struct Retention {
  // Reads as of so long ago stay possible; 0: as of ever.
  std::chrono::seconds age{0};
  // Versions of one key that are kept at most; 0: all.
  uint64_t count = 0;
};

// One version of a key. Of a transaction's own writes the version and the time are UINT64_MAX.
struct KeyVersion {
  uint64_t version = 0;
  uint64_t time_us = 0;
  bool is_deletion = false;
  std::string value;
};

// A history that keeps itself to a retention; see History::keep. Sizes are of the versions that are
// there, those that are due to go included, each counted with its whole key.
struct KeptHistory {
  std::string prefix;
  Retention retention;
  uint64_t versions = 0;
  uint64_t bytes = 0;
  uint64_t trimmed_us = 0;   // since 1970: when all of it was last gone through; 0: not yet
  bool is_trimming = false;  // somebody has begun to go through it
};

// Below this nothing can be read.
struct HistoryFloor {
  uint64_t version = 0;
  uint64_t time_us = 0;
};

// Where a trim has got to.
struct HistoryTrim {
  std::string next;  // the key to go on from; empty: done, the next step begins again
  uint64_t keys_seen = 0;
  uint64_t keys_trimmed = 0;  // of which some versions went,
  uint64_t versions_trimmed = 0;
};

// The keys of a history in order, each with its value as of one state.
class HistoryCursor {
 public:
  class Impl;
  explicit HistoryCursor(std::unique_ptr<Impl> impl);
  HistoryCursor(HistoryCursor&&) noexcept;
  HistoryCursor& operator=(HistoryCursor&&) noexcept;
  ~HistoryCursor();

  // False at the end of the range and after an error; status() tells which.
  bool valid() const;
  void next();
  // REQUIRES: valid(). Views hold until the cursor moves.
  std::string_view key() const;
  std::string_view value() const;
  uint64_t version() const;
  uint64_t time_us() const;
  const Status& status() const;

 private:
  std::unique_ptr<Impl> impl_;
};

class History {
 public:
  // What one step of trimming looks at and lets go of, at most.
  static constexpr size_t kTrimKeysMax = 256;
  static constexpr size_t kTrimVersionsMax = 4096;

  // `prefix`: of keys that nothing else uses.
  explicit History(std::string prefix) : prefix_(std::move(prefix)) {}

  // Errors: InvalidArgument (the key is empty or too long: with the prefix, ten bytes more and one
  // for each zero byte in it, it must be a key of the store), TooLarge.
  Status put(Transaction& txn, std::string_view key, std::string_view value) const;
  // Leaves a version that says so, whether the key is there or not.
  Status del(Transaction& txn, std::string_view key) const;

  // The value, or nullopt. Errors: TooOld (below the floor, which is named), InvalidArgument (a
  // version above the reader's).
  Result<std::optional<std::string>> get(Reader& reader, std::string_view key,
                                         const AsOf& as_of = {}) const;
  // The same with its version and time; a deletion is nullopt.
  Result<std::optional<KeyVersion>> find(Reader& reader, std::string_view key,
                                         const AsOf& as_of = {}) const;
  // Keys of `range` that exist. Errors as get(), in the cursor's status.
  HistoryCursor scan(Reader& reader, const KeyRange& range, const AsOf& as_of = {}) const;
  // What is kept of one key, newest first, from below version `before` on.
  Result<std::vector<KeyVersion>> versions(
      Reader& reader, std::string_view key, size_t limit,
      uint64_t before = std::numeric_limits<uint64_t>::max()) const;
  Result<HistoryFloor> floor(Reader& reader) const;

  // Keeps to `retention` from the commit of `txn` on, without anybody calling trim_step: whoever
  // has the store open does it, in small steps beside the commits, until stop_keeping. Ages are
  // reckoned from the clock of whoever trims. Errors: InvalidArgument (the prefix is empty or too
  // long, the age negative).
  Status keep(Transaction& txn, const Retention& retention) const;
  // What is there stays as it is.
  Status stop_keeping(Transaction& txn) const;
  // nullopt: it does not keep itself to any.
  Result<std::optional<KeptHistory>> kept(Reader& reader) const;
  // Says that nothing is known of what was before the commit of `txn`: reading that is TooOld.
  Status begin_here(Transaction& txn) const;
  // Deletes every version of every key, what is known of the past, and the retention.
  Status erase(Transaction& txn) const;

  // Lets go of what `retention` does not keep, from key `from` on, in a transaction of its own that
  // looks at `keys_max` keys at most. Conflicts with nobody but readers of the past, and with who
  // trims the same history; it then begins again. `now_us`: to reckon ages from.
  // Errors: as Store::update.
  Result<HistoryTrim> trim_step(Store& store, const Retention& retention, uint64_t now_us,
                                std::string_view from = {}, size_t keys_max = kTrimKeysMax) const;

  const std::string& prefix() const { return prefix_; }

 private:
  std::string prefix_;
};

// The histories that keep themselves to a retention, in order of their prefixes, from behind
// `after`.
Result<std::vector<KeptHistory>> list_histories(Reader& reader, size_t limit,
                                                std::string_view after = {});

}  // namespace holdfast
