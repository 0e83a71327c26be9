// Care: what can be said of a store, and saved from it, without opening it.
//
// These functions read a store's files as they are: damaged, or open in other processes. They
// change nothing in it and take no lock of it. What they read may move on while they read it.
//
// Thread-safety: any thread; each call is by itself.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace os {
class Os;
}

namespace care {

// Bytes as text that can be read: printable ASCII as it is, a backslash as "\\", all else as
// "\xNN".
std::string key_text(std::string_view bytes);
// The bytes of such a text; nullopt when a backslash begins no escape.
std::optional<std::string> parse_key_text(std::string_view text);

// One thing that a dump found: its type and named values, in the order of printing. Keys, values
// and actors are given as key_text.
struct Row {
  using Value = std::variant<uint64_t, bool, std::string>;
  struct Field {
    std::string name;
    Value value;
  };

  explicit Row(std::string type_in) : type(std::move(type_in)) {}
  Row& add(std::string name, std::string value) {
    fields.push_back({std::move(name), Value(std::in_place_type<std::string>, std::move(value))});
    return *this;
  }
  Row& add(std::string name, const char* value) { return add(std::move(name), std::string(value)); }
  Row& add(std::string name, std::integral auto value) {
    using T = decltype(value);
    if constexpr (std::same_as<T, bool>) {
      fields.push_back({std::move(name), Value(std::in_place_type<bool>, value)});
    } else {
      fields.push_back(
          {std::move(name), Value(std::in_place_type<uint64_t>, static_cast<uint64_t>(value))});
    }
    return *this;
  }

  std::string type;
  std::vector<Field> fields;
};
// Takes rows one by one; an error ends the dump, which returns it.
using RowSink = std::function<Status(const Row&)>;

struct LogDumpOptions {
  uint64_t from_lsn = 0;    // LSN: segment number << 32 | offset in its file
  uint64_t to_lsn = ~0ull;  // records that begin before it
  bool keys = false;        // one row for each operation of a commit
};

enum class TreeChoice : uint8_t {
  kNewestCheckpoint,
  kOlderCheckpoint,
  kLive,  // the newest published root, durable or not; needs a control block of this boot
};
struct TreeDumpOptions {
  TreeChoice choice = TreeChoice::kNewestCheckpoint;
  uint32_t depth_max = ~0u;  // levels below the root to go down
};

// docs/operations.md lists the rows of each. Errors: NotAStore (nothing of a store is there),
// InvalidArgument (a page that the file does not have), NotFound (no such checkpoint or control
// block), what the sink returns. Damage is no error but a row that says so.
Status dump_log(os::Os& os, const std::string& path, const LogDumpOptions& options,
                const RowSink& sink);
Status dump_page(os::Os& os, const std::string& path, uint64_t pgno, const RowSink& sink);
Status dump_tree(os::Os& os, const std::string& path, const TreeDumpOptions& options,
                 const RowSink& sink);
Status dump_meta(os::Os& os, const std::string& path, const RowSink& sink);
Status dump_control(os::Os& os, const std::string& path, const RowSink& sink);

// Keys that salvage could not vouch for: from `lower` on, below `upper` (none: to the last key).
struct DamagedRange {
  std::string lower;
  std::optional<std::string> upper;
  // Keys found all the same, in pages that nothing vouches for any more or in the log: others may
  // be missing, some may be older than the last that was written, or have been deleted.
  uint64_t keys_found = 0;
};

struct SalvageOptions {
  // Go on although processes have the store open: what they write meanwhile may be missing.
  bool while_open = false;
  // Called now and then with what is being done and how far it is; `total` 0: not known.
  std::function<void(std::string_view what, uint64_t done, uint64_t total)> progress = {};
};

// A named snapshot that is in the new store, with the contents that it had.
struct SalvagedSnapshot {
  std::string name;
  uint64_t version = 0;      // in the old store
  uint64_t version_new = 0;  // in the new one, with a commit time of its own
};

struct SalvageReport {
  std::string base;  // which tree was taken: "checkpoint 7 of version 1200"
  uint64_t keys = 0;
  uint64_t key_bytes = 0;
  uint64_t value_bytes = 0;
  uint64_t keys_uncertain = 0;  // of them in damaged ranges
  uint64_t version = 0;         // the last version of the old store that is in the new one
  uint64_t version_new = 0;     // that of the new store, above every version of the old one
  uint64_t log_records_applied = 0;
  uint64_t log_records_beyond_damage = 0;  // of them behind a place that could not be read
  uint64_t log_records_skipped = 0;        // void, or behind a torn end: never acknowledged
  uint64_t blob_files = 0;                 // copied: contents beside the tree
  uint64_t blob_bytes = 0;
  std::vector<SalvagedSnapshot> snapshots;
  uint64_t damaged_ranges_count = 0;
  std::vector<DamagedRange> damaged_ranges;  // the first 1,000
  uint64_t damage_count = 0;
  std::vector<std::string> damage;  // places that could not be read, the first 1,000
  std::vector<std::string> doubts;  // whatever else may differ from what was acknowledged
  // Whether the new store is what the old one was, key for key.
  bool complete() const { return damaged_ranges_count == 0 && doubts.empty(); }
};

// Writes a new store to `to` from what is intact of the one in `from`, which is neither changed nor
// locked. `to` appears when it is whole; until then it lies in `to`.partial. What a salvage that
// died left there is removed by the next one. Errors: NotAStore, InvalidArgument (`to` exists, or
// something else at `to`.partial), Busy (the store is open, the message says by whom; or another
// salvage to `to` runs), Unsupported (a format of a newer Holdfast), and those of writing a store.
// Damage is no error: the report says what is lost.
Result<SalvageReport> salvage(os::Os& os, const std::string& from, const std::string& to,
                              const SalvageOptions& options);

enum class Severity : uint8_t {
  kAdvice,   // nothing is wrong; something should be known, or done some day
  kProblem,  // something keeps the store from working as it should; no data is damaged
  kDamage,   // data is damaged or missing
};

struct Finding {
  Severity severity = Severity::kAdvice;
  std::string topic;  // a stable name, such as "file-system" or "lock"
  std::string what;
  std::string why;     // it matters
  std::string advice;  // what to do: a command where there is one
};

struct DoctorReport {
  std::vector<Finding> findings;  // the gravest first
  // Of the gravest finding; nullopt: nothing was found.
  std::optional<Severity> severity() const {
    if (findings.empty()) return std::nullopt;
    return findings.front().severity;
  }
};

// Says what is wrong with a store and what to do about it; changes nothing, and works when opening
// fails. It looks at superblock, metas, roots, the whole log, the control block, locks, readers and
// the machine; for every page, use Store::check.
// Errors: NotAStore (nothing of a store is there), Os's for the directory.
Result<DoctorReport> doctor(os::Os& os, const std::string& path);

}  // namespace care
}  // namespace holdfast
