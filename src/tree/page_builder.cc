#include "tree/page_builder.h"

#include "base/check.h"

namespace holdfast::tree {
namespace {

// Writes cells from the top of an image downwards.
class CellWriter {
 public:
  CellWriter(uint32_t page_size, uint32_t cell_count, std::string_view prefix)
      : image_(new char[page_size]), page_size_(page_size), prefix_size_(prefix.size()) {
    slots_end_ = sizeof(PageHeader) + cell_count * sizeof(Slot);
    low_ = page_size - static_cast<uint32_t>(prefix.size());
    CHECK(slots_end_ <= low_);
    prefix.copy(image_.get() + low_, prefix.size());
  }

  // Room for the next cell; its key is written, the rest is for the caller.
  char* add(std::string_view suffix, uint32_t rest_size) {
    const auto size = static_cast<uint32_t>(suffix.size()) + rest_size;
    CHECK(slots_end_ + size <= low_);
    low_ -= size;
    char* cell = image_.get() + low_;
    suffix.copy(cell, suffix.size());
    const Slot slot{static_cast<uint16_t>(low_), static_cast<uint16_t>(suffix.size()),
                    head_of(suffix)};
    store_le(image_.get() + sizeof(PageHeader) + count_++ * sizeof(Slot), slot);
    return cell + suffix.size();
  }

  Image finish(PageType type, uint32_t level, uint64_t version, bool has_overflow) {
    CHECK(sizeof(PageHeader) + count_ * sizeof(Slot) == slots_end_);
    std::memset(image_.get() + slots_end_, 0, low_ - slots_end_);
    PageHeader header{};
    header.flags = has_overflow ? kPageHasOverflow : 0;
    header.birth_version = version;
    header.type = static_cast<uint16_t>(type);
    header.level = static_cast<uint16_t>(level);
    header.cell_count = static_cast<uint16_t>(count_);
    header.prefix_size = static_cast<uint16_t>(prefix_size_);
    header.heap_low = static_cast<uint16_t>(low_);
    header.heap_used = static_cast<uint16_t>(page_size_ - prefix_size_ - low_);
    store_le(image_.get(), header);
    return std::move(image_);
  }

 private:
  Image image_;
  uint32_t page_size_;
  size_t prefix_size_;
  size_t slots_end_;
  uint32_t low_;
  uint32_t count_ = 0;
};

void write_body(char* out, const LeafEntry& entry) {
  if (!entry.stored) {
    const auto size = static_cast<uint32_t>(entry.bytes.size());
    *out++ = static_cast<char>(kBodyInline);
    if (size >= 0x80) {
      *out++ = static_cast<char>(0x80 | (size & 0x7f));
      *out++ = static_cast<char>(size >> 7);
    } else {
      *out++ = static_cast<char>(size);
    }
  }
  entry.bytes.copy(out, entry.bytes.size());
}

}  // namespace

uint32_t common_prefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const uint64_t different = load_le<uint64_t>(a.data() + i) ^ load_le<uint64_t>(b.data() + i);
    if (different != 0) {
      return static_cast<uint32_t>(i) + static_cast<uint32_t>(__builtin_ctzll(different)) / 8;
    }
  }
  while (i < size && a[i] == b[i]) ++i;
  return static_cast<uint32_t>(i);
}

std::string_view shortest_separator(std::string_view below, std::string_view key) {
  CHECK(below < key);
  return key.substr(0, common_prefix(below, key) + 1);
}

uint32_t PageMeter::page_size(uint32_t sum, uint32_t keyed, uint32_t prefix) {
  return keyed == 0 ? static_cast<uint32_t>(sizeof(PageHeader)) + sum
                    : static_cast<uint32_t>(sizeof(PageHeader)) + sum - (keyed - 1) * prefix;
}

uint32_t PageMeter::prefix_with(std::string_view key) const {
  return keyed_ == 0 ? static_cast<uint32_t>(key.size())
                     : std::min(prefix_, common_prefix(first_key_, key));
}

uint32_t PageMeter::size_with(std::string_view key, uint32_t fixed_size) const {
  const uint32_t fixed = static_cast<uint32_t>(sizeof(Slot)) + fixed_size;
  if (first_key_dropped_ && count_ == 0) return page_size(sum_ + fixed, 0, 0);
  return page_size(sum_ + fixed + static_cast<uint32_t>(key.size()), keyed_ + 1, prefix_with(key));
}

void PageMeter::add(std::string_view key, uint32_t fixed_size) {
  sum_ += static_cast<uint32_t>(sizeof(Slot)) + fixed_size;
  if (!first_key_dropped_ || count_ > 0) {
    prefix_ = prefix_with(key);
    if (keyed_ == 0) first_key_ = key;
    ++keyed_;
    sum_ += static_cast<uint32_t>(key.size());
  }
  ++count_;
}

