// KvWriter: changes of key-values in one transaction, with all that belongs to a value: its blob,
// its expiry, its history, and what the space counts.
//
// Who: kv*.cc. Thread-safety: that of the target.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "memory/kv_rows.h"

namespace holdfast::memory {

// Errors: InvalidArgument (key, ttl), TooLarge.
Status check_kv_write(const KvWrite& write);
// ConditionFalse.
Status wrong_kv_version(std::string_view key, uint64_t expected, uint64_t found);

// One key's changes after another's.
class KvWriter {
 public:
  KvWriter(Access& access, search::KeyTarget& target, uint32_t space_id)
      : access_(access), target_(target), space_id_(space_id), now_us_(access.now_us()) {}

  // Errors: ConditionFalse. Reads only what a condition needs.
  Status check(std::string_view key, std::optional<uint64_t> if_version);

  // What a key is going to hold: bytes, or nothing.
  struct Change {
    std::string_view key;
    std::optional<uint64_t> size;
  };
  // REQUIRES: before the first write; each key at most once. Where values are counted it reads what
  // the keys hold, and settle() counts the difference. Errors: NoSpace (the space's limit),
  // InvalidArgument (no history can be kept of a key, and is to be).
  Status reserve(const std::vector<Change>& changes);
  Status settle();

  Status put(std::string_view key, std::string_view value, std::chrono::milliseconds ttl);
  Status put(std::string_view key, const KvContent& content);
  Status del(std::string_view key);

 private:
  Result<std::optional<uint64_t>> size_of(std::string_view key);
  Result<bool> leave(std::string_view key);
  Result<const KeptPrefix*> history_of(std::string_view key);

  Access& access_;
  search::KeyTarget& target_;
  const uint32_t space_id_;
  const int64_t now_us_;
  std::optional<std::vector<KeptPrefix>> prefixes_;
  int64_t more_values_ = 0;
  int64_t more_bytes_ = 0;
};

// What a batch leaves of each key that it names.
std::vector<KvWriter::Change> changes_of(const std::vector<KvWrite>& batch);

}  // namespace holdfast::memory
