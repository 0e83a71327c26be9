// The keys and rows of a cache.
//
// | key (n: name as an ordered string)  | value                                              |
// |-------------------------------------|----------------------------------------------------|
// | 08 28 space n key                   | entry: its row; the value in it, if it is small    |
// | 08 29 space n key                   | entry: a larger value                              |
// | 08 2a space n used_us:u64 key       | recency: nothing                                   |
// | 08 2b space n gone_us:u64 key       | expiry: nothing                                    |
// | 08 2c space n tag key               | tag (an ordered string): nothing                   |
// | 08 2d space n counter:u8            | number                                             |
// | 08 2e space n                       | options                                            |
// | 08 2f space n key                   | who computes it                                    |
//
// Who: cache.cc, cache_compute.cc. Thread-safety: that of the given source or target.
// Invariants:
//   1. An entry has one recency key, an expiry key if it ends, and a key for each tag.
//   2. Whoever changes an entry has read its row; recency and expiry are only hints where to look,
//      read without being remembered.
//   3. Counters are changed by add() and never conflict.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/cache.h"
#include "holdfast/store.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

enum class CacheCounter : uint8_t {
  kEntries,
  kBytes,
  kHits,
  kMisses,
  kStale,
  kPuts,
  kEvictions,
  kExpirations,
  kComputations,
};

struct CacheRow {
  uint64_t size = 0;         // of the value
  uint64_t stored_size = 0;  // less than `size`: compressed
  int64_t created_us = 0;
  int64_t expires_us = 0;  // 0: never
  int64_t gone_us = 0;     // when it is not even stale any more; 0: never
  int64_t used_us = 0;
  std::vector<std::string> tags = {};
  std::optional<std::string> value = {};  // as stored; absent: under a key of its own

  bool is_fresh(int64_t now_us) const { return expires_us == 0 || now_us < expires_us; }
  bool is_there(int64_t now_us) const { return gone_us == 0 || now_us < gone_us; }
};

// Who computes an entry.
struct CacheComputer {
  std::string id = {};
  HandleId handle = {};
  int64_t expires_us = 0;
};

class CacheRows {
 public:
  static constexpr size_t kInlineSizeMax = 1024;

  CacheRows(uint32_t space_id, std::string_view name);

  std::string entry_prefix() const { return key(KeyKind::kCacheEntry, {}); }
  KeyRange recency() const { return search::prefix_range(key(KeyKind::kCacheRecency, {})); }
  // Those that are gone at `now_us`.
  KeyRange gone(int64_t now_us) const;
  KeyRange tagged(std::string_view tag) const;
  // The entry's key behind a key of these ranges: a time, or a tag, is before it.
  std::string_view entry_behind_time(std::string_view key) const;
  std::string_view entry_behind_tag(std::string_view key, std::string_view tag) const;
  std::string computer_key(std::string_view entry) const {
    return key(KeyKind::kCacheComputer, entry);
  }
  std::vector<KeyRange> contents() const;  // entries with all that belongs to them
  std::vector<KeyRange> all() const;

  // Errors: Corruption.
  Result<std::optional<CacheRow>> read(search::KeySource& source, std::string_view entry) const;
  // The value as stored.
  Result<std::string> read_value(search::KeySource& source, std::string_view entry,
                                 const CacheRow& row) const;
  // `row` of an entry that is not there.
  Status insert(search::KeyTarget& target, std::string_view entry, CacheRow row,
                std::string_view stored) const;
  // `row` was read in this transaction.
  Status erase(search::KeyTarget& target, std::string_view entry, const CacheRow& row) const;
  Status touch(search::KeyTarget& target, std::string_view entry, const CacheRow& row,
               int64_t now_us) const;
  // What an entry counts for.
  static uint64_t bytes_of(std::string_view entry, const CacheRow& row);

  Result<std::optional<CacheComputer>> read_computer(search::KeySource& source,
                                                     std::string_view entry) const;
  Status write_computer(search::KeyTarget& target, std::string_view entry,
                        const CacheComputer& computer) const;

  Result<CacheOptions> read_options(search::KeySource& source) const;
  Status write_options(search::KeyTarget& target, const CacheOptions& options) const;
  Status count(search::KeyTarget& target, CacheCounter counter, int64_t by) const;
  Result<uint64_t> counted(search::KeySource& source, CacheCounter counter) const;

  static Result<CacheRow> decode(std::string_view bytes);

 private:
  std::string key(KeyKind kind, std::string_view rest) const;
  std::string timed_key(KeyKind kind, int64_t time_us, std::string_view entry) const;
  std::string tag_key(std::string_view tag, std::string_view entry) const;

  uint32_t space_id_;
  std::string ordered_;
};

}  // namespace holdfast::memory
