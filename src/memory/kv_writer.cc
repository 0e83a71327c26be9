#include "memory/kv_writer.h"

#include <map>

#include "memory/meter.h"
#include "memory/text_check.h"

namespace holdfast::memory {
namespace {

// Gives back the blob that the key's value is, if it is one.
Status release_blob(Access& access, search::KeyTarget& target, uint32_t space_id,
                    std::string_view key) {
  HOLDFAST_ASSIGN(const auto ref, find_kv_blob(target, space_id, key));
  if (!ref) return Status::ok();
  if (access.blobs() == nullptr) return no_blobs();
  const std::string entry = space_key(KeyKind::kKvBlob, space_id, key);
  HOLDFAST_TRY(access.blobs()->release(target, *ref, entry));
  return target.del(entry);
}

Status no_large_history(std::string_view key) {
  return Status(StatusCode::kUnsupported, "history is kept of \"" + std::string(key) +
                                              "\", and large values have none: put at most " +
                                              std::to_string(kKvValueSizeMax) +
                                              " bytes, or drop the history");
}

}  // namespace

Status check_kv_write(const KvWrite& write) {
  HOLDFAST_TRY(check_kv_key(write.key));
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

Status wrong_kv_version(std::string_view key, uint64_t expected, uint64_t found) {
  const auto text = [](uint64_t version) {
    return version == kKvNoVersion ? std::string("no value") : "version " + std::to_string(version);
  };
  return Status(StatusCode::kConditionFalse, "key \"" + std::string(key) + "\" has " + text(found) +
                                                 ", not " + text(expected) +
                                                 "; read it again and decide anew")
      .with_version(found);
}

Status KvWriter::check(std::string_view key, std::optional<uint64_t> if_version) {
  if (!if_version) return Status::ok();
  HOLDFAST_ASSIGN(const auto bytes, live_kv_row(target_, space_id_, key, now_us_));
  uint64_t version = kKvNoVersion;
  if (bytes) {
    HOLDFAST_ASSIGN(const KvRow row, parse_kv_row(*bytes));
    version = row.version;
  }
  return version == *if_version ? Status::ok() : wrong_kv_version(key, *if_version, version);
}

Status KvWriter::reserve(const std::vector<Change>& changes) {
  for (const Change& change : changes) HOLDFAST_TRY(history_of(change.key).status());
  HOLDFAST_ASSIGN(const SpaceLimits limits, read_limits(target_, space_id_));
  if (!counts_values(limits)) return Status::ok();
  for (const Change& change : changes) {
    HOLDFAST_ASSIGN(const auto held, size_of(change.key));
    more_values_ += (change.size ? 1 : 0) - (held ? 1 : 0);
    more_bytes_ += static_cast<int64_t>(change.size.value_or(0) - held.value_or(0));
  }
  return check_value_room(target_, space_id_, limits, more_values_, more_bytes_,
                          access_.space_path());
}

Status KvWriter::settle() {
  HOLDFAST_TRY(charge(target_, space_id_, Figure::kValues, more_values_));
  return charge(target_, space_id_, Figure::kValueBytes, more_bytes_);
}

Status KvWriter::put(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
  KvContent content{false, {}, value};
  if (ttl.count() > 0) content.expires_us = now_us_ + ttl.count() * 1000;
  return put(key, content);
}

Status KvWriter::put(std::string_view key, const KvContent& content) {
  // Refusals come before the first write.
  HOLDFAST_ASSIGN(const auto* kept, history_of(key));
  if (kept != nullptr && content.is_blob) return no_large_history(key);
  HOLDFAST_TRY(leave(key).status());
  HOLDFAST_TRY(put_kv_row(target_, space_id_, key, content));
  if (kept == nullptr) return Status::ok();
  HOLDFAST_ASSIGN(Transaction* const txn, transaction_of(target_));
  return kept->history.put(*txn, kept->name(key), encode_content(content));
}

Status KvWriter::del(std::string_view key) {
  HOLDFAST_ASSIGN(const auto* kept, history_of(key));
  HOLDFAST_ASSIGN(const bool was_there, leave(key));
  HOLDFAST_TRY(target_.del(space_key(KeyKind::kKv, space_id_, key)));
  if (!was_there || kept == nullptr) return Status::ok();
  HOLDFAST_ASSIGN(Transaction* const txn, transaction_of(target_));
  return kept->history.del(*txn, kept->name(key));
}

// Bytes of the key's value, expired or not.
Result<std::optional<uint64_t>> KvWriter::size_of(std::string_view key) {
  HOLDFAST_ASSIGN(const auto bytes, target_.get(space_key(KeyKind::kKv, space_id_, key)));
  if (!bytes) return std::optional<uint64_t>();
  HOLDFAST_ASSIGN(const KvRow row, parse_kv_row(*bytes));
  if (!row.content.is_blob) return std::optional<uint64_t>(row.content.value.size());
  HOLDFAST_ASSIGN(const auto ref, find_kv_blob(target_, space_id_, key));
  return std::optional<uint64_t>(ref ? ref->size : 0);
}

// Removes what belongs to the key's value and does not lie in its row; whether there is a row.
// The row is only peeked at: puts do not conflict, and an expiry that is missed is swept later.
Result<bool> KvWriter::leave(std::string_view key) {
  HOLDFAST_TRY(release_blob(access_, target_, space_id_, key));
  HOLDFAST_ASSIGN(const auto bytes, target_.peek(space_key(KeyKind::kKv, space_id_, key)));
  if (!bytes) return false;
  HOLDFAST_ASSIGN(const KvRow row, parse_kv_row(*bytes));
  if (row.content.expires_us) {
    HOLDFAST_TRY(target_.del(expiry_key(space_id_, *row.content.expires_us, key)));
  }
  return true;
}

// The history of the key, or nullptr. Errors: InvalidArgument (its rows would have too long
// keys).
Result<const KeptPrefix*> KvWriter::history_of(std::string_view key) {
  if (!prefixes_) {
    HOLDFAST_ASSIGN(prefixes_, kept_prefixes(target_, space_id_));
  }
  const KeptPrefix* const kept = prefix_of(*prefixes_, key);
  if (kept != nullptr) HOLDFAST_TRY(kept->check_name(key));
  return kept;
}

std::vector<KvWriter::Change> changes_of(const std::vector<KvWrite>& batch) {
  std::map<std::string_view, std::optional<uint64_t>> last;
  for (const KvWrite& write : batch) {
    last[write.key] = write.value ? std::optional<uint64_t>(write.value->size()) : std::nullopt;
  }
  std::vector<KvWriter::Change> changes;
  for (const auto& [key, size] : last) changes.push_back({key, size});
  return changes;
}

}  // namespace holdfast::memory
