#include "holdfast/kv.h"

#include <algorithm>

#include "base/coding.h"
#include "memory/access.h"
#include "memory/keys.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::space_key;

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kKvKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "the key has " + std::to_string(key.size()) +
                                                  " bytes; 1 to " + std::to_string(kKvKeySizeMax) +
                                                  " are allowed");
}

// A value that is a blob: its row is empty, and under another key stands what it is.
std::string encode_ref(const BlobRef& ref) {
  std::string bytes(ref.hash.data(), ref.hash.size());
  append_varint(bytes, ref.size);
  return bytes;
}

Result<BlobRef> decode_ref(std::string_view bytes) {
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
  return Status(StatusCode::kCorruption,
                "the entry of a large value is malformed; run `holdfast check`");
}

Result<std::optional<BlobRef>> find_ref(search::KeySource& source, uint32_t space_id,
                                        std::string_view key) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_key(KeyKind::kKvBlob, space_id, key)));
  if (!bytes) return std::optional<BlobRef>();
  HOLDFAST_ASSIGN(const BlobRef ref, decode_ref(*bytes));
  return std::optional(ref);
}

Status no_blobs() {
  return Status(StatusCode::kUnsupported, "large values need a store; here are only keys");
}

// Gives back the blob that the key's value is, if it is one.
Status release_blob(memory::Access& access, search::KeyTarget& target, uint32_t space_id,
                    std::string_view key) {
  HOLDFAST_ASSIGN(const auto ref, find_ref(target, space_id, key));
  if (!ref) return Status::ok();
  if (access.blobs() == nullptr) return no_blobs();
  const std::string entry = space_key(KeyKind::kKvBlob, space_id, key);
  HOLDFAST_TRY(access.blobs()->release(target, *ref, entry));
  return target.del(entry);
}

// Says of the entries which are blobs, by one scan of the same stretch of keys.
Status note_blobs(search::KeySource& source, uint32_t space_id, std::vector<KvEntry>& entries) {
  const std::string space = memory::space_prefix(KeyKind::kKvBlob, space_id);
  const KeyRange range{space + entries.front().key, space + entries.back().key + '\0'};
  auto entry = entries.begin();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(space.size());
    while (entry != entries.end() && entry->key < key) ++entry;
    const auto ref = decode_ref(value);
    damage = ref.status();
    if (!ref || entry == entries.end()) return false;
    if (entry->key == key) {
      entry->is_blob = true;
      entry->size = ref->size;
    }
    return true;
  }));
  return damage;
}

Result<std::string> read_whole(KvReader& reader) {
  std::string value(reader.size(), '\0');
  for (size_t done = 0; done < value.size();) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(value.data() + done, value.size() - done));
    done += count;
  }
  return value;
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
  HOLDFAST_TRY(check_key(key));
  std::optional<KvReader> reader;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(auto value, source.get(space_key(KeyKind::kKv, space_id, key)));
    if (!value) return Status::ok();
    if (value->empty()) {
      HOLDFAST_ASSIGN(const auto ref, find_ref(source, space_id, key));
      if (ref && access_->blobs() == nullptr) return no_blobs();
      if (ref) {
        HOLDFAST_ASSIGN(BlobReader blob, access_->blobs()->open(source, *ref));
        reader.emplace(std::move(blob));
        return Status::ok();
      }
    }
    reader.emplace(std::move(*value));
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
  HOLDFAST_ASSIGN(std::string value, read_whole(*reader));
  return std::optional(std::move(value));
}

Status Kv::put(std::string_view key, std::string_view value) const {
  HOLDFAST_TRY(check_key(key));
  if (value.size() > kKvValueSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the value has " + std::to_string(value.size()) + " bytes; at most " +
                      std::to_string(kKvValueSizeMax) +
                      " can be put at once: write it as a stream (Kv::write)");
  }
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(release_blob(*access_, target, space_id, key));
    return target.put(space_key(KeyKind::kKv, space_id, key), value);
  });
}

Result<BlobWriter> Kv::write() const {
  if (access_->blobs() == nullptr) return no_blobs();
  return access_->blobs()->write();
}

Status Kv::put(std::string_view key, const NewBlob& blob) const {
  HOLDFAST_TRY(check_key(key));
  if (access_->blobs() == nullptr) return no_blobs();
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(release_blob(*access_, target, space_id, key));
    const std::string entry = space_key(KeyKind::kKvBlob, space_id, key);
    HOLDFAST_TRY(access_->blobs()->reference(target, blob, entry));
    HOLDFAST_TRY(target.put(entry, encode_ref(blob.ref())));
    return target.put(space_key(KeyKind::kKv, space_id, key), "");
  });
}

Status Kv::del(std::string_view key) const {
  HOLDFAST_TRY(check_key(key));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(release_blob(*access_, target, space_id, key));
    return target.del(space_key(KeyKind::kKv, space_id, key));
  });
}

Result<std::vector<KvEntry>> Kv::list(const KvListOptions& options) const {
  if (options.limit == 0 || options.limit > kKvListLimitMax) {
    return Status(StatusCode::kInvalidArgument, "limit must be 1 to " +
                                                    std::to_string(kKvListLimitMax) +
                                                    "; ask for the next page with `after`");
  }
  std::vector<KvEntry> entries;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const std::string space = memory::space_prefix(KeyKind::kKv, space_id);
    KeyRange range = search::prefix_range(space + options.prefix);
    const std::string after = space + options.after + '\0';
    if (!options.after.empty() && after > range.begin) range.begin = after;
    if (range.begin >= range.end) return Status::ok();
    bool some_empty = false;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
      some_empty = some_empty || value.empty();
      entries.push_back({std::string(key.substr(space.size())),
                         options.keys_only ? std::string() : std::string(value), value.size()});
      return entries.size() < options.limit;
    }));
    return some_empty ? note_blobs(source, space_id, entries) : Status::ok();
  }));
  return entries;
}

}  // namespace holdfast
