// The bytes of a blob's file: header, frames, table, trailer. Every content byte is covered by the
// CRC-32C of its frame and by the SHA-256 of the whole.
//
//   header (64) | frame | frame ... | table: 8 bytes for each frame | trailer (80)
//
// A frame holds frame_size bytes of content, the last one the rest; it is stored as it is, or as
// one zstd frame where that is smaller. So any range can be read by way of the frames it touches.
//
// Who: this room. Thread-safety: values.
// Invariants:
//   1. A file gets its name only when all of it has been synced, and never changes after that.
//   2. What does not match its checksum is never handed out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/crc32c.h"

namespace holdfast::blob {

constexpr uint64_t kHeaderMagic = 0x31424F4C42444C48;   // "HLDBLOB1"
constexpr uint64_t kTrailerMagic = 0x31444E45424C4448;  // "HDLBEND1"
constexpr uint32_t kBlobFormatVersion = 1;
constexpr uint32_t kFrameSize = 256u << 10;
constexpr uint32_t kFrameSizeMax = 64u << 20;

struct FileHeader {
  uint64_t magic = kHeaderMagic;
  uint32_t format_version = kBlobFormatVersion;
  uint32_t frame_size = kFrameSize;  // bytes of content
  std::array<char, 16> store_id{};
  uint64_t incarnation = 0;
  uint64_t created_us = 0;
  std::array<char, 12> reserved{};
  uint32_t crc = 0;  // of all before
};
static_assert(sizeof(FileHeader) == 64 && offsetof(FileHeader, incarnation) == 32 &&
              offsetof(FileHeader, crc) == 60);

// A frame is compressed exactly if its stored size is smaller than its content.
struct FrameEntry {
  uint32_t stored_size = 0;
  uint32_t crc = 0;  // of the stored bytes
};
static_assert(sizeof(FrameEntry) == 8);

struct FileTrailer {
  uint64_t magic = kTrailerMagic;
  uint64_t content_size = 0;
  uint64_t frames_end = 0;  // where the table begins
  uint64_t frame_count = 0;
  std::array<char, 32> hash{};
  uint32_t table_crc = 0;
  std::array<char, 8> reserved{};
  uint32_t crc = 0;  // of all before
};
static_assert(sizeof(FileTrailer) == 80 && offsetof(FileTrailer, hash) == 32 &&
              offsetof(FileTrailer, crc) == 76);
static_assert(std::is_trivially_copyable_v<FileHeader> &&
              std::is_trivially_copyable_v<FileTrailer>);

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

template <typename T>
uint32_t crc_of(const T& value) {
  return crc32c(bytes_of(value).substr(0, offsetof(T, crc)));
}

}  // namespace holdfast::blob
