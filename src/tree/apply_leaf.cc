// Applier: leaves.
#include "base/check.h"
#include "tree/applier.h"

namespace holdfast::tree {

Status Applier::apply_leaf(const Page& page, Operations operations, bool rightmost,
                           Outcome* outcome) {
  HOLDFAST_TRY(collect_changes(page, operations));
  if (changes_.empty()) return Status::ok();
  outcome->changed = true;
  outcome->appended = rightmost;
  if (!edit_leaf(page, outcome)) HOLDFAST_TRY(rebuild_leaf(page, rightmost, outcome));
  mark_if_small(page, outcome);
  retire_page(page);
  return Status::ok();
}

// Fills changes_ with what has an effect: a deletion of an absent key has none.
Status Applier::collect_changes(const Page& page, Operations operations) {
  scratch_.reset();
  changes_.clear();
  for (const Operation& operation : operations) {
    LeafChange change{};
    change.index = page.lower_bound(operation.key, &change.is_replacement);
    change.is_deletion = !operation.value;
    if (change.is_deletion && !change.is_replacement) continue;
    if (change.is_replacement) retire_overflow(page.value(change.index));
    if (!change.is_deletion) HOLDFAST_TRY(make_entry(operation, &change.entry));
    changes_.push_back(change);
  }
  return Status::ok();
}

Status Applier::make_entry(const Operation& operation, LeafEntry* entry) {
  const std::string_view value = *operation.value;
  entry->key = operation.key;
  entry->bytes = value;
  if (is_inline(static_cast<uint32_t>(operation.key.size()), value.size(), page_size_)) {
    return Status::ok();
  }
  HOLDFAST_ASSIGN(const OverflowRef ref, pending_.add_overflow(value, version_));
  char* body = scratch_.allocate(kOverflowBodySize);
  body[0] = static_cast<char>(kBodyOverflow);
  store_le(body + 1, ref);
  entry->bytes = {body, kOverflowBodySize};
  entry->stored = true;
  return Status::ok();
}

// The common case, a few small changes: copies the page and edits the copy. False when they do not
// fit into the contiguous free space or a new key does not share the page's prefix; the rebuild
// then closes the holes, finds a new prefix or splits.
bool Applier::edit_leaf(const Page& page, Outcome* outcome) {
  constexpr size_t kChangesMax = 16;
  if (changes_.size() > kChangesMax) return false;
  const std::string_view prefix = page.prefix();
  size_t needed = 0, count = page.cell_count();
  for (const LeafChange& change : changes_) {
    if (change.is_deletion) {
      --count;
      continue;
    }
    const uint32_t body = change.entry.body_size();
    if (!change.is_replacement) {
      ++count;
      if (change.entry.key.substr(0, prefix.size()) != prefix) return false;
      needed += sizeof(Slot) + change.entry.key.size() - prefix.size() + body;
    } else if (body > page.body(change.index).size()) {
      needed += page.slot(change.index).key_size + body;
    }
  }
  const PageHeader header = page.header();
  if (count == 0) return false;
  if (needed + sizeof(PageHeader) + sizeof(Slot) * header.cell_count > header.heap_low) {
    return false;
  }

  Image image(new char[page_size_]);
  std::memcpy(image.get(), page.bytes(), page_size_);
  PageEditor editor(image.get(), page_size_);
  editor.set_birth(version_);
  uint32_t inserted = 0;  // modulo 2^32: an erasure subtracts
  bool added_overflow = false;
  for (const LeafChange& change : changes_) {
    added_overflow |= !change.is_deletion && change.entry.is_overflow();
    if (change.is_deletion) {
      editor.erase(change.index + inserted--);
    } else if (change.is_replacement) {
      editor.replace(change.index + inserted, change.entry);
    } else {
      editor.insert(change.index + inserted++, change.entry);
    }
  }
  bool has_overflow = added_overflow;
  if (page.has_overflow()) {
    for (uint32_t i = 0; i < editor.page().cell_count() && !has_overflow; ++i) {
      has_overflow = editor.page().body(i)[0] == kBodyOverflow;
    }
  }
  editor.set_has_overflow(has_overflow);
  add_page(std::move(image), {}, {}, &outcome->children);
  return true;
}

Status Applier::rebuild_leaf(const Page& page, bool rightmost, Outcome* outcome) {
  HOLDFAST_TRY(check_ascending(page));
  entries_.clear();
  bool at_end = true;
  uint32_t next = 0;
  const auto keep_until = [&](uint32_t end) {
    for (; next < end; ++next) {
      entries_.push_back(
          {scratch_.concatenate(page.prefix(), page.suffix(next)), page.body(next), true});
    }
  };
  for (const LeafChange& change : changes_) {
    keep_until(change.index);
    if (change.is_replacement) {
      ++next;
    } else {
      at_end &= change.index == page.cell_count();
    }
    if (!change.is_deletion) entries_.push_back(change.entry);
  }
  keep_until(page.cell_count());
  outcome->appended = rightmost && at_end;
  if (entries_.empty()) return Status::ok();
  return build_leaves(outcome->appended ? Fill::kAppend : Fill::kEven, &outcome->children);
}

Status Applier::append_entries(const Page& page) {
  HOLDFAST_TRY(check_ascending(page));
  const size_t begin = entries_.size();
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    entries_.push_back({scratch_.concatenate(page.prefix(), page.suffix(i)), page.body(i), true});
  }
  if (begin == 0 || entries_[begin - 1].key < entries_[begin].key) return Status::ok();
  return out_of_order("a leaf begins below the end of the one before it");
}

// Builds pages of entries_. The separator of the first is left to the caller. All but the first and
// the last, which may be merged with siblings, are numbered at once: they are in the cache, and a
// large load need not hold them all.
Status Applier::build_leaves(Fill fill, std::vector<ChildEntry>* children) {
  const std::span<const LeafEntry> entries(entries_);
  const std::vector<uint32_t> ends = partition(entries, fill, page_size_);
  pending_.expect(static_cast<uint32_t>(ends.size()));
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    std::string_view separator;
    if (begin > 0) {
      separator = separators_.copy(shortest_separator(entries[begin - 1].key, entries[begin].key));
    }
    add_page(build_leaf(entries.subspan(begin, end - begin), page_size_, version_), {}, separator,
             children);
    if (begin > 0 && end < entries.size()) HOLDFAST_TRY(number(&children->back()));
    begin = end;
  }
  return Status::ok();
}

}  // namespace holdfast::tree
