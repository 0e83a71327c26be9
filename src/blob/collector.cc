#include "blob/collector.h"

#include "blob/fresh_view.h"
#include "store/reclaim.h"

namespace holdfast::blob {

Status Collector::hold_new() {
  HOLDFAST_ASSIGN(const std::vector<FileName> names, owner_.files.list_new());
  for (const FileName& name : names) {
    if (held_.size() >= limit_) {
      report_.finished = false;
      break;
    }
    HOLDFAST_ASSIGN(auto taken, owner_.files.take(name));
    if (taken && !taken->gone) held_.emplace(name, std::move(taken->held));
  }
  return Status::ok();
}

Status Collector::read_marks() {
  const std::lock_guard lock(owner_.mutex);
  HOLDFAST_ASSIGN(Snapshot snapshot, owner_.store->durable_snapshot());
  marks_version_ = snapshot.version();
  Cursor cursor = snapshot.scan(KeyRange::prefix(marks_prefix()));
  if (!owner_.next_mark.empty()) cursor.seek(owner_.next_mark);
  for (; cursor.valid() && candidates_.size() < limit_; cursor.next()) {
    HOLDFAST_ASSIGN(const FileName name, name_of_mark_key(cursor.key()));
    HOLDFAST_ASSIGN(const Mark mark, decode_mark(cursor.value()));
    candidates_.push_back({name, mark});
  }
  HOLDFAST_TRY(cursor.status());
  if (cursor.valid()) {
    owner_.next_mark = std::string(cursor.key());
    report_.finished = false;
  } else {
    owner_.next_mark.clear();
  }
  return Status::ok();
}

Status Collector::take_unseen() {
  if (candidates_.empty()) return Status::ok();
  const store::Context& context = owner_.store->context();
  HOLDFAST_ASSIGN(const uint64_t oldest, store::oldest_readable(context, context.deadline()));
  for (Candidate& candidate : candidates_) {
    const Mark& mark = candidate.mark;
    const uint64_t dead_since = mark.seen_version != 0 ? mark.seen_version : marks_version_;
    if (mark.state == MarkState::kDead && dead_since > oldest) {
      ++report_.waiting;
      continue;
    }
    candidate.taken = held_.count(candidate.name) != 0;
    if (candidate.taken) continue;
    HOLDFAST_ASSIGN(auto taken, owner_.files.take(candidate.name));
    if (!taken) {
      ++report_.waiting;
      continue;
    }
    candidate.taken = true;
    if (!taken->gone) held_.emplace(candidate.name, std::move(taken->held));
  }
  return Status::ok();
}

Status Collector::decide_orphans(Transaction& txn) {
  for (const auto& [name, held] : held_) {
    HOLDFAST_ASSIGN(const auto presence, find_presence(txn, name.hash));
    if (presence && presence->incarnation == name.incarnation) continue;
    HOLDFAST_ASSIGN(const auto marked, txn.get(mark_key(name)));
    if (marked) continue;
    HOLDFAST_ASSIGN(const os::FileInfo info, held.file->info());
    HOLDFAST_TRY(txn.put(mark_key(name), encode(Mark{MarkState::kDoomed, 0, info.size_bytes})));
    doomed_.emplace(name, info.size_bytes);
  }
  return Status::ok();
}

Status Collector::decide_marked(Transaction& txn) {
  for (const Candidate& candidate : candidates_) {
    const std::string key = mark_key(candidate.name);
    HOLDFAST_ASSIGN(const auto bytes, txn.get(key));
    if (!bytes) continue;  // it lives again, or another removed it
    HOLDFAST_ASSIGN(Mark mark, decode_mark(*bytes));
    HOLDFAST_ASSIGN(const auto presence, find_presence(txn, candidate.name.hash));
    if (presence && presence->incarnation == candidate.name.incarnation) {
      // Marked by somebody whom the disk deceived.
      HOLDFAST_TRY(txn.del(key));
      continue;
    }
    if (candidate.taken) {
      doomed_.emplace(candidate.name, mark.stored_size);
      if (mark.state == MarkState::kDoomed) continue;
      mark.state = MarkState::kDoomed;
    } else if (mark.seen_version == 0) {
      mark.seen_version = marks_version_;
    } else {
      continue;
    }
    HOLDFAST_TRY(txn.put(key, encode(mark)));
  }
  return Status::ok();
}

Status Collector::decide() {
  const auto decided = owner_.store->update([&](Transaction& txn) -> Status {
    doomed_.clear();
    HOLDFAST_TRY(decide_marked(txn));
    return decide_orphans(txn);
  });
  HOLDFAST_TRY(decided.status());
  // A batched commit is not durable yet, and it must be before anything is done about it.
  return owner_.store->flush();
}

Status Collector::look_again() {
  HOLDFAST_ASSIGN(const Snapshot snapshot, owner_.store->durable_snapshot());
  HOLDFAST_ASSIGN(const FreshView view, FreshView::of(snapshot));
  for (auto it = doomed_.begin(); it != doomed_.end();) {
    const FileName& name = it->first;
    HOLDFAST_ASSIGN(const auto bytes, view.get(mark_key(name)));
    const auto mark = bytes ? decode_mark(*bytes) : Result<Mark>(Mark{});
    HOLDFAST_TRY(mark.status());
    bool is_needed = mark->state != MarkState::kDoomed;
    HOLDFAST_ASSIGN(const auto present, view.get(presence_key(name.hash)));
    if (present) {
      HOLDFAST_ASSIGN(const Presence presence, decode_presence(*present));
      if (presence.incarnation == name.incarnation) is_needed = true;
    } else {
      HOLDFAST_ASSIGN(const bool referenced, view.has_prefix(reference_prefix(name.hash)));
      if (referenced) is_needed = true;
    }
    if (is_needed) ++report_.waiting;
    it = is_needed ? doomed_.erase(it) : std::next(it);
  }
  return Status::ok();
}

Status Collector::remove_doomed() {
  if (doomed_.empty()) return Status::ok();
  HOLDFAST_TRY(look_again());
  std::vector<FileName> names;
  for (const auto& [name, bytes] : doomed_) {
    HOLDFAST_TRY(owner_.files.remove(name));
    names.push_back(name);
    ++report_.removed;
    report_.removed_bytes += bytes;
  }
  HOLDFAST_TRY(owner_.files.sync_removals(names));
  return owner_.store
      ->update([&](Transaction& txn) -> Status {
        for (const FileName& name : names) HOLDFAST_TRY(txn.del(mark_key(name)));
        return Status::ok();
      })
      .status();
}

Status Collector::place_named() {
  HOLDFAST_ASSIGN(Snapshot snapshot, owner_.store->durable_snapshot());
  for (const auto& [name, held] : held_) {
    if (doomed_.count(name) != 0) continue;
    HOLDFAST_ASSIGN(const auto presence, find_presence(snapshot, name.hash));
    if (!presence || presence->incarnation != name.incarnation) continue;
    HOLDFAST_TRY(owner_.files.place(name));
  }
  return Status::ok();
}

Result<BlobCollection> Collector::run() {
  report_.finished = true;
  HOLDFAST_ASSIGN(report_.removed, owner_.files.sweep_temporary(limit_));
  HOLDFAST_TRY(hold_new());
  HOLDFAST_TRY(read_marks());
  if (held_.empty() && candidates_.empty()) return report_;
  HOLDFAST_TRY(take_unseen());
  HOLDFAST_TRY(decide());
  HOLDFAST_TRY(remove_doomed());
  HOLDFAST_TRY(place_named());
  return report_;
}

Result<BlobCollection> collect(Blobs::Impl& owner, size_t limit) {
  return Collector(owner, limit).run();
}

void collect_released(Blobs::Impl& owner) {
  constexpr size_t kLooked = 16;
  // Whatever becomes of it: it is not the caller's work, and is done again with the next.
  if (owner.released.exchange(false)) (void)collect(owner, kLooked);
}

}  // namespace holdfast::blob