Image build_leaf(std::span<const LeafEntry> entries, uint32_t page_size, uint64_t version) {
  CHECK(!entries.empty());
  const std::string_view first = entries.front().key;
  const uint32_t prefix = common_prefix(first, entries.back().key);
  CellWriter writer(page_size, static_cast<uint32_t>(entries.size()), first.substr(0, prefix));
  bool has_overflow = false;
  for (const LeafEntry& entry : entries) {
    write_body(writer.add(entry.key.substr(prefix), entry.body_size()), entry);
    has_overflow |= entry.is_overflow();
  }
  return writer.finish(PageType::kLeaf, 0, version, has_overflow);
}

Image build_branch(std::span<const ChildEntry> children, uint32_t level, uint32_t page_size,
                   uint64_t version) {
  CHECK(!children.empty() && level > 0);
  std::string_view shared;
  if (children.size() > 1) {
    shared = children[1].separator;
    shared = shared.substr(0, common_prefix(shared, children.back().separator));
  }
  CellWriter writer(page_size, static_cast<uint32_t>(children.size()), shared);
  bool has_overflow = false;
  for (size_t i = 0; i < children.size(); ++i) {
    const ChildEntry& child = children[i];
    const auto suffix = i == 0 ? std::string_view() : child.separator.substr(shared.size());
    ChildCell cell{};
    if (!child.is_pending()) {
      cell = {child.ref.pgno, child.ref.crc, static_cast<uint8_t>(child.ref.has_overflow)};
    }
    store_le(writer.add(suffix, sizeof(ChildCell)), cell);
    has_overflow |= cell.has_overflow != 0;
  }
  return writer.finish(PageType::kBranch, level, version, has_overflow);
}

uint32_t PageEditor::contiguous_free_size() const {
  const PageHeader h = header();
  return h.heap_low - static_cast<uint32_t>(sizeof(PageHeader) + sizeof(Slot) * h.cell_count);
}

void PageEditor::set_birth(uint64_t version) {
  store_le(bytes_ + offsetof(PageHeader, birth_version), version);
}

void PageEditor::set_pgno(uint32_t pgno) {
  store_le(bytes_ + offsetof(PageHeader, pgno), pgno);
}

void PageEditor::set_has_overflow(bool value) {
  store_le(bytes_ + offsetof(PageHeader, flags), value ? kPageHasOverflow : 0u);
}

void PageEditor::set_child(uint32_t index, const PageRef& ref) {
  const ChildCell cell{ref.pgno, ref.crc, static_cast<uint8_t>(ref.has_overflow)};
  store_le(bytes_ + (page().after_key(index) - bytes_), cell);
}

void PageEditor::insert(uint32_t index, const LeafEntry& entry) {
  PageHeader h = header();
  CHECK(index <= h.cell_count);
  const std::string_view suffix = entry.key.substr(h.prefix_size);
  const auto size = static_cast<uint32_t>(suffix.size()) + entry.body_size();
  CHECK(sizeof(Slot) + size <= contiguous_free_size());
  h.heap_low = static_cast<uint16_t>(h.heap_low - size);
  h.heap_used = static_cast<uint16_t>(h.heap_used + size);
  suffix.copy(bytes_ + h.heap_low, suffix.size());
  write_body(bytes_ + h.heap_low + suffix.size(), entry);
  std::memmove(slot_at(index + 1), slot_at(index), (h.cell_count - index) * sizeof(Slot));
  store_le(slot_at(index), Slot{h.heap_low, static_cast<uint16_t>(suffix.size()), head_of(suffix)});
  ++h.cell_count;
  set_header(h);
}

void PageEditor::erase(uint32_t index) {
  PageHeader h = header();
  CHECK(index < h.cell_count);
  const uint32_t size =
      page().slot(index).key_size + static_cast<uint32_t>(page().body(index).size());
  h.heap_used = static_cast<uint16_t>(h.heap_used - size);
  --h.cell_count;
  std::memmove(slot_at(index), slot_at(index + 1), (h.cell_count - index) * sizeof(Slot));
  store_le(slot_at(h.cell_count), Slot{});
  set_header(h);
}

void PageEditor::replace(uint32_t index, const LeafEntry& entry) {
  PageHeader h = header();
  Slot slot = page().slot(index);
  const std::string_view body = page().body(index);
  const uint32_t size = entry.body_size();
  if (size > body.size()) {
    CHECK(slot.key_size + size <= contiguous_free_size());
    h.heap_low = static_cast<uint16_t>(h.heap_low - slot.key_size - size);
    std::memcpy(bytes_ + h.heap_low, bytes_ + slot.cell_offset, slot.key_size);
    slot.cell_offset = h.heap_low;
    store_le(slot_at(index), slot);
  }
  h.heap_used = static_cast<uint16_t>(h.heap_used - body.size() + size);
  write_body(bytes_ + slot.cell_offset + slot.key_size, entry);
  set_header(h);
}

}  // namespace holdfast::tree
