#include "store/engine.h"

#include <algorithm>

#include "log/record.h"
#include "store/apply.h"
#include "store/check.h"
#include "store/checkpoint.h"
#include "store/exclusive.h"
#include "store/history_rows.h"
#include "store/inquiry.h"
#include "store/stats.h"
#include "store/sync.h"
#include "store/transaction_impl.h"
#include "store/watch_slots.h"
#include "tree/cursor.h"
#include "tree/page.h"

namespace holdfast {
namespace {

constexpr int kOptimisticAttempts = 8;
// Strict handles try so often without a pause: who was faster waits for the disk now.
constexpr int kAttemptsAtOnce = 3;
constexpr uint64_t kBackoffUs = 50;
// How long others give way to a transaction whose turn it is; it may be slow, they go on then.
constexpr uint64_t kTurnUs = 50'000;
constexpr uint64_t kApplyAskedEvery = 256;
constexpr uint64_t kApplyAskedEveryStrict = 64;
constexpr uint64_t kApplyAskedBytes = 1u << 20;
// How long a snapshot waits for whoever applies, before it reads through the log.
constexpr uint64_t kApplyPatienceUs = 10'000;
constexpr uint64_t kCheckpointAtCloseBytes = 16u << 20;
// Who has the store alone starts cold at each opening.
constexpr uint64_t kCheckpointAloneBytes = 1u << 20;

// With a helper thread, which of the commits ask it to look for histories to trim.
constexpr uint64_t kRetainAskedEvery = 64;

// Whether the newest root has histories that keep themselves to a retention. Does not look at what
// is not applied yet: a process that only writes has not read that, and need not for this.
bool keeps_histories(const store::Context& context, store::Pins& pins) {
  const auto pinned = pins.pin(store::RootChoice::kLatest, false);
  if (!pinned) return true;
  const std::string prefix = store::retention_key("");
  tree::Cursor cursor(*context.pages, pinned->root.root);
  cursor.seek(prefix);
  const bool found =
      !cursor.status() || (cursor.valid() && cursor.key().substr(0, prefix.size()) == prefix);
  pins.unpin(pinned->slot);
  return found;
}

bool is_retryable(const Status& status) {
  return status.code() == StatusCode::kConflict || status.code() == StatusCode::kTooOld;
}

}  // namespace

Result<std::shared_ptr<Store::Impl>> Store::Impl::open(os::Os& os, const std::string& path,
                                                       const StoreOptions& options,
                                                       std::unique_ptr<os::Os> owned_os) {
  constexpr size_t kActorSizeMax = 128;
  if (options.actor.size() > kActorSizeMax) {
    return Status(StatusCode::kInvalidArgument, "actor must be at most 128 bytes");
  }
  HOLDFAST_ASSIGN(store::Opened opened, store::open_context(os, path, options));
  return std::make_shared<Impl>(std::move(opened), std::move(owned_os));
}

Store::Impl::Impl(store::Opened opened, std::unique_ptr<os::Os> owned_os)
    : owned_os_(std::move(owned_os)),
      context_(std::move(opened.context)),
      pins_(std::make_unique<store::Pins>(*context_)),
      recent_(std::make_unique<store::Recent>(*context_, *pins_)),
      maintenance_(std::make_unique<store::Maintenance>(*context_, [this] { return retain(); })),
      recovery_(std::move(opened.report)),
      fork_count_(context_->os.fork_count()) {
  // What the disk refused to take may be shown by the kernel now, and what it replaced later.
  context_->pages->set_doubt(context_->control().state.state,
                             static_cast<uint32_t>(store::EngineState::kReadOnly),
                             *context_->data_file);
  context_->pages->set_durable(context_->control().checkpoint.last_pin);
  context_->pages->set_loss_inquiry([this] { return store::disk_lost_pages(*context_); });
}

Store::Impl::~Impl() {
  if (context_->os.fork_count() == fork_count_) {
    (void)close();
    return;
  }
  // The mappings are not there in the child, nor is the thread: forget them.
  pins_->abandon();
  (void)maintenance_.release();
  (void)recent_.release();
  (void)pins_.release();
  (void)context_.release();
  (void)owned_os_.release();
}

Status Store::Impl::usable() const {
  if (context_->os.fork_count() != fork_count_) {
    return Status(StatusCode::kForked,
                  "the handle was inherited over fork(); open the store again in this process")
        .with_path(context_->path);
  }
  if (closed_.load(std::memory_order_relaxed)) {
    return Status(StatusCode::kClosed, "the handle was closed; open the store again")
        .with_path(context_->path);
  }
  return context_->sound();
}

// Counted first: who closes meanwhile finds the use, or the use finds that it was closed.
Result<Store::Impl::Use> Store::Impl::use() {
  uses_.fetch_add(1, std::memory_order_acq_rel);
  Use use(this);
  HOLDFAST_TRY(usable());
  return use;
}

void Store::Impl::end_use() {
  if (uses_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (context_->os.fork_count() != fork_count_ || left_.exchange(true)) return;
  leave();
}

void Store::Impl::leave() {
  pins_->give_up();
  context_->attachment->detach();
  if (!context_->exclusive) return;
  (void)store::remove_marker(*context_);
  context_->lock_file.reset();
}

Status Store::Impl::check_key(std::string_view key) const {
  const size_t size_max = tree::key_size_max(context_->page_size());
  if (!key.empty() && key.size() <= size_max) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "a key must be 1 to " + std::to_string(size_max) +
                                                  " bytes long; this one has " +
                                                  std::to_string(key.size()));
}

Result<Snapshot> Store::Impl::snapshot() {
  HOLDFAST_ASSIGN(Use in_use, use());
  if (context_->options.durability == Durability::strict) {
    store::try_apply_synced(*context_);
    HOLDFAST_ASSIGN(store::RecentView view, synced());
    return snapshot_of(std::move(view), std::move(in_use));
  }
  HOLDFAST_TRY(store::apply_tail(*context_, context_->deadline()));
  HOLDFAST_ASSIGN(const auto pinned, pins_->pin(store::RootChoice::kLatest, false));
  return snapshot_of(store::view_of(pinned), std::move(in_use));
}

Result<Snapshot> Store::Impl::durable_snapshot() {
  HOLDFAST_ASSIGN(Use in_use, use());
  HOLDFAST_ASSIGN(store::RecentView view, synced_tree());
  return snapshot_of(std::move(view), std::move(in_use));
}

Snapshot Store::Impl::snapshot_of(store::RecentView view, Use in_use) {
  return Snapshot(
      std::make_unique<Snapshot::Impl>(shared_from_this(), std::move(view), std::move(in_use)));
}

Result<store::RecentView> Store::Impl::synced_tree() {
  const store::ControlBlock& control = context_->control();
  const uint64_t version = control.synced.version.load(std::memory_order_seq_cst);
  for (int attempt = 0;; ++attempt) {
    HOLDFAST_ASSIGN(const auto pinned, pins_->pin(store::RootChoice::kDurable, false));
    if (pinned.root.version >= version) return store::view_of(pinned);
    pins_->unpin(pinned.slot);
    const store::Deadline deadline = context_->deadline();
    const store::Deadline patience(context_->os, deadline.wait_us(kApplyPatienceUs));
    const Status applied = store::apply_synced(*context_, attempt == 0 ? patience : deadline);
    if (applied) continue;
    // Readers do not wait for a process that is stopped, nor for a disk that has failed.
    HOLDFAST_ASSIGN(auto view, recent_->synced_view(true));
    if (view) return std::move(*view);
    if (attempt > 0 || applied.code() != StatusCode::kBusy) {
      return Status(applied.code(), "the newest commits cannot be shown: " + applied.to_string());
    }
  }
}

Result<store::RecentView> Store::Impl::synced() {
  HOLDFAST_ASSIGN(std::optional<store::RecentView> view, recent_->synced_view());
  if (view) return std::move(*view);
  return synced_tree();
}

Result<store::RecentView> Store::Impl::synced_for(std::string_view key) {
  HOLDFAST_ASSIGN(std::optional<store::RecentView> view, recent_->synced_view_for(key));
  if (view) return std::move(*view);
  return synced_tree();
}

Result<Transaction> Store::Impl::begin() {
  return begin(shared_from_this());
}

Result<Transaction> Store::Impl::begin(std::shared_ptr<Impl> holder) {
  HOLDFAST_ASSIGN(Use in_use, use());
  HOLDFAST_ASSIGN(store::RecentView view, newest());
  return Transaction(
      std::make_unique<Transaction::Impl>(std::move(holder), std::move(view), std::move(in_use)));
}

Result<store::RecentView> Store::Impl::newest() {
  auto view = recent_->view();
  HOLDFAST_TRY(context_->sound());
  HOLDFAST_TRY(view.status());
  if (*view) return std::move(**view);
  if (store::engine_state(context_->control()) == store::EngineState::kReadOnly) {
    return newest_to_read();
  }
  HOLDFAST_TRY(store::apply_tail(*context_, context_->deadline()));
  HOLDFAST_ASSIGN(const auto pinned, pins_->pin(store::RootChoice::kLatest, true));
  return store::view_of(pinned);
}

// Where nothing can be applied any more, the newest of the latest root and of what is durable.
Result<store::RecentView> Store::Impl::newest_to_read() {
  const uint64_t latest = store::read_latest_root(context_->control()).version;
  if (context_->control().synced.version.load() > latest) return synced();
  HOLDFAST_ASSIGN(const auto pinned, pins_->pin(store::RootChoice::kLatest, true));
  return store::view_of(pinned);
}

// Strict: what is synced, so that no loss of power takes back what was read.
Result<std::optional<std::string>> Store::Impl::get(std::string_view key) {
  HOLDFAST_ASSIGN(Use in_use, use());
  const bool strict = context_->options.durability == Durability::strict;
  HOLDFAST_ASSIGN(store::RecentView view, strict ? synced_for(key) : newest());
  const PinnedView pinned(shared_from_this(), std::move(view), std::move(in_use));
  HOLDFAST_ASSIGN(const auto stored, pinned.get(key));
  auto value = stored ? std::optional<std::string>(*stored) : std::nullopt;
  HOLDFAST_TRY(context_->intact());
  return value;
}

Status Store::Impl::give_way() {
  store::SharedLock& turn = context_->locks->turn;
  if (!turn.is_held()) return Status::ok();
  const store::Deadline deadline(context_->os, kTurnUs);
  if (turn.lock(deadline) != store::LockOutcome::kNotNow) turn.unlock();
  return Status::ok();
}

Result<uint64_t> Store::Impl::commit(const store::WriteSet& writes, const store::ReadSet& reads,
                                     const log::Position& position, bool has_turn) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  log::PayloadBuilder payload(context_->options.actor);
  writes.build(payload);
  if (!has_turn) HOLDFAST_TRY(give_way());
  return append_and_wait(payload, reads, position);
}

