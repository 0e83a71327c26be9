// The layout of a tree page, and a read-only view of one.
//
//   0 PageHeader (32 bytes) | slots | free space | cells, growing down | shared key prefix
//
// Who: tree/ only. Thread-safety: a view of immutable bytes.
// Invariants:
//   1. A Page is made only of bytes that validate_page() accepted or page_builder.h wrote; so its
//      accessors do not check bounds again.
//   2. Cells are ordered by key; `head` of a slot is the first four bytes of the key after the
//      prefix, so that most comparisons touch only the slots.
//   3. In a branch, cell 0 has no key: it stands for everything below the key of cell 1, and the
//      prefix is shared by the cells from 1 on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/prefetch.h"
#include "tree/page_source.h"
#include "tree/tree.h"

namespace holdfast::tree {

enum class PageType : uint16_t { kLeaf = 1, kBranch = 2 };

inline constexpr uint32_t kPageHasOverflow = 1;  // PageHeader::flags

struct PageHeader {
  uint32_t pgno;
  uint32_t flags;
  uint64_t birth_version;
  uint16_t type;
  uint16_t level;  // leaf: 0
  uint16_t cell_count;
  uint16_t prefix_size;
  uint16_t heap_low;   // lowest offset that a cell uses
  uint16_t heap_used;  // bytes of all cells; the rest of the heap are holes
  uint32_t reserved;   // 0
};
static_assert(sizeof(PageHeader) == 32 && offsetof(PageHeader, flags) == 4 &&
              offsetof(PageHeader, birth_version) == kPageBirthOffset &&
              offsetof(PageHeader, type) == 16 && offsetof(PageHeader, level) == 18 &&
              offsetof(PageHeader, cell_count) == 20 && offsetof(PageHeader, prefix_size) == 22 &&
              offsetof(PageHeader, heap_low) == 24 && offsetof(PageHeader, heap_used) == 26 &&
              offsetof(PageHeader, reserved) == 28);

struct Slot {
  uint16_t cell_offset;
  uint16_t key_size;  // after the prefix
  uint32_t head;      // first four of those bytes as a big-endian number, padded with zeros
};
static_assert(sizeof(Slot) == 8 && offsetof(Slot, key_size) == 2 && offsetof(Slot, head) == 4);

// Branch cell: the key, then this.
struct __attribute__((packed)) ChildCell {
  uint32_t pgno;
  uint32_t crc;
  uint8_t has_overflow;
};
static_assert(sizeof(ChildCell) == 9 && offsetof(ChildCell, crc) == 4 &&
              offsetof(ChildCell, has_overflow) == 8);

// Leaf cell: the key, then a body: u8 flags, then varint size and the value, or an OverflowRef.
inline constexpr uint8_t kBodyInline = 0;
inline constexpr uint8_t kBodyOverflow = 1;
static_assert(sizeof(OverflowRef) == 24 && offsetof(OverflowRef, page_count) == 4 &&
              offsetof(OverflowRef, crc) == 8 && offsetof(OverflowRef, size_bytes) == 12 &&
              offsetof(OverflowRef, birth_version) == 16);
inline constexpr uint32_t kOverflowBodySize = 1 + sizeof(OverflowRef);

// --- Sizes. Any two leaf cells and any three branch cells fit into a page, so that every split
// --- ends; the static_assert below the functions proves it for each page size.
constexpr uint32_t inline_body_size(uint32_t value_size) {
  return 1 + (value_size < 0x80 ? 1 : 2) + value_size;
}
// Whether the value is kept in the leaf: small, and not beside a key so large that two such cells
// would not fit.
constexpr bool is_inline(uint32_t key_size, uint64_t value_size, uint32_t page_size) {
  return value_size <= page_size / 4 &&
         sizeof(Slot) + key_size + inline_body_size(static_cast<uint32_t>(value_size)) <=
             (page_size - sizeof(PageHeader)) / 2;
}
constexpr bool sizes_are_sound() {
  for (uint32_t page = kPageSizeMin; page <= kPageSizeMax; page *= 2) {
    const size_t key = key_size_max(page), room = page - sizeof(PageHeader);
    if (2 * (sizeof(Slot) + key + kOverflowBodySize) > room) return false;
    if (3 * (sizeof(Slot) + key + sizeof(ChildCell)) > room) return false;
    if (page / 4 >= 1u << 14) return false;  // the size of an inline value: at most two bytes
  }
  return true;
}
static_assert(sizes_are_sound());

inline uint32_t head_of(std::string_view suffix) {
  if (suffix.size() >= 4) return __builtin_bswap32(load_le<uint32_t>(suffix.data()));
  uint32_t head = 0;
  for (size_t i = 0; i < suffix.size(); ++i) {
    head |= static_cast<uint32_t>(static_cast<uint8_t>(suffix[i])) << (24 - 8 * i);
  }
  return head;
}

class Page {
 public:
  Page(const char* bytes, uint32_t size) : bytes_(bytes), size_(size) {}

