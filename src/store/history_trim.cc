// Trimming: one key at a time, looked at in a snapshot, let go of without reading. A version that
// another has followed stays followed, so what a snapshot shows to be superfluous is so for ever,
// and two who trim at once only do the same twice.
#include <algorithm>

#include "base/coding.h"
#include "holdfast/history.h"
#include "store/history_rows.h"

namespace holdfast {
namespace {

using store::HistoryFinder;
using store::HistoryRow;

constexpr uint64_t kNothing = 0;  // no version

// What of one key goes.
struct Cut {
  std::string group;
  // Rows from this version on down go; kNothing: none.
  uint64_t version = kNothing;
  // Reads below these would miss what goes.
  HistoryFloor floor;
  // Only reads of this key miss it: it has a floor of its own.
  bool is_own_floor = false;
};

class Trimmer {
 public:
  Trimmer(Reader& reader, const std::string& prefix, const Retention& retention, uint64_t now_us)
      : reader_(reader), prefix_(prefix), retention_(retention) {
    const auto age_us = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(retention.age).count());
    cutoff_us_ = retention.age.count() > 0 && now_us > age_us ? now_us - age_us : 0;
  }

  // What goes of the keys from `from` on. Fills everything of `result` but what was trimmed.
  Result<std::vector<Cut>> look(std::string_view from, size_t keys_max, HistoryTrim* result) {
    std::vector<Cut> cuts;
    HistoryFinder finder(reader_, store::rows_of(prefix_, {std::string(from), {}}),
                         AsOf::time_us(cutoff_us_));
    for (; finder.valid(); ++result->keys_seen) {
      const std::string group(store::group_of_row(finder.cursor().key()));
      if (result->keys_seen == keys_max) {
        HOLDFAST_ASSIGN(result->next, store::key_of_group(prefix_, group));
        return cuts;
      }
      HOLDFAST_ASSIGN(Cut cut, look_at(group, finder));
      if (cut.version != kNothing) cuts.push_back(std::move(cut));
      finder.leave(group);
    }
    HOLDFAST_TRY(Status(finder.cursor().status()));
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
      if (!cursor.valid() || store::group_of_row(cursor.key()) != group) {
        HOLDFAST_TRY(Status(cursor.status()));
        return std::optional<HistoryRow>();
      }
      HOLDFAST_ASSIGN(const HistoryRow row, store::parse_row(cursor.value()));
      return row.is_floor() ? std::nullopt : std::optional<HistoryRow>(row);
    };
    for (uint64_t kept = 0;; ++kept) {
      HOLDFAST_ASSIGN(const std::optional<HistoryRow> row, row_here());
      if (!row) break;
      const uint64_t version = store::version_of_row(cursor.key());
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
    if (!*found) {
      // Nothing as old, unless the key's own floor is all that is left of it.
      const bool is_floor_alone =
          row.is_floor() && finder.valid() && store::group_of_row(finder.cursor().key()) == group;
      if (is_floor_alone) cut.version = 1;
      return cut;
    }
    const uint64_t version = store::version_of_row(finder.cursor().key());
    cut.floor = {version, row.time_us};
    if (row.is_deletion()) {
      cut.version = version;
      return cut;
    }
    finder.cursor().next();
    Cursor& cursor = finder.cursor();
    if (cursor.valid() && store::group_of_row(cursor.key()) == group) {
      // At least one: the key's own floor has no version, but goes with what is older.
      cut.version = std::max<uint64_t>(store::version_of_row(cursor.key()), 1);
    }
    return cut;
  }

  Reader& reader_;
  const std::string& prefix_;
  const Retention retention_;
  uint64_t cutoff_us_ = 0;
};

Status make_cut(Transaction& txn, const std::string& prefix, const Cut& cut) {
  HOLDFAST_TRY(
      txn.del_range({store::row_key(cut.group, cut.version), store::group_end(cut.group)}));
  if (cut.is_own_floor) {
    std::string row(8 + 1 + 8, '\0');
    store_le(row.data(), cut.floor.time_us);
    row[8] = static_cast<char>(store::kRowIsFloor);
    store_le(row.data() + 9, cut.floor.version);
    return txn.put(store::row_key(cut.group, 0), row);
  }
  HOLDFAST_TRY(
      txn.raise(store::floor_version_key(prefix), static_cast<int64_t>(cut.floor.version)));
  return txn.raise(store::floor_time_key(prefix), static_cast<int64_t>(cut.floor.time_us));
}

}  // namespace

Result<HistoryTrim> History::trim_step(Store& store, const Retention& retention, uint64_t now_us,
                                       std::string_view from, size_t keys_max) const {
  HistoryTrim result;
  if (retention.age.count() <= 0 && retention.count == 0) return result;
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  HOLDFAST_ASSIGN(const std::vector<Cut> cuts,
                  Trimmer(snapshot, prefix_, retention, now_us).look(from, keys_max, &result));
  result.keys_trimmed = cuts.size();
  if (cuts.empty()) return result;
  HOLDFAST_TRY(store
                   .update([&](Transaction& txn) -> Status {
                     for (const Cut& cut : cuts) HOLDFAST_TRY(make_cut(txn, prefix_, cut));
                     return Status::ok();
                   })
                   .status());
  return result;
}

}  // namespace holdfast
