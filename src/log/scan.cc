#include "log/scan.h"

#include <algorithm>
#include <cstring>

#include "log/record.h"

namespace holdfast::log {
namespace {

bool all_zero(const char* bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

// A header that was begun here, though it may be cut: it names this position.
Result<bool> begun_at(Window& window, uint64_t offset, Lsn lsn) {
  HOLDFAST_ASSIGN(const std::string_view bytes, window.view(offset, sizeof(RecordHeader), ~0ull));
  if (bytes.size() < sizeof(RecordHeader)) return false;
  RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header.lsn == lsn && header.type != 0;
}

Status scan_segment(Window& window, uint64_t offset, TailScan& scan) {
  const uint64_t capacity = window.segment()->capacity();
  while (offset + sizeof(RecordHeader) <= capacity) {
    // Most of a segment's rest is zeros: skip them in large steps.
    constexpr uint64_t kStride = 512;
    if (offset % kStride == 0) {
      HOLDFAST_ASSIGN(const std::string_view bytes, window.view(offset, kStride, ~0ull));
      if (bytes.size() == kStride && all_zero(bytes.data(), bytes.size())) {
        offset += kStride;
        continue;
      }
    }
    HOLDFAST_ASSIGN(const auto record, window.record(offset, ~0ull, nullptr));
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
  return Status::ok();
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
    Window window;
    window.enter(*segment);
    uint64_t offset = kSegmentHeaderSize;
    if (number == end_segment) {
      offset = lsn_offset(end.lsn);
      HOLDFAST_ASSIGN(scan.torn_record, begun_at(window, offset, end.lsn));
      if (scan.torn_record) scan.bytes_discarded += sizeof(RecordHeader);
    }
    HOLDFAST_TRY(scan_segment(window, offset, scan));
  }
  return scan;
}

}  // namespace holdfast::log