  const char* bytes() const { return bytes_; }
  uint32_t size() const { return size_; }
  PageHeader header() const { return load_le<PageHeader>(bytes_); }
  bool is_leaf() const { return level() == 0; }
  uint32_t level() const { return field<uint16_t>(offsetof(PageHeader, level)); }
  uint32_t cell_count() const { return field<uint16_t>(offsetof(PageHeader, cell_count)); }
  uint32_t prefix_size() const { return field<uint16_t>(offsetof(PageHeader, prefix_size)); }
  uint64_t birth_version() const { return field<uint64_t>(offsetof(PageHeader, birth_version)); }
  bool has_overflow() const {
    return (field<uint32_t>(offsetof(PageHeader, flags)) & kPageHasOverflow) != 0;
  }
  // Bytes that a freshly built page of the same cells and prefix needs.
  uint32_t used_size() const {
    return static_cast<uint32_t>(sizeof(PageHeader) + sizeof(Slot) * cell_count() + prefix_size() +
                                 field<uint16_t>(offsetof(PageHeader, heap_used)));
  }

  Slot slot(uint32_t index) const {
    return load_le<Slot>(bytes_ + sizeof(PageHeader) + index * sizeof(Slot));
  }
  std::string_view prefix() const { return {bytes_ + size_ - prefix_size(), prefix_size()}; }
  // The key without the prefix; empty for cell 0 of a branch.
  std::string_view suffix(uint32_t index) const {
    const Slot s = slot(index);
    return {bytes_ + s.cell_offset, s.key_size};
  }
  const char* after_key(uint32_t index) const {
    const Slot s = slot(index);
    return bytes_ + s.cell_offset + s.key_size;
  }

  // Leaf: flags, size and value of a cell as stored.
  std::string_view body(uint32_t index) const {
    const char* body = after_key(index);
    return {body, body_size(body)};
  }
  FoundValue value(uint32_t index) const;
  PageRef child(uint32_t index) const {
    const auto cell = load_le<ChildCell>(after_key(index));
    return {cell.pgno, cell.crc, cell.has_overflow != 0};
  }

  // Leaf: the first cell whose key is not below `key`; cell_count() when there is none.
  uint32_t lower_bound(std::string_view key, bool* equal) const;
  // Branch: the child that covers `key`.
  uint32_t child_index(std::string_view key) const;
  // Sign of (key of the cell) - `key`. REQUIRES: not cell 0 of a branch.
  int compare_key(uint32_t index, std::string_view key) const;

 private:
  template <typename T>
  T field(size_t offset) const {
    return load_le<T>(bytes_ + offset);
  }
  static uint32_t body_size(const char* body);
  // The first slot of [low, high) whose head is not below `head`. No branch depends on a
  // comparison, half of them would be mispredicted; and no load on one before it, as the steps of a
  // binary search do: the cache lines of the slots are fetched at once, not in turn.
  uint32_t first_head(uint32_t low, uint32_t high, uint32_t head) const;
  // Begins to fetch a cell, as far as it lies where a page that was built, not edited, has it.
  void prefetch_cell(uint32_t index) const;
  // The slots from `low` on whose heads are that of `suffix`; all before are below it.
  struct Heads {
    uint32_t begin, end;
  };
  Heads equal_heads(uint32_t low, std::string_view suffix) const;
  // Sign of `key` - (the keys of the page) as far as the prefix decides.
  int compare_prefix(std::string_view key) const;

