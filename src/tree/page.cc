#include "tree/page.h"

#include <cstring>

namespace holdfast::tree {
namespace {

const char* validate_header(const PageHeader& header, uint32_t size, uint32_t pgno) {
  if (header.pgno != pgno) return "it names another page number";
  if ((header.flags & ~kPageHasOverflow) != 0 || header.reserved != 0) return "unknown flags";
  const bool leaf = header.type == static_cast<uint16_t>(PageType::kLeaf);
  if (!leaf && header.type != static_cast<uint16_t>(PageType::kBranch)) return "unknown type";
  if (leaf != (header.level == 0)) return "its type does not fit its level";
  if (header.level >= kHeightMax) return "its level is too high";
  if (header.cell_count == 0) return "it has no cells";
  if (header.prefix_size > key_size_max(size)) return "its prefix is longer than a key may be";
  const size_t slots_end = sizeof(PageHeader) + header.cell_count * sizeof(Slot);
  const uint32_t heap_end = size - header.prefix_size;
  if (slots_end > header.heap_low || header.heap_low > heap_end) return "its heap is out of bounds";
  if (header.heap_used > heap_end - header.heap_low) return "its heap is over-full";
  return nullptr;
}

// `room`: bytes from `body` to the end of the heap.
const char* validate_body(const char* body, uint32_t room) {
  if (room < 1) return "a cell is out of bounds";
  if (body[0] == kBodyOverflow) {
    if (room < kOverflowBodySize) return "a cell is out of bounds";
    const auto run = load_le<OverflowRef>(body + 1);
    return run.page_count == 0 ? "a cell refers to a run of no pages" : nullptr;
  }
  if (body[0] != kBodyInline) return "a cell has unknown flags";
  if (room < 2) return "a cell is out of bounds";
  const auto low = static_cast<uint8_t>(body[1]);
  if (low < 0x80) return room < 2u + low ? "a value is out of bounds" : nullptr;
  if (room < 3) return "a cell is out of bounds";
  const auto high = static_cast<uint8_t>(body[2]);
  if (high == 0 || high >= 0x80) return "a value has a malformed size";
  return room < 3u + (low & 0x7fu) + (uint32_t{high} << 7) ? "a value is out of bounds" : nullptr;
}

const char* validate_cells(const Page& page, const PageHeader& header) {
  const uint32_t heap_end = page.size() - header.prefix_size;
  const uint32_t suffix_max = key_size_max(page.size()) - header.prefix_size;
  const bool leaf = header.level == 0;
  if (!leaf && page.slot(0).key_size != 0) return "its first separator is not empty";
  for (uint32_t i = 0; i < header.cell_count; ++i) {
    const Slot slot = page.slot(i);
    if (slot.key_size > suffix_max) return "a key is too long";
    if (slot.cell_offset < header.heap_low || slot.cell_offset + slot.key_size > heap_end) {
      return "a cell is out of bounds";
    }
    const uint32_t room = heap_end - slot.cell_offset - slot.key_size;
    if (leaf) {
      if (slot.key_size + header.prefix_size == 0) return "a key is empty";
      if (const char* problem = validate_body(page.after_key(i), room)) return problem;
    } else if (room < sizeof(ChildCell)) {
      return "a cell is out of bounds";
    }
  }
  return nullptr;
}

}  // namespace

std::string validate_page(const char* bytes, uint32_t size, uint32_t pgno) {
  const Page page(bytes, size);
  const PageHeader header = page.header();
  const char* problem = validate_header(header, size, pgno);
  if (problem == nullptr) problem = validate_cells(page, header);
  return problem == nullptr ? std::string() : std::string(problem);
}

Status no_cells(uint32_t pgno) {
  return Status(StatusCode::kCorruption,
                "page " + std::to_string(pgno) + " has no cells any more; run holdfast check");
}

Status check_ascending(const Page& leaf) {
  for (uint32_t i = 1; i < leaf.cell_count(); ++i) {
    if (leaf.suffix(i - 1) < leaf.suffix(i)) continue;
    const uint32_t pgno = leaf.header().pgno;
    return Status(StatusCode::kCorruption, "page " + std::to_string(pgno) + ": the key of cell " +
                                               std::to_string(i) +
                                               " is out of order; run holdfast salvage");
  }
  return Status::ok();
}

Status wrong_level(uint32_t pgno, uint32_t level, uint32_t expected) {
  return Status(StatusCode::kCorruption,
                "page " + std::to_string(pgno) + " stands at level " + std::to_string(level) +
                    " of the tree, its parent expects level " + std::to_string(expected) +
                    "; restore the store from a backup");
}

Result<Page> load_steady(const PageSource& source, const PageRef& ref, uint32_t level,
                         std::unique_ptr<char[]>* copy) {
  Status error;
  const char* bytes = load_at_level(source, ref, level, &error);
  if (bytes == nullptr) return error;
  const uint32_t size = source.page_size_bytes();
  *copy = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(copy->get(), bytes, size);
  if (source.losses() != nullptr && source.losses()->any()) {
    return Status(StatusCode::kIoError, "page " + std::to_string(ref.pgno) +
                                            ", or another one, was lost while it was mapped; close "
                                            "the handle, check the disk and open the store again");
  }
  if (!source.is_unchanged(ref, copy->get(), &error)) return error;
  return Page(copy->get(), size);
}

}  // namespace holdfast::tree
