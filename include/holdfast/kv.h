// Kv: named values of a space, bytes or JSON, with versions, expiry, history and counters.
//
// Thread-safety: a handle without a transaction may be used from any thread; one made for a
//   transaction or snapshot belongs to that object's thread and must not outlive it.
// Errors of every call: those of the store (Busy, IoError, Corruption, NoSpace, also where the
//   space's limit would be exceeded ...); of a handle made for a snapshot, writes return ReadOnly.
//   In a transaction nothing is visible to others before its commit. A refused call has written
//   nothing.
// Invariants:
//   1. Putting does not conflict with putting, unless the key's value was or becomes a blob, the
//      put has a condition, or the space has a limit of values (Spaces::limit).
//   2. A value is gone at the millisecond it expires, for every read and list, by the clock of who
//      reads; what it leaves in the store is swept away later, in small steps.
//   3. Where history is kept, every put and deletion is a version; reading as of one is exact, or
//      TooOld.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/blob.h"
#include "holdfast/history.h"
#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kKvKeySizeMax = 1000;  // bytes, at least 1; any bytes
// Bytes of a value that is put or got at once; any bytes, may be empty. Larger ones are streams.
constexpr size_t kKvValueSizeMax = (1u << 20) - 64;
constexpr size_t kKvListLimitMax = 100'000;
constexpr size_t kKvBatchMax = 10'000;  // operations of one batch
constexpr size_t kKvHistoriesMax = 64;  // prefixes of one space that keep history
constexpr uint64_t kKvNoVersion = 0;    // of a key that has no value
constexpr size_t kKvSweepMax = 1000;    // keys of one sweep

struct KvEntry {
  std::string key;
  std::string value;     // empty if it is a blob
  uint64_t size = 0;     // bytes of the value
  bool is_blob = false;  // its value was put as a blob: Kv::open reads it
  // The commit that put it. Of a transaction's own writes both are UINT64_MAX.
  uint64_t version = 0;
  uint64_t time_us = 0;                    // since 1970
  std::optional<int64_t> expires_us = {};  // since 1970
};

// One version of a key.
struct KvVersion {
  uint64_t version = 0;
  uint64_t time_us = 0;
  bool is_deletion = false;
  std::string value;
  std::optional<int64_t> expires_us = {};
};

// Reads a value as a stream, as of when it was opened.
class KvReader {
 public:
  explicit KvReader(std::string value) : value_(std::move(value)) {}
  explicit KvReader(BlobReader blob) : blob_(std::move(blob)) {}

  uint64_t size() const { return blob_ ? blob_->ref().size : value_.size(); }
  // The next bytes, at most `size`; 0 at the end. Errors: those of BlobReader::read.
  Result<size_t> read(char* out, size_t size);
  // All of it; it must fit in memory. Every byte that comes off the disk is checked by its
  // checksum, as by BlobReader::read_at; who reads to the end has the hash of a blob computed too,
  // which takes twice as long as all the rest. REQUIRES: no call after it. Errors: those of
  // BlobReader::read_at.
  Result<std::string> whole();

 private:
  std::string value_;
  size_t position_ = 0;
  std::optional<BlobReader> blob_;
};

struct KvListOptions {
  std::string prefix = {};  // only keys that begin with these bytes,
  std::string begin = {};   // that are not less than this one,
  std::string end = {};     // and less than this one; empty: to the last
  std::string after = {};   // only keys greater than this one: the last of the page before
  size_t limit = 1000;      // 1 to kKvListLimitMax
  bool keys_only = false;   // leave the values empty
  AsOf as_of = {};          // as it was; where history is kept of all keys that are asked for
};

struct KvPutOptions {
  // Gone after so long; 0: stays.
  std::chrono::milliseconds ttl{0};
  // Only if the key has this version; kKvNoVersion: only if it has no value.
  std::optional<uint64_t> if_version = {};
};

// One operation of a batch.
struct KvWrite {
  std::string key;
  std::optional<std::string> value;  // nullopt: remove the key
  KvPutOptions options = {};         // a removal knows if_version only
};

// Keys of which every version is kept, for a time.
struct KvHistory {
  std::string prefix;  // that the keys begin with; empty: all keys of the space
  Retention retention;
  uint64_t versions = 0;  // that are there, and the bytes they take
  uint64_t bytes = 0;
  HistoryFloor floor;  // before this nothing is known
};

class Kv {
 public:
  explicit Kv(std::shared_ptr<memory::Access> access);  // see Space::kv

