#include "holdfast/kv.h"

#include <algorithm>
#include <map>

#include "base/coding.h"
#include "memory/json_value.h"
#include "memory/kv_rows.h"
#include "memory/meter.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::KvContent;
using memory::KvRow;
using memory::space_key;

Result<std::optional<BlobRef>> find_ref(search::KeySource& source, uint32_t space_id,
                                        std::string_view key) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_key(KeyKind::kKvBlob, space_id, key)));
  if (!bytes) return std::optional<BlobRef>();
  HOLDFAST_ASSIGN(const BlobRef ref, memory::decode_blob_ref(*bytes));
  return std::optional(ref);
}

// Gives back the blob that the key's value is, if it is one.
Status release_blob(memory::Access& access, search::KeyTarget& target, uint32_t space_id,
                    std::string_view key) {
  HOLDFAST_ASSIGN(const auto ref, find_ref(target, space_id, key));
  if (!ref) return Status::ok();
  if (access.blobs() == nullptr) return memory::no_blobs();
  const std::string entry = space_key(KeyKind::kKvBlob, space_id, key);
  HOLDFAST_TRY(access.blobs()->release(target, *ref, entry));
  return target.del(entry);
}

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

// The bytes of a row that is there and has not expired.
Result<std::optional<std::string>> live_row(search::KeySource& source, uint32_t space_id,
                                            std::string_view key, int64_t now_us) {
  HOLDFAST_ASSIGN(auto bytes, source.get(space_key(KeyKind::kKv, space_id, key)));
  if (!bytes) return bytes;
  HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
  return row.is_expired(now_us) ? std::optional<std::string>() : std::move(bytes);
}

Status check_write(const KvWrite& write) {
  HOLDFAST_TRY(memory::check_kv_key(write.key));
  if (write.options.ttl.count() < 0) {
    return Status(StatusCode::kInvalidArgument, "the ttl is negative; 0 is for ever");
  }
  constexpr std::chrono::hours kTtlMax(24 * 366 * 1000);
  if (write.options.ttl > kTtlMax) {
    return Status(StatusCode::kInvalidArgument, "the ttl is over 1000 years; 0 is for ever");
  }
  if (write.value && write.value->size() > kKvValueSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the value has " + std::to_string(write.value->size()) + " bytes; at most " +
                      std::to_string(kKvValueSizeMax) +
                      " can be put at once: write it as a stream (Kv::write)");
  }
  return Status::ok();
}

Status wrong_version(std::string_view key, uint64_t expected, uint64_t found) {
  const auto text = [](uint64_t version) {
    return version == kKvNoVersion ? std::string("no value") : "version " + std::to_string(version);
  };
  return Status(StatusCode::kConditionFalse, "key \"" + std::string(key) + "\" has " + text(found) +
                                                 ", not " + text(expected) +
                                                 "; read it again and decide anew")
      .with_version(found);
}

Status no_large_history(std::string_view key) {
  return Status(StatusCode::kUnsupported, "history is kept of \"" + std::string(key) +
                                              "\", and large values have none: put at most " +
                                              std::to_string(kKvValueSizeMax) +
                                              " bytes, or drop the history");
}

// One key's changes, in a transaction.
class Writer {
 public:
  Writer(memory::Access& access, search::KeyTarget& target, uint32_t space_id)
      : access_(access), target_(target), space_id_(space_id), now_us_(access.now_us()) {}

  // Errors: ConditionFalse. Reads only what a condition needs.
  Status check(std::string_view key, std::optional<uint64_t> if_version) {
    if (!if_version) return Status::ok();
    HOLDFAST_ASSIGN(const auto bytes, live_row(target_, space_id_, key, now_us_));
    uint64_t version = kKvNoVersion;
    if (bytes) {
      HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
      version = row.version;
    }
    return version == *if_version ? Status::ok() : wrong_version(key, *if_version, version);
  }

