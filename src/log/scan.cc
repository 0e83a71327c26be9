#include "log/scan.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "log/record.h"

namespace holdfast::log {
namespace {

bool all_zero(const char* bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

// A record that was begun here, though it may be cut: its header names this position. Bytes of it,
// as far as they are known, or 0.
Result<uint64_t> begun_at(Window& window, uint64_t offset, Lsn lsn) {
  HOLDFAST_ASSIGN(const std::string_view bytes, window.view(offset, sizeof(RecordHeader), ~0ull));
  if (bytes.size() < sizeof(RecordHeader)) return 0;
  RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.lsn != lsn || header.type == 0) return 0;
  const bool size_known = sealed(header, window.segment()->header().salt);
  return size_known ? record_size(header.payload_size) : sizeof(header);
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

// A segment behind the end that does not count as started. Its header may not have arrived; then
// nothing in it was ever durable. Its records name their places, but without the header's salt
// only their payloads can be verified.
Status scan_headless(Window& window, const Position& end, TailScan& scan) {
  const uint64_t number = window.segment()->number();
  uint64_t offset = kSegmentHeaderSize;
  while (true) {
    HOLDFAST_ASSIGN(const std::string_view head, window.view(offset, sizeof(RecordHeader), ~0ull));
    if (head.size() < sizeof(RecordHeader)) return Status::ok();
    RecordHeader header;
    std::memcpy(&header, head.data(), sizeof(header));
    if (header.lsn != make_lsn(number, offset)) return Status::ok();
    const uint64_t size = sizeof(header) + header.payload_size;
    HOLDFAST_ASSIGN(const std::string_view whole, window.view(offset, size, ~0ull));
    if (whole.size() < size) return Status::ok();
    if (crc32c(whole.substr(sizeof(header))) != header.payload_crc) return Status::ok();
    ++scan.orphaned_entries;
    scan.bytes_discarded += record_size(header.payload_size);
    scan.durable_lsn_max = std::max(scan.durable_lsn_max, header.durable_lsn);
    if (header.durable_lsn > end.lsn) scan.headless_segment = number;
    offset += record_size(header.payload_size);
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
    Window window;
    window.enter(*segment);
    if (!(*segment)->started(store_id)) {
      if (number > end_segment) HOLDFAST_TRY(scan_headless(window, end, scan));
      continue;
    }
    scan.started_max = std::max(scan.started_max, number);
    scan.epoch_max = std::max(scan.epoch_max, (*segment)->header().epoch);
    if (number < end_segment) continue;
    if (!(*segment)->whole()) scan.cut_segment = number;
    uint64_t offset = kSegmentHeaderSize;
    if (number == end_segment) {
      offset = lsn_offset(end.lsn);
      HOLDFAST_ASSIGN(const uint64_t size, begun_at(window, offset, end.lsn));
      scan.torn_record = size > 0;
      scan.bytes_discarded += size;
    }
    HOLDFAST_TRY(scan_segment(window, offset, scan));
  }
  return scan;
}

}  // namespace holdfast::log
