// History of key-values: holdfast/history.h under a prefix for each prefix of keys that keeps it.
#include <algorithm>

#include "holdfast/kv.h"
#include "memory/kv_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::KeptPrefix;
using memory::KeyKind;

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

// `keys`: one, or some, as a sentence says them.
Status no_history_of(const std::string& keys) {
  return Status(StatusCode::kConditionFalse,
                "no history is kept of " + keys +
                    "; keep it from now on with Kv::keep_history (`holdfast history keep`)");
}

Status no_history(std::string_view key) {
  return no_history_of("\"" + std::string(key) + "\"");
}

Status check_prefix(std::string_view prefix) {
  if (prefix.size() <= kKvKeySizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "the prefix has " + std::to_string(prefix.size()) +
                                                  " bytes; at most " +
                                                  std::to_string(kKvKeySizeMax) + " are allowed");
}

// The kept prefix that is `prefix`; nullptr: none. Errors: InvalidArgument (they overlap).
Result<const KeptPrefix*> same_prefix(const std::vector<KeptPrefix>& prefixes,
                                      std::string_view prefix) {
  for (const KeptPrefix& kept : prefixes) {
    if (kept.prefix == prefix) return &kept;
    if (begins_with(kept.prefix, prefix) || begins_with(prefix, kept.prefix)) {
      return Status(StatusCode::kInvalidArgument,
                    "history is kept of \"" + kept.prefix +
                        "\" already, which has keys in common with \"" + std::string(prefix) +
                        "\"; drop that one first");
    }
  }
  return static_cast<const KeptPrefix*>(nullptr);
}

// Errors: Unsupported.
Status check_no_blobs(search::KeySource& source, uint32_t space_id, std::string_view prefix) {
  const std::string space = memory::space_prefix(KeyKind::kKvBlob, space_id);
  Status found;
  HOLDFAST_TRY(source.scan(search::prefix_range(space + std::string(prefix)),
                           [&](std::string_view key, std::string_view) {
                             key.remove_prefix(space.size());
                             found = Status(StatusCode::kUnsupported,
                                            "\"" + std::string(key) +
                                                "\" has a large value, of which no history can be "
                                                "kept: put it under another prefix");
                             return false;
                           }));
  return found;
}

// What the keys are now becomes their first version.
Status take_in(search::KeyTarget& target, uint32_t space_id, const KeptPrefix& kept,
               int64_t now_us) {
  HOLDFAST_ASSIGN(Transaction* const txn, memory::transaction_of(target));
  HOLDFAST_TRY(kept.history.begin_here(*txn));
  const std::string space = memory::space_prefix(KeyKind::kKv, space_id);
  Status failed;
  HOLDFAST_TRY(target.scan(
      search::prefix_range(space + kept.prefix), [&](std::string_view key, std::string_view bytes) {
        key.remove_prefix(space.size());
        const auto row = memory::parse_kv_row(bytes);
        failed = row.status();
        if (row && !row->is_expired(now_us)) {
          failed = kept.history.put(*txn, kept.name(key), memory::encode_content(row->content));
        }
        return failed.is_ok();
      }));
  return failed;
}

// What is said of a value that history has.
Result<std::optional<KvEntry>> entry_of(std::string_view key, const KeyVersion& version,
                                        const AsOf& as_of, bool keys_only) {
  HOLDFAST_ASSIGN(const memory::KvContent content, memory::parse_content(version.value));
  const memory::KvRow row{version.time_us, version.version, content};
  const bool by_time = as_of.kind == AsOf::Kind::kTime;
  if (by_time &&
      row.is_expired(static_cast<int64_t>(std::min<uint64_t>(as_of.number, INT64_MAX)))) {
    return std::optional<KvEntry>();
  }
  return std::optional<KvEntry>(memory::kv_entry(key, row, keys_only));
}

}  // namespace

Status Kv::keep_history(const Retention& retention, std::string_view prefix) const {
  HOLDFAST_TRY(check_prefix(prefix));
  if (retention.age.count() < 0) {
    return Status(StatusCode::kInvalidArgument, "the age to keep is negative; 0 is for ever");
  }
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(Transaction* const txn, memory::transaction_of(target));
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(target, space_id));
    HOLDFAST_ASSIGN(const KeptPrefix* const same, same_prefix(prefixes, prefix));
    if (same != nullptr) return same->history.keep(*txn, retention);
    if (prefixes.size() >= kKvHistoriesMax) {
      return Status(StatusCode::kTooLarge,
                    "at most " + std::to_string(kKvHistoriesMax) +
                        " prefixes of a space keep history; drop one, or keep a shorter one");
    }
    const KeptPrefix kept = memory::kept_prefix(space_id, prefix);
    // Checked before the first write: a caller's transaction goes on after a refusal.
    HOLDFAST_TRY(check_no_blobs(target, space_id, prefix));
    HOLDFAST_TRY(take_in(target, space_id, kept, access_->now_us()));
    return kept.history.keep(*txn, retention);
  });
}

