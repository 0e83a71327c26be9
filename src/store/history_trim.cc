// Trimming: one key at a time, looked at without being remembered, let go of without reading. A
// version that another has followed stays followed, so what is superfluous once is so for ever.
#include "store/history_trim.h"

#include <algorithm>

#include "base/coding.h"

namespace holdfast {
namespace store {
namespace {

constexpr uint64_t kNothing = 0;  // no version
// Versions that stay are walked over, too, where their number counts.
constexpr size_t kSeenMax = 4 * History::kTrimVersionsMax;

// What of one key goes.
struct Cut {
  std::string group;
  // Rows from this version on down go; kNothing: none.
  uint64_t version = kNothing;
  // Reads below these would miss what goes.
  HistoryFloor floor;
  // Only reads of this key miss it: it has a floor of its own.
  bool is_own_floor = false;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

class Trimmer {
 public:
  Trimmer(Reader& reader, const std::string& prefix, const Retention& retention, uint64_t now_us)
      : reader_(reader), prefix_(prefix), retention_(retention) {
    const auto age_us = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(retention.age).count());
    cutoff_us_ = retention.age.count() > 0 && now_us > age_us ? now_us - age_us : 0;
  }

  // What goes of the keys from `from` on. Sets all of `result`.
  Result<std::vector<Cut>> look(std::string_view from, size_t keys_max, HistoryTrim* result) {
    std::vector<Cut> cuts;
    HistoryFinder finder(reader_, prefix_, rows_of(prefix_, {std::string(from), {}}),
                         AsOf::time_us(cutoff_us_));
    for (; finder.valid(); ++result->keys_seen) {
      HOLDFAST_ASSIGN(const std::string group, finder.group());
      if (result->keys_seen == keys_max || rows_left_ == 0 || seen_ >= kSeenMax) {
        HOLDFAST_ASSIGN(result->next, key_of_group(prefix_, group));
        break;
      }
      HOLDFAST_ASSIGN(Cut cut, look_at(group, finder));
      if (cut.version != kNothing) {
        HOLDFAST_ASSIGN(const bool is_whole, measure(cut, finder.cursor()));
        result->versions_trimmed += cut.rows;
        cuts.push_back(std::move(cut));
        if (!is_whole) {
          HOLDFAST_ASSIGN(result->next, key_of_group(prefix_, group));
          break;
        }
      }
      finder.leave(group);
    }
    HOLDFAST_TRY(Status(finder.cursor().status()));
    result->keys_trimmed = cuts.size();
    return cuts;
  }

 private:
  // Leaves the finder somewhere in the group.
  Result<Cut> look_at(const std::string& group, HistoryFinder& finder) {
    HOLDFAST_ASSIGN(Cut by_count, cut_by_count(group, finder.cursor()));
    if (cutoff_us_ == 0) return by_count;
    HOLDFAST_ASSIGN(Cut by_age, cut_by_age(group, finder));
    return by_age.version >= by_count.version ? by_age : by_count;
  }

  Result<Cut> cut_by_count(const std::string& group, Cursor& cursor) {
    Cut cut{group, kNothing, {}, true};
    if (retention_.count == 0) return cut;
    const auto row_here = [&]() -> Result<std::optional<HistoryRow>> {
      if (!is_in(cursor, group)) {
        HOLDFAST_TRY(Status(cursor.status()));
        return std::optional<HistoryRow>();
      }
      HOLDFAST_ASSIGN(const HistoryRow row, parse_row(cursor.value()));
      return row.is_floor() ? std::nullopt : std::optional<HistoryRow>(row);
    };
    for (uint64_t kept = 0;; ++kept, ++seen_) {
      HOLDFAST_ASSIGN(const std::optional<HistoryRow> row, row_here());
      if (!row) break;
      const uint64_t version = version_of_row(cursor.key());
      if (kept == retention_.count) {
        cut.version = version;
        break;
      }
      cut.floor = {version, row->time_us};
      cursor.next();
    }
    cursor.seek(group);
    return cut;
  }

  // The last version that is old enough stays, for reads as of the cutoff, unless it is a deletion.
  Result<Cut> cut_by_age(const std::string& group, HistoryFinder& finder) {
    Cut cut{group, kNothing, {}, false};
    HistoryRow row;
    const auto found = finder.settle(&row);
    if (!found) {
      // All that is as old is below the key's own floor already.
      return found.status().code() == StatusCode::kTooOld ? Result<Cut>(cut) : found.status();
    }
    Cursor& cursor = finder.cursor();
    if (!*found) {
      // Nothing as old, unless the key's own floor is all that is left of it.
      if (row.is_floor() && finder.valid() && is_in(cursor, group)) cut.version = 1;
      return cut;
    }
    const uint64_t version = version_of_row(cursor.key());
    cut.floor = {version, row.time_us};
    if (row.is_deletion()) {
      cut.version = version;
      return cut;
    }
    cursor.next();
    // At least one: the key's own floor has no version, but goes with what is older.
    if (is_in(cursor, group)) cut.version = std::max<uint64_t>(version_of_row(cursor.key()), 1);
    return cut;
  }

