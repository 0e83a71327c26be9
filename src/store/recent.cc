#include "store/recent.h"

#include <algorithm>

#include "base/check.h"
#include "log/record.h"
#include "store/number.h"
#include "store/touched.h"

namespace holdfast::store {
namespace {

// A table is dropped when all of it is applied. The first ones are small, as most processes have
// little behind the root, the later ones larger, so that there are never many to be looked into.
constexpr uint64_t kTableBytesMin = 512u << 10;
constexpr size_t kTableDoublingsMax = 3;

uint64_t table_bytes_max(size_t tables_before) {
  return kTableBytesMin << std::min(tables_before, kTableDoublingsMax);
}

// More than this many commits are better applied, for everybody.
constexpr uint64_t kCommitsMax = 4096;
// So is more than this of the log, which each reader would have to hold in memory.
constexpr uint64_t kSyncedBytesMax = 8u << 20;
// Where nobody writes nobody applies, and every read pays for the detour: by then it was dearer.
constexpr uint64_t kSyncedViewsMax = 4096;

// Of writes of one key the newest counts: `older`, of an older table, comes in only if it is below.
const RecentTable::Node* first_of(const RecentTable::Node* first, const RecentTable::Node* older) {
  if (first == nullptr || older == nullptr) return first == nullptr ? older : first;
  return RecentTable::key(*older) < RecentTable::key(*first) ? older : first;
}

}  // namespace

RecentView view_of(const Pins::Pinned& pinned) {
  return {pinned, nullptr, pinned.root.version, pinned.root.position()};
}

const RecentTable::Node* RecentView::find(std::string_view key) const {
  if (tables == nullptr) return nullptr;
  for (auto table = tables->rbegin(); table != tables->rend(); ++table) {
    if (const RecentTable::Node* node = (*table)->find(key, version)) return node;
  }
  return nullptr;
}

const RecentTable::Node* RecentView::seek(std::string_view key, bool behind) const {
  const RecentTable::Node* first = nullptr;
  if (tables == nullptr) return first;
  for (auto table = tables->rbegin(); table != tables->rend(); ++table) {
    const RecentTable::Node* node = (*table)->seek(key, version);
    if (behind && node != nullptr && RecentTable::key(*node) == key) {
      node = (*table)->next(*node, version);
    }
    first = first_of(first, node);
  }
  return first;
}

void Recent::start_at(const PublishedRoot& root) {
  tables_.reset();
  ends_.clear();
  base_version_ = root.version;
  reader_.emplace(*context_.segments, context_.store_id, root.position(), log::Trust::kAccepted);
}

void Recent::drop_applied(uint64_t version) {
  size_t applied = 0;
  while (applied < ends_.size() && ends_[applied] <= version) ++applied;
  if (applied == 0) return;
  base_version_ = ends_[applied - 1];
  using Distance = RecentTables::difference_type;
  const auto kept = tables_->begin() + static_cast<Distance>(applied);
  tables_ = std::make_shared<const RecentTables>(kept, tables_->end());
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<Distance>(applied));
}

// Makes ready to read on from where the last call ended, or from the root. False: apply instead.
bool Recent::go_on(const PublishedRoot& root, const End& end) {
  if (end.epoch != root.epoch) return false;
  const bool continues = reader_ && reader_->position().epoch == root.epoch &&
                         reader_->position().version >= root.version;
  if (!continues) start_at(root);
  drop_applied(root.version);
  const uint64_t version = reader_->position().version;
  const uint64_t commits = end.version - std::min(end.version, version);
  // A transaction may have gone further.
  const log::Lsn from = std::min(reader_->position().lsn, end.lsn);
  const uint64_t bytes = context_.log_bytes_between(from, end.lsn);
  return (commits <= end.commits_max && bytes <= end.bytes_max) || context_.locks->apply.is_held();
}

// What `key` was before the operation at hand: in the tables, or else in the root, which has every
// write that they do not.
Result<std::optional<std::string_view>> Recent::newest_value(const PublishedRoot& root,
                                                             std::string_view key) const {
  for (auto table = tables_->rbegin(); table != tables_->rend(); ++table) {
    if (const RecentTable::Node* node = (*table)->find(key, ~0ull)) {
      return RecentTable::value(*node);
    }
  }
  HOLDFAST_ASSIGN(const auto found, tree::find(*context_.pages, root.root, key));
  HOLDFAST_TRY(context_.intact());
  if (!found) return std::optional<std::string_view>();
  HOLDFAST_ASSIGN(const auto value, tree::value_bytes(*context_.pages, *found));
  HOLDFAST_TRY(context_.intact());
  return std::optional(value);
}

