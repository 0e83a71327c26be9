#include "memory/cache_rows.h"

#include "base/ordered_key.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

enum EntryField : uint32_t {
  kSize = 1,
  kStoredSize = 2,
  kCreated = 3,
  kExpires = 4,
  kGone = 5,
  kUsed = 6,
  kTag = 7,
  kValue = 8,
};
enum ComputerField : uint32_t { kId = 1, kIncarnation = 2, kOwner = 3, kLease = 4 };
enum OptionsField : uint32_t { kBytesMax = 1, kTtl = 2, kTouchEvery = 3 };

std::string encode(const CacheRow& row) {
  FieldWriter fields;
  fields.number(kSize, row.size)
      .number(kStoredSize, row.stored_size)
      .integer(kCreated, row.created_us)
      .integer(kUsed, row.used_us);
  if (row.expires_us != 0) fields.integer(kExpires, row.expires_us).integer(kGone, row.gone_us);
  fields.texts(kTag, row.tags).text_if(kValue, row.value);
  return fields.bytes();
}

}  // namespace

CacheRows::CacheRows(uint32_t space_id, std::string_view name) : space_id_(space_id) {
  append_ordered_string(ordered_, name);
}

std::string CacheRows::key(KeyKind kind, std::string_view rest) const {
  return space_key(kind, space_id_, ordered_).append(rest);
}

std::string CacheRows::timed_key(KeyKind kind, int64_t time_us, std::string_view entry) const {
  std::string rest;
  append_ordered_u64(rest, static_cast<uint64_t>(time_us));
  return key(kind, rest.append(entry));
}

std::string CacheRows::tag_key(std::string_view tag, std::string_view entry) const {
  std::string rest;
  append_ordered_string(rest, tag);
  return key(KeyKind::kCacheTag, rest.append(entry));
}

KeyRange CacheRows::gone(int64_t now_us) const {
  return {key(KeyKind::kCacheExpiry, {}), timed_key(KeyKind::kCacheExpiry, now_us + 1, {})};
}

KeyRange CacheRows::tagged(std::string_view tag) const {
  return search::prefix_range(tag_key(tag, {}));
}

std::string_view CacheRows::entry_behind_time(std::string_view key) const {
  return key.substr(entry_prefix().size() + sizeof(uint64_t));
}

std::string_view CacheRows::entry_behind_tag(std::string_view key, std::string_view tag) const {
  return key.substr(tag_key(tag, {}).size());
}

std::vector<KeyRange> CacheRows::contents() const {
  std::vector<KeyRange> ranges;
  for (const KeyKind kind : {KeyKind::kCacheEntry, KeyKind::kCacheValue, KeyKind::kCacheRecency,
                             KeyKind::kCacheExpiry, KeyKind::kCacheTag}) {
    ranges.push_back(search::prefix_range(key(kind, {})));
  }
  for (const CacheCounter counter : {CacheCounter::kEntries, CacheCounter::kBytes}) {
    const std::string number =
        key(KeyKind::kCacheCounter, std::string(1, static_cast<char>(counter)));
    ranges.push_back({number, number + '\0'});
  }
  return ranges;
}

std::vector<KeyRange> CacheRows::all() const {
  std::vector<KeyRange> ranges = contents();
  for (const KeyKind kind :
       {KeyKind::kCacheCounter, KeyKind::kCacheOptions, KeyKind::kCacheComputer}) {
    ranges.push_back(search::prefix_range(key(kind, {})));
  }
  return ranges;
}

Result<CacheRow> CacheRows::decode(std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a cache's entry"));
  CacheRow row;
  row.size = fields.number_or(kSize, 0);
  row.stored_size = fields.number_or(kStoredSize, 0);
  row.created_us = fields.integer_or(kCreated, 0);
  row.expires_us = fields.integer_or(kExpires, 0);
  row.gone_us = fields.integer_or(kGone, 0);
  row.used_us = fields.integer_or(kUsed, 0);
  row.tags = fields.texts(kTag);
  row.value = fields.text(kValue);
  if (row.size <= kCacheValueSizeMax && row.stored_size <= row.size) return row;
  return malformed("a cache's entry");
}

Result<std::optional<CacheRow>> CacheRows::read(search::KeySource& source,
                                                std::string_view entry) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kCacheEntry, entry)));
  if (!bytes) return std::optional<CacheRow>();
  HOLDFAST_ASSIGN(CacheRow row, decode(*bytes));
  return std::optional<CacheRow>(std::move(row));
}

Result<std::string> CacheRows::read_value(search::KeySource& source, std::string_view entry,
                                          const CacheRow& row) const {
  if (row.value) return *row.value;
  HOLDFAST_ASSIGN(auto value, source.get(key(KeyKind::kCacheValue, entry)));
  if (value && value->size() == row.stored_size) return std::move(*value);
  return Status(StatusCode::kCorruption, "a cache's value is missing; run `holdfast check`");
}

