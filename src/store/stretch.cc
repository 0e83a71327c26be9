#include "store/stretch.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "store/key_sort.h"

namespace holdfast::store {

Stretch::Stretch(const log::Position& begin, const Limits& limits)
    : limits_(limits), begin_(begin), end_(begin) {
  // Address space, touched as it fills. The last record may exceed the limit.
  constexpr size_t kRecordOperationsMax = 1u << 18;
  places_.reserve(limits.memory_bytes / sizeof(Place) + kRecordOperationsMax);
}

std::string_view Stretch::key_written(const log::Record& record, const log::Operation& operation) {
  if (operation.kind != log::OperationKind::kPutStamped) return operation.key;
  key_ = log::written_key(operation, record.header.version);
  return key_;
}

// A new key that shares less with all before it than these did changes their heads.
uint64_t Stretch::head_of(std::string_view key) {
  if (places_.empty()) shared_ = key;
  const size_t common = tree::common_prefix(shared_, key);
  if (common < shared_.size()) {
    const std::string_view lost = std::string_view(shared_).substr(common);
    const uint64_t front = sort_head(lost);
    const size_t shift = lost.size() * 8;
    for (Place& place : places_) place.head = front | (shift < 64 ? place.head >> shift : 0);
    shared_.resize(common);
  }
  return sort_head(key.substr(common));
}

void Stretch::add(const log::Record& record, const log::Operation& operation,
                  std::string_view bytes) {
  const log::Lsn lsn = record.header.lsn;
  const uint64_t segment = log::lsn_segment(lsn);
  if (segments_.empty() || segments_.back() != segment) segments_.push_back(segment);
  const uint64_t index = segments_.size() - 1;
  const uint64_t begin = index << 32 | log::lsn_offset(lsn);
  const uint64_t at = begin + sizeof(log::RecordHeader) +
                      static_cast<uint64_t>(bytes.data() - record.payload.data());
  if (operation.kind == log::OperationKind::kDeleteRange) {
    constexpr uint64_t kNodeSize = 96;
    erasures_.add(erased_keys_.copy(operation.key), erased_keys_.copy(operation.value), at);
    memory_used_ += kNodeSize + operation.key.size() + operation.value.size();
    return;
  }
  if (operation.kind == log::OperationKind::kPutStamped &&
      (stamped_.empty() || stamped_.back().at != begin)) {
    stamped_.push_back({begin, {record.header.version, record.header.commit_time_us}});
    memory_used_ += sizeof(StampedRecord);
  }
  const uint64_t head = head_of(key_written(record, operation));
  places_.push_back({head, at, static_cast<uint32_t>(bytes.size()), crc32c(bytes)});
  memory_used_ += sizeof(Place);
}

void Stretch::end_record(const log::RecordHeader& header, const log::Position& end) {
  end_ = end;
  pages_needed_ += header.pages_max;
  log_used_ += log::record_size(header.payload_size);
}

CommitStamp Stretch::stamp_of(const Place& place) const {
  const auto next =
      std::partition_point(stamped_.begin(), stamped_.end(),
                           [&](const StampedRecord& record) { return record.at < place.at; });
  CHECK(next != stamped_.begin());
  return std::prev(next)->stamp;
}

}  // namespace holdfast::store
