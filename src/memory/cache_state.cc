#include "memory/cache_state.h"

#include <algorithm>

#include "memory/fields.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::CacheCounter;
using memory::CacheRow;
using memory::CacheRows;

constexpr uint64_t kGetsMin = 1000;  // fewer are not worth a commit
constexpr int64_t kWriteEveryUs = 1'000'000;
constexpr size_t kUsedMax = 500;
constexpr size_t kCompressMin = 512;  // bytes; less is not worth a frame
constexpr size_t kVictimsMax = 64;    // entries that one put removes
constexpr size_t kGoneMax = 16;

// Removes what is gone, a little at a time.
Status remove_gone(search::KeyTarget& target, const CacheRows& rows, int64_t now_us, size_t limit,
                   uint64_t& removed) {
  std::vector<std::string> entries;
  HOLDFAST_TRY(target.peek_scan(rows.gone(now_us), [&](std::string_view key, std::string_view) {
    entries.emplace_back(rows.entry_behind_time(key));
    return entries.size() < limit;
  }));
  for (const std::string& entry : entries) {
    HOLDFAST_ASSIGN(const auto row, rows.read(target, entry));
    if (!row || row->is_there(now_us)) continue;
    HOLDFAST_TRY(rows.erase(target, entry, *row));
    ++removed;
  }
  return rows.count(target, CacheCounter::kExpirations, static_cast<int64_t>(removed));
}

// Removes what was not used for longest until the cache is within its bound; not `kept`. Who had
// to run again begins elsewhere among the first: others remove these already.
Status evict(search::KeyTarget& target, const CacheRows& rows, uint64_t bytes_max,
             std::string_view kept, size_t first_victim) {
  HOLDFAST_ASSIGN(uint64_t bytes, rows.counted(target, CacheCounter::kBytes));
  if (bytes <= bytes_max) return Status::ok();
  std::vector<std::string> victims;
  HOLDFAST_TRY(target.peek_scan(rows.recency(), [&](std::string_view key, std::string_view) {
    victims.emplace_back(rows.entry_behind_time(key));
    return victims.size() < kVictimsMax + first_victim;
  }));
  if (victims.size() > kVictimsMax) {
    std::rotate(victims.begin(),
                victims.begin() + static_cast<ptrdiff_t>(victims.size() - kVictimsMax),
                victims.end());
  }
  int64_t evicted = 0;
  for (const std::string& entry : victims) {
    if (bytes <= bytes_max) break;
    if (entry == kept) continue;
    HOLDFAST_ASSIGN(const auto row, rows.read(target, entry));
    if (!row) continue;
    HOLDFAST_TRY(rows.erase(target, entry, *row));
    bytes -= std::min(bytes, CacheRows::bytes_of(entry, *row));
    ++evicted;
  }
  return rows.count(target, CacheCounter::kEvictions, evicted);
}

}  // namespace

Cache::State::~State() {
  if (access_->is_own_commit()) (void)flush().is_ok();
}

void Cache::State::count(CacheCounter counter) {
  const std::lock_guard lock(mutex_);
  ++pending_.counts[counter];
}

void Cache::State::use(std::string_view entry, int64_t now_us) {
  const std::lock_guard lock(mutex_);
  if (pending_.used.size() < kUsedMax) pending_.used[std::string(entry)] = now_us;
}

bool Cache::State::is_due() const {
  const std::lock_guard lock(mutex_);
  if (pending_.used.size() >= kUsedMax) return true;
  int64_t counts = 0;
  for (const auto& [counter, count] : pending_.counts) counts += count;
  if (counts < static_cast<int64_t>(kGetsMin)) return false;
  const int64_t since_us = access_->now_us() - written_us_;
  return since_us < 0 || since_us >= kWriteEveryUs;  // a clock may be set back
}

Cache::State::Pending Cache::State::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

void Cache::State::settle(const Pending& written) {
  const std::lock_guard lock(mutex_);
  written_us_ = access_->now_us();
  for (const auto& [counter, count] : written.counts) pending_.counts[counter] -= count;
  for (const auto& [entry, when] : written.used) {
    const auto found = pending_.used.find(entry);
    if (found != pending_.used.end() && found->second == when) pending_.used.erase(found);
  }
}

Status Cache::State::flush() {
  const Pending pending = this->pending();
  const bool is_empty =
      pending.used.empty() && std::all_of(pending.counts.begin(), pending.counts.end(),
                                          [](const auto& entry) { return entry.second == 0; });
  if (is_empty) return Status::ok();
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    return memory::write_pending(target, CacheRows(space_id, name_), pending.counts, pending.used);
  }));
  settle(pending);
  return Status::ok();
}

