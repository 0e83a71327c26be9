// The fixed pages of the data file: page 0 holds the superblock, written once; pages 1 and 2 hold
// the metas, written in turn, one per checkpoint. docs/format.md draws them.
//
// Who: store/ (create, checkpoint, recovery, check).
// Invariants:
//   1. A meta is written only after every page its root reaches is on the disk.
//   2. The newest valid meta wins; the other stays valid until the next checkpoint is complete.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "holdfast/status.h"
#include "store/context.h"
#include "store/published.h"
#include "tree/tree.h"

namespace holdfast::store {

constexpr uint64_t kSuperblockMagic = 0x3142445544444c48;  // "HLDDUDB1"
constexpr uint64_t kMetaMagic = 0x314154454d444c48;        // "HLDMETA1"
constexpr uint32_t kDataFormatVersion = 1;
// Bits of `features_required`.
constexpr uint64_t kFeatureOperations = 1;  // the log may hold operations 3 to 6
constexpr uint64_t kFeaturesKnown = kFeatureOperations;
constexpr uint32_t kFirstPage = 3;  // pages before it are never allocated

constexpr uint64_t kSegmentSizeMin = 8192;
constexpr uint64_t kSegmentSizeMax = 1u << 30;
// Whether a store can have pages and segments of these sizes.
constexpr bool are_sizes(uint32_t page_shift, uint64_t segment_size) {
  return page_shift < 32 && 1u << page_shift >= tree::kPageSizeMin &&
         1u << page_shift <= tree::kPageSizeMax && segment_size >= kSegmentSizeMin &&
         segment_size <= kSegmentSizeMax;
}

struct Superblock {
  uint64_t magic = kSuperblockMagic;
  uint32_t format_version = kDataFormatVersion;
  uint32_t page_shift = 0;
  std::array<char, 16> store_id{};
  uint64_t created_us = 0;
  uint64_t segment_capacity_max = 0;
  uint64_t features_required = 0;  // a reader that does not know a bit must refuse
  uint64_t features_optional = 0;
  std::array<char, 188> reserved{};
  uint32_t crc = 0;  // CRC-32C of the bytes before
};
static_assert(sizeof(Superblock) == 256);
static_assert(offsetof(Superblock, store_id) == 16);
static_assert(offsetof(Superblock, crc) == 252);

struct Meta {
  uint64_t magic = kMetaMagic;
  uint64_t number = 0;  // checkpoint number; its page is 1 + (number & 1)
  std::array<char, 16> store_id{};
  uint64_t version = 0;
  log::Lsn lsn = 0;  // replay starts here
  uint64_t commit_time_us = 0;
  uint32_t prev_crc = 0;  // chain value at `lsn`
  uint32_t epoch = 0;
  uint32_t root_pgno = 0;
  uint32_t root_crc = 0;
  uint32_t root_height = 0;
  uint32_t root_flags = 0;  // kRootHasOverflow
  uint64_t file_pages = 0;
  uint64_t written_us = 0;
  uint32_t named_count = 0;  // versions that were pinned by name; 0: the tree holds no names
  std::array<char, 152> reserved{};
  uint32_t crc = 0;  // CRC-32C of the bytes before
};
static_assert(sizeof(Meta) == 256);
static_assert(offsetof(Meta, version) == 32);
static_assert(offsetof(Meta, root_pgno) == 64);
static_assert(offsetof(Meta, named_count) == 96);
static_assert(offsetof(Meta, crc) == 252);

// Errors: NotAStore (no magic), Unsupported (newer format), Corruption (checksum).
Result<Superblock> read_superblock(os::File& data, const std::string& path);
Status write_superblock(os::File& data, Superblock superblock);

// The meta in `slot` (0 or 1), or nullopt if it is not valid.
Result<std::optional<Meta>> read_meta(os::File& data, const Superblock& superblock, int slot);
Status write_meta(os::File& data, uint32_t page_shift, Meta meta);
// There is none in `slot` any more.
Status erase_meta(os::File& data, uint32_t page_shift, int slot);

// A checkpoint's root, as published roots are.
PublishedRoot root_of(const Meta& meta);
Meta meta_of(const PublishedRoot& root, const std::array<char, 16>& store_id, uint64_t number);

}  // namespace holdfast::store