  // Counts what goes. Where that is too much for one step, moves the cut down, by halves of the
  // versions, to where it is not: what stays is whole then. False: more is to go.
  Result<bool> measure(Cut& cut, Cursor& cursor) {
    const uint64_t all = cut.version;
    uint64_t none_below = 0;  // no row at or below it
    for (uint64_t too_much = all;;) {
      HOLDFAST_ASSIGN(const bool fits, count(cut, cursor));
      if (fits && (cut.rows > 0 || cut.version == all)) break;
      (fits ? none_below : too_much) = cut.version;
      cut.version = none_below + (too_much - none_below) / 2;
    }
    rows_left_ -= cut.rows;
    return cut.version == all;
  }

  Result<bool> count(Cut& cut, Cursor& cursor) {
    cut.rows = cut.bytes = 0;
    cursor.seek(row_key(cut.group, cut.version));
    for (; is_in(cursor, cut.group); cursor.next()) {
      HOLDFAST_ASSIGN(const HistoryRow row, parse_row(cursor.value()));
      if (row.is_floor()) continue;
      if (++cut.rows > rows_left_) return false;
      cut.bytes += row_bytes(cursor.key(), cursor.value());
    }
    HOLDFAST_TRY(Status(cursor.status()));
    return true;
  }

  static bool is_in(const Cursor& cursor, std::string_view group) {
    return cursor.valid() && group_of_row(cursor.key()) == group;
  }

  Reader& reader_;
  const std::string& prefix_;
  const Retention retention_;
  uint64_t cutoff_us_ = 0;
  uint64_t rows_left_ = History::kTrimVersionsMax;
  size_t seen_ = 0;
};

Status make_cut(Transaction& txn, const std::string& prefix, const Cut& cut) {
  HOLDFAST_TRY(txn.del_range({row_key(cut.group, cut.version), group_end(cut.group)}));
  HOLDFAST_TRY(txn.add(version_count_key(prefix), -static_cast<int64_t>(cut.rows)));
  HOLDFAST_TRY(txn.add(byte_count_key(prefix), -static_cast<int64_t>(cut.bytes)));
  if (cut.is_own_floor) {
    std::string row(8 + 1 + 8, '\0');
    store_le(row.data(), cut.floor.time_us);
    row[8] = static_cast<char>(kRowIsFloor);
    store_le(row.data() + 9, cut.floor.version);
    return txn.put(row_key(cut.group, 0), row);
  }
  HOLDFAST_TRY(txn.raise(floor_version_key(prefix), static_cast<int64_t>(cut.floor.version)));
  return txn.raise(floor_time_key(prefix), static_cast<int64_t>(cut.floor.time_us));
}

}  // namespace

Status trim_in(Transaction& txn, const std::string& prefix, const Retention& retention,
               uint64_t now_us, std::string_view from, size_t keys_max, HistoryTrim* result) {
  *result = {};
  if (retention.age.count() <= 0 && retention.count == 0) return Status::ok();
  PeekReader reader(txn);
  HOLDFAST_ASSIGN(const std::vector<Cut> cuts,
                  Trimmer(reader, prefix, retention, now_us).look(from, keys_max, result));
  for (const Cut& cut : cuts) HOLDFAST_TRY(make_cut(txn, prefix, cut));
  return Status::ok();
}

}  // namespace store

Result<HistoryTrim> History::trim_step(Store& store, const Retention& retention, uint64_t now_us,
                                       std::string_view from, size_t keys_max) const {
  HistoryTrim result;
  HOLDFAST_TRY(store
                   .update([&](Transaction& txn) -> Status {
                     const std::string state_key = store::trim_state_key(prefix_);
                     HOLDFAST_ASSIGN(const auto value, txn.get(state_key));
                     HOLDFAST_ASSIGN(store::TrimState state, store::parse_trim_state(value));
                     HOLDFAST_TRY(
                         store::trim_in(txn, prefix_, retention, now_us, from, keys_max, &result));
                     if (result.keys_trimmed == 0) return Status::ok();
                     ++state.steps;
                     return txn.put(state_key, store::trim_state_value(state));
                   })
                   .status());
  return result;
}

}  // namespace holdfast
