#include "store/replay.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "log/record.h"
#include "store/apply.h"
#include "store/intent.h"
#include "store/new_pages.h"
#include "store/page_allocation.h"
#include "store/published.h"
#include "store/reclaim.h"
#include "store/slice_feeder.h"
#include "tree/cursor.h"
#include "tree/erase_range.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kMemoryBytesMax = 32u << 20;
constexpr uint64_t kSliceBytesMax = 2u << 20;
constexpr uint64_t kStretchSegmentsMax = 64;
constexpr size_t kThreadPlacesMin = 500;  // fewer are done before a thread has begun

// Makes one tree of a base and a stretch.
class Replay {
 public:
  Replay(const Context& context, const PublishedRoot& base, Stretch& stretch)
      : context_(context),
        base_(base),
        stretch_(stretch),
        version_(stretch.end().version),
        allocation_(context),
        pages_(context),
        root_(base.root) {}

  Status apply();
  Status publish();

 private:
  Status erase();
  Status delete_left_over(std::span<const tree::KeyRange> ranges);
  Status apply_slice(const Slice& slice);
  Status apply_operations();
  void retire(const std::vector<tree::RetiredRun>& runs);

  const Context& context_;
  const PublishedRoot& base_;
  Stretch& stretch_;
  const uint64_t version_;
  PageAllocation allocation_;
  NewPages pages_;
  tree::Root root_;
  std::vector<RetiredRun> retired_;
  std::vector<tree::Operation> operations_;
  tree::Arena values_;  // of operations_, where they had to be computed
};

Status Replay::apply() {
  if (!stretch_.erasures().empty()) HOLDFAST_TRY(erase());
  const uint64_t capacity = context_.segment_capacity_max;
  Slices slices(context_, stretch_, std::min(kSliceBytesMax, capacity / 2));
  HOLDFAST_TRY(slices.open());
  const bool has_thread = context_.has_helpers() && stretch_.places().size() >= kThreadPlacesMin;
  SliceFeeder feeder(slices, has_thread);
  while (true) {
    HOLDFAST_ASSIGN(const Slice* const slice, feeder.next());
    if (slice == nullptr) return Status::ok();
    HOLDFAST_TRY(apply_slice(*slice));
  }
}

// Deletes whatever the stretch deletes by ranges. What it writes into them later comes with the
// slices; what it wrote before is left out there.
Status Replay::erase() {
  const std::vector<tree::KeyRange> ranges = stretch_.erasures().ranges();
  HOLDFAST_ASSIGN(const tree::ApplyResult erased,
                  tree::erase_pages(*context_.pages, root_, ranges, version_, allocation_));
  for (const tree::NewRun& run : erased.written) HOLDFAST_TRY(pages_.write(run.pgno, run.bytes));
  HOLDFAST_TRY(pages_.finish());
  root_ = erased.root;
  retire(erased.retired);
  return delete_left_over(ranges);
}

// Whole pages of the ranges are gone already; what is left stands in pages at their edges.
Status Replay::delete_left_over(std::span<const tree::KeyRange> ranges) {
  while (!ranges.empty()) {
    tree::Arena keys;
    uint64_t bytes = 0;
    operations_.clear();
    tree::Cursor cursor(*context_.pages, root_);
    for (; !ranges.empty() && bytes < kSliceBytesMax; ranges = ranges.subspan(1)) {
      const tree::KeyRange& range = ranges.front();
      cursor.seek(range.begin);
      for (; cursor.valid() && (range.end.empty() || cursor.key() < range.end); cursor.next()) {
        operations_.push_back({keys.copy(cursor.key()), std::nullopt});
        bytes += sizeof(tree::Operation) + cursor.key().size();
      }
      HOLDFAST_TRY(Status(cursor.status()));
    }
    if (!operations_.empty()) HOLDFAST_TRY(apply_operations());
  }
  return Status::ok();
}

Status Replay::apply_slice(const Slice& slice) {
  operations_.clear();
  values_.reset();
  const Erasures& erasures = stretch_.erasures();
  const Change* const end = slice.changes.data() + slice.changes.size();
  for (const Change* first = slice.changes.data(); first != end;) {
    const Change* last = first + 1;
    while (last != end && last->key == first->key) ++last;
    std::span<const Change> changes(first, last);
    first = last;
    if (!erasures.empty()) {
      const auto erased = erasures.order_at(changes.front().key);
      while (erased && !changes.empty() && changes.front().order < *erased) {
        changes = changes.subspan(1);
      }
      if (changes.empty()) continue;
    }
    HOLDFAST_ASSIGN(const auto effect, net_effect(changes, false, *context_.pages, root_, values_));
    if (effect) operations_.push_back(*effect);
  }
  return apply_operations();
}