Result<uint64_t> Store::Impl::commit_alone(log::PayloadBuilder& payload) {
  HOLDFAST_TRY(give_way());
  return append_and_wait(payload, {}, {});
}

Result<uint64_t> Store::Impl::put(std::string_view key, std::string_view value) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(check_key(key));
  HOLDFAST_TRY(check_value_size(value.size()));
  log::PayloadBuilder payload(context_->options.actor);
  payload.put(key, value);
  return commit_alone(payload);
}

Result<uint64_t> Store::Impl::del(std::string_view key) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(check_key(key));
  log::PayloadBuilder payload(context_->options.actor);
  payload.del(key);
  return commit_alone(payload);
}

Result<uint64_t> Store::Impl::add(std::string_view key, int64_t delta) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(check_key(key));
  log::PayloadBuilder payload(context_->options.actor);
  payload.change_number(log::OperationKind::kAdd, key, delta);
  return commit_alone(payload);
}

Result<uint64_t> Store::Impl::append_and_wait(log::PayloadBuilder& payload,
                                              const store::ReadSet& reads,
                                              const log::Position& position) {
  if (context_->options.durability == Durability::strict) {
    HOLDFAST_TRY(store::bound_acknowledged(*context_));
  }
  auto appended = store::append(*context_, payload, reads, position, context_->deadline());
  if (!appended) {
    if (is_retryable(appended.status())) context_->control().counters.conflicts.fetch_add(1);
    return appended.status();
  }
  uint64_t seen = committed_version_.load(std::memory_order_relaxed);
  if (seen != 0) context_->attachment->identify();  // it may be here to stay
  while (seen < appended->version &&
         !committed_version_.compare_exchange_weak(seen, appended->version)) {
  }
  store::wake_undurable_watches(*context_, payload, appended->version);
  HOLDFAST_TRY(after_commit(*appended, payload));
  if (const Status status = context_->connected(); !status) return store::undecided(status);
  return appended->version;
}