// Adds what a blind change made of the number: the same for every reader, whatever its root.
Status Recent::add_number(const PublishedRoot& root, const log::Operation& operation,
                          uint64_t version) {
  HOLDFAST_ASSIGN(const auto before, newest_value(root, operation.key));
  std::optional<int64_t> number;
  if (before) {
    number = number_of(*before);
    if (!number) return Status::ok();  // stays what it is
  }
  const auto bytes = number_bytes(changed_number(number, {operation.kind, operation.operand}));
  tables_->back()->add(operation.key, version, std::string_view(bytes.data(), bytes.size()));
  return Status::ok();
}

// Errors: InvalidArgument (only the tree can carry the operation out), those of reading the tree.
Status Recent::add(const PublishedRoot& root, const log::Operation& operation,
                   const log::RecordHeader& header) {
  RecentTable& table = *tables_->back();
  switch (operation.kind) {
    case log::OperationKind::kPut:
      table.add(operation.key, header.version, operation.value);
      return Status::ok();
    case log::OperationKind::kDelete:
      table.add(operation.key, header.version, std::nullopt);
      return Status::ok();
    case log::OperationKind::kPutStamped: {
      std::string key(operation.key), value(operation.value);
      log::write_stamp(operation.stamp, header.version, header.commit_time_us, key.data(),
                       value.data());
      table.add(key, header.version, value);
      return Status::ok();
    }
    case log::OperationKind::kAdd:
    case log::OperationKind::kMax:
      return add_number(root, operation, header.version);
    default:
      return Status(StatusCode::kInvalidArgument, "an operation that needs the tree");
  }
}

// Adds the records from where the last call ended up to `version`, which ends at `limit`. `root` is
// pinned. Errors: Corruption (the log does not go on there), those of add(), Os's.
Status Recent::take_in(const PublishedRoot& root, log::Lsn limit, uint64_t version) {
  while (reader_->position().version < version) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader_->next(limit));
    if (!record) {
      if (reader_->position().version >= version) break;
      return Status(StatusCode::kCorruption, "the log does not go on");
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    if (ends_.empty() || tables_->back()->bytes() >= table_bytes_max(ends_.size() - 1)) {
      auto tables =
          tables_ ? std::make_shared<RecentTables>(*tables_) : std::make_shared<RecentTables>();
      tables->push_back(std::make_shared<RecentTable>());
      tables_ = std::move(tables);
      ends_.push_back(0);
    }
    log::PayloadReader payload(record->payload);
    while (const auto operation = payload.next()) {
      HOLDFAST_TRY(add(root, *operation, record->header));
    }
    HOLDFAST_TRY(payload.status());
    ends_.back() = record->header.version;
  }
  return Status::ok();
}

Result<std::optional<RecentView>> Recent::view() {
  HOLDFAST_ASSIGN(const Pins::Pinned pinned, pins_.pin(RootChoice::kLatest, true));
  // Read behind the root: every commit made before this call is in one or the other.
  const Tail tail = read_tail(context_.control().tail);
  if (pinned.root.version >= tail.version) return std::optional(view_of(pinned));
  const std::lock_guard lock(mutex_);
  if (!reader_ || pinned.root.version >= base_version_) return view_behind(pinned);
  // Another thread was here with a newer root, and dropped what that one has.
  pins_.unpin(pinned.slot);
  HOLDFAST_ASSIGN(const Pins::Pinned newer, pins_.pin(RootChoice::kLatest, true));
  CHECK(newer.root.version >= base_version_);
  return view_behind(newer);
}

// False: not possible; `pinned` is not any more. REQUIRES: the mutex.
bool Recent::take_in_from(const Pins::Pinned& pinned, const End& end) {
  if (go_on(pinned.root, end) && take_in(pinned.root, end.lsn, end.version)) return true;
  reader_.reset();  // whatever was met: the tree will have it
  tables_.reset();
  ends_.clear();
  pins_.unpin(pinned.slot);
  return false;
}

// What was read of the log is held in memory: the view does not need it any more.
RecentView Recent::without_log(RecentView view) {
  pins_.keep_log(view.pinned.slot, 0);
  return view;
}

Recent::Synced Recent::look_at_synced() const {
  const ControlBlock& control = context_.control();
  // The version first: see apply_synced().
  const uint64_t version = control.synced.version.load(std::memory_order_seq_cst);
  return {version, control.state.epoch.load(std::memory_order_seq_cst), version};
}

Result<std::optional<RecentView>> Recent::synced_view(bool whatever_it_takes) {
  return view_of_synced(look_at_synced(), whatever_it_takes);
}

Result<std::optional<RecentView>> Recent::synced_view_for(std::string_view key) {
  Synced synced = look_at_synced();
  synced.needed = std::min(synced.version, last_write(context_.control(), key));
  return view_of_synced(synced, false);
}