  // The value, or nullopt. Errors: InvalidArgument (key empty or too long), TooLarge (a blob over
  // kKvValueSizeMax: open() reads it).
  Result<std::optional<std::string>> get(std::string_view key) const;
  // The same with its version, time and expiry; of a blob without the value.
  Result<std::optional<KvEntry>> find(std::string_view key) const;
  // The values of several keys, of one state. Errors: as get(), TooLarge (over kKvBatchMax keys).
  Result<std::vector<std::optional<std::string>>> get_all(
      const std::vector<std::string>& keys) const;

  // Sets the value. Errors: InvalidArgument (key, ttl), TooLarge (value: write() it),
  // ConditionFalse (if_version; Status::version() is the key's).
  Status put(std::string_view key, std::string_view value, const KvPutOptions& options = {}) const;
  // Removes the key; success if there is none. Errors: ConditionFalse (if_version).
  Status del(std::string_view key, std::optional<uint64_t> if_version = std::nullopt) const;
  // All of it in one commit, in this order, or nothing. Errors: those of put() and del(), naming
  // the operation; TooLarge.
  Status apply(const std::vector<KvWrite>& batch) const;

  // Values of any size: what write() gives is filled and finished, and then put. The content is
  // durable before the commit, and goes when the key gets another value. Errors: Unsupported (keys
  // that keep history hold no such values).
  Result<BlobWriter> write() const;
  Status put(std::string_view key, const NewBlob& blob) const;
  // The value, large or small, as a stream; nullopt: there is none.
  Result<std::optional<KvReader>> open(std::string_view key) const;

  // Entries in bytewise order of their keys. Errors: InvalidArgument (limit), as find_at().
  Result<std::vector<KvEntry>> list(const KvListOptions& options = {}) const;
  // Hands each entry to `visit`, in that order, until it returns an error, and returns that. Reads
  // `limit` entries at once: those of a handle without transaction or snapshot may be of different
  // moments. Errors: as list().
  Status for_each(KvListOptions options,
                  const std::function<Status(const KvEntry& entry)>& visit) const;

  // JSON values. `path` is a JSON pointer (RFC 6901), "" the whole value; returned is the JSON
  // there, or nullopt where the key or the path leads nowhere. Errors: InvalidArgument (path),
  // ConditionFalse (the value is no JSON).
  Result<std::optional<std::string>> get_json(std::string_view key, std::string_view path) const;
  // Merges `patch` into the value (RFC 7396); an absent key counts as an empty object. The expiry
  // stays. Errors: InvalidArgument (the patch is no JSON), ConditionFalse (the value is no JSON),
  // TooLarge. Integers beyond 64 bits lose digits.
  Status merge_json(std::string_view key, std::string_view patch) const;

  // Counters: numbers beside the values, under names of their own. Adding never conflicts, however
  // many do it at once; it wraps. An absent counter is 0; adding to it makes it.
  Status add(std::string_view counter, int64_t delta) const;
  Result<int64_t> count(std::string_view counter) const;
  Status remove_counter(std::string_view counter) const;
  // In order of their names, each with its number as text. Of the options prefix, after and limit.
  Result<std::vector<KvEntry>> counters(const KvListOptions& options = {}) const;

  // Keeps the history of the keys that begin with `prefix`, from this commit on: what they are now
  // is its first version. A second call changes what is kept. Errors: InvalidArgument (another
  // prefix that keeps history begins like this one, or this one like it), Unsupported (one of the
  // keys is a blob), TooLarge (kKvHistoriesMax; the values do not fit in one transaction).
  Status keep_history(const Retention& retention, std::string_view prefix = {}) const;
  // Forgets the history of these keys; the values stay. Errors: NotFound.
  Status drop_history(std::string_view prefix = {}) const;
  Result<std::vector<KvHistory>> histories() const;

  // The value as of a version or a time; nullopt: there was none. As of a time what had expired is
  // gone; as of a version it is what commits up to then had left. Errors: TooOld (retention has let
  // go of it; the message says what is kept), ConditionFalse (no history is kept of the key),
  // InvalidArgument (a version that is not there yet).
  Result<std::optional<std::string>> get_at(std::string_view key, const AsOf& as_of) const;
  Result<std::optional<KvEntry>> find_at(std::string_view key, const AsOf& as_of) const;
  // What is kept of one key, newest first, from below version `before` on. Errors: ConditionFalse,
  // InvalidArgument (limit).
  Result<std::vector<KvVersion>> history(std::string_view key, size_t limit = 1000,
                                         uint64_t before = UINT64_MAX) const;

  // Removes what has expired, `limit` keys at most; returns how many. Writes do it by themselves
  // now and then. Errors: InvalidArgument (limit: 1 to kKvSweepMax).
  Result<size_t> sweep(size_t limit = kKvSweepMax) const;

 private:
  Status write_one(const KvWrite& write) const;
  Result<std::vector<KvEntry>> list_at(const KvListOptions& options) const;
  void sweep_now_and_then() const;

  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