Status Kv::drop_history(std::string_view prefix) const {
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(target, space_id));
    found = false;
    for (const KeptPrefix& kept : prefixes) {
      if (kept.prefix != prefix) continue;
      found = true;
      HOLDFAST_ASSIGN(Transaction* const txn, memory::transaction_of(target));
      return kept.history.erase(*txn);
    }
    return Status::ok();
  }));
  if (found) return Status::ok();
  return Status(StatusCode::kNotFound,
                "no history is kept of the keys that begin with \"" + std::string(prefix) + "\"");
}

Result<std::vector<KvHistory>> Kv::histories() const {
  std::vector<KvHistory> histories;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    histories.clear();
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(source, space_id));
    for (const KeptPrefix& prefix : prefixes) {
      HOLDFAST_ASSIGN(Reader* const reader, memory::reader_of(source));
      HOLDFAST_ASSIGN(const auto kept, prefix.history.kept(*reader));
      if (!kept) continue;
      HOLDFAST_ASSIGN(const HistoryFloor floor, prefix.history.floor(*reader));
      histories.push_back({prefix.prefix, kept->retention, kept->versions, kept->bytes, floor});
    }
    return Status::ok();
  }));
  return histories;
}

Result<std::optional<KvEntry>> Kv::find_at(std::string_view key, const AsOf& as_of) const {
  if (as_of.kind == AsOf::Kind::kLatest) return find(key);
  HOLDFAST_TRY(memory::check_kv_key(key));
  std::optional<KvEntry> entry;
  bool is_kept = false;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entry.reset();
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(source, space_id));
    const KeptPrefix* const kept = memory::prefix_of(prefixes, key);
    is_kept = kept != nullptr;
    if (!is_kept) return Status::ok();
    HOLDFAST_ASSIGN(Reader* const reader, memory::reader_of(source));
    HOLDFAST_ASSIGN(const auto version, kept->history.find(*reader, kept->name(key), as_of));
    if (!version) return Status::ok();
    HOLDFAST_ASSIGN(entry, entry_of(key, *version, as_of, false));
    return Status::ok();
  }));
  if (!is_kept) return no_history(key);
  return entry;
}

Result<std::optional<std::string>> Kv::get_at(std::string_view key, const AsOf& as_of) const {
  if (as_of.kind == AsOf::Kind::kLatest) return get(key);
  HOLDFAST_ASSIGN(auto entry, find_at(key, as_of));
  return entry ? std::optional<std::string>(std::move(entry->value)) : std::nullopt;
}

Result<std::vector<KvVersion>> Kv::history(std::string_view key, size_t limit,
                                           uint64_t before) const {
  HOLDFAST_TRY(memory::check_kv_key(key));
  HOLDFAST_TRY(memory::check_limit(limit, kKvListLimitMax));
  std::vector<KvVersion> versions;
  bool is_kept = false;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    versions.clear();
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(source, space_id));
    const KeptPrefix* const kept = memory::prefix_of(prefixes, key);
    is_kept = kept != nullptr;
    if (!is_kept) return Status::ok();
    HOLDFAST_ASSIGN(Reader* const reader, memory::reader_of(source));
    HOLDFAST_ASSIGN(const auto found,
                    kept->history.versions(*reader, kept->name(key), limit, before));
    for (const KeyVersion& version : found) {
      KvVersion& shown = versions.emplace_back();
      shown.version = version.version;
      shown.time_us = version.time_us;
      shown.is_deletion = version.is_deletion;
      if (version.is_deletion) continue;
      HOLDFAST_ASSIGN(const memory::KvContent content, memory::parse_content(version.value));
      shown.value = content.value;
      shown.expires_us = content.expires_us;
    }
    return Status::ok();
  }));
  if (!is_kept) return no_history(key);
  return versions;
}

Result<std::vector<KvEntry>> Kv::list_at(const KvListOptions& options) const {
  std::vector<KvEntry> entries;
  bool is_kept = false;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    entries.clear();
    HOLDFAST_ASSIGN(const auto prefixes, memory::kept_prefixes(source, space_id));
    const KeptPrefix* const kept = memory::prefix_of(prefixes, options.prefix);
    is_kept = kept != nullptr;
    if (!is_kept) return Status::ok();
    KeyRange range = KeyRange::prefix(options.prefix);
    range.begin = std::max(range.begin, options.begin);
    if (!options.end.empty() && (range.end.empty() || options.end < range.end)) {
      range.end = options.end;
    }
    if (!options.after.empty()) range.begin = std::max(range.begin, options.after + '\0');
    if (!range.end.empty() && range.begin >= range.end) return Status::ok();
    HOLDFAST_ASSIGN(Reader* const reader, memory::reader_of(source));
    HistoryCursor cursor = kept->history.scan(*reader, kept->names(range), options.as_of);
    for (; cursor.valid() && entries.size() < options.limit; cursor.next()) {
      const std::string key = kept->prefix + std::string(cursor.key().substr(1));
      const KeyVersion version{cursor.version(), cursor.time_us(), false,
                               std::string(cursor.value())};
      HOLDFAST_ASSIGN(auto entry, entry_of(key, version, options.as_of, options.keys_only));
      if (entry) entries.push_back(std::move(*entry));
    }
    return cursor.status();
  }));
  if (is_kept) return entries;
  return no_history_of(options.prefix.empty()
                           ? "all keys of the space"
                           : "all keys that begin with \"" + options.prefix + "\"");
}

}  // namespace holdfast