  // What a key is going to hold: bytes, or nothing.
  struct Change {
    std::string_view key;
    std::optional<uint64_t> size;
  };
  // REQUIRES: before the first write; each key at most once. Where values are counted it reads what
  // the keys hold, and settle() counts the difference. Errors: NoSpace (the space's limit).
  Status reserve(const std::vector<Change>& changes) {
    HOLDFAST_ASSIGN(const SpaceLimits limits, memory::read_limits(target_, space_id_));
    if (!memory::counts_values(limits)) return Status::ok();
    for (const Change& change : changes) {
      HOLDFAST_ASSIGN(const auto held, size_of(change.key));
      more_values_ += (change.size ? 1 : 0) - (held ? 1 : 0);
      more_bytes_ += static_cast<int64_t>(change.size.value_or(0) - held.value_or(0));
    }
    return memory::check_value_room(target_, space_id_, limits, more_values_, more_bytes_,
                                    access_.space_path());
  }
  Status settle() {
    HOLDFAST_TRY(memory::charge(target_, space_id_, memory::Figure::kValues, more_values_));
    return memory::charge(target_, space_id_, memory::Figure::kValueBytes, more_bytes_);
  }

  Status put(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
    KvContent content{false, {}, value};
    if (ttl.count() > 0) content.expires_us = now_us_ + ttl.count() * 1000;
    return put(key, content);
  }
  Status put(std::string_view key, const KvContent& content) {
    // Refusals come before the first write.
    HOLDFAST_ASSIGN(const auto* kept, history_of(key));
    if (kept != nullptr && content.is_blob) return no_large_history(key);
    HOLDFAST_TRY(leave(key).status());
    HOLDFAST_TRY(memory::put_kv_row(target_, space_id_, key, content));
    if (kept == nullptr) return Status::ok();
    HOLDFAST_ASSIGN(Transaction* const txn, memory::transaction_of(target_));
    return kept->history.put(*txn, kept->name(key), memory::encode_content(content));
  }

  Status del(std::string_view key) {
    HOLDFAST_ASSIGN(const auto* kept, history_of(key));
    HOLDFAST_ASSIGN(const bool was_there, leave(key));
    HOLDFAST_TRY(target_.del(space_key(KeyKind::kKv, space_id_, key)));
    if (!was_there || kept == nullptr) return Status::ok();
    HOLDFAST_ASSIGN(Transaction* const txn, memory::transaction_of(target_));
    return kept->history.del(*txn, kept->name(key));
  }

 private:
  // Bytes of the key's value, expired or not.
  Result<std::optional<uint64_t>> size_of(std::string_view key) {
    HOLDFAST_ASSIGN(const auto bytes, target_.get(space_key(KeyKind::kKv, space_id_, key)));
    if (!bytes) return std::optional<uint64_t>();
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    if (!row.content.is_blob) return std::optional<uint64_t>(row.content.value.size());
    HOLDFAST_ASSIGN(const auto ref, find_ref(target_, space_id_, key));
    return std::optional<uint64_t>(ref ? ref->size : 0);
  }

  // Removes what belongs to the key's value and does not lie in its row; whether there is a row.
  // The row is only peeked at: puts do not conflict, and an expiry that is missed is swept later.
  Result<bool> leave(std::string_view key) {
    HOLDFAST_TRY(release_blob(access_, target_, space_id_, key));
    HOLDFAST_ASSIGN(const auto bytes, target_.peek(space_key(KeyKind::kKv, space_id_, key)));
    if (!bytes) return false;
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    if (row.content.expires_us) {
      HOLDFAST_TRY(target_.del(memory::expiry_key(space_id_, *row.content.expires_us, key)));
    }
    return true;
  }

  // The history of the key, or nullptr. Errors: InvalidArgument (its rows would have too long
  // keys).
  Result<const memory::KeptPrefix*> history_of(std::string_view key) {
    if (!prefixes_) {
      HOLDFAST_ASSIGN(prefixes_, memory::kept_prefixes(target_, space_id_));
    }
    const memory::KeptPrefix* const kept = memory::prefix_of(*prefixes_, key);
    if (kept != nullptr) HOLDFAST_TRY(kept->check_name(key));
    return kept;
  }

