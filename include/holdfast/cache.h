// Cache: values that may be lost, bounded in bytes and time, computed once for all processes.
//
// What goes first when there are too many bytes is what was not used for longest, about: that an
// entry was used is noted at most every `touch_every`, in memory, and written with the next write
// of this object, or by a get when much has piled up; so are hits and misses, by gets at most once
// a second. So keep the object: getting writes next to nothing. What a process that dies had not
// written yet is not counted.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). Copies share what is not written yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kCacheNameSizeMax = 100;  // bytes of UTF-8, at least 1
constexpr size_t kCacheKeySizeMax = 400;   // bytes, any, at least 1
constexpr size_t kCacheValueSizeMax = 1'000'000;
constexpr size_t kCacheTagSizeMax = 100;  // bytes of UTF-8, at least 1
constexpr size_t kCacheTagsMax = 16;
constexpr size_t kCacheListMax = 10'000;
constexpr std::chrono::milliseconds kCacheTtlMax{366LL * 24 * 3600 * 1000};

// Of one cache, for everybody; stored in the space.
struct CacheOptions {
  // Of keys and values as they are stored, and what comes with them. While several processes put at
  // once it is passed by what they put.
  uint64_t bytes_max = 256u << 20;
  std::chrono::milliseconds ttl{0};  // where a put has none; 0: until there is no room
  std::chrono::milliseconds touch_every{10'000};
};

struct CachePut {
  std::optional<std::chrono::milliseconds> ttl = {};  // 1 ms to kCacheTtlMax
  // How long behind its end it is still there for those who take a stale value.
  std::chrono::milliseconds stale_for{0};
  std::vector<std::string> tags = {};
  bool only_absent = false;  // leave a value that is there and has not ended
};

struct CacheEntry {
  std::string key = {};
  std::string value = {};
  std::vector<std::string> tags = {};
  int64_t created_us = 0;
  int64_t expires_us = 0;  // 0: never
  uint64_t bytes = 0;      // what it counts for
  bool is_stale = false;
};

struct NewCacheEntry {
  std::string key = {};
  std::string value = {};
  CachePut options = {};
};

struct ComputeOptions {
  CachePut put = {};
  // How long to wait for another who computes it.
  std::chrono::milliseconds wait{30'000};
  // Take a stale value rather than wait.
  bool take_stale = false;
  // Who computes has so long, then another may; one whose process dies is replaced at once.
  std::chrono::milliseconds lease{60'000};
};

struct Computed {
  std::string value = {};
  bool was_computed = false;  // by this call
  bool is_stale = false;
};

struct CacheStats {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t bytes_max = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t stale = 0;  // stale values that were taken
  uint64_t puts = 0;
  uint64_t evictions = 0;  // for want of room
  uint64_t expirations = 0;
  uint64_t computations = 0;
};

class Cache {
 public:
  // See Space::cache.
  Cache(std::shared_ptr<memory::Access> access, std::string name);

  // Applies from now on. Errors: InvalidArgument.
  Status configure(const CacheOptions& options) const;
  Result<CacheOptions> options() const;

  // The value, unless it has ended.
  Result<std::optional<std::string>> get(std::string_view key) const;
  // The same with what is known of it; with `or_stale` also one that has ended.
  Result<std::optional<CacheEntry>> find(std::string_view key, bool or_stale = false) const;
  // False: `only_absent`, and there was one. Errors: TooLarge, InvalidArgument (key, tags, ttl).
  Result<bool> put(std::string_view key, std::string_view value,
                   const CachePut& options = {}) const;
  // Puts those that are absent, in commits of some hundreds; how many that were.
  Result<uint64_t> warm(std::span<const NewCacheEntry> entries) const;
  // True: it was there.
  Result<bool> remove(std::string_view key) const;
  // Removes all entries with this tag, at most `limit` in one commit; how many.
  Result<uint64_t> remove_tagged(std::string_view tag, size_t limit = kCacheListMax) const;
  // Removes everything but options and statistics, in one commit.
  Status clear() const;
  // Removes the cache.
  Status drop() const;
  // Removes what has ended, at most `limit`; how many. Puts do it too, a few at a time.
  Result<uint64_t> sweep(size_t limit = 1000) const;

  // The value; if there is none, that of `compute`, which one of all processes and threads that ask
  // for it at once runs, while the others wait, or take a stale one. Where `compute` fails its
  // error is returned, and the next who waits computes. REQUIRES: not in a transaction. Errors:
  // Busy (still computed by another when `wait` had passed), those of put and `compute`.
  using Compute = std::function<Result<std::string>()>;
  Result<Computed> get_or_compute(std::string_view key, const Compute& compute,
                                  const ComputeOptions& options = {}) const;

  // Entries in the order of their keys, without values.
  Result<std::vector<CacheEntry>> list(std::string_view prefix = {}, std::string_view after = {},
                                       size_t limit = 1000) const;
  Result<CacheStats> stats() const;

 private:
  class State;
  Result<std::optional<CacheEntry>> read(std::string_view key, bool or_stale) const;
  void count_get(const std::optional<CacheEntry>& entry) const;
  Result<Computed> compute_now(std::string_view key, const Compute& compute,
                               const CachePut& options, const std::string& id) const;

  std::shared_ptr<memory::Access> access_;
  std::string name_;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast
