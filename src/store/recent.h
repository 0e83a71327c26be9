// Recent: what the log has and the tree has not yet, indexed in this process. A transaction reads
// through it, so that it sees the newest commits without applying them: they can be applied later,
// many at a time, by whoever has the leisure.
//
// Thread-safety: any. Process-safety: nothing is shared; each process reads the log for itself.
// Invariants:
//   1. The tables hold every write of the versions (root, view], for the pinned root; what they
//      hold of older versions agrees with the root.
//   2. Only a root of `base_version_` or later is read through the tables: what an older one lacks
//      may have been dropped for a newer one's sake.
//   3. A view never changes: what is added later has higher versions.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/reader.h"
#include "log/record.h"
#include "store/context.h"
#include "store/pins.h"
#include "store/recent_table.h"
#include "tree/cursor.h"

namespace holdfast::store {

// Oldest first.
using RecentTables = std::vector<std::shared_ptr<RecentTable>>;

// A pinned root and the commits behind it.
struct RecentView {
  Pins::Pinned pinned;
  std::shared_ptr<const RecentTables> tables;  // null: the root has everything
  uint64_t version = 0;
  log::Position position;  // behind the last commit of the view, or before it

  // The last write of `key` that the root does not have, or nullptr.
  const RecentTable::Node* find(std::string_view key) const;
  // The same of the first key that is not below `key` (with `behind`: that is above it).
  const RecentTable::Node* seek(std::string_view key, bool behind) const;
};

// A view of the root alone.
RecentView view_of(const Pins::Pinned& pinned);

class Recent {
 public:
  Recent(const Context& context, Pins& pins) : context_(context), pins_(pins) {}

  // Pins the newest root and takes in what the log has behind it. Nothing when that is not
  // possible, or would take longer than applying it, and nobody is at that: apply the tail then.
  Result<std::optional<RecentView>> view();

  // The same of what is durable: pins the durable root and takes in what is synced behind it. Also
  // nothing when views have been read through the log for long: applying it helps everybody.
  // `whatever_it_takes`: it cannot be applied.
  Result<std::optional<RecentView>> synced_view(bool whatever_it_takes = false);

  // The same for somebody who reads `key` alone: the view may lack what is synced but did not write
  // it, so that mostly nothing is taken in.
  Result<std::optional<RecentView>> synced_view_for(std::string_view key);

 private:
  // How far a view goes, and in which epoch.
  struct End {
    log::Lsn lsn = 0;
    uint64_t version = 0;
    uint32_t epoch = 0;
    // What may be read for it.
    uint64_t commits_max = 0;
    uint64_t bytes_max = 0;
  };
  // What is synced, and what of it a view must have.
  struct Synced {
    uint64_t version = 0;
    uint32_t epoch = 0;
    uint64_t needed = 0;
  };
  Synced look_at_synced() const;
  Result<std::optional<RecentView>> view_of_synced(const Synced& synced, bool whatever_it_takes);
  bool have_taken_in(const PublishedRoot& root, const Synced& synced) const;
  bool go_on(const PublishedRoot& root, const End& end);
  Status take_in(const PublishedRoot& root, log::Lsn limit, uint64_t version);
  Status add(const PublishedRoot& root, const log::Operation& operation,
             const log::RecordHeader& header);
  Status add_number(const PublishedRoot& root, const log::Operation& operation, uint64_t version);
  Result<std::optional<std::string_view>> newest_value(const PublishedRoot& root,
                                                       std::string_view key) const;
  void start_at(const PublishedRoot& root);
  void drop_applied(uint64_t version);
  Result<std::optional<RecentView>> view_behind(const Pins::Pinned& pinned);
  bool take_in_from(const Pins::Pinned& pinned, const End& end);
  RecentView without_log(RecentView view);

  const Context& context_;
  Pins& pins_;
  std::mutex mutex_;
  std::shared_ptr<const RecentTables> tables_;
  std::vector<uint64_t> ends_;  // version of the last write of each table
  uint64_t base_version_ = 0;   // the tables hold every write after it
  std::optional<log::Reader> reader_;
  uint64_t synced_views_ = 0;
};

// The keys of a view in order: tree and tables merged. As tree::Cursor; `end` outlives it.
class RecentCursor {
 public:
  RecentCursor(const tree::PageSource& pages, const RecentView& view)
      : tree_(pages, view.pinned.root.root), view_(view) {}

  void set_end(std::string_view end) {
    end_ = end;
    tree_.set_end(end);
  }
  void seek_first() { seek({}); }
  void seek(std::string_view key);
  void next() {
    if (view_.tables == nullptr) [[likely]] {
      tree_.next();
    } else {
      next_merged();
    }
  }
  bool valid() const { return on_recent_ || tree_.valid(); }
  const Status& status() const { return tree_.status(); }
  std::string_view key() const { return on_recent_ ? RecentTable::key(*ahead_) : tree_.key(); }
  bool inline_value(std::string_view* value) const {
    return on_recent_ ? recent_value(value) : tree_.inline_value(value);
  }
  Result<std::string_view> value() const { return tree_.value(); }

 private:
  void next_merged();
  bool recent_value(std::string_view* value) const;
  void look_ahead();
  void pass_ahead();
  void settle();

  tree::Cursor tree_;
  const RecentView& view_;
  std::string_view end_;  // empty: none
  // Of each of the view's tables, newest first, the write that was not passed yet.
  std::vector<const RecentTable::Node*> fronts_;
  const RecentTable::Node* ahead_ = nullptr;  // the first of them that counts
  bool on_recent_ = false;                    // the cursor stands on it
};

}  // namespace holdfast::store