  memory::Access& access_;
  search::KeyTarget& target_;
  const uint32_t space_id_;
  const int64_t now_us_;
  std::optional<std::vector<memory::KeptPrefix>> prefixes_;
  int64_t more_values_ = 0;
  int64_t more_bytes_ = 0;
};

// What a batch leaves of each key that it names.
std::vector<Writer::Change> changes_of(const std::vector<KvWrite>& batch) {
  std::map<std::string_view, std::optional<uint64_t>> last;
  for (const KvWrite& write : batch) {
    last[write.key] = write.value ? std::optional<uint64_t>(write.value->size()) : std::nullopt;
  }
  std::vector<Writer::Change> changes;
  for (const auto& [key, size] : last) changes.push_back({key, size});
  return changes;
}

KeyRange rows_of(const std::string& space, const KvListOptions& options) {
  KeyRange range = search::prefix_range(space + options.prefix);
  range.begin = std::max(range.begin, space + options.begin);
  if (!options.end.empty()) range.end = std::min(range.end, space + options.end);
  if (!options.after.empty()) range.begin = std::max(range.begin, space + options.after + '\0');
  return range;
}

}  // namespace

Result<size_t> KvReader::read(char* out, size_t size) {
  if (blob_) return blob_->read(out, size);
  const size_t count = value_.copy(out, size, position_);
  position_ += count;
  return count;
}

Kv::Kv(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::optional<KvReader>> Kv::open(std::string_view key) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  std::optional<KvReader> reader;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    reader.reset();
    HOLDFAST_ASSIGN(const auto bytes, live_row(source, space_id, key, access_->now_us()));
    if (!bytes) return Status::ok();
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    if (!row.content.is_blob) {
      reader.emplace(std::string(row.content.value));
      return Status::ok();
    }
    HOLDFAST_ASSIGN(const auto ref, find_ref(source, space_id, key));
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
  HOLDFAST_ASSIGN(std::string value, memory::read_whole(*reader));
  return std::optional(std::move(value));
}

Result<std::optional<KvEntry>> Kv::find(std::string_view key) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  std::optional<KvEntry> entry;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entry.reset();
    HOLDFAST_ASSIGN(const auto bytes, live_row(source, space_id, key, access_->now_us()));
    if (!bytes) return Status::ok();
    HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
    entry = memory::kv_entry(key, row, false);
    if (!entry->is_blob) return Status::ok();
    HOLDFAST_ASSIGN(const auto ref, find_ref(source, space_id, key));
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
      HOLDFAST_ASSIGN(const auto bytes, live_row(source, space_id, keys[i], now_us));
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
  HOLDFAST_TRY(check_write(write));
  const auto work = [&](search::KeyTarget& target, uint32_t space_id) -> Status {
    Writer writer(*access_, target, space_id);
    HOLDFAST_TRY(writer.check(write.key, write.options.if_version));
    HOLDFAST_TRY(writer.reserve(changes_of({write})));
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
      return wrong_version(write.key, *expected, kKvNoVersion);
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
    if (Status status = check_write(batch[i]); !status) return at(i, status);
  }
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    Writer writer(*access_, target, space_id);
    // Before the first write: conditions are of what was there before the batch.
    for (size_t i = 0; i < batch.size(); ++i) {
      Status status = writer.check(batch[i].key, batch[i].options.if_version);
      if (!status) return at(i, status);
    }
    HOLDFAST_TRY(writer.reserve(changes_of(batch)));
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
    Writer writer(*access_, target, space_id);
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
    const KeyRange range = rows_of(space, options);
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
    HOLDFAST_ASSIGN(const auto bytes, live_row(target, space_id, key, access_->now_us()));
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
    HOLDFAST_TRY(check_write({std::string(key), merged}));
    Writer writer(*access_, target, space_id);
    HOLDFAST_TRY(writer.reserve({{key, merged.size()}}));
    HOLDFAST_TRY(writer.put(key, content));
    return writer.settle();
  });
}

