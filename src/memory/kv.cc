#include "holdfast/kv.h"

#include <algorithm>

#include "base/check.h"
#include "memory/json_value.h"
#include "memory/kv_writer.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::KvContent;
using memory::KvRow;
using memory::KvWriter;
using memory::space_key;

// Says how large the entries are that are blobs, by one scan of the same stretch of keys.
Status note_blobs(search::KeySource& source, uint32_t space_id, std::vector<KvEntry>& entries) {
  const std::string space = memory::space_prefix(KeyKind::kKvBlob, space_id);
  const KeyRange range{space + entries.front().key, space + entries.back().key + '\0'};
  auto entry = entries.begin();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(space.size());
    while (entry != entries.end() && entry->key < key) ++entry;
    const auto ref = memory::decode_blob_ref(value);
    damage = ref.status();
    if (!ref || entry == entries.end()) return false;
    if (entry->key == key) entry->size = ref->size;
    return true;
  }));
  return damage;
}

}  // namespace

Result<size_t> KvReader::read(char* out, size_t size) {
  if (blob_) return blob_->read(out, size);
  const size_t count = value_.copy(out, size, position_);
  position_ += count;
  return count;
}

Result<std::string> KvReader::whole() {
  if (!blob_) return std::move(value_);
  std::string value(size(), '\0');
  HOLDFAST_ASSIGN(const size_t count, blob_->read_at(0, value.data(), value.size()));
  CHECK(count == value.size());
  return value;
}

Kv::Kv(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::optional<KvReader>> Kv::open(std::string_view key) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  std::optional<KvReader> reader;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    reader.reset();
    HOLDFAST_ASSIGN(const auto bytes,
                    memory::live_kv_row(source, space_id, key, access_->now_us()));
    if (!bytes) return Status::ok();
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    if (!row.content.is_blob) {
      reader.emplace(std::string(row.content.value));
      return Status::ok();
    }
    HOLDFAST_ASSIGN(const auto ref, memory::find_kv_blob(source, space_id, key));
    if (access_->blobs() == nullptr) return memory::no_blobs();
    if (!ref) {
      return Status(StatusCode::kCorruption,
                    "a large value has no entry of what it is; run `holdfast check`");
    }
    HOLDFAST_ASSIGN(BlobReader blob, access_->blobs()->open(source, *ref));
    reader.emplace(std::move(blob));
    return Status::ok();
  }));
  return reader;
}

Result<std::optional<std::string>> Kv::get(std::string_view key) const {
  HOLDFAST_ASSIGN(auto reader, this->open(key));
  if (!reader) return std::optional<std::string>();
  if (reader->size() > kKvValueSizeMax) {
    return Status(StatusCode::kTooLarge, "the value has " + std::to_string(reader->size()) +
                                             " bytes; read it as a stream (Kv::open, `holdfast "
                                             "get` without --json)");
  }
  HOLDFAST_ASSIGN(std::string value, reader->whole());
  return std::optional(std::move(value));
}

Result<std::optional<KvEntry>> Kv::find(std::string_view key) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  std::optional<KvEntry> entry;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entry.reset();
    HOLDFAST_ASSIGN(const auto bytes,
                    memory::live_kv_row(source, space_id, key, access_->now_us()));
    if (!bytes) return Status::ok();
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    entry = memory::kv_entry(key, row, false);
    if (!entry->is_blob) return Status::ok();
    HOLDFAST_ASSIGN(const auto ref, memory::find_kv_blob(source, space_id, key));
    if (ref) entry->size = ref->size;
    return Status::ok();
  }));
  return entry;
}

Result<std::vector<std::optional<std::string>>> Kv::get_all(
    const std::vector<std::string>& keys) const {
  if (keys.size() > kKvBatchMax) {
    return Status(StatusCode::kTooLarge,
                  "at most " + std::to_string(kKvBatchMax) + " keys can be got at once");
  }
  for (const std::string& key : keys) HOLDFAST_TRY(memory::check_kv_key(key));
  std::vector<std::optional<std::string>> values;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const int64_t now_us = access_->now_us();
    values.assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      HOLDFAST_ASSIGN(const auto bytes, memory::live_kv_row(source, space_id, keys[i], now_us));
      if (!bytes) continue;
      HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
      if (row.content.is_blob) {
        return Status(StatusCode::kTooLarge, "key \"" + keys[i] +
                                                 "\" has a large value; read it as a stream "
                                                 "(Kv::open)");
      }
      values[i] = row.content.value;
    }
    return Status::ok();
  }));
  values.resize(keys.size());
  return values;
}

Status Kv::write_one(const KvWrite& write) const {
  HOLDFAST_TRY(memory::check_kv_write(write));
  const auto work = [&](search::KeyTarget& target, uint32_t space_id) -> Status {
    KvWriter writer(*access_, target, space_id);
    HOLDFAST_TRY(writer.check(write.key, write.options.if_version));
    HOLDFAST_TRY(writer.reserve(memory::changes_of({write})));
    HOLDFAST_TRY(write.value ? writer.put(write.key, *write.value, write.options.ttl)
                             : writer.del(write.key));
    return writer.settle();
  };
  if (write.value) {
    HOLDFAST_TRY(access_->write(work));
  } else {
    bool is_there = false;
    HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
      is_there = true;
      return work(target, space_id);
    }));
    const auto& expected = write.options.if_version;
    if (!is_there && expected && *expected != kKvNoVersion) {
      return memory::wrong_kv_version(write.key, *expected, kKvNoVersion);
    }
  }
  sweep_now_and_then();
  return Status::ok();
}