Status Store::Impl::after_commit(const store::Appended& appended,
                                 const log::PayloadBuilder& payload) {
  const bool strict = context_->options.durability == Durability::strict;
  const bool helped = context_->has_helpers();
  if (strict) {
    // A helper thread applies larger, cheaper batches, and no commit waits for them.
    HOLDFAST_TRY(store::wait_durable(*context_, appended, context_->deadline(), !helped));
    store::wake_durable_watches(*context_, payload, appended.version);
    // Only the tree can carry that out: once, here, rather than by everybody who reads. It is
    // acknowledged whatever becomes of it.
    if (payload.range_count() != 0) {
      (void)store::wait_in_tree(*context_, appended, context_->deadline());
    }
  }
  const Status bounded = store::bound_backlog(*context_, helped);
  // A strict commit is acknowledged whatever becomes of the work beside it; that stays due.
  if (!strict) HOLDFAST_TRY(bounded);
  // Not by every commit, nor by every process at once.
  const uint64_t asked_every = strict ? kApplyAskedEveryStrict : kApplyAskedEvery;
  const bool asked = appended.version % asked_every == 0 ||
                     appended.lsn_end % kApplyAskedBytes < appended.size_bytes;
  // Where no thread is to be had for it, bound_backlog() has it done.
  if (helped && asked && store::apply_worth_it(*context_)) (void)maintenance_->apply_soon();
  retain_if_due(appended.version, helped);
  // A batched commit must be synced in time even if no other call comes.
  if (strict && !store::upkeep_due(*context_)) return Status::ok();
  if (helped) {
    if (!maintenance_->wake()) (void)store::maintain_once(*context_);
    return Status::ok();
  }
  (void)store::prepare_segments(*context_, false);
  (void)store::checkpoint_if_due(*context_);
  return Status::ok();
}

