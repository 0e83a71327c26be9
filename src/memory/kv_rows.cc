#include "memory/kv_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"
#include "search/store_keyspace.h"
#include "store/history_rows.h"

namespace holdfast::memory {
namespace {

constexpr uint8_t kIsBlob = 1;
constexpr uint8_t kExpires = 2;
constexpr size_t kStampSize = 16;

Status damaged_value() {
  return malformed("a key-value");
}

Status no_store() {
  return Status(StatusCode::kUnsupported, "history needs a store; here are only keys");
}

// What the prefixes of all histories of a space begin with.
std::string history_space(uint32_t space_id) {
  return space_prefix(KeyKind::kKvHistory, space_id);
}

}  // namespace

std::string encode_content(const KvContent& content) {
  std::string bytes(
      1, static_cast<char>((content.is_blob ? kIsBlob : 0) | (content.expires_us ? kExpires : 0)));
  if (content.expires_us) {
    bytes.resize(1 + sizeof(int64_t));
    store_le(bytes.data() + 1, *content.expires_us);
  }
  return bytes.append(content.value);
}

Result<KvContent> parse_content(std::string_view bytes) {
  if (bytes.empty()) return damaged_value();
  const auto flags = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  if ((flags & ~(kIsBlob | kExpires)) != 0) {
    return Status(StatusCode::kUnsupported,
                  "a key-value has flags that this program does not know; use the newer Holdfast "
                  "that wrote it");
  }
  KvContent content;
  content.is_blob = (flags & kIsBlob) != 0;
  if ((flags & kExpires) != 0) {
    if (bytes.size() < sizeof(int64_t)) return damaged_value();
    content.expires_us = load_le<int64_t>(bytes.data());
    bytes.remove_prefix(sizeof(int64_t));
  }
  content.value = bytes;
  return content;
}

Result<KvRow> parse_kv_row(std::string_view bytes) {
  if (bytes.size() < kStampSize) return damaged_value();
  HOLDFAST_ASSIGN(const KvContent content, parse_content(bytes.substr(kStampSize)));
  return KvRow{load_le<uint64_t>(bytes.data()), load_le<uint64_t>(bytes.data() + 8), content};
}

Status put_kv_row(search::KeyTarget& target, uint32_t space_id, std::string_view key,
                  const KvContent& content) {
  if (content.expires_us) {
    HOLDFAST_TRY(target.put(expiry_key(space_id, *content.expires_us, key), {}));
  }
  return target.put_stamped(space_key(KeyKind::kKv, space_id, key), {}, encode_content(content),
                            {.has_time = true, .version_in = StampOptions::Place::kValue});
}

Result<std::optional<std::string>> live_kv_row(search::KeySource& source, uint32_t space_id,
                                               std::string_view key, int64_t now_us) {
  HOLDFAST_ASSIGN(auto bytes, source.get(space_key(KeyKind::kKv, space_id, key)));
  if (!bytes) return bytes;
  HOLDFAST_ASSIGN(const KvRow row, parse_kv_row(*bytes));
  return row.is_expired(now_us) ? std::optional<std::string>() : std::move(bytes);
}

Result<std::optional<BlobRef>> find_kv_blob(search::KeySource& source, uint32_t space_id,
                                            std::string_view key) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_key(KeyKind::kKvBlob, space_id, key)));
  if (!bytes) return std::optional<BlobRef>();
  HOLDFAST_ASSIGN(const BlobRef ref, decode_blob_ref(*bytes));
  return std::optional(ref);
}

KeyRange kv_range(const std::string& space, const KvListOptions& options) {
  KeyRange range = search::prefix_range(space + options.prefix);
  range.begin = std::max(range.begin, space + options.begin);
  if (!options.end.empty()) range.end = std::min(range.end, space + options.end);
  if (!options.after.empty()) range.begin = std::max(range.begin, space + options.after + '\0');
  return range;
}