std::string Cache::State::compress(std::string_view value) {
  if (value.size() < kCompressMin) return std::string(value);
  const std::lock_guard lock(mutex_);
  return std::string(compressor_.compress(value));
}

Result<std::string> Cache::State::decompress(std::string_view stored, size_t size) {
  if (stored.size() == size) return std::string(stored);
  std::string value(size, '\0');
  const std::lock_guard lock(mutex_);
  if (decompressor_.decompress(stored, value.data(), size)) return value;
  return memory::malformed("a cache's value");
}

namespace memory {

Status write_pending(search::KeyTarget& target, const CacheRows& rows,
                     const std::map<CacheCounter, int64_t>& counts,
                     const std::map<std::string, int64_t, std::less<>>& used) {
  for (const auto& [counter, count] : counts) HOLDFAST_TRY(rows.count(target, counter, count));
  for (const auto& [entry, when] : used) {
    HOLDFAST_ASSIGN(const auto row, rows.read(target, entry));
    if (row && row->used_us < when) HOLDFAST_TRY(rows.touch(target, entry, *row, when));
  }
  return Status::ok();
}

Status check_cache(std::string_view name, std::string_view entry) {
  HOLDFAST_TRY(check_name("a cache's name", name, kCacheNameSizeMax));
  if (!entry.empty() && entry.size() <= kCacheKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the key has " + std::to_string(entry.size()) + " bytes; 1 to " +
                    std::to_string(kCacheKeySizeMax) + " are allowed: use its hash");
}

Status check_put(std::string_view value, const CachePut& options) {
  if (value.size() > kCacheValueSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the value has " + std::to_string(value.size()) + " bytes; at most " +
                      std::to_string(kCacheValueSizeMax) + " are allowed: cache where it is");
  }
  if (options.tags.size() > kCacheTagsMax) {
    return Status(StatusCode::kInvalidArgument, "an entry has at most 16 tags");
  }
  for (const std::string& tag : options.tags) {
    HOLDFAST_TRY(check_name("a tag", tag, kCacheTagSizeMax));
  }
  const bool is_ttl_right =
      !options.ttl || (options.ttl->count() > 0 && *options.ttl <= kCacheTtlMax);
  if (is_ttl_right && options.stale_for.count() >= 0 && options.stale_for <= kCacheTtlMax) {
    return Status::ok();
  }
  return Status(StatusCode::kInvalidArgument,
                "ttl must be 1 ms to 366 days, stale_for at most 366 days");
}

Result<bool> put_item(search::KeyTarget& target, const CacheRows& rows, const CacheItem& item,
                      int64_t now_us, size_t first_victim) {
  HOLDFAST_ASSIGN(const CacheOptions options, rows.read_options(target));
  CacheRow row;
  row.size = item.size;
  row.stored_size = item.stored.size();
  row.created_us = row.used_us = now_us;
  row.tags = item.options->tags;
  std::sort(row.tags.begin(), row.tags.end());
  row.tags.erase(std::unique(row.tags.begin(), row.tags.end()), row.tags.end());
  const auto ttl = item.options->ttl.value_or(options.ttl);
  if (ttl.count() > 0) {
    row.expires_us = now_us + static_cast<int64_t>(ttl.count()) * 1000;
    row.gone_us = row.expires_us + static_cast<int64_t>(item.options->stale_for.count()) * 1000;
  }
  if (CacheRows::bytes_of(item.entry, row) > options.bytes_max) {
    return Status(StatusCode::kTooLarge,
                  "the entry takes " + std::to_string(CacheRows::bytes_of(item.entry, row)) +
                      " bytes and the whole cache may hold " + std::to_string(options.bytes_max) +
                      "; raise bytes_max");
  }
  HOLDFAST_ASSIGN(const auto before, rows.read(target, item.entry));
  if (before && item.options->only_absent && before->is_fresh(now_us)) return false;
  if (before) HOLDFAST_TRY(rows.erase(target, item.entry, *before));
  HOLDFAST_TRY(rows.insert(target, item.entry, std::move(row), item.stored));
  HOLDFAST_TRY(rows.count(target, CacheCounter::kPuts, 1));
  uint64_t gone = 0;
  HOLDFAST_TRY(remove_gone(target, rows, now_us, kGoneMax, gone));
  HOLDFAST_TRY(evict(target, rows, options.bytes_max, item.entry, first_victim));
  return true;
}

Result<uint64_t> sweep_gone(search::KeyTarget& target, const CacheRows& rows, int64_t now_us,
                            size_t limit) {
  uint64_t removed = 0;
  HOLDFAST_TRY(remove_gone(target, rows, now_us, limit, removed));
  return removed;
}

}  // namespace memory
}  // namespace holdfast