void Store::Impl::retain_if_due(uint64_t version, bool helped) {
  if (!retainer_.is_time(version)) return;
  if (helped && version % kRetainAskedEvery != 0) return;
  if (!helped || !maintenance_->retain_soon()) (void)retain();
}

bool Store::Impl::retain() {
  const bool helped = context_->has_helpers();
  if (helped && !keeps_histories(*context_, *pins_)) return false;
  const std::shared_ptr<Impl> unowned(std::shared_ptr<Impl>(), this);
  const auto step = retainer_.step([&] { return begin(unowned); }, context_->os.wall_time_us());
  return step && *step == store::RetainStep::kMore;
}

Result<bool> Store::Impl::trim_histories() {
  HOLDFAST_ASSIGN(const Use in_use, use());
  constexpr uint64_t kBusyUs = 1000;
  while (true) {
    HOLDFAST_ASSIGN(const store::RetainStep step,
                    retainer_.step([this] { return begin(); }, context_->os.wall_time_us()));
    if (step != store::RetainStep::kBusy) return step == store::RetainStep::kMore;
    context_->os.sleep_us(kBusyUs);
  }
}

Result<uint64_t> Store::Impl::attempt(const Work& work, bool has_turn) {
  HOLDFAST_ASSIGN(Transaction txn, begin());
  if (has_turn) Transaction::Impl::give_turn(txn);
  const Status worked = work(txn);
  if (worked) return txn.commit();
  // A refusal tells of what it has read, which is to last: who then looks at what is durable, finds
  // the old value and tries again would be refused for ever if its writer died before the sync.
  if (!is_retryable(worked)) HOLDFAST_TRY(Transaction::Impl::await_read(txn));
  return worked;
}

Result<uint64_t> Store::Impl::update(const Work& work) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  const store::Deadline deadline = context_->deadline();
  const bool strict = context_->options.durability == Durability::strict;
  for (int i = 0; i < kOptimisticAttempts; ++i) {
    auto result = attempt(work, false);
    if (result || !is_retryable(result.status())) return result;
    context_->control().counters.retries.fetch_add(1);
    if (strict && i + 1 < kAttemptsAtOnce) continue;
    uint8_t noise = 0;
    context_->os.random_bytes(reinterpret_cast<char*>(&noise), sizeof(noise));
    context_->os.sleep_us((kBackoffUs << i) * (64 + noise) / 256);
  }
  store::SharedLock& turn = context_->locks->turn;
  if (turn.lock(deadline) == store::LockOutcome::kNotNow) return turn.busy();
  const store::LockGuard guard(turn);
  context_->control().counters.turns.fetch_add(1);
  while (true) {
    auto result = attempt(work, true);
    if (result || !is_retryable(result.status())) return result;
    context_->control().counters.retries.fetch_add(1);
    if (deadline.passed()) return result;
  }
}