Status CacheRows::insert(search::KeyTarget& target, std::string_view entry, CacheRow row,
                         std::string_view stored) const {
  row.stored_size = stored.size();
  if (stored.size() <= kInlineSizeMax) {
    row.value = stored;
  } else {
    HOLDFAST_TRY(target.put(key(KeyKind::kCacheValue, entry), stored));
  }
  HOLDFAST_TRY(target.put(key(KeyKind::kCacheEntry, entry), encode(row)));
  HOLDFAST_TRY(target.put(timed_key(KeyKind::kCacheRecency, row.used_us, entry), ""));
  if (row.gone_us != 0) {
    HOLDFAST_TRY(target.put(timed_key(KeyKind::kCacheExpiry, row.gone_us, entry), ""));
  }
  for (const std::string& tag : row.tags) HOLDFAST_TRY(target.put(tag_key(tag, entry), ""));
  HOLDFAST_TRY(count(target, CacheCounter::kEntries, 1));
  return count(target, CacheCounter::kBytes, static_cast<int64_t>(bytes_of(entry, row)));
}

Status CacheRows::erase(search::KeyTarget& target, std::string_view entry,
                        const CacheRow& row) const {
  HOLDFAST_TRY(target.del(key(KeyKind::kCacheEntry, entry)));
  if (!row.value) HOLDFAST_TRY(target.del(key(KeyKind::kCacheValue, entry)));
  HOLDFAST_TRY(target.del(timed_key(KeyKind::kCacheRecency, row.used_us, entry)));
  if (row.gone_us != 0) {
    HOLDFAST_TRY(target.del(timed_key(KeyKind::kCacheExpiry, row.gone_us, entry)));
  }
  for (const std::string& tag : row.tags) HOLDFAST_TRY(target.del(tag_key(tag, entry)));
  HOLDFAST_TRY(count(target, CacheCounter::kEntries, -1));
  return count(target, CacheCounter::kBytes, -static_cast<int64_t>(bytes_of(entry, row)));
}

Status CacheRows::touch(search::KeyTarget& target, std::string_view entry, const CacheRow& row,
                        int64_t now_us) const {
  CacheRow used = row;
  used.used_us = now_us;
  HOLDFAST_TRY(target.del(timed_key(KeyKind::kCacheRecency, row.used_us, entry)));
  HOLDFAST_TRY(target.put(timed_key(KeyKind::kCacheRecency, now_us, entry), ""));
  return target.put(key(KeyKind::kCacheEntry, entry), encode(used));
}

uint64_t CacheRows::bytes_of(std::string_view entry, const CacheRow& row) {
  constexpr uint64_t kRowBytes = 100;  // row, recency and expiry, about
  uint64_t bytes = kRowBytes + 3 * entry.size() + row.stored_size;
  for (const std::string& tag : row.tags) bytes += 2 * tag.size() + entry.size();
  return bytes;
}

Result<std::optional<CacheComputer>> CacheRows::read_computer(search::KeySource& source,
                                                              std::string_view entry) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(computer_key(entry)));
  if (!bytes) return std::optional<CacheComputer>();
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "who computes an entry"));
  CacheComputer computer;
  computer.id = fields.text_or_empty(kId);
  computer.handle = {fields.number_or(kIncarnation, 0),
                     static_cast<uint32_t>(fields.number_or(kOwner, 0))};
  computer.expires_us = fields.integer_or(kLease, 0);
  return std::optional<CacheComputer>(std::move(computer));
}

Status CacheRows::write_computer(search::KeyTarget& target, std::string_view entry,
                                 const CacheComputer& computer) const {
  FieldWriter fields;
  fields.text(kId, computer.id)
      .number(kIncarnation, computer.handle.incarnation)
      .number(kOwner, computer.handle.owner)
      .integer(kLease, computer.expires_us);
  return target.put(computer_key(entry), fields.bytes());
}

Result<CacheOptions> CacheRows::read_options(search::KeySource& source) const {
  CacheOptions options;
  HOLDFAST_ASSIGN(const auto bytes, source.peek(key(KeyKind::kCacheOptions, {})));
  if (!bytes) return options;
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "a cache's options"));
  options.bytes_max = fields.number_or(kBytesMax, options.bytes_max);
  options.ttl = std::chrono::milliseconds(fields.integer_or(kTtl, 0));
  options.touch_every = std::chrono::milliseconds(fields.integer_or(kTouchEvery, 0));
  return options;
}

Status CacheRows::write_options(search::KeyTarget& target, const CacheOptions& options) const {
  FieldWriter fields;
  fields.number(kBytesMax, options.bytes_max)
      .integer(kTtl, options.ttl.count())
      .integer(kTouchEvery, options.touch_every.count());
  return target.put(key(KeyKind::kCacheOptions, {}), fields.bytes());
}

Status CacheRows::count(search::KeyTarget& target, CacheCounter counter, int64_t by) const {
  if (by == 0) return Status::ok();
  return target.add(key(KeyKind::kCacheCounter, std::string(1, static_cast<char>(counter))), by);
}

Result<uint64_t> CacheRows::counted(search::KeySource& source, CacheCounter counter) const {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(key(KeyKind::kCacheCounter,
                                                    std::string(1, static_cast<char>(counter)))));
  const int64_t number = bytes ? decode_number(*bytes).value_or(0) : 0;
  return static_cast<uint64_t>(number < 0 ? 0 : number);
}

}  // namespace holdfast::memory
