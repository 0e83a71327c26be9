#include "store/superblock.h"

#include <cstring>
#include <string>

#include "base/crc32c.h"

namespace holdfast::store {
namespace {

template <typename T>
std::string_view before_crc(const T& block) {
  return {reinterpret_cast<const char*>(&block), offsetof(T, crc)};
}

template <typename T>
std::string_view block_bytes(const T& block) {
  return {reinterpret_cast<const char*>(&block), sizeof(T)};
}

}  // namespace

Result<Superblock> read_superblock(os::File& data, const std::string& path) {
  Superblock superblock;
  HOLDFAST_ASSIGN(const size_t size,
                  data.read_at(0, reinterpret_cast<char*>(&superblock), sizeof(superblock)));
  if (size < sizeof(superblock) || superblock.magic != kSuperblockMagic) {
    return Status(StatusCode::kNotAStore,
                  "the file is not the data file of a Holdfast store; give the path of a store, "
                  "or of a new directory")
        .with_path(path);
  }
  if (superblock.format_version > kDataFormatVersion ||
      (superblock.features_required & ~kFeaturesKnown) != 0) {
    return Status(StatusCode::kUnsupported,
                  "the store has format " + std::to_string(superblock.format_version) +
                      ", this program knows formats up to " + std::to_string(kDataFormatVersion) +
                      "; use a newer Holdfast")
        .with_path(path);
  }
  if (superblock.crc != crc32c(before_crc(superblock)) ||
      !are_sizes(superblock.page_shift, superblock.segment_capacity_max)) {
    return Status(StatusCode::kCorruption,
                  "the superblock is damaged; restore the store from a backup")
        .with_path(path)
        .with_offset(0);
  }
  return superblock;
}

Status write_superblock(os::File& data, Superblock superblock) {
  superblock.crc = crc32c(before_crc(superblock));
  return data.write_at(0, block_bytes(superblock));
}

Result<std::optional<Meta>> read_meta(os::File& data, const Superblock& superblock, int slot) {
  Meta meta;
  const uint64_t offset = static_cast<uint64_t>(1 + slot) << superblock.page_shift;
  HOLDFAST_ASSIGN(const size_t size,
                  data.read_at(offset, reinterpret_cast<char*>(&meta), sizeof(meta)));
  const bool valid =
      size == sizeof(meta) && meta.magic == kMetaMagic && meta.store_id == superblock.store_id &&
      static_cast<int>(meta.number & 1) == slot && meta.crc == crc32c(before_crc(meta));
  return valid ? std::optional<Meta>(meta) : std::nullopt;
}

Status write_meta(os::File& data, uint32_t page_shift, Meta meta) {
  meta.crc = crc32c(before_crc(meta));
  // The whole page: nothing of an earlier use stays behind it.
  std::string page(1ull << page_shift, '\0');
  std::memcpy(page.data(), &meta, sizeof(meta));
  return data.write_at((1 + (meta.number & 1)) << page_shift, page);
}

Status erase_meta(os::File& data, uint32_t page_shift, int slot) {
  return data.write_at((uint64_t{1} + static_cast<uint64_t>(slot)) << page_shift,
                       std::string(1ull << page_shift, '\0'));
}

PublishedRoot root_of(const Meta& meta) {
  PublishedRoot root;
  root.version = meta.version;
  root.lsn = meta.lsn;
  root.time_us = meta.commit_time_us;
  root.root.page = {meta.root_pgno, meta.root_crc, (meta.root_flags & kRootHasOverflow) != 0};
  root.root.height = meta.root_height;
  root.prev_crc = meta.prev_crc;
  root.epoch = meta.epoch;
  return root;
}

Meta meta_of(const PublishedRoot& root, const std::array<char, 16>& store_id, uint64_t number) {
  Meta meta;
  meta.number = number;
  meta.store_id = store_id;
  meta.version = root.version;
  meta.lsn = root.lsn;
  meta.commit_time_us = root.time_us;
  meta.prev_crc = root.prev_crc;
  meta.epoch = root.epoch;
  meta.root_pgno = root.root.page.pgno;
  meta.root_crc = root.root.page.crc;
  meta.root_height = root.root.height;
  meta.root_flags = root.root.page.has_overflow ? kRootHasOverflow : 0;
  return meta;
}

}  // namespace holdfast::store
