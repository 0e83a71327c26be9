#include "store/history_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"

namespace holdfast::store {
namespace {

constexpr size_t kVersionSize = 8;
constexpr size_t kKeyEndSize = 2;  // behind a key's escaped bytes
constexpr size_t kRowHeaderSize = 9;
constexpr size_t kTrimStateSize = 24;
constexpr uint8_t kRetentionFormat = 1;
constexpr size_t kRetentionSize = 1 + 8 + 8;
constexpr int kStepsMax = 3;  // rows to walk over before seeking: they are in the same page

Status damaged(std::string_view what) {
  return Status(StatusCode::kCorruption,
                "a row of a history " + std::string(what) + "; run holdfast check");
}

Status below_floor(const AsOf& as_of, const HistoryFloor& floor) {
  const bool by_time = as_of.kind == AsOf::Kind::kTime;
  return Status(StatusCode::kTooOld,
                std::string(by_time ? "time " : "version ") + std::to_string(as_of.number) +
                    (by_time ? " us" : "") + " is older than what is kept: version " +
                    std::to_string(floor.version) + ", time " + std::to_string(floor.time_us) +
                    " us; ask for a later one, or keep more")
      .with_version(floor.version);
}

bool is_below(const AsOf& as_of, const HistoryFloor& floor) {
  switch (as_of.kind) {
    case AsOf::Kind::kLatest:
      return false;
    case AsOf::Kind::kVersion:
      return as_of.number < floor.version;
    case AsOf::Kind::kTime:
      return as_of.number < floor.time_us;
  }
  return false;
}

// A key's bytes as they are escaped, without their end.
std::string escaped(std::string_view key) {
  std::string bytes;
  append_ordered_string(bytes, key);
  bytes.resize(bytes.size() - kKeyEndSize);
  return bytes;
}

}  // namespace

std::string group_of(std::string_view prefix, std::string_view key) {
  std::string group(prefix);
  append_ordered_string(group, key);
  return group;
}

std::string group_end(std::string_view group) {
  std::string end(group);
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

std::string row_key(std::string_view group, uint64_t version) {
  std::string key(group);
  append_ordered_u64(key, ~version);
  return key;
}

std::string_view group_of_row(std::string_view row) {
  return row.substr(0, row.size() - std::min(row.size(), kVersionSize));
}

uint64_t version_of_row(std::string_view row) {
  std::string_view bytes = row.substr(row.size() - std::min(row.size(), kVersionSize));
  return ~take_ordered_u64(bytes).value_or(0);
}

Result<std::string> key_of_group(std::string_view prefix, std::string_view group) {
  std::string_view rest = group.substr(std::min(prefix.size(), group.size()));
  auto key = take_ordered_string(rest);
  if (!key || !rest.empty()) return damaged("has a malformed key");
  return std::move(*key);
}

Result<HistoryRow> parse_row(std::string_view value) {
  if (value.size() < kRowHeaderSize) return damaged("is too short");
  HistoryRow row{load_le<uint64_t>(value.data()), static_cast<uint8_t>(value[8]),
                 value.substr(kRowHeaderSize)};
  if ((row.flags & ~(kRowIsDeletion | kRowIsFloor)) != 0) {
    return Status(StatusCode::kUnsupported,
                  "a row of a history has flags that this program does not know; use the newer "
                  "Holdfast that wrote it");
  }
  return row;
}

std::string floor_version_key(std::string_view prefix) {
  return std::string(prefix) + std::string("\0\2", 2);
}

std::string floor_time_key(std::string_view prefix) {
  return std::string(prefix) + std::string("\0\3", 2);
}

std::string version_count_key(std::string_view prefix) {
  return std::string(prefix) + std::string("\0\4", 2);
}

std::string byte_count_key(std::string_view prefix) {
  return std::string(prefix) + std::string("\0\5", 2);
}

std::string trim_state_key(std::string_view prefix) {
  return std::string(prefix) + std::string("\0\6", 2);
}

Result<uint64_t> read_count(Reader& reader, const std::string& key) {
  HOLDFAST_ASSIGN(const auto value, reader.get(key));
  return value ? static_cast<uint64_t>(decode_number(*value).value_or(0)) : 0;
}

Result<TrimState> parse_trim_state(const std::optional<std::string>& value) {
  TrimState state;
  if (!value) return state;
  if (value->size() < kTrimStateSize) return damaged("that says how far it is trimmed is short");
  state.steps = load_le<uint64_t>(value->data());
  state.finished_us = load_le<uint64_t>(value->data() + 8);
  state.versions = load_le<uint64_t>(value->data() + 16);
  state.next = value->substr(kTrimStateSize);
  return state;
}

std::string trim_state_value(const TrimState& state) {
  std::string value(kTrimStateSize, '\0');
  store_le(value.data(), state.steps);
  store_le(value.data() + 8, state.finished_us);
  store_le(value.data() + 16, state.versions);
  return value.append(state.next);
}

std::string retention_key(std::string_view prefix) {
  return std::string("\x0fr").append(prefix);
}

std::string retention_value(const Retention& retention) {
  std::string value(kRetentionSize, '\0');
  value[0] = static_cast<char>(kRetentionFormat);
  store_le(value.data() + 1, static_cast<uint64_t>(retention.age.count()));
  store_le(value.data() + 9, retention.count);
  return value;
}

Result<Retention> parse_retention(std::string_view value) {
  if (!value.empty() && static_cast<uint8_t>(value[0]) > kRetentionFormat) {
    return Status(StatusCode::kUnsupported,
                  "a retention has a form that this program does not know; use the newer Holdfast "
                  "that wrote it");
  }
  if (value.size() != kRetentionSize || static_cast<uint8_t>(value[0]) != kRetentionFormat) {
    return damaged("that says what to keep is malformed");
  }
  const auto age = static_cast<int64_t>(load_le<uint64_t>(value.data() + 1));
  return Retention{std::chrono::seconds(age), load_le<uint64_t>(value.data() + 9)};
}

KeyRange rows_of_key(std::string_view prefix, std::string_view key, const AsOf& as_of) {
  const std::string group = group_of(prefix, key);
  const bool by_version = as_of.kind == AsOf::Kind::kVersion;
  return {by_version ? row_key(group, as_of.number) : group, group_end(group)};
}

KeyRange rows_of(std::string_view prefix, const KeyRange& range) {
  KeyRange rows;
  // The first that a key can begin with; what is below it are the floor's rows.
  rows.begin = std::string(prefix) + std::max(escaped(range.begin), std::string("\0\xff", 2));
  rows.end =
      range.end.empty() ? ordered_prefix_end(prefix) : std::string(prefix) + escaped(range.end);
  return rows;
}

HistoryFinder::HistoryFinder(Reader& reader, std::string_view prefix, const KeyRange& rows,
                             const AsOf& as_of)
    : row_size_min_(prefix.size() + kKeyEndSize + kVersionSize),
      as_of_(as_of),
      cursor_(reader.scan(rows)) {}

Status HistoryFinder::check(Reader& reader, const History& history, const AsOf& as_of) {
  if (as_of.kind == AsOf::Kind::kLatest) return Status::ok();
  if (as_of.kind == AsOf::Kind::kVersion && as_of.number > reader.version()) {
    return Status(StatusCode::kInvalidArgument, "version " + std::to_string(as_of.number) +
                                                    " is not there yet; the last is " +
                                                    std::to_string(reader.version()));
  }
  HOLDFAST_ASSIGN(const HistoryFloor floor, history.floor(reader));
  return is_below(as_of, floor) ? below_floor(as_of, floor) : Status::ok();
}

Result<std::string> HistoryFinder::group() const {
  if (cursor_.key().size() < row_size_min_) return damaged("has a malformed key");
  return std::string(group_of_row(cursor_.key()));
}

Result<bool> HistoryFinder::settle(HistoryRow* row) {
  HOLDFAST_ASSIGN(const std::string group, this->group());
  bool found = true;
  if (as_of_.kind == AsOf::Kind::kVersion) {
    HOLDFAST_ASSIGN(found, settle_by_version(group, as_of_.number));
  } else if (as_of_.kind == AsOf::Kind::kTime) {
    HOLDFAST_ASSIGN(found, settle_by_time(group, as_of_.number));
  }
  if (!cursor_.status()) return cursor_.status();
  if (!found) return false;
  HOLDFAST_ASSIGN(*row, parse_row(cursor_.value()));
  if (!row->is_floor()) return true;
  if (row->value.size() != sizeof(uint64_t)) return damaged("holds a malformed floor");
  // Nothing is left of the key but this: it was not there any more.
  const HistoryFloor floor{load_le<uint64_t>(row->value.data()), row->time_us};
  return is_below(as_of_, floor) ? Result<bool>(below_floor(as_of_, floor)) : false;
}

Result<bool> HistoryFinder::settle_by_version(std::string_view group, uint64_t version) {
  for (int i = 0; in_group(group) && i < kStepsMax; ++i) {
    if (version_of_row(cursor_.key()) <= version) return true;
    cursor_.next();
  }
  if (!in_group(group)) return false;
  if (version_of_row(cursor_.key()) > version) cursor_.seek(row_key(group, version));
  return in_group(group);
}

// Versions and times rise together, so the last version that is not later is searched by halves.
Result<bool> HistoryFinder::settle_by_time(std::string_view group, uint64_t time_us) {
  HOLDFAST_ASSIGN(const HistoryRow newest, parse_row(cursor_.value()));
  if (newest.is_floor()) return true;
  if (!note_time(version_of_row(cursor_.key()), newest, time_us)) return true;
  // Rows up to `low` are not later, rows from `high` on are.
  uint64_t low = low_;
  uint64_t high = std::min(high_, version_of_row(cursor_.key()));
  for (bool halve = false;; halve = !halve) {
    const uint64_t probe = halve && high - low > 2 ? low + (high - low) / 2 : high - 1;
    const bool is_last = probe == high - 1;
    cursor_.seek(row_key(group, probe));
    if (!cursor_.status()) return cursor_.status();
    if (!in_group(group)) {
      if (is_last) return false;
      low = probe;
      continue;
    }
    const uint64_t version = version_of_row(cursor_.key());
    HOLDFAST_ASSIGN(const HistoryRow row, parse_row(cursor_.value()));
    if (!row.is_floor() && note_time(version, row, time_us)) {
      high = version;
    } else if (is_last) {
      return true;
    } else {
      low = probe;
    }
  }
}

// Whether the row is later than `time_us`.
bool HistoryFinder::note_time(uint64_t version, const HistoryRow& row, uint64_t time_us) {
  const bool is_later = row.time_us > time_us;
  if (is_later) {
    high_ = std::min(high_, version);
  } else {
    low_ = std::max(low_, version);
  }
  return is_later;
}

void HistoryFinder::leave(std::string_view group) {
  for (int i = 0; in_group(group) && i < kStepsMax; ++i) cursor_.next();
  if (in_group(group)) cursor_.seek(group_end(group));
}

}  // namespace holdfast::store