Status Store::Impl::await_read(const log::Position& position) {
  if (context_->options.durability != Durability::strict) return Status::ok();
  const store::ControlBlock& control = context_->control();
  // The epoch after the version: see wait_durable.
  const bool durable = control.synced.version.load(std::memory_order_seq_cst) >= position.version &&
                       control.state.epoch.load(std::memory_order_seq_cst) == position.epoch;
  if (durable) return context_->connected();
  HOLDFAST_TRY(context_->connected());
  const Status status = store::wait_durable(
      *context_, {position.version, position.epoch, position.lsn}, context_->deadline(), false);
  if (status) return status;
  return Status(status.code(), "what the transaction read may not last: " + status.to_string())
      .with_version(position.version);
}

Status Store::Impl::flush() {
  HOLDFAST_ASSIGN(const Use in_use, use());
  return store::flush(*context_, context_->deadline());
}

Status Store::Impl::checkpoint() {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(store::flush(*context_, context_->deadline()));
  HOLDFAST_TRY(store::checkpoint(*context_, context_->deadline()));
  return context_->sound();
}

Status Store::Impl::close() {
  if (context_->os.fork_count() != fork_count_) return usable();
  // Handles that live for milliseconds would never get to it otherwise.
  if (!closed_.load() && maintenance_->retain_asked()) (void)retain();
  if (closed_.exchange(true)) return Status::ok();
  const Use last(this);
  return tidy_up();
}

Status Store::Impl::tidy_up() {
  maintenance_->stop();
  HOLDFAST_TRY(context_->connected());
  const store::ControlBlock& control = context_->control();
  const bool unsynced = committed_version_.load() > control.synced.version.load();
  if (unsynced && store::engine_state(control) == store::EngineState::kRunning) {
    HOLDFAST_TRY(store::flush(*context_, context_->deadline()));
  }
  if (store::engine_state(control) != store::EngineState::kRunning) return Status::ok();
  // What follows is for those who come: without room for it nothing is lost, and it stays due.
  const Status prepared = prepare_for_others();
  return prepared.code() == StatusCode::kNoSpace ? Status::ok() : prepared;
}

// Processes that live for milliseconds never get to it otherwise, and the log would grow; and
// whoever leaves last spares the next cold start a long replay.
Status Store::Impl::prepare_for_others() {
  HOLDFAST_TRY(store::prepare_segments(*context_, false));
  const uint64_t much = context_->exclusive ? kCheckpointAloneBytes : kCheckpointAtCloseBytes;
  const bool last_of_much = store::log_bytes_since_checkpoint(*context_) >= much &&
                            context_->attachment->processes_alive() == 1;
  if (!last_of_much && !store::checkpoint_due(*context_)) {
    // Whoever needs it in the tree is told what is in the way.
    (void)store::try_apply_leftovers(*context_);
    return Status::ok();
  }
  HOLDFAST_TRY(store::try_apply_tail(*context_));
  return store::try_checkpoint(*context_).status();
}

HandleId Store::Impl::handle_id() const {
  return {context_->control().header.incarnation.load(), context_->attachment->owner()};
}

bool Store::Impl::handle_alive(const HandleId& id) const {
  // Whoever held a handle before the last cold start has ended: that is when it happens.
  if (id.owner == 0 || id.incarnation != context_->control().header.incarnation.load()) {
    return false;
  }
  return !context_->attachment->owner_dead(id.owner);
}

Result<StoreStats> Store::Impl::stats() {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_ASSIGN(StoreStats stats, store::collect_stats(*context_));
  HOLDFAST_ASSIGN(stats.snapshots, list_snapshots());
  HOLDFAST_ASSIGN(Snapshot reader, durable_snapshot());
  HOLDFAST_TRY(store::for_each_history(reader, {}, [&](const KeptHistory& history) {
    ++stats.histories;
    stats.history_versions += history.versions;
    stats.history_bytes += history.bytes;
    return true;
  }));
  HOLDFAST_TRY(context_->sound());
  return stats;
}

Result<CheckReport> Store::Impl::check(const CheckOptions& options) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  // What cannot be applied is for the check to find out.
  (void)store::apply_synced(*context_, context_->deadline());
  auto report = store::check_store(*context_, *pins_, options);
  HOLDFAST_TRY(context_->sound());
  return report;
}

}  // namespace holdfast
