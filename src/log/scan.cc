#include "log/scan.h"

#include <algorithm>
#include <cstring>

#include "log/record.h"

namespace holdfast::log {
namespace {

bool all_zero(const char* bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

// A header that was begun here, though it may be cut: its first sector names this position.
bool begun_at(const Segment& segment, uint64_t offset, Lsn lsn) {
  if (offset + sizeof(RecordHeader) > segment.capacity()) return false;
  RecordHeader header;
  std::memcpy(&header, segment.data() + offset, sizeof(header));
  if (header.lsn == lsn && header.type != 0) return true;
  return false;
}

void scan_segment(const Segment& segment, uint64_t offset, TailScan& scan) {
  const uint64_t salt = segment.header().salt;
  while (offset + sizeof(RecordHeader) <= segment.capacity()) {
    // Most of a segment's rest is zeros: skip them in large steps.
    constexpr uint64_t kStride = 512;
    if (offset % kStride == 0 && offset + kStride <= segment.capacity() &&
        all_zero(segment.data() + offset, kStride)) {
      offset += kStride;
      continue;
    }
    const auto record = record_at(segment, salt, offset, nullptr);
    if (!record) {
      offset += kRecordAlignment;
      continue;
    }
    const uint64_t size = record_size(record->header.payload_size);
    ++scan.orphaned_entries;
    scan.bytes_discarded += size;
    scan.durable_lsn_max = std::max(scan.durable_lsn_max, record->header.durable_lsn);
    offset += size;
  }
}

}  // namespace

Result<TailScan> scan_tail(SegmentFiles& files, const std::array<char, 16>& store_id,
                           const Position& end) {
  TailScan scan;
  HOLDFAST_ASSIGN(const std::vector<uint64_t> numbers, files.list());
  const uint64_t end_segment = lsn_segment(end.lsn);
  for (const uint64_t number : numbers) {
    scan.segment_max = std::max(scan.segment_max, number);
    auto segment = files.open(number);
    if (!segment) {
      if (segment.status().code() == StatusCode::kCorruption) continue;  // not started
      return segment.status();
    }
    if (!(*segment)->started(store_id)) continue;
    scan.started_max = std::max(scan.started_max, number);
    scan.epoch_max = std::max(scan.epoch_max, (*segment)->header().epoch);
    if (number < end_segment) continue;
    uint64_t offset = kSegmentHeaderSize;
    if (number == end_segment) {
      offset = lsn_offset(end.lsn);
      if (begun_at(**segment, offset, end.lsn)) {
        scan.torn_record = true;
        scan.bytes_discarded += sizeof(RecordHeader);
      }
    }
    scan_segment(**segment, offset, scan);
  }
  return scan;
}

}  // namespace holdfast::log
