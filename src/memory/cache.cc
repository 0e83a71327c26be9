#include "holdfast/cache.h"

#include <algorithm>

#include "memory/cache_state.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::CacheCounter;
using memory::CacheItem;
using memory::CacheRow;
using memory::CacheRows;

constexpr size_t kWarmStep = 200;  // entries put in one commit
constexpr size_t kVictimsAside = 64;

// Which of the oldest entries a put may remove first: in its first run the oldest, when it has to
// run again others, for somebody else removes the same.
size_t victims_aside(memory::Access& access, int run) {
  return run == 0 ? 0 : access.next_stamp().id.bytes[15] % kVictimsAside;
}

CacheEntry to_entry(std::string_view key, const CacheRow& row, int64_t now_us) {
  CacheEntry entry;
  entry.key = key;
  entry.tags = row.tags;
  entry.created_us = row.created_us;
  entry.expires_us = row.expires_us;
  entry.bytes = CacheRows::bytes_of(key, row);
  entry.is_stale = !row.is_fresh(now_us);
  return entry;
}

}  // namespace

Cache::Cache(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)),
      name_(std::move(name)),
      state_(std::make_shared<State>(access_, name_)) {}

Status Cache::configure(const CacheOptions& options) const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  constexpr uint64_t kBytesMin = 4096;
  if (options.bytes_max < kBytesMin) {
    return Status(StatusCode::kInvalidArgument, "bytes_max must be at least 4096");
  }
  if (options.ttl.count() < 0 || options.ttl > kCacheTtlMax || options.touch_every.count() < 0 ||
      options.touch_every > kCacheTtlMax) {
    return Status(StatusCode::kInvalidArgument, "ttl and touch_every must be 0 to 366 days");
  }
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return CacheRows(space_id, name_).write_options(target, options);
  });
}

Result<CacheOptions> Cache::options() const {
  CacheOptions options;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(options, CacheRows(space_id, name_).read_options(source));
    return Status::ok();
  }));
  return options;
}

Result<std::optional<std::string>> Cache::get(std::string_view key) const {
  HOLDFAST_ASSIGN(auto entry, find(key));
  if (!entry) return std::optional<std::string>();
  return std::optional<std::string>(std::move(entry->value));
}

Result<std::optional<CacheEntry>> Cache::find(std::string_view key, bool or_stale) const {
  HOLDFAST_TRY(memory::check_cache(name_, key));
  HOLDFAST_ASSIGN(auto entry, read(key, or_stale));
  count_get(entry);
  if (access_->is_own_commit() && state_->is_due()) HOLDFAST_TRY(state_->flush());
  return entry;
}

void Cache::count_get(const std::optional<CacheEntry>& entry) const {
  state_->count(!entry            ? CacheCounter::kMisses
                : entry->is_stale ? CacheCounter::kStale
                                  : CacheCounter::kHits);
}

Result<std::optional<CacheEntry>> Cache::read(std::string_view key, bool or_stale) const {
  std::optional<CacheEntry> entry;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    const int64_t now_us = access_->now_us();
    HOLDFAST_ASSIGN(const auto row, rows.read(source, key));
    if (!row || !(row->is_fresh(now_us) || (or_stale && row->is_there(now_us)))) {
      return Status::ok();
    }
    HOLDFAST_ASSIGN(const std::string stored, rows.read_value(source, key, *row));
    entry = to_entry(key, *row, now_us);
    HOLDFAST_ASSIGN(entry->value, state_->decompress(stored, row->size));
    HOLDFAST_ASSIGN(const CacheOptions options, rows.read_options(source));
    const int64_t since_us = static_cast<int64_t>(options.touch_every.count()) * 1000;
    if (now_us - row->used_us > since_us) state_->use(key, now_us);
    return Status::ok();
  }));
  return entry;
}

Result<bool> Cache::put(std::string_view key, std::string_view value,
                        const CachePut& options) const {
  HOLDFAST_TRY(memory::check_cache(name_, key));
  HOLDFAST_TRY(memory::check_put(value, options));
  const std::string stored = state_->compress(value);
  const State::Pending pending = access_->is_own_commit() ? state_->pending() : State::Pending{};
  bool was_put = false;
  int run = 0;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    const CacheItem item{key, stored, value.size(), &options};
    HOLDFAST_ASSIGN(was_put, memory::put_item(target, rows, item, access_->now_us(),
                                              victims_aside(*access_, run++)));
    return memory::write_pending(target, rows, pending.counts, pending.used);
  }));
  state_->settle(pending);
  return was_put;
}

Result<uint64_t> Cache::warm(std::span<const NewCacheEntry> entries) const {
  for (const NewCacheEntry& entry : entries) {
    HOLDFAST_TRY(memory::check_cache(name_, entry.key));
    HOLDFAST_TRY(memory::check_put(entry.value, entry.options));
  }
  uint64_t warmed = 0;
  for (size_t begin = 0; begin < entries.size(); begin += kWarmStep) {
    const auto step = entries.subspan(begin, std::min(kWarmStep, entries.size() - begin));
    uint64_t put = 0;
    int run = 0;
    HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
      put = 0;
      const size_t aside = victims_aside(*access_, run++);
      for (const NewCacheEntry& entry : step) {
        CachePut options = entry.options;
        options.only_absent = true;
        const std::string stored = state_->compress(entry.value);
        const CacheItem item{entry.key, stored, entry.value.size(), &options};
        HOLDFAST_ASSIGN(const bool was_put, memory::put_item(target, CacheRows(space_id, name_),
                                                             item, access_->now_us(), aside));
        put += was_put ? 1 : 0;
      }
      return Status::ok();
    }));
    warmed += put;
  }
  return warmed;
}

