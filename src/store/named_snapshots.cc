// Store's named snapshots: create, open, list, drop. See named.h for the order of things.
#include "store/checkpoint.h"
#include "store/engine.h"
#include "store/named.h"
#include "store/sync.h"
#include "store/transaction_impl.h"

namespace holdfast {
namespace {

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

Status not_found(std::string_view name) {
  return Status(StatusCode::kNotFound, "there is no snapshot " + quoted(name) +
                                           "; holdfast snapshot list shows those there are");
}

NamedSnapshot described(const store::Named& named) {
  return {named.name, named.root.version, named.root.time_us, named.created_us, 0};
}

}  // namespace

// Runs `work` in a transaction whose commit is durable and in the tree when this returns.
// CHECKPOINT is held, so that nobody else changes names; a conflict comes from keys written by
// hand.
Status Store::Impl::commit_snapshot_change(const Work& work) {
  const store::Deadline deadline = context_->deadline();
  while (true) {
    auto result = attempt(work, true);
    if (result) return store::flush(*context_, deadline);
    const StatusCode code = result.status().code();
    const bool again = code == StatusCode::kConflict || code == StatusCode::kTooOld;
    if (!again || deadline.passed()) return result.status();
  }
}

Result<NamedSnapshot> Store::Impl::create_snapshot(std::string_view name) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(store::check_snapshot_name(name));
  const store::Deadline deadline = context_->deadline();
  store::ControlBlock& control = context_->control();
  HOLDFAST_TRY(store::flush(*context_, deadline));
  const uint64_t version = store::read_durable_root(control).version;

  HOLDFAST_TRY(store::lock_checkpoint(*context_, deadline));
  const store::LockGuard guard(context_->locks->checkpoint);
  HOLDFAST_TRY(store::settle_named(*context_, deadline));
  store::Named named;
  named.name = name;
  named.created_us = context_->os.wall_time_us();
  HOLDFAST_ASSIGN(named.root, store::checkpoint_through(*context_, version));
  // From here on a death leaves a pin, perhaps with a name and perhaps without.
  control.named.unsettled.store(1);
  HOLDFAST_TRY(store::pin_name(control, named.root.version));
  const Status status = commit_snapshot_change([&](Transaction& txn) -> Status {
    const std::string key = store::named_key(name);
    size_t count = 0;
    Cursor cursor = txn.scan(KeyRange::prefix(store::named_prefix()));
    for (; cursor.valid(); cursor.next(), ++count) {
      if (cursor.key() != key) continue;
      return Status(StatusCode::kConditionFalse, "there is a snapshot " + quoted(name) +
                                                     " already; drop it or choose another name");
    }
    HOLDFAST_TRY(cursor.status());
    if (count >= kNamedSnapshotsMax) {
      return Status(StatusCode::kTooLarge, "there are " + std::to_string(count) +
                                               " named snapshots, as many as there may be; drop "
                                               "one first");
    }
    return txn.put(key, store::named_value(named));
  });
  if (status) {
    control.named.unsettled.store(0);
  } else {
    (void)store::settle_named(*context_, deadline);  // else the next checkpoint does
  }
  HOLDFAST_TRY(status);
  return described(named);
}

Status Store::Impl::drop_snapshot(std::string_view name) {
  HOLDFAST_ASSIGN(const Use in_use, use());
  HOLDFAST_TRY(store::check_snapshot_name(name));
  const store::Deadline deadline = context_->deadline();
  HOLDFAST_TRY(store::lock_checkpoint(*context_, deadline));
  const store::LockGuard guard(context_->locks->checkpoint);
  HOLDFAST_TRY(store::settle_named(*context_, deadline));
  store::ControlBlock& control = context_->control();
  control.named.unsettled.store(1);
  const Status status = commit_snapshot_change([&](Transaction& txn) -> Status {
    const std::string key = store::named_key(name);
    HOLDFAST_ASSIGN(const auto value, txn.get(key));
    return value ? txn.del(key) : not_found(name);
  });
  (void)store::settle_named(*context_, deadline);  // lets go of the pin; else the next checkpoint
  return status;
}

Result<Snapshot> Store::Impl::open_snapshot(std::string_view name) {
  constexpr int kAttempts = 3;  // it may be dropped and created anew meanwhile
  HOLDFAST_TRY(store::check_snapshot_name(name));
  const std::string key = store::named_key(name);
  for (int i = 0; i < kAttempts; ++i) {
    HOLDFAST_ASSIGN(Use in_use, use());
    HOLDFAST_ASSIGN(Snapshot now, snapshot());
    HOLDFAST_ASSIGN(const auto value, now.get_view(key));
    if (!value) return not_found(name);
    const auto named = store::parse_named(key, *value);
    if (!named) {
      return Status(StatusCode::kCorruption,
                    "the record of snapshot " + quoted(name) + " is not what was written; drop it")
          .with_path(context_->path);
    }
    HOLDFAST_ASSIGN(const auto pinned, pins_->pin_named(named->root));
    if (!pinned) continue;
    return snapshot_of(store::view_of(*pinned), std::move(in_use));
  }
  return not_found(name);
}

Result<std::vector<NamedSnapshot>> Store::Impl::list_snapshots() {
  HOLDFAST_ASSIGN(Use in_use, use());
  // Names are in the tree when they are acknowledged: nothing need be applied to list them.
  HOLDFAST_ASSIGN(const auto pinned, pins_->pin(store::RootChoice::kDurable, false));
  const Snapshot now = snapshot_of(store::view_of(pinned), std::move(in_use));
  HOLDFAST_ASSIGN(const store::NamedList list,
                  store::read_named(*context_, Snapshot::Impl::view_of(now).root().root));
  std::vector<NamedSnapshot> all;
  std::vector<uint64_t> versions;
  for (const store::Named& named : list.named) {
    all.push_back(described(named));
    versions.push_back(named.root.version);
  }
  if (all.empty()) return all;
  const std::vector<uint64_t> pages = store::pages_held_alone(*context_, versions);
  for (size_t i = 0; i < all.size(); ++i) all[i].pages_held = pages[i];
  return all;
}

}  // namespace holdfast
