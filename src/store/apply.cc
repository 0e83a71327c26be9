#include "store/apply.h"

#include <algorithm>

#include "base/crc32c.h"
#include "log/record.h"
#include "store/reclaim.h"
#include "store/waiters.h"
#include "store/watch_slots.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kRingSlack = 64;

Status damaged_log(const Context& context, const log::Position& position) {
  return Status(StatusCode::kCorruption,
                "the log does not continue where the store's tail says it does; close all "
                "handles and open the store again")
      .with_path(context.segments->path(log::lsn_segment(position.lsn)))
      .with_offset(log::lsn_offset(position.lsn));
}

}  // namespace

void Batch::sort() {
  const auto by_key = [](const tree::Operation& a, const tree::Operation& b) {
    return a.key < b.key;
  };
  if (!std::is_sorted(operations_.begin(), operations_.end(), by_key)) {
    std::stable_sort(operations_.begin(), operations_.end(), by_key);
  }
  size_t kept = 0;
  for (size_t i = 0; i < operations_.size(); ++i) {
    if (i + 1 < operations_.size() && operations_[i].key == operations_[i + 1].key) continue;
    operations_[kept++] = operations_[i];
  }
  operations_.resize(kept);
}

Result<Batch> Batch::read(const Context& context, const log::Position& base, uint64_t target,
                          log::Lsn limit, log::Trust trust, uint64_t bytes_max) {
  Batch batch;
  log::Reader reader(*context.segments, context.store_id, base, trust);
  uint64_t bytes = 0;
  while (reader.position().version < target) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader.next(limit));
    if (!record) {
      // A void or a recovery left version numbers out: history goes on behind them.
      if (reader.position().version >= target) break;
      return damaged_log(context, reader.position());
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    // A copy that is checked once more: after a disk error mapped bytes may change under us.
    batch.payloads_.emplace_back(record->payload);
    if (crc32c(batch.payloads_.back()) != record->header.payload_crc) {
      return damaged_log(context, reader.position());
    }
    log::PayloadReader payload(batch.payloads_.back());
    while (const auto operation = payload.next()) {
      const bool is_put = operation->kind == log::OperationKind::kPut;
      batch.operations_.push_back(
          {operation->key, is_put ? std::optional(operation->value) : std::nullopt});
    }
    if (payload.malformed()) return damaged_log(context, reader.position());
    batch.pages_needed_ += record->header.pages_max;
    bytes += record->payload.size();
    if (bytes >= bytes_max) break;
  }
  batch.end_ = reader.position();
  batch.sort();
  return batch;
}

Status write_tree(const Context& context, const tree::Root& root,
                  const std::vector<tree::Operation>& operations, uint64_t version,
                  PublishPlan& plan) {
  PageAllocation allocation(context);
  HOLDFAST_ASSIGN(tree::ApplyResult result,
                  tree::apply(*context.pages, root, operations, version, allocation));
  std::sort(result.written.begin(), result.written.end(),
            [](const tree::NewRun& a, const tree::NewRun& b) { return a.pgno < b.pgno; });
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < result.written.size();) {
    const uint64_t first = result.written[i].pgno;
    uint64_t next = first;
    pieces.clear();
    for (; i < result.written.size() && result.written[i].pgno == next; ++i) {
      pieces.push_back(result.written[i].bytes);
      next += result.written[i].bytes.size() >> context.page_shift;
    }
    HOLDFAST_TRY(context.data_file->write_gather_at(first << context.page_shift, pieces));
  }
  plan.root.root = result.root;
  plan.taken = allocation.extents();
  plan.pages_taken = allocation.pages_taken();
  plan.hint = allocation.hint();
  for (const tree::RetiredRun& run : result.retired) {
    plan.retired.push_back({run.pgno, run.count, run.birth_version, version});
  }
  return Status::ok();
}

Status apply_through(const Context& context, uint64_t target, log::Trust trust) {
  ControlBlock& control = context.control();
  context.pages->set_page_count(static_cast<uint32_t>(control.allocation.file_pages.load()));
  while (true) {
    const PublishedRoot base = read_latest_root(control);
    if (base.version >= target || root_ring_full(control)) return Status::ok();
    const log::Lsn limit = read_tail(control.tail).lsn;
    HOLDFAST_ASSIGN(const Batch batch, Batch::read(context, base.position(), target, limit, trust));
    HOLDFAST_TRY(reclaim(context, ReclaimEffort::kRoutine));
    if (control.allocation.free_pages.load() < batch.pages_needed()) {
      HOLDFAST_TRY(reclaim(context, ReclaimEffort::kThorough));
    }
    PublishPlan plan;
    plan.root = base;
    plan.root.sequence = base.sequence + 1;
    plan.root.version = batch.end().version;
    plan.root.lsn = batch.end().lsn;
    plan.root.time_us = batch.end().time_us;
    plan.root.prev_crc = batch.end().prev_crc;
    plan.root.epoch = batch.end().epoch;
    plan.root.pages_needed = base.pages_needed + batch.pages_needed();
    HOLDFAST_TRY(write_tree(context, base.root, batch.operations(), batch.end().version, plan));
    mark_watches(context, batch.operations(), batch.end().version);
    HOLDFAST_TRY(carry_out(context, plan));
    control.counters.applies.fetch_add(1);
    advance_durable(context);
  }
}

Status lock_apply(const Context& context, const Deadline& deadline) {
  const LockOutcome outcome = context.locks->apply.lock(deadline);
  if (outcome == LockOutcome::kNotNow) return context.locks->apply.busy();
  if (outcome == LockOutcome::kOwnerDied) redo_intent(context);
  return Status::ok();
}

bool try_lock_apply(const Context& context, bool probe) {
  const LockOutcome outcome = context.locks->apply.try_lock(probe);
  if (outcome == LockOutcome::kOwnerDied) redo_intent(context);
  return outcome != LockOutcome::kNotNow;
}

ApplyGuard::~ApplyGuard() {
  const ControlBlock& control = context_.control();
  context_.locks->apply.unlock();
  if (read_latest_root(control).version < control.synced.version.load()) wake_synced(context_);
}

bool root_ring_full(const ControlBlock& control) {
  return control.roots.latest.load() - control.roots.durable.load() >= kRootRingSize - kRingSlack;
}

uint64_t advance_durable(const Context& context) {
  ControlBlock& control = context.control();
  while (true) {
    uint64_t durable = control.roots.durable.load();
    const uint64_t synced = control.synced.version.load(std::memory_order_seq_cst);
    const uint64_t latest = control.roots.latest.load(std::memory_order_seq_cst);
    uint64_t candidate = latest;
    std::optional<PublishedRoot> root;
    while (candidate > durable) {
      root = read_root(control, candidate);
      if (!root) break;  // overtaken: look again
      if (root->version <= synced) break;
      --candidate;
    }
    if (candidate == durable) {
      const auto current = read_root(control, durable);
      if (current) return current->version;
      continue;
    }
    if (!root) continue;
    if (!control.roots.durable.compare_exchange(durable, candidate)) continue;
    wake_synced(context);
    wake_watches(context, root->version);
    return root->version;
  }
}

}  // namespace holdfast::store