Status Kv::put(std::string_view key, std::string_view value, const KvPutOptions& options) const {
  return write_one({std::string(key), std::string(value), options});
}

Status Kv::del(std::string_view key, std::optional<uint64_t> if_version) const {
  return write_one({std::string(key), std::nullopt, {.if_version = if_version}});
}

Status Kv::apply(const std::vector<KvWrite>& batch) const {
  if (batch.size() > kKvBatchMax) {
    return Status(StatusCode::kTooLarge, "a batch has at most " + std::to_string(kKvBatchMax) +
                                             " operations; this one has " +
                                             std::to_string(batch.size()));
  }
  const auto at = [](size_t i, const Status& status) {
    return Status(status.code(), "operation " + std::to_string(i + 1) +
                                     " of the batch: " + std::string(status.message()))
        .with_version(status.version().value_or(kKvNoVersion));
  };
  for (size_t i = 0; i < batch.size(); ++i) {
    if (Status status = memory::check_kv_write(batch[i]); !status) return at(i, status);
  }
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    KvWriter writer(*access_, target, space_id);
    // Before the first write: conditions are of what was there before the batch.
    for (size_t i = 0; i < batch.size(); ++i) {
      Status status = writer.check(batch[i].key, batch[i].options.if_version);
      if (!status) return at(i, status);
    }
    HOLDFAST_TRY(writer.reserve(memory::changes_of(batch)));
    for (const KvWrite& write : batch) {
      HOLDFAST_TRY(write.value ? writer.put(write.key, *write.value, write.options.ttl)
                               : writer.del(write.key));
    }
    return writer.settle();
  }));
  sweep_now_and_then();
  return Status::ok();
}

Result<BlobWriter> Kv::write() const {
  if (access_->blobs() == nullptr) return memory::no_blobs();
  return access_->blobs()->write();
}

Status Kv::put(std::string_view key, const NewBlob& blob) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  if (access_->blobs() == nullptr) return memory::no_blobs();
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    KvWriter writer(*access_, target, space_id);
    HOLDFAST_TRY(writer.reserve({{key, blob.ref().size}}));
    HOLDFAST_TRY(writer.put(key, KvContent{true, {}, {}}));
    HOLDFAST_TRY(writer.settle());
    const std::string entry = space_key(KeyKind::kKvBlob, space_id, key);
    HOLDFAST_TRY(access_->blobs()->reference(target, blob, entry));
    return target.put(entry, memory::encode_blob_ref(blob.ref()));
  });
}

Result<std::vector<KvEntry>> Kv::list(const KvListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kKvListLimitMax));
  if (options.as_of.kind != AsOf::Kind::kLatest) return list_at(options);
  std::vector<KvEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entries.clear();
    const std::string space = memory::space_prefix(KeyKind::kKv, space_id);
    const KeyRange range = memory::kv_range(space, options);
    if (range.begin >= range.end) return Status::ok();
    const int64_t now_us = access_->now_us();
    bool some_blobs = false;
    Status damage;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
      const auto row = memory::parse_kv_row(value);
      damage = row.status();
      if (!row) return false;
      if (row->is_expired(now_us)) return true;
      some_blobs = some_blobs || row->content.is_blob;
      entries.push_back(memory::kv_entry(key.substr(space.size()), *row, options.keys_only));
      return entries.size() < options.limit;
    }));
    HOLDFAST_TRY(damage);
    return some_blobs ? note_blobs(source, space_id, entries) : Status::ok();
  }));
  return entries;
}

Status Kv::for_each(KvListOptions options,
                    const std::function<Status(const KvEntry& entry)>& visit) const {
  while (true) {
    HOLDFAST_ASSIGN(const auto entries, list(options));
    for (const KvEntry& entry : entries) HOLDFAST_TRY(visit(entry));
    if (entries.size() < options.limit) return Status::ok();
    options.after = entries.back().key;
  }
}

// --- JSON

Result<std::optional<std::string>> Kv::get_json(std::string_view key, std::string_view path) const {
  HOLDFAST_TRY(memory::check_json_pointer(path));
  HOLDFAST_ASSIGN(const auto value, get(key));
  if (!value) return value;
  return memory::json_at(*value, path);
}

Status Kv::merge_json(std::string_view key, std::string_view patch) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  HOLDFAST_TRY(memory::check_json_patch(patch));
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto bytes,
                    memory::live_kv_row(target, space_id, key, access_->now_us()));
    KvContent content;
    if (bytes) {
      HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
      content = row.content;
    } else {
      content.value = "{}";
    }
    if (content.is_blob) {
      return Status(StatusCode::kConditionFalse,
                    "key \"" + std::string(key) + "\" has a large value, which cannot be merged");
    }
    HOLDFAST_ASSIGN(const std::string merged, memory::merge_json(content.value, patch));
    content.value = merged;
    HOLDFAST_TRY(memory::check_kv_write({std::string(key), merged}));
    KvWriter writer(*access_, target, space_id);
    HOLDFAST_TRY(writer.reserve({{key, merged.size()}}));
    HOLDFAST_TRY(writer.put(key, content));
    return writer.settle();
  });
}

}  // namespace holdfast