KvEntry kv_entry(std::string_view key, const KvRow& row, bool keys_only) {
  KvEntry entry;
  entry.key = key;
  if (!keys_only) entry.value = row.content.value;
  entry.size = row.content.value.size();
  entry.is_blob = row.content.is_blob;
  entry.version = row.version;
  entry.time_us = row.time_us;
  entry.expires_us = row.content.expires_us;
  return entry;
}

std::string expiry_key(uint32_t space_id, int64_t expires_us, std::string_view key) {
  std::string index = space_prefix(KeyKind::kKvExpiry, space_id);
  append_ordered_u64(index, static_cast<uint64_t>(expires_us));
  return index.append(key);
}

Result<Expiry> parse_expiry(uint32_t space_id, std::string_view index_key) {
  index_key.remove_prefix(space_prefix(KeyKind::kKvExpiry, space_id).size());
  const auto expires_us = take_ordered_u64(index_key);
  if (!expires_us) return damaged_value();
  return Expiry{static_cast<int64_t>(*expires_us), std::string(index_key)};
}

Status KeptPrefix::check_name(std::string_view key) const {
  constexpr size_t kKeySizeMax = 1024;
  const size_t size = store::row_key(store::group_of(history.prefix(), name(key)), 0).size();
  if (size <= kKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the key is too long for one that keeps history, where each zero byte counts "
                "twice: shorten it by " +
                    std::to_string(size - kKeySizeMax) + " bytes, or drop the history");
}

KeptPrefix kept_prefix(uint32_t space_id, std::string_view prefix) {
  std::string history = history_space(space_id);
  append_ordered_string(history, prefix);
  return {std::string(prefix), History(std::move(history))};
}

Result<std::vector<KeptPrefix>> kept_prefixes(search::KeySource& source, uint32_t space_id) {
  std::vector<KeptPrefix> prefixes;
  const std::string space = store::retention_key(history_space(space_id));
  Status damage;
  HOLDFAST_TRY(source.scan(search::prefix_range(space), [&](std::string_view key, auto) {
    key.remove_prefix(space.size());
    const auto prefix = take_ordered_string(key);
    if (!prefix || !key.empty()) {
      damage = damaged_value();
      return false;
    }
    prefixes.push_back(kept_prefix(space_id, *prefix));
    return true;
  }));
  HOLDFAST_TRY(damage);
  return prefixes;
}

const KeptPrefix* prefix_of(const std::vector<KeptPrefix>& prefixes, std::string_view key) {
  for (const KeptPrefix& kept : prefixes) {
    if (key.substr(0, kept.prefix.size()) == kept.prefix) return &kept;
  }
  return nullptr;
}

Result<Transaction*> transaction_of(search::KeyTarget& target) {
  auto* const store = dynamic_cast<search::TransactionTarget*>(&target);
  if (store == nullptr) return no_store();
  return &store->transaction();
}

Result<Reader*> reader_of(search::KeySource& source) {
  if (auto* const view = dynamic_cast<search::ReaderSource*>(&source)) return &view->reader();
  auto* const store = dynamic_cast<search::TransactionTarget*>(&source);
  if (store == nullptr) return no_store();
  return static_cast<Reader*>(&store->transaction());
}

Status check_kv_key(std::string_view key) {
  if (!key.empty() && key.size() <= kKvKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "the key has " + std::to_string(key.size()) +
                                                  " bytes; 1 to " + std::to_string(kKvKeySizeMax) +
                                                  " are allowed");
}

Status no_blobs() {
  return Status(StatusCode::kUnsupported, "large values need a store; here are only keys");
}

std::string encode_blob_ref(const BlobRef& ref) {
  std::string bytes(ref.hash.data(), ref.hash.size());
  append_varint(bytes, ref.size);
  return bytes;
}

Result<BlobRef> decode_blob_ref(std::string_view bytes) {
  BlobRef ref;
  if (bytes.size() >= ref.hash.size()) {
    std::copy_n(bytes.data(), ref.hash.size(), ref.hash.data());
    bytes.remove_prefix(ref.hash.size());
    const auto size = take_varint(bytes);
    if (size && bytes.empty()) {
      ref.size = *size;
      return ref;
    }
  }
  return malformed("the entry of a large value");
}

}  // namespace holdfast::memory
