// Rows of key-values, and the history that a key may have. docs/format.md, "Keys of the layers".
//
// Who: kv*.cc. Thread-safety: that of the source or target.
// Invariants:
//   1. A row with an expiry has an entry in the index of expiries. The other way round it need not:
//      an entry whose row does not say the same is swept away alone.
//   2. History keeps the rows of exactly the keys that begin with a prefix that keeps it; no such
//      prefix begins with another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/kv.h"
#include "memory/access.h"
#include "memory/keys.h"

namespace holdfast::memory {

// What is kept of one value, in the row and in its history, but for the stamp.
struct KvContent {
  bool is_blob = false;  // the entry under kKvBlob says which
  std::optional<int64_t> expires_us;
  std::string_view value;
};

std::string encode_content(const KvContent& content);
// Views into `bytes`. Errors: Corruption, Unsupported.
Result<KvContent> parse_content(std::string_view bytes);

struct KvRow {
  uint64_t time_us = 0;
  uint64_t version = 0;
  KvContent content;
  bool is_expired(int64_t now_us) const {
    return content.expires_us && *content.expires_us <= now_us;
  }
};
Result<KvRow> parse_kv_row(std::string_view bytes);
// Puts a row that the commit stamps with its time and version.
Status put_kv_row(search::KeyTarget& target, uint32_t space_id, std::string_view key,
                  const KvContent& content);
// The bytes of a row that is there and has not expired.
Result<std::optional<std::string>> live_kv_row(search::KeySource& source, uint32_t space_id,
                                               std::string_view key, int64_t now_us);
// The blob that a key's value is; nullopt: it is none.
Result<std::optional<BlobRef>> find_kv_blob(search::KeySource& source, uint32_t space_id,
                                            std::string_view key);
// What `options` ask for, of the keys behind `space`. Nothing: begin >= end.
KeyRange kv_range(const std::string& space, const KvListOptions& options);
KvEntry kv_entry(std::string_view key, const KvRow& row, bool keys_only);

// The index of expiries: when, then the key.
std::string expiry_key(uint32_t space_id, int64_t expires_us, std::string_view key);
struct Expiry {
  int64_t expires_us = 0;
  std::string key;
};
Result<Expiry> parse_expiry(uint32_t space_id, std::string_view index_key);

// A prefix of a space's keys that keeps history.
struct KeptPrefix {
  std::string prefix;
  History history;
  // A key's name in the history: what follows the prefix, behind a byte, so that it is never empty.
  std::string name(std::string_view key) const {
    return std::string(".").append(key.substr(prefix.size()));
  }
  // Errors: InvalidArgument (too many zero bytes).
  Status check_name(std::string_view key) const;
  // Names of the keys in `range`. REQUIRES: it lies in the keys that begin with the prefix.
  KeyRange names(const KeyRange& range) const {
    const bool ends_inside = range.end.substr(0, prefix.size()) == prefix && !range.end.empty();
    return {name(range.begin), ends_inside ? name(range.end) : std::string()};
  }
};
KeptPrefix kept_prefix(uint32_t space_id, std::string_view prefix);
// Those of a space, in order; remembered, so that keeping and dropping conflict with writers.
Result<std::vector<KeptPrefix>> kept_prefixes(search::KeySource& source, uint32_t space_id);
// The one that `key` begins with.
const KeptPrefix* prefix_of(const std::vector<KeptPrefix>& prefixes, std::string_view key);

// What History works on. Errors: Unsupported (only keys are here).
Result<Transaction*> transaction_of(search::KeyTarget& target);
Result<Reader*> reader_of(search::KeySource& source);

Status check_kv_key(std::string_view key);

// Unsupported: only keys are here.
Status no_blobs();
// What stands under kKvBlob: which blob a value is. Artifacts keep theirs in the same form.
std::string encode_blob_ref(const BlobRef& ref);
// Errors: Corruption.
Result<BlobRef> decode_blob_ref(std::string_view bytes);

}  // namespace holdfast::memory
