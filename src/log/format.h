// Format of the write-ahead log: segments, their headers, and records. docs/format.md draws it.
//
// Who: log/ and store/. Plain data; no I/O.
// Invariants:
//   1. An LSN is `segment number << 32 | byte offset`. LSNs are never handed out twice.
//   2. A record's header names its own LSN and the header CRC of the record before it, and its
//      CRC is seeded with the salt of the segment's incarnation: bytes left over from an earlier
//      use of the file can never be taken for a record.
//   3. A segment declares where the history before it ends (`prev_segment`, `prev_end_lsn`);
//      what lies after that point in the earlier segment is void. Of several segments that
//      declare the same predecessor, the one of the highest epoch is right.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast::log {

using Lsn = uint64_t;

constexpr Lsn make_lsn(uint64_t segment, uint64_t offset) {
  return segment << 32 | offset;
}
constexpr uint64_t lsn_segment(Lsn lsn) {
  return lsn >> 32;
}
constexpr uint64_t lsn_offset(Lsn lsn) {
  return lsn & 0xffffffffu;
}

constexpr uint32_t kFormatVersion = 1;
constexpr uint64_t kSegmentMagic = 0x31474f4c48444c48;  // "HLDHLOG1"
constexpr uint64_t kSegmentHeaderSize = 512;
constexpr uint64_t kRecordAlignment = 8;

struct SegmentHeader {
  uint64_t magic = kSegmentMagic;
  uint32_t format_version = kFormatVersion;
  uint32_t header_size = kSegmentHeaderSize;
  std::array<char, 16> store_id{};
  uint64_t segment = 0;
  Lsn prev_end_lsn = 0;
  uint64_t prev_segment = 0;
  uint64_t start_version = 0;  // version of the last commit before the first record
  uint32_t epoch = 0;          // +1 at every cold recovery and void
  uint32_t prev_crc = 0;       // chain value the first record continues from
  uint64_t salt = 0;
  uint64_t created_us = 0;
  uint32_t capacity = 0;  // bytes of the file
  std::array<char, 416> reserved{};
  uint32_t crc = 0;  // CRC-32C of the bytes before
};
static_assert(sizeof(SegmentHeader) == kSegmentHeaderSize);
static_assert(offsetof(SegmentHeader, segment) == 32);
static_assert(offsetof(SegmentHeader, epoch) == 64);
static_assert(offsetof(SegmentHeader, salt) == 72);
static_assert(offsetof(SegmentHeader, crc) == 508);

enum class RecordType : uint16_t {
  kNone = 0,    // unused area
  kCommit = 1,  // one transaction
  kNote = 2,    // carries a newer durable_lsn when the log falls idle
};

struct RecordHeader {
  uint32_t header_crc = 0;  // of bytes 4..63, seeded with the segment's salt
  uint32_t payload_crc = 0;
  uint32_t payload_size = 0;
  uint16_t type = 0;
  uint16_t flags = 0;
  Lsn lsn = 0;                   // own position
  uint64_t version = 0;          // commit number; a note repeats the last one
  uint64_t commit_time_us = 0;   // greater than the one before
  Lsn durable_lsn = 0;           // known to the appender: tells a torn tail from rot
  uint32_t prev_header_crc = 0;  // chain
  uint32_t epoch = 0;
  uint32_t operation_count = 0;
  uint32_t pages_max = 0;  // pages that applying it may need at most
};
static_assert(sizeof(RecordHeader) == 64);
static_assert(offsetof(RecordHeader, lsn) == 16);
static_assert(offsetof(RecordHeader, durable_lsn) == 40);
static_assert(offsetof(RecordHeader, epoch) == 52);

constexpr uint64_t record_size(uint64_t payload_size) {
  return (sizeof(RecordHeader) + payload_size + kRecordAlignment - 1) & ~(kRecordAlignment - 1);
}

}  // namespace holdfast::log
