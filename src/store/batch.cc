#include "store/batch.h"

#include <algorithm>

#include "store/key_sort.h"
#include "tree/cursor.h"

namespace holdfast::store {
namespace {

Status damaged_log(const Context& context, log::Lsn lsn) {
  return Status(StatusCode::kCorruption,
                "the log does not continue where the store's tail says it does; close all "
                "handles and open the store again")
      .with_path(context.segments->path(log::lsn_segment(lsn)))
      .with_offset(log::lsn_offset(lsn));
}

}  // namespace

Result<Batch> Batch::read(const Context& context, const log::Position& base, uint64_t target,
                          log::Lsn limit, log::Trust trust, uint64_t bytes_max) {
  Batch batch;
  log::Reader reader(*context.segments, context.store_id, base, trust);
  reader.keep_in(batch.bytes_);
  uint64_t bytes = 0;
  while (reader.position().version < target) {
    HOLDFAST_ASSIGN(const std::optional<log::Record> record, reader.next(limit));
    if (!record) {
      // A void or a recovery left version numbers out: history goes on behind them.
      if (reader.position().version >= target) break;
      return damaged_log(context, reader.position().lsn);
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    HOLDFAST_TRY(batch.take(context, *record));
    bytes += record->payload.size();
    if (bytes >= bytes_max) break;
  }
  batch.end_ = reader.position();
  sort_by_key(batch.changes_);
  batch.erased_ = batch.erasures_.ranges();
  return batch;
}

Status Batch::take(const Context& context, const log::Record& record) {
  log::PayloadReader reader(record.payload);
  while (const auto operation = reader.next()) {
    const uint64_t order = operation_count_++;
    if (operation->kind == log::OperationKind::kDeleteRange) {
      erasures_.add(operation->key, operation->value, order);
    } else {
      const log::RecordHeader& header = record.header;
      changes_.push_back(change_of(*operation, order, header.version, header.commit_time_us));
    }
  }
  if (reader.malformed()) return damaged_log(context, record.header.lsn);
  pages_needed_ += record.header.pages_max;
  return reader.status();
}

Status Batch::resolve(const tree::PageSource& pages, const tree::Root& root) {
  operations_.clear();
  operations_.reserve(changes_.size());
  const Change* const end = changes_.data() + changes_.size();
  for (const Change* first = changes_.data(); first != end;) {
    const Change* last = first + 1;
    while (last != end && last->key == first->key) ++last;
    HOLDFAST_TRY(fold({first, last}, pages, root));
    first = last;
  }
  return erased_.empty() ? Status::ok() : delete_left_over(pages, root);
}

// `changes`: those of one key.
Status Batch::fold(std::span<const Change> changes, const tree::PageSource& pages,
                   const tree::Root& root) {
  bool is_absent = false;
  if (!erasures_.empty()) {
    if (const auto order = erasures_.order_at(changes.front().key)) {
      is_absent = true;
      while (!changes.empty() && changes.front().order < *order) changes = changes.subspan(1);
      if (changes.empty()) return Status::ok();
    }
  }
  HOLDFAST_ASSIGN(const auto effect, net_effect(changes, is_absent, pages, root, values_));
  if (effect) operations_.push_back(*effect);
  return Status::ok();
}

// Whole pages of the ranges are gone already; what is left stands in pages at their edges.
Status Batch::delete_left_over(const tree::PageSource& pages, const tree::Root& root) {
  const size_t count = operations_.size();
  tree::Cursor cursor(pages, root);
  size_t next = 0;
  for (const tree::KeyRange& range : erased_) {
    cursor.seek(range.begin);
    for (; cursor.valid() && (range.end.empty() || cursor.key() < range.end); cursor.next()) {
      while (next < count && operations_[next].key < cursor.key()) ++next;
      if (next < count && operations_[next].key == cursor.key()) continue;
      operations_.push_back({left_over_.copy(cursor.key()), std::nullopt});
    }
    HOLDFAST_TRY(Status(cursor.status()));
  }
  const auto middle = operations_.begin() + static_cast<ptrdiff_t>(count);
  std::inplace_merge(
      operations_.begin(), middle, operations_.end(),
      [](const tree::Operation& a, const tree::Operation& b) { return a.key < b.key; });
  return Status::ok();
}

}  // namespace holdfast::store