Status Replay::apply_operations() {
  HOLDFAST_ASSIGN(const tree::ApplyResult result,
                  tree::apply(*context_.pages, root_, operations_, version_, allocation_, &pages_));
  HOLDFAST_TRY(pages_.finish());
  root_ = result.root;
  retire(result.retired);
  return Status::ok();
}

// No root ever leads to what was born and replaced here: it is free again at once.
void Replay::retire(const std::vector<tree::RetiredRun>& runs) {
  for (const tree::RetiredRun& run : runs) {
    if (run.birth_version == version_) {
      allocation_.release(run.pgno, run.count);
    } else {
      retired_.push_back({run.pgno, run.count, run.birth_version, version_});
    }
  }
}

Status Replay::publish() {
  PublishPlan plan;
  plan.root = base_;
  plan.root.sequence = base_.sequence + 1;
  plan.root.version = version_;
  plan.root.lsn = stretch_.end().lsn;
  plan.root.time_us = stretch_.end().time_us;
  plan.root.prev_crc = stretch_.end().prev_crc;
  plan.root.epoch = stretch_.end().epoch;
  plan.root.pages_needed = base_.pages_needed + stretch_.pages_needed();
  plan.root.root = root_;
  plan.taken = allocation_.extents();
  plan.pages_taken = allocation_.pages_taken();
  plan.hint = allocation_.hint();
  plan.retired = std::move(retired_);
  return carry_out(context_, plan);
}

// Takes from the log behind `base` what the limits allow.
Result<Stretch> read(const Context& context, const PublishedRoot& base, uint64_t target,
                     const Stretch::Limits& limits) {
  Stretch stretch(base.position(), limits);
  const log::Lsn end = read_tail(context.control().tail).lsn;
  log::Reader reader(*context.segments, context.store_id, base.position(), log::Trust::kUnproven);
  while (!stretch.full() && reader.position().version < target) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader.next(end));
    if (!record) {
      // A void or a recovery left version numbers out: history goes on behind them.
      if (reader.position().version >= target) break;
      return Status(StatusCode::kCorruption,
                    "a part of the log that could be read a moment ago cannot be read any more; "
                    "the disk may be failing")
          .with_path(context.segments->path(log::lsn_segment(reader.position().lsn)))
          .with_offset(log::lsn_offset(reader.position().lsn));
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    log::PayloadReader payload(record->payload);
    std::string_view rest = payload.rest();
    while (const auto operation = payload.next()) {
      stretch.add(*record, *operation, rest.substr(0, rest.size() - payload.rest().size()));
      rest = payload.rest();
    }
    HOLDFAST_TRY(payload.status());
    stretch.end_record(record->header, reader.position());
  }
  stretch.end_at(reader.position());
  return stretch;
}

bool begins_at(const Stretch& stretch, const PublishedRoot& base) {
  return stretch.begin().lsn == base.lsn && stretch.end().version > base.version;
}

}  // namespace

Stretch::Limits replay_limits(const Context& context) {
  const uint64_t capacity = context.segment_capacity_max;
  return {std::min(kMemoryBytesMax, 2 * capacity), kStretchSegmentsMax * capacity};
}

Status replay_through(const Context& context, uint64_t target, Stretch first) {
  ControlBlock& control = context.control();
  context.pages->set_page_count(static_cast<uint32_t>(control.allocation.file_pages.load()));
  Stretch::Limits limits = replay_limits(context);
  std::optional<Stretch> read_before(std::move(first));
  while (true) {
    const PublishedRoot base = read_latest_root(control);
    if (base.version >= target) return Status::ok();
    HOLDFAST_TRY(reclaim(context, ReclaimEffort::kThorough));
    if (!read_before || !begins_at(*read_before, base)) {
      HOLDFAST_ASSIGN(read_before, read(context, base, target, limits));
    }
    Stretch stretch = std::move(*read_before);
    read_before.reset();
    Replay replay(context, base, stretch);
    HOLDFAST_TRY(replay.apply());
    Status published = replay.publish();
    if (published.code() == StatusCode::kTooLarge && limits.memory_bytes > sizeof(Place)) {
      limits.memory_bytes /= 2;  // free pages lie too scattered for so many: fewer at a time
      continue;
    }
    HOLDFAST_TRY(std::move(published));
    control.counters.applies.fetch_add(1);
    advance_durable(context);
  }
}

}  // namespace holdfast::store
