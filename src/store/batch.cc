#include "store/batch.h"

#include <algorithm>

#include "base/crc32c.h"
#include "tree/cursor.h"

namespace holdfast::store {
namespace {

using log::OperationKind;

Status damaged_log(const Context& context, log::Lsn lsn) {
  return Status(StatusCode::kCorruption,
                "the log does not continue where the store's tail says it does; close all "
                "handles and open the store again")
      .with_path(context.segments->path(log::lsn_segment(lsn)))
      .with_offset(log::lsn_offset(lsn));
}

bool is_number_change(OperationKind kind) {
  return kind == OperationKind::kAdd || kind == OperationKind::kMax;
}

}  // namespace

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
      return damaged_log(context, reader.position().lsn);
    }
    if (record->header.type != static_cast<uint16_t>(log::RecordType::kCommit)) continue;
    HOLDFAST_TRY(batch.take(context, *record));
    bytes += record->payload.size();
    if (bytes >= bytes_max) break;
  }
  batch.end_ = reader.position();
  batch.sort();
  batch.join_erasures();
  return batch;
}

Status Batch::take(const Context& context, const log::Record& record) {
  // A copy that is checked once more: after a disk error mapped bytes may change under us.
  std::string& payload = payloads_.emplace_back(record.payload);
  if (crc32c(payload) != record.header.payload_crc) return damaged_log(context, record.header.lsn);
  log::PayloadReader reader(payload);
  while (const auto operation = reader.next()) add(*operation, record.header, payload.data());
  if (reader.malformed()) return damaged_log(context, record.header.lsn);
  pages_needed_ += record.header.pages_max;
  return reader.status();
}

void Batch::add(const log::Operation& operation, const log::RecordHeader& header, char* payload) {
  const uint32_t order = operation_count_++;
  OperationKind kind = operation.kind;
  if (kind == OperationKind::kDeleteRange) return erase(operation.key, operation.value, order);
  if (kind == OperationKind::kPutStamped) {
    // The room for the stamp is in our own copy of the payload.
    const auto writable = [&](std::string_view bytes) {
      return payload + (bytes.data() - static_cast<const char*>(payload));
    };
    log::write_stamp(operation.stamp, header.version, header.commit_time_us,
                     writable(operation.key), writable(operation.value));
    kind = OperationKind::kPut;
  }
  changes_.push_back({operation.key, operation.value, operation.operand, order, kind});
}

// Lays a range over those that were deleted before it.
void Batch::erase(std::string_view begin, std::string_view end, uint32_t order) {
  if (!end.empty() && begin >= end) return;
  auto piece = erasures_.lower_bound(begin);
  if (piece != erasures_.begin()) {
    Erasure& before = std::prev(piece)->second;
    if (before.end.empty() || before.end > begin) {
      erasures_.emplace(begin, before);  // the part from `begin` on; covered below
      before.end = begin;
    }
  }
  piece = erasures_.lower_bound(begin);
  while (piece != erasures_.end() && (end.empty() || piece->first < end)) {
    const Erasure covered = piece->second;
    if (!end.empty() && (covered.end.empty() || covered.end > end)) erasures_.emplace(end, covered);
    piece = erasures_.erase(piece);
  }
  erasures_.insert_or_assign(begin, Erasure{end, order});
}

std::optional<uint32_t> Batch::erased_at(std::string_view key) const {
  const auto next = erasures_.upper_bound(key);
  if (next == erasures_.begin()) return std::nullopt;
  const Erasure& erasure = std::prev(next)->second;
  if (!erasure.end.empty() && key >= erasure.end) return std::nullopt;
  return erasure.order;
}

void Batch::sort() {
  const auto by_key = [](const Change& a, const Change& b) { return a.key < b.key; };
  if (!std::is_sorted(changes_.begin(), changes_.end(), by_key)) {
    std::stable_sort(changes_.begin(), changes_.end(), by_key);
  }
}

void Batch::join_erasures() {
  for (const auto& [begin, erasure] : erasures_) {
    if (!erased_.empty() && erased_.back().end == begin) {
      erased_.back().end = erasure.end;
    } else {
      erased_.push_back({begin, erasure.end});
    }
  }
}

Status Batch::resolve(const tree::PageSource& pages, const tree::Root& root) {
  operations_.clear();
  operations_.reserve(changes_.size());
  const Change* const end = changes_.data() + changes_.size();
  for (const Change* first = changes_.data(); first != end;) {
    const Change* last = first + 1;
    while (last != end && last->key == first->key) ++last;
    HOLDFAST_TRY(fold(first, last, pages, root));
    first = last;
  }
  return erased_.empty() ? Status::ok() : delete_left_over(pages, root);
}

// The net effect of the changes [first, last) of one key.
Status Batch::fold(const Change* first, const Change* last, const tree::PageSource& pages,
                   const tree::Root& root) {
  bool is_absent = false;
  if (!erasures_.empty()) {
    if (const auto order = erased_at(first->key)) {
      is_absent = true;
      while (first != last && first->order < *order) ++first;
      if (first == last) return Status::ok();
    }
  }
  const Change* numbers = last;  // those behind the last put or deletion
  while (numbers != first && is_number_change((numbers - 1)->kind)) --numbers;
  if (numbers == last) {
    const Change& change = *(last - 1);
    const bool is_put = change.kind == OperationKind::kPut;
    operations_.push_back({change.key, is_put ? std::optional(change.value) : std::nullopt});
    return Status::ok();
  }
  std::optional<std::string_view> base;
  bool is_known = is_absent;
  if (numbers != first) {
    is_known = true;
    if ((numbers - 1)->kind == OperationKind::kPut) base = (numbers - 1)->value;
  }
  if (!is_known) {
    HOLDFAST_ASSIGN(const auto found, tree::find(pages, root, first->key));
    if (found) {
      HOLDFAST_ASSIGN(base, tree::value_bytes(pages, *found));
    }
  }
  std::vector<NumberChange> changes;
  for (; numbers != last; ++numbers) append_change(changes, {numbers->kind, numbers->operand});
  if (const auto value = changed_value(base, changes)) {
    const std::array<char, 8>& kept = numbers_.emplace_back(*value);
    operations_.push_back({first->key, std::string_view(kept.data(), kept.size())});
  } else if (is_known) {
    operations_.push_back({first->key, base});
  }
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
