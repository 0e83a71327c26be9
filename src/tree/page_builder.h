// Writing pages: images built from a list of entries, and edits of one image in place.
//
// Who: tree/ only (apply). Not thread-safe.
// Invariants:
//   1. An image's page number is 0 until it gets one; nothing else about it changes then but the
//      references to its children.
//   2. An image holds no byte that was not written: free space of a built page is zero.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tree/page.h"

namespace holdfast::tree {

using Image = std::unique_ptr<char[]>;

// A cell of a leaf to be: from an older page with its body as stored, or a new inline value.
struct LeafEntry {
  std::string_view key;
  std::string_view bytes;  // the body as stored, or the value
  bool stored = false;

  uint32_t body_size() const {
    return stored ? static_cast<uint32_t>(bytes.size())
                  : inline_body_size(static_cast<uint32_t>(bytes.size()));
  }
  bool is_overflow() const { return stored && bytes[0] == kBodyOverflow; }
};

inline constexpr uint32_t kNoNode = ~0u;

// A child of a branch to be: a published page (`ref`), or a page of this apply (`node`).
struct ChildEntry {
  std::string_view separator;  // not above any key below it, above all keys before it
  PageRef ref;
  uint32_t node = kNoNode;
  bool is_small = false;  // shrank so far that it should be merged with a sibling

  bool is_pending() const { return node != kNoNode; }
};

// The size of a page that holds the entries added so far, with the best prefix for them.
class PageMeter {
 public:
  explicit PageMeter(bool first_key_dropped) : first_key_dropped_(first_key_dropped) {}

  // The size if an entry of `key` and `fixed_size` other bytes were added; add() adds it.
  uint32_t size_with(std::string_view key, uint32_t fixed_size) const;
  void add(std::string_view key, uint32_t fixed_size);
  uint32_t size() const { return page_size(sum_, keyed_, prefix_); }
  uint32_t count() const { return count_; }
  void clear() { *this = PageMeter(first_key_dropped_); }

 private:
  static uint32_t page_size(uint32_t sum, uint32_t keyed, uint32_t prefix);
  uint32_t prefix_with(std::string_view key) const;

  bool first_key_dropped_;
  uint32_t count_ = 0, keyed_ = 0, sum_ = 0, prefix_ = 0;
  std::string_view first_key_;
};

uint32_t common_prefix(std::string_view a, std::string_view b);

// The shortest string above `below` and not above `key`. REQUIRES: below < key.
std::string_view shortest_separator(std::string_view below, std::string_view key);

// Images of the entries, which must fit.
Image build_leaf(std::span<const LeafEntry> entries, uint32_t page_size, uint64_t version);
// References to pending children are left zero.
Image build_branch(std::span<const ChildEntry> children, uint32_t level, uint32_t page_size,
                   uint64_t version);

// Edits of an image that already is a valid page.
class PageEditor {
 public:
  PageEditor(char* bytes, uint32_t page_size) : bytes_(bytes), page_size_(page_size) {}

  Page page() const { return {bytes_, page_size_}; }
  uint32_t contiguous_free_size() const;

  void set_birth(uint64_t version);
  void set_pgno(uint32_t pgno);
  void set_has_overflow(bool value);
  void set_child(uint32_t index, const PageRef& ref);

  // Leaf. REQUIRES: the key begins with the page's prefix and the cell fits the contiguous space.
  void insert(uint32_t index, const LeafEntry& entry);
  void erase(uint32_t index);
  // REQUIRES: the new body is not larger than the old one, or suffix and body fit.
  void replace(uint32_t index, const LeafEntry& entry);

 private:
  PageHeader header() const { return load_le<PageHeader>(bytes_); }
  void set_header(const PageHeader& header) { store_le(bytes_, header); }
  char* slot_at(uint32_t index) { return bytes_ + sizeof(PageHeader) + index * sizeof(Slot); }

  char* bytes_;
  uint32_t page_size_;
};

}  // namespace holdfast::tree
