#include "store/apply.h"

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

#include "store/reclaim.h"
#include "store/waiters.h"
#include "store/watch_slots.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kRingSlack = 64;
constexpr uint64_t kBytesMin = 64u << 10;

void retire(const std::vector<tree::RetiredRun>& runs, uint64_t version, PublishPlan& plan) {
  for (const tree::RetiredRun& run : runs) {
    plan.retired.push_back({run.pgno, run.count, run.birth_version, version});
  }
}

// What was written first and replaced at once is free again; no root ever led to it.
void release_intermediate(const std::deque<tree::NewRun>& written, uint32_t page_shift,
                          PageAllocation& allocation, std::vector<tree::RetiredRun>& retired) {
  std::set<uint32_t> pages;
  for (const tree::NewRun& run : written) {
    for (uint32_t i = 0; i < run.bytes.size() >> page_shift; ++i) pages.insert(run.pgno + i);
  }
  const auto is_intermediate = [&](const tree::RetiredRun& run) {
    if (pages.count(run.pgno) == 0) return false;
    allocation.release(run.pgno, run.count);
    return true;
  };
  retired.erase(std::remove_if(retired.begin(), retired.end(), is_intermediate), retired.end());
}

}  // namespace

Status write_tree(const Context& context, const tree::Root& root, Batch& batch, uint64_t version,
                  PublishPlan& plan, ApplyPace pace) {
  PageAllocation allocation(context);
  NewPages pages(context, pace);
  tree::ApplyResult erased;
  erased.root = root;
  if (!batch.erased().empty()) {
    HOLDFAST_ASSIGN(erased,
                    tree::erase_pages(*context.pages, root, batch.erased(), version, allocation));
    for (const tree::NewRun& run : erased.written) HOLDFAST_TRY(pages.write(run.pgno, run.bytes));
    HOLDFAST_TRY(pages.finish());
    retire(erased.retired, version, plan);
  }
  HOLDFAST_TRY(batch.resolve(*context.pages, erased.root));
  HOLDFAST_ASSIGN(
      tree::ApplyResult result,
      tree::apply(*context.pages, erased.root, batch.operations(), version, allocation, &pages));
  HOLDFAST_TRY(pages.finish());
  if (!erased.written.empty()) {
    release_intermediate(erased.written, context.page_shift, allocation, result.retired);
  }
  retire(result.retired, version, plan);
  plan.root.root = result.root;
  plan.taken = allocation.extents();
  plan.pages_taken = allocation.pages_taken();
  plan.hint = allocation.hint();
  return Status::ok();
}

namespace {

// Publishes one more root, of at most `bytes_max` of the log behind `base`.
Status apply_batch(const Context& context, const PublishedRoot& base, uint64_t target,
                   log::Trust trust, ApplyPace pace, uint64_t bytes_max) {
  ControlBlock& control = context.control();
  const log::Lsn limit = read_tail(control.tail).lsn;
  HOLDFAST_ASSIGN(Batch batch,
                  Batch::read(context, base.position(), target, limit, trust, bytes_max));
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
  HOLDFAST_TRY(write_tree(context, base.root, batch, batch.end().version, plan, pace));
  mark_watches(context, batch.erased(), batch.operations(), batch.end().version);
  HOLDFAST_TRY(carry_out(context, plan));
  control.allocation.promised_needed.store(0);
  control.counters.applies.fetch_add(1);
  return Status::ok();
}

}  // namespace

Status apply_through(const Context& context, uint64_t target, log::Trust trust, ApplyPace pace) {
  ControlBlock& control = context.control();
  HOLDFAST_TRY(data_whole(context));
  context.pages->set_page_count(static_cast<uint32_t>(control.allocation.file_pages.load()));
  uint64_t bytes_max = Batch::kBytesMax;
  while (true) {
    const PublishedRoot base = read_latest_root(control);
    if (base.version >= target || root_ring_full(control)) return Status::ok();
    const Status done = apply_batch(context, base, target, trust, pace, bytes_max);
    if (done) {
      advance_durable(context);
      continue;
    }
    if (done.code() != StatusCode::kNoSpace) return done;
    // The disk did not keep what it promised. A smaller batch needs fewer pages at once.
    control.allocation.promised_needed.store(0);
    if (bytes_max <= kBytesMin) return done;
    bytes_max /= 8;
    HOLDFAST_TRY(reclaim(context, ReclaimEffort::kThorough));
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