bool Recent::have_taken_in(const PublishedRoot& root, const Synced& synced) const {
  return reader_ && reader_->position().epoch == synced.epoch && root.epoch == synced.epoch &&
         reader_->position().version >= synced.needed;
}

Result<std::optional<RecentView>> Recent::view_of_synced(const Synced& synced,
                                                         bool whatever_it_takes) {
  HOLDFAST_ASSIGN(Pins::Pinned pinned, pins_.pin(RootChoice::kDurable, false));
  if (pinned.root.version >= synced.needed) [[likely]]
    return std::optional(view_of(pinned));
  pins_.unpin(pinned.slot);
  const std::lock_guard lock(mutex_);
  if (++synced_views_ % kSyncedViewsMax == 0 && !whatever_it_takes) {
    return std::optional<RecentView>();
  }
  HOLDFAST_ASSIGN(pinned, pins_.pin(RootChoice::kDurable, true));
  if (pinned.root.version >= synced.needed) return std::optional(without_log(view_of(pinned)));
  if (reader_ && pinned.root.version < base_version_) {
    // A transaction has read through a newer root, and dropped what that one has.
    pins_.unpin(pinned.slot);
    return std::optional<RecentView>();
  }
  if (have_taken_in(pinned.root, synced)) {
    const uint64_t version = std::min(synced.version, reader_->position().version);
    return std::optional(without_log({pinned, tables_, version, pinned.root.position()}));
  }
  const log::Lsn lsn = context_.control().synced.lsn.load();
  End end{lsn, synced.version, synced.epoch, kCommitsMax, kSyncedBytesMax};
  if (whatever_it_takes) end.commits_max = end.bytes_max = ~0ull;
  if (!take_in_from(pinned, end)) {
    return std::optional<RecentView>();
  }
  return std::optional(without_log({pinned, tables_, synced.version, pinned.root.position()}));
}

// REQUIRES: the mutex.
Result<std::optional<RecentView>> Recent::view_behind(const Pins::Pinned& pinned) {
  const Tail tail = read_tail(context_.control().tail);
  if (pinned.root.version >= tail.version) return std::optional(view_of(pinned));
  if (engine_state(context_.control()) != EngineState::kRunning) {
    pins_.unpin(pinned.slot);
    return std::optional<RecentView>();
  }
  if (!take_in_from(pinned, {tail.lsn, tail.version, tail.epoch, kCommitsMax, ~0ull})) {
    return std::optional<RecentView>();
  }
  // Another thread may have taken in more since the tail was read.
  return std::optional(
      RecentView{pinned, tables_, reader_->position().version, reader_->position()});
}

void RecentCursor::look_ahead() {
  ahead_ = nullptr;
  for (const RecentTable::Node* const front : fronts_) ahead_ = first_of(ahead_, front);
  if (ahead_ != nullptr && !end_.empty() && RecentTable::key(*ahead_) >= end_) ahead_ = nullptr;
}

void RecentCursor::pass_ahead() {
  const std::string_view passed = RecentTable::key(*ahead_);
  auto front = fronts_.begin();
  for (auto table = view_.tables->rbegin(); table != view_.tables->rend(); ++table, ++front) {
    if (*front != nullptr && RecentTable::key(**front) == passed) {
      *front = (*table)->next(**front, view_.version);
    }
  }
  look_ahead();
}

// To the first of the two that is not deleted.
void RecentCursor::settle() {
  on_recent_ = false;
  while (ahead_ != nullptr && status()) {
    const std::string_view recent = RecentTable::key(*ahead_);
    if (tree_.valid() && tree_.key() < recent) return;
    // The tree's write of the same key is older.
    if (tree_.valid() && tree_.key() == recent) tree_.next();
    on_recent_ = RecentTable::value(*ahead_).has_value();
    if (on_recent_) return;
    pass_ahead();
  }
}

void RecentCursor::seek(std::string_view key) {
  fronts_.clear();
  if (view_.tables != nullptr) {
    for (auto table = view_.tables->rbegin(); table != view_.tables->rend(); ++table) {
      fronts_.push_back((*table)->seek(key, view_.version));
    }
  }
  look_ahead();
  if (key.empty()) {
    tree_.seek_first();
  } else {
    tree_.seek(key);
  }
  settle();
}

void RecentCursor::next_merged() {
  CHECK(valid());
  if (on_recent_) {
    pass_ahead();
  } else {
    tree_.next();
  }
  settle();
}

bool RecentCursor::recent_value(std::string_view* value) const {
  *value = *RecentTable::value(*ahead_);
  return true;
}

}  // namespace holdfast::store