  const char* bytes_;
  uint32_t size_;
};

inline uint32_t Page::body_size(const char* body) {
  if (body[0] == kBodyOverflow) return kOverflowBodySize;
  const auto low = static_cast<uint8_t>(body[1]);
  if (low < 0x80) return 2u + low;
  return 3u + (low & 0x7fu) + (static_cast<uint32_t>(static_cast<uint8_t>(body[2])) << 7);
}

inline FoundValue Page::value(uint32_t index) const {
  const std::string_view bytes = body(index);
  FoundValue found;
  if (bytes[0] == kBodyOverflow) {
    found.overflow = load_le<OverflowRef>(bytes.data() + 1);
  } else {
    found.inline_bytes = bytes.substr(static_cast<uint8_t>(bytes[1]) < 0x80 ? 2 : 3);
  }
  return found;
}

inline int Page::compare_prefix(std::string_view key) const {
  const std::string_view shared = prefix();
  const int order = key.substr(0, shared.size()).compare(shared);
  return order;  // a key shorter than the prefix but equal so far is below: compare() says so
}

inline uint32_t Page::first_head(uint32_t low, uint32_t high, uint32_t head) const {
  constexpr uint32_t kLine = 64 / sizeof(Slot);
  uint32_t lines = 0;
  for (uint32_t i = low + kLine - 1; i < high; i += kLine) {
    lines += static_cast<uint32_t>(slot(i).head < head);
  }
  low += lines * kLine;
  high = std::min(high, low + kLine);
  uint32_t below = 0;
  for (uint32_t i = low; i < high; ++i) below += static_cast<uint32_t>(slot(i).head < head);
  return low + below;
}

inline void Page::prefetch_cell(uint32_t index) const {
  constexpr uint32_t kBytesMax = 320;  // what processors have in flight beside the rest
  const uint32_t begin = slot(index).cell_offset;
  const uint32_t end = index > 0 ? slot(index - 1).cell_offset : size_ - prefix_size();
  prefetch(bytes_ + begin);
  for (uint32_t at = begin + 64; at < std::min(end, begin + kBytesMax); at += 64) {
    prefetch(bytes_ + at);
  }
}

inline Page::Heads Page::equal_heads(uint32_t low, std::string_view suffix) const {
  const uint32_t count = cell_count(), head = head_of(suffix);
  const uint32_t first = first_head(low, count, head);
  if (first == count || slot(first).head != head) return {first, first};
  if (first + 1 == count || slot(first + 1).head != head) return {first, first + 1};
  return {first, head == ~0u ? count : first_head(first, count, head + 1)};
}

inline uint32_t Page::lower_bound(std::string_view key, bool* equal) const {
  *equal = false;
  if (const int order = compare_prefix(key); order != 0) return order < 0 ? 0 : cell_count();
  const std::string_view wanted = key.substr(prefix_size());
  auto [low, high] = equal_heads(0, wanted);
  if (low < high) prefetch_cell(low);
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    const int order = suffix(middle).compare(wanted);
    if (order == 0) {
      *equal = true;
      return middle;
    }
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  return low;
}

inline uint32_t Page::child_index(std::string_view key) const {
  if (const int order = compare_prefix(key); order != 0) return order < 0 ? 0 : cell_count() - 1;
  const std::string_view wanted = key.substr(prefix_size());
  auto [low, high] = equal_heads(1, wanted);  // ends at the first separator above `key`
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    const bool above = suffix(middle).compare(wanted) > 0;
    (above ? high : low) = above ? middle : middle + 1;
  }
  return low - 1;
}

inline int Page::compare_key(uint32_t index, std::string_view key) const {
  if (const int order = compare_prefix(key); order != 0) return order < 0 ? 1 : -1;
  return suffix(index).compare(key.substr(prefix_size()));
}

// Empty when every offset and size in the page stays inside it; else what is wrong. `pgno`: where
// the page was read from. Does not look at the order of keys; verify() does.
std::string validate_page(const char* bytes, uint32_t size, uint32_t pgno);

Status wrong_level(uint32_t pgno, uint32_t level, uint32_t expected);
// No sound page is without: it was lost since it was verified, see os/guarded_os.h.
Status no_cells(uint32_t pgno);
// ok, or Corruption: the keys of a leaf do not ascend. Only a bug writes such a page; who makes
// others of one has to know.
Status check_ascending(const Page& leaf);

// The page `ref` refers to, which must stand `level` levels above the leaves; nullptr (and
// `*error`) otherwise.
inline const char* load_at_level(const PageSource& source, const PageRef& ref, uint32_t level,
                                 Status* error) {
  const char* bytes = source.load(ref, error);
  if (bytes == nullptr) return nullptr;
  const uint32_t found = Page(bytes, source.page_size_bytes()).level();
  if (found == level) [[likely]]
    return bytes;
  *error = wrong_level(ref.pgno, found, level);
  return nullptr;
}

// The same for whoever writes what it has read: a copy, kept in `copy`, that is verified whatever
// is remembered. The mapped page may at any moment be lost (PageSource::losses), or fall back to
// what it was. Errors: Corruption, IoError when it was lost.
Result<Page> load_steady(const PageSource& source, const PageRef& ref, uint32_t level,
                         std::unique_ptr<char[]>* copy);

}  // namespace holdfast::tree
