// The public watch: waits in a watch slot, reads the log.
#include "holdfast/watch.h"

#include <algorithm>

#include "log/record.h"
#include "store/apply.h"
#include "store/engine.h"
#include "store/sync.h"
#include "store/watch_slots.h"

namespace holdfast {
namespace {

// A waker may have died between making a commit visible and waking.
constexpr uint64_t kRecheckUs = 100'000;
constexpr size_t kCommitsMax = 1000;
constexpr size_t kBytesMax = 1u << 20;

}  // namespace

class Watch::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, Store::Impl::Use use, KeyRange range, uint32_t slot,
       uint32_t log_slot)
      : engine_(std::move(engine)),
        use_(std::move(use)),
        context_(engine_->context()),
        range_(std::move(range)),
        strict_(context_.options.durability == Durability::strict),
        slot_(slot),
        log_slot_(log_slot) {}
  ~Impl() {
    if (engine_->usable().code() == StatusCode::kForked) return;
    store::release_watch(context_, slot_);
    engine_->pins().unpin(log_slot_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start(std::optional<uint64_t> cursor);
  Result<WatchResult> wait(std::chrono::milliseconds timeout);
  uint64_t cursor() const { return cursor_; }

 private:
  store::WatchSlot& slot() const { return context_.control().watch_slots[slot_]; }
  // How far this watch may see, and a root at that point or before it.
  struct Sight {
    log::Position root;
    uint64_t version = 0;
    uint32_t epoch = 0;
    log::Lsn lsn = 0;
  };
  Sight look() const;
  Status collect(WatchResult& result);
  Status read_log(const Sight& limit, WatchResult& result);
  WatchedKey watched_key(const log::Operation& operation, uint64_t version) const;
  Result<bool> read_from(const log::Position& start, const Sight& limit, WatchResult& result);
  bool is_kept(log::Lsn lsn) const;
  std::optional<log::Position> find_start(const Sight& limit) const;
  void stand_at(const log::Position& position);
  void miss(const Sight& limit, WatchResult& result);
  void help();

  const std::shared_ptr<Store::Impl> engine_;
  const Store::Impl::Use use_;
  const store::Context& context_;
  const KeyRange range_;
  const bool strict_;
  const uint32_t slot_;
  const uint32_t log_slot_;  // a reader slot that keeps the log behind position_
  uint64_t cursor_ = 0;
  std::optional<log::Position> position_;  // at the cursor, or before it
};

void Watch::Impl::start(std::optional<uint64_t> cursor) {
  const Sight now = look();
  cursor_ = cursor ? *cursor : now.version;
  if (!cursor) {
    stand_at(now.root);
  } else if (const auto found = find_start(now)) {
    stand_at(*found);
  }
}

// The root first, so that it is not beyond.
Watch::Impl::Sight Watch::Impl::look() const {
  const store::ControlBlock& control = context_.control();
  Sight sight;
  if (strict_) {
    sight.root = store::read_durable_root(control).position();
    // The epoch behind the version: see apply_synced().
    sight.version = control.synced.version.load(std::memory_order_seq_cst);
    sight.epoch = control.state.epoch.load(std::memory_order_seq_cst);
    sight.lsn = control.synced.lsn.load();
  } else {
    sight.root = store::read_latest_root(control).position();
    const store::Tail tail = store::read_tail(control.tail);
    sight.version = tail.version;
    sight.epoch = tail.epoch;
    sight.lsn = tail.lsn;
  }
  return sight;
}

void Watch::Impl::stand_at(const log::Position& position) {
  position_ = position;
  engine_->pins().keep_log(log_slot_, position.lsn);
}

bool Watch::Impl::is_kept(log::Lsn lsn) const {
  const auto segment = context_.segments->open(log::lsn_segment(lsn));
  return segment && (*segment)->started(context_.store_id);
}

// The newest place known to lie at the cursor or before it; nullopt when the log was trimmed.
std::optional<log::Position> Watch::Impl::find_start(const Sight& limit) const {
  const store::ControlBlock& control = context_.control();
  // A root of this epoch lies in history; those of earlier ones may have been voided.
  for (uint64_t sequence = control.roots.latest.load(); sequence > 0; --sequence) {
    const auto root = store::read_root(control, sequence);
    if (!root || root->epoch != limit.epoch) break;
    if (root->version > cursor_) continue;
    if (is_kept(root->lsn)) return root->position();
    break;
  }
  // Segments name the one before them: from the tail back all of them are history.
  uint64_t number = log::lsn_segment(limit.lsn);
  while (number != 0) {
    const auto segment = context_.segments->open(number);
    if (!segment || !(*segment)->started(context_.store_id)) return std::nullopt;
    const log::SegmentHeader& header = (*segment)->header();
    if (header.start_version <= cursor_) {
      return log::Position{log::make_lsn(number, log::kSegmentHeaderSize), header.prev_crc,
                           header.epoch, header.start_version, 0};
    }
    number = header.prev_segment;
  }
  return std::nullopt;
}

void Watch::Impl::miss(const Sight& limit, WatchResult& result) {
  result.commits.clear();
  result.missed = true;
  cursor_ = limit.version;
  stand_at(limit.root);
}

WatchedKey Watch::Impl::watched_key(const log::Operation& operation, uint64_t version) const {
  WatchedKey key{log::written_key(operation, version), false, false, {}};
  key.deleted = operation.kind == log::OperationKind::kDelete;
  if (operation.kind == log::OperationKind::kDeleteRange) {
    key.deleted = key.is_range = true;
    key.key = std::max(key.key, range_.begin);
    key.range_end = operation.value;
    const bool ends_later = key.range_end.empty() || key.range_end > range_.end;
    if (!range_.end.empty() && ends_later) key.range_end = range_.end;
  }
  return key;
}

// Reads on to `limit`, or until the result is full. False: the log does not lead there.
Result<bool> Watch::Impl::read_from(const log::Position& start, const Sight& limit,
                                    WatchResult& result) {
  const auto trust = start.epoch == limit.epoch ? log::Trust::kAccepted : log::Trust::kUnproven;
  log::Reader reader(*context_.segments, context_.store_id, start, trust);
  size_t bytes = 0;
  while (reader.position().version < limit.version) {
    HOLDFAST_ASSIGN(const auto record, reader.next(limit.lsn));
    if (!record) {
      if (reader.position().version < limit.version) return false;
      break;
    }
    const log::RecordHeader& header = record->header;
    if (header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    if (header.version <= cursor_) continue;
    WatchedCommit commit{header.version, header.commit_time_us, {}, {}};
    log::PayloadReader payload(record->payload);
    while (const auto operation = payload.next()) {
      if (!log::writes_into(*operation, header.version, range_.begin, range_.end)) continue;
      bytes += operation->key.size();
      commit.keys.push_back(watched_key(*operation, header.version));
    }
    cursor_ = header.version;
    stand_at(reader.position());
    if (commit.keys.empty()) continue;
    commit.actor = payload.actor();
    result.commits.push_back(std::move(commit));
    if (result.commits.size() >= kCommitsMax || bytes >= kBytesMax) return true;
  }
  cursor_ = limit.version;
  stand_at(reader.position());
  return true;
}

Status Watch::Impl::read_log(const Sight& limit, WatchResult& result) {
  for (int attempt = 0;; ++attempt) {
    // A position of another epoch may lie in what was voided since.
    if (attempt > 0 || !position_ || position_->epoch != limit.epoch) {
      // The segment may have been used again under another name.
      if (position_) context_.segments->forget(log::lsn_segment(position_->lsn));
      position_ = find_start(limit);
      if (!position_) {
        miss(limit, result);
        return Status::ok();
      }
    }
    const auto reached = read_from(*position_, limit, result);
    // What was found so far stands, whatever became of the rest.
    if ((reached && *reached) || !result.commits.empty()) return Status::ok();
    if (!reached && reached.status().code() != StatusCode::kCorruption) return reached.status();
    if (attempt == 0) continue;
    if (!reached) return reached.status();
    return Status(StatusCode::kCorruption,
                  "the log does not continue behind the cursor of the watch; run holdfast check")
        .with_path(context_.segments->path(log::lsn_segment(position_->lsn)))
        .with_offset(log::lsn_offset(position_->lsn));
  }
}

Status Watch::Impl::collect(WatchResult& result) {
  const store::ControlBlock& control = context_.control();
  // The root before the mark: what its batches touched was marked before it was published.
  const Sight limit = look();
  const bool touched = slot().marked.load(std::memory_order_seq_cst) > cursor_;
  if (!touched && limit.root.version > cursor_) {
    cursor_ = limit.root.version;
    stand_at(limit.root);
  }
  if (cursor_ < limit.version) HOLDFAST_TRY(read_log(limit, result));
  if (cursor_ > store::read_tail(control.tail).version) miss(look(), result);
  return Status::ok();
}

// A commit whose writer died before it was synced is made visible by whoever comes next.
void Watch::Impl::help() {
  const store::ControlBlock& control = context_.control();
  if (store::engine_state(control) == store::EngineState::kReadOnly) return;
  const uint64_t version = control.synced.version.load();
  if (store::read_tail(control.tail).version <= version) return;
  (void)store::flush(context_, store::Deadline(context_.os, kRecheckUs));
}

Result<WatchResult> Watch::Impl::wait(std::chrono::milliseconds timeout) {
  const uint64_t timeout_us = static_cast<uint64_t>(std::max<int64_t>(timeout.count(), 0)) * 1000;
  const store::Deadline deadline(context_.os, timeout_us);
  store::WatchSlot& slot = this->slot();
  while (true) {
    HOLDFAST_TRY(engine_->usable());
    // The count first: who disarms counts up behind that, so the sleep ends or does not begin.
    const uint32_t seen = slot.changes.load(std::memory_order_seq_cst);
    slot.armed.store(1, std::memory_order_seq_cst);
    store::advance_durable(context_);  // whoever should have may have died
    WatchResult result;
    Status status = collect(result);
    if (status) status = context_.connected();  // zeros would say that commits were missed
    result.cursor = cursor_;
    if (!status || !result.commits.empty() || result.missed || deadline.passed()) {
      slot.armed.store(0);
      HOLDFAST_TRY(status);
      return result;
    }
    if (store::engine_state(context_.control()) == store::EngineState::kReadOnly) {
      slot.armed.store(0);
      return store::writable(context_);
    }
    const auto woken = context_.os.futex_wait(slot.changes, seen, deadline.wait_us(kRecheckUs));
    if (woken == os::WaitResult::kTimedOut) help();
  }
}

Watch::Watch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<WatchResult> Watch::wait(std::chrono::milliseconds timeout) {
  return impl_->wait(timeout);
}

uint64_t Watch::cursor() const {
  return impl_->cursor();
}

Result<Watch> Store::Impl::watch(const KeyRange& range, std::optional<uint64_t> cursor) {
  HOLDFAST_ASSIGN(Use in_use, use());
  HOLDFAST_ASSIGN(const uint32_t log_slot, pins_->claim_log());
  const bool sees_undurable = context_->options.durability == Durability::batched;
  const auto slot = store::claim_watch(*context_, range.begin, range.end, sees_undurable);
  if (!slot) {
    pins_->unpin(log_slot);
    return slot.status();
  }
  auto impl =
      std::make_unique<Watch::Impl>(shared_from_this(), std::move(in_use), range, *slot, log_slot);
  impl->start(cursor);
  return Watch(std::move(impl));
}

}  // namespace holdfast