Result<bool> Cache::remove(std::string_view key) const {
  HOLDFAST_TRY(memory::check_cache(name_, key));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto row, rows.read(target, key));
    found = row.has_value();
    return found ? rows.erase(target, key, *row) : Status::ok();
  }));
  return found;
}

Result<uint64_t> Cache::remove_tagged(std::string_view tag, size_t limit) const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  HOLDFAST_TRY(memory::check_name("a tag", tag, kCacheTagSizeMax));
  HOLDFAST_TRY(memory::check_limit(limit, kCacheListMax));
  uint64_t removed = 0;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    std::vector<std::string> entries;
    HOLDFAST_TRY(target.scan(rows.tagged(tag), [&](std::string_view key, std::string_view) {
      entries.emplace_back(rows.entry_behind_tag(key, tag));
      return entries.size() < limit;
    }));
    for (const std::string& entry : entries) {
      HOLDFAST_ASSIGN(const auto row, rows.read(target, entry));
      if (row) HOLDFAST_TRY(rows.erase(target, entry, *row));
    }
    removed = entries.size();
    return Status::ok();
  }));
  return removed;
}

Status Cache::clear() const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    for (const KeyRange& range : CacheRows(space_id, name_).contents()) {
      HOLDFAST_TRY(target.del_range(range));
    }
    return Status::ok();
  });
}

Status Cache::drop() const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  const State::Pending pending = state_->pending();
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    for (const KeyRange& range : CacheRows(space_id, name_).all()) {
      HOLDFAST_TRY(target.del_range(range));
    }
    return Status::ok();
  }));
  state_->settle(pending);
  return Status::ok();
}

Result<uint64_t> Cache::sweep(size_t limit) const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  HOLDFAST_TRY(memory::check_limit(limit, kCacheListMax));
  uint64_t removed = 0;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(
        removed, memory::sweep_gone(target, CacheRows(space_id, name_), access_->now_us(), limit));
    return Status::ok();
  }));
  return removed;
}

Result<std::vector<CacheEntry>> Cache::list(std::string_view prefix, std::string_view after,
                                            size_t limit) const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  HOLDFAST_TRY(memory::check_limit(limit, kCacheListMax));
  std::vector<CacheEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    const std::string all = rows.entry_prefix();
    KeyRange range = search::prefix_range(std::string(all).append(prefix));
    if (!after.empty()) {
      range.begin = std::max(range.begin, std::string(all).append(after) + '\0');
    }
    if (range.begin >= range.end) return Status::ok();
    const int64_t now_us = access_->now_us();
    Status damage;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
      const auto row = CacheRows::decode(value);
      damage = row.status();
      if (!row) return false;
      if (row->is_there(now_us)) {
        entries.push_back(to_entry(key.substr(all.size()), *row, now_us));
      }
      return entries.size() < limit;
    }));
    return damage;
  }));
  return entries;
}

Result<CacheStats> Cache::stats() const {
  HOLDFAST_TRY(memory::check_name("a cache's name", name_, kCacheNameSizeMax));
  CacheStats stats;
  stats.bytes_max = CacheOptions().bytes_max;
  const auto pending = state_->pending().counts;
  const auto with_pending = [&](CacheCounter counter, uint64_t counted) {
    const auto found = pending.find(counter);
    return counted + static_cast<uint64_t>(found == pending.end() ? 0 : found->second);
  };
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const CacheRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const CacheOptions options, rows.read_options(source));
    stats.bytes_max = options.bytes_max;
    HOLDFAST_ASSIGN(stats.entries, rows.counted(source, CacheCounter::kEntries));
    HOLDFAST_ASSIGN(stats.bytes, rows.counted(source, CacheCounter::kBytes));
    HOLDFAST_ASSIGN(stats.hits, rows.counted(source, CacheCounter::kHits));
    HOLDFAST_ASSIGN(stats.misses, rows.counted(source, CacheCounter::kMisses));
    HOLDFAST_ASSIGN(stats.stale, rows.counted(source, CacheCounter::kStale));
    HOLDFAST_ASSIGN(stats.puts, rows.counted(source, CacheCounter::kPuts));
    HOLDFAST_ASSIGN(stats.evictions, rows.counted(source, CacheCounter::kEvictions));
    HOLDFAST_ASSIGN(stats.expirations, rows.counted(source, CacheCounter::kExpirations));
    HOLDFAST_ASSIGN(stats.computations, rows.counted(source, CacheCounter::kComputations));
    return Status::ok();
  }));
  stats.hits = with_pending(CacheCounter::kHits, stats.hits);
  stats.misses = with_pending(CacheCounter::kMisses, stats.misses);
  stats.stale = with_pending(CacheCounter::kStale, stats.stale);
  return stats;
}

}  // namespace holdfast
