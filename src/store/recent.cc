#include "store/recent.h"

#include <algorithm>

#include "base/check.h"
#include "log/record.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kTableBytesMax = 4u << 20;
// More than this many commits are better applied, for everybody.
constexpr uint64_t kCommitsMax = 4096;

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
bool Recent::go_on(const PublishedRoot& root, const Tail& tail) {
  if (engine_state(context_.control()) != EngineState::kRunning) return false;
  if (tail.epoch != root.epoch) return false;
  const bool continues = reader_ && reader_->position().epoch == root.epoch &&
                         reader_->position().version >= root.version;
  if (!continues) start_at(root);
  drop_applied(root.version);
  const uint64_t version = reader_->position().version;
  const uint64_t commits = tail.version - std::min(tail.version, version);
  return commits <= kCommitsMax || context_.locks->apply.is_held();
}

// False: only the tree can carry the operation out.
bool Recent::add(const log::Operation& operation, const log::RecordHeader& header) {
  RecentTable& table = *tables_->back();
  switch (operation.kind) {
    case log::OperationKind::kPut:
      table.add(operation.key, header.version, operation.value);
      return true;
    case log::OperationKind::kDelete:
      table.add(operation.key, header.version, std::nullopt);
      return true;
    case log::OperationKind::kPutStamped: {
      std::string key(operation.key), value(operation.value);
      log::write_stamp(operation.stamp, header.version, header.commit_time_us, key.data(),
                       value.data());
      table.add(key, header.version, value);
      return true;
    }
    default:
      return false;
  }
}

// Adds the records from where the last call ended up to `version`, which ends at `limit`.
// Errors: Corruption (the log does not go on there), InvalidArgument (an operation that only the
// tree can carry out), Os's.
Status Recent::take_in(log::Lsn limit, uint64_t version) {
  while (reader_->position().version < version) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader_->next(limit));
    if (!record) {
      if (reader_->position().version >= version) break;
      return Status(StatusCode::kCorruption, "the log does not go on");
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    if (ends_.empty() || tables_->back()->bytes() >= kTableBytesMax) {
      auto tables =
          tables_ ? std::make_shared<RecentTables>(*tables_) : std::make_shared<RecentTables>();
      tables->push_back(std::make_shared<RecentTable>());
      tables_ = std::move(tables);
      ends_.push_back(0);
    }
    log::PayloadReader payload(record->payload);
    while (const auto operation = payload.next()) {
      if (!add(*operation, record->header)) {
        return Status(StatusCode::kInvalidArgument, "an operation that needs the tree");
      }
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

// REQUIRES: the mutex.
Result<std::optional<RecentView>> Recent::view_behind(const Pins::Pinned& pinned) {
  const Tail tail = read_tail(context_.control().tail);
  if (pinned.root.version >= tail.version) return std::optional(view_of(pinned));
  if (!go_on(pinned.root, tail) || !take_in(tail.lsn, tail.version)) {
    reader_.reset();  // whatever was met: the tree will have it
    tables_.reset();
    ends_.clear();
    pins_.unpin(pinned.slot);
    return std::optional<RecentView>();
  }
  // Another thread may have taken in more since the tail was read.
  return std::optional(
      RecentView{pinned, tables_, reader_->position().version, reader_->position()});
}

const RecentTable::Node* RecentCursor::first_recent(std::string_view key, bool behind) const {
  const RecentTable::Node* first = nullptr;
  if (view_.tables == nullptr) return first;
  for (auto table = view_.tables->rbegin(); table != view_.tables->rend(); ++table) {
    const RecentTable::Node* node = (*table)->seek(key, behind, view_.version);
    // Of one key's writes the newest counts: later tables come first.
    if (node != nullptr && (!first || RecentTable::key(*node) < RecentTable::key(*first))) {
      first = node;
    }
  }
  const bool inside = first && (end_.empty() || RecentTable::key(*first) < end_);
  return inside ? first : nullptr;
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
    ahead_ = first_recent(recent, true);
  }
}

void RecentCursor::seek(std::string_view key) {
  ahead_ = first_recent(key, false);
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
    ahead_ = first_recent(RecentTable::key(*ahead_), true);
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
