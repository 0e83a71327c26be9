// Rows of a history: how versioned keys lie in the store. docs/format.md, "Histories".
//
//   prefix ++ key, escaped ++ ~version    u64 time, u8 flags, value      a version
//   prefix ++ key, escaped ++ ff x 8      u64 time, u8 flags, u64 version   the key's own floor
//   prefix ++ 00 02, prefix ++ 00 03      numbers: the floor's version and time
//   prefix ++ 00 04, prefix ++ 00 05      numbers: how many versions there are, and their bytes
//   prefix ++ 00 06                       TrimState: where trimming has got to
//   0f 'r' ++ prefix                      the retention that is kept to
//
// Who: history*.cc, retention.cc. Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "holdfast/history.h"

namespace holdfast::store {

inline constexpr uint8_t kRowIsDeletion = 1;
inline constexpr uint8_t kRowIsFloor = 2;

// The value of a row.
struct HistoryRow {
  uint64_t time_us = 0;
  uint8_t flags = 0;
  std::string_view value;
  bool is_deletion() const { return (flags & kRowIsDeletion) != 0; }
  bool is_floor() const { return (flags & kRowIsFloor) != 0; }
};

// What all rows of `key` begin with.
std::string group_of(std::string_view prefix, std::string_view key);
// Behind all rows of a group, before those of the next key.
std::string group_end(std::string_view group);
// The row of `version`: the first one of the group that is not newer.
std::string row_key(std::string_view group, uint64_t version);
// The group that a row's key belongs to, and its version.
std::string_view group_of_row(std::string_view row);
uint64_t version_of_row(std::string_view row);
// The user's key. Errors: Corruption.
Result<std::string> key_of_group(std::string_view prefix, std::string_view group);
// Errors: Corruption, Unsupported.
Result<HistoryRow> parse_row(std::string_view value);

std::string floor_version_key(std::string_view prefix);
std::string floor_time_key(std::string_view prefix);
std::string version_count_key(std::string_view prefix);
std::string byte_count_key(std::string_view prefix);
std::string trim_state_key(std::string_view prefix);
// The number under a key; 0 if there is none.
Result<uint64_t> read_count(Reader& reader, const std::string& key);
// What a version counts for.
inline uint64_t row_bytes(std::string_view key, std::string_view value) {
  return key.size() + value.size();
}

// Written by every step of trimming, so that no two count the same versions as gone.
struct TrimState {
  uint64_t steps = 0;
  uint64_t finished_us = 0;  // when the last round ended; 0: none has
  uint64_t versions = 0;     // that were there then
  std::string next;          // the key from which the round goes on; empty: none is underway
};
// What is absent is a state in which nothing has been done.
Result<TrimState> parse_trim_state(const std::optional<std::string>& value);
std::string trim_state_value(const TrimState& state);

// Where retentions are kept; all keys of them begin with retention_key("").
std::string retention_key(std::string_view prefix);
std::string retention_value(const Retention& retention);
// Errors: Corruption, Unsupported.
Result<Retention> parse_retention(std::string_view value);
// The rows of one key that may count as of `as_of`.
KeyRange rows_of_key(std::string_view prefix, std::string_view key, const AsOf& as_of);
// All rows of keys in `range`.
KeyRange rows_of(std::string_view prefix, const KeyRange& range);

// Stands in the rows of a history and finds those that are valid as of some state.
class HistoryFinder {
 public:
  // `rows`: rows_of() or rows_of_key() of `prefix`.
  HistoryFinder(Reader& reader, std::string_view prefix, const KeyRange& rows, const AsOf& as_of);

  // ok, or why this state cannot be read: TooOld, InvalidArgument, the reader's.
  static Status check(Reader& reader, const History& history, const AsOf& as_of);

  // The cursor stands on the first row of a group.
  bool valid() const { return cursor_.valid(); }
  Cursor& cursor() { return cursor_; }
  // The group it stands in. Errors: Corruption.
  Result<std::string> group() const;
  // Moves to the row that counts in the group the cursor stands in. False: there is none.
  // Errors: TooOld (the key's own floor), Corruption.
  Result<bool> settle(HistoryRow* row);
  // To the first row of the next key.
  void leave(std::string_view group);

 private:
  Result<bool> settle_by_version(std::string_view group, uint64_t version);
  Result<bool> settle_by_time(std::string_view group, uint64_t time_us);
  bool note_time(uint64_t version, const HistoryRow& row, uint64_t time_us);
  bool in_group(std::string_view group) const {
    return cursor_.valid() && cursor_.key().substr(0, group.size()) == group;
  }

  size_t row_size_min_;  // in bytes of the key
  AsOf as_of_;
  Cursor cursor_;
  // What has been learned of versions and times: a commit up to `low_` is not later than the time
  // that is asked for, one from `high_` on is.
  uint64_t low_ = 0;
  uint64_t high_ = std::numeric_limits<uint64_t>::max();
};

}  // namespace holdfast::store