// --- Counters

Status Kv::add(std::string_view counter, int64_t delta) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return target.add(space_key(KeyKind::kKvCounter, space_id, counter), delta);
  });
}

Result<int64_t> Kv::count(std::string_view counter) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  int64_t number = 0;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto bytes,
                    source.get(space_key(KeyKind::kKvCounter, space_id, counter)));
    number = bytes ? decode_number(*bytes).value_or(0) : 0;
    return Status::ok();
  }));
  return number;
}

Status Kv::remove_counter(std::string_view counter) const {
  HOLDFAST_TRY(memory::check_kv_key(counter));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) {
    return target.del(space_key(KeyKind::kKvCounter, space_id, counter));
  });
}

Result<std::vector<KvEntry>> Kv::counters(const KvListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kKvListLimitMax));
  std::vector<KvEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entries.clear();
    const std::string space = memory::space_prefix(KeyKind::kKvCounter, space_id);
    const KeyRange range = rows_of(space, options);
    if (range.begin >= range.end) return Status::ok();
    return source.scan(range, [&](std::string_view key, std::string_view value) {
      KvEntry entry;
      entry.key = key.substr(space.size());
      entry.value = std::to_string(decode_number(value).value_or(0));
      entry.size = value.size();
      entries.push_back(std::move(entry));
      return entries.size() < options.limit;
    });
  }));
  return entries;
}

// --- Expiry

Result<size_t> Kv::sweep(size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kKvSweepMax));
  size_t swept = 0;
  const int64_t now_us = access_->now_us();
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    swept = 0;
    std::vector<std::string> due;
    const KeyRange range{memory::space_prefix(KeyKind::kKvExpiry, space_id),
                         memory::expiry_key(space_id, now_us + 1, {})};
    HOLDFAST_TRY(target.peek_scan(range, [&](std::string_view key, std::string_view) {
      due.emplace_back(key);
      return due.size() < limit;
    }));
    Writer writer(*access_, target, space_id);
    for (const std::string& index : due) {
      HOLDFAST_ASSIGN(const memory::Expiry expiry, memory::parse_expiry(space_id, index));
      HOLDFAST_ASSIGN(const auto bytes, target.get(space_key(KeyKind::kKv, space_id, expiry.key)));
      if (bytes) {
        HOLDFAST_ASSIGN(const KvRow row, memory::parse_kv_row(*bytes));
        if (row.is_expired(now_us)) {
          HOLDFAST_TRY(writer.reserve({{expiry.key, std::nullopt}}));
          HOLDFAST_TRY(writer.del(expiry.key));
          ++swept;
        }
      }
      HOLDFAST_TRY(target.del(index));
    }
    return writer.settle();
  }));
  return swept;
}

// Beside a handle's own commits one in sixteen times; who is handed a transaction or a snapshot
// leaves it to others. What fails stays for the next time.
void Kv::sweep_now_and_then() const {
  constexpr size_t kSweptAtOnce = 64;
  constexpr uint8_t kOneIn = 16;
  if (!access_->is_own_commit()) return;
  if (static_cast<uint8_t>(access_->next_stamp().id.bytes[15]) % kOneIn != 0) return;
  bool some_due = false;
  const int64_t now_us = access_->now_us();
  const Status looked = access_->read([&](search::KeySource& source, uint32_t space_id) {
    const KeyRange range{memory::space_prefix(KeyKind::kKvExpiry, space_id),
                         memory::expiry_key(space_id, now_us + 1, {})};
    return source.peek_scan(range, [&](std::string_view, std::string_view) {
      some_due = true;
      return false;
    });
  });
  if (looked && some_due) (void)sweep(kSweptAtOnce);
}

}  // namespace holdfast
