// Applier: branches.
#include "base/check.h"
#include "tree/applier.h"

namespace holdfast::tree {
namespace {

// The end of the operations, from `begin` on, that belong to child `index`. Gallops: cheap for one
// operation, logarithmic for many.
size_t operations_end(const Page& page, uint32_t index, std::span<const Operation> operations,
                      size_t begin) {
  if (index + 1 == page.cell_count()) return operations.size();
  const auto belongs = [&](const Operation& operation) {
    return page.compare_key(index + 1, operation.key) > 0;
  };
  size_t step = 1;
  while (begin + step < operations.size() && belongs(operations[begin + step])) step *= 2;
  const auto first = operations.begin() + static_cast<ptrdiff_t>(begin + step / 2);
  const auto last =
      operations.begin() + static_cast<ptrdiff_t>(std::min(begin + step, operations.size()));
  return static_cast<size_t>(std::partition_point(first, last, belongs) - operations.begin());
}

}  // namespace

Status Applier::apply_branch(const Page& page, Operations operations, bool rightmost,
                             Outcome* outcome) {
  const uint32_t level = page.level(), last = page.cell_count() - 1;
  std::vector<ChildChange> changes;
  bool references_only = true, appended = rightmost;
  for (size_t begin = 0; begin < operations.size();) {
    ChildChange change{page.child_index(operations[begin].key), {}};
    const size_t end = operations_end(page, change.index, operations, begin);
    if (end == begin) return out_of_order("the separators of a branch do not ascend");
    HOLDFAST_TRY(apply_page(page.child(change.index), level - 1,
                            operations.subspan(begin, end - begin),
                            rightmost && change.index == last, &change.outcome));
    begin = end;
    if (!change.outcome.changed) continue;
    const std::vector<ChildEntry>& children = change.outcome.children;
    references_only &= children.size() == 1 && (!children[0].is_small || last == 0);
    appended &= children.size() <= 1 || (change.index == last && change.outcome.appended);
    changes.push_back(std::move(change));
  }
  if (changes.empty()) return Status::ok();
  outcome->changed = true;
  outcome->appended = appended;
  if (references_only) {
    HOLDFAST_TRY(patch_branch(page, changes, outcome));
  } else {
    std::vector<ChildEntry> children = changed_children(page, changes);
    HOLDFAST_TRY(merge_small(&children, level - 1));
    if (!children.empty()) {
      const Fill fill = appended ? Fill::kAppend : Fill::kEven;
      HOLDFAST_TRY(build_branches(children, level, fill, &outcome->children));
      mark_if_small(page, outcome);
    }
  }
  retire_page(page);
  return Status::ok();
}

// The common case: the separators stay, so the page is copied as it is and only refers to others.
Status Applier::patch_branch(const Page& page, std::vector<ChildChange>& changes,
                             Outcome* outcome) {
  Image image(new char[page_size_]);
  std::memcpy(image.get(), page.bytes(), page_size_);
  PageEditor editor(image.get(), page_size_);
  editor.set_birth(version_);
  std::vector<PendingPages::Link> links;
  bool has_overflow = false;
  for (ChildChange& change : changes) {
    ChildEntry& child = change.outcome.children[0];
    CHECK(child.is_pending());
    if (page.cell_count() == 1) {
      links.push_back({change.index, child.node});
      continue;
    }
    HOLDFAST_TRY(number(&child));
    editor.set_child(change.index, child.ref);
    has_overflow |= child.ref.has_overflow;
  }
  if (page.has_overflow()) {  // is it still true of some child?
    for (uint32_t i = 0; i < page.cell_count() && !has_overflow; ++i) {
      has_overflow = editor.page().child(i).has_overflow;
    }
  }
  editor.set_has_overflow(has_overflow);
  add_page(std::move(image), std::move(links), {}, &outcome->children);
  return Status::ok();
}

Status Applier::number(ChildEntry* child) {
  HOLDFAST_ASSIGN(child->ref, pending_.number(child->node));
  child->node = kNoNode;
  return Status::ok();
}

std::vector<ChildEntry> Applier::changed_children(const Page& page,
                                                  std::vector<ChildChange>& changes) {
  std::vector<ChildEntry> children;
  children.reserve(page.cell_count() + 2 * changes.size());
  size_t next_change = 0;
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    std::string_view separator;
    if (i > 0) separator = separators_.concatenate(page.prefix(), page.suffix(i));
    if (next_change == changes.size() || changes[next_change].index != i) {
      children.push_back({separator, page.child(i)});
      continue;
    }
    std::vector<ChildEntry>& replacement = changes[next_change++].outcome.children;
    if (!replacement.empty()) replacement[0].separator = separator;
    children.insert(children.end(), replacement.begin(), replacement.end());
  }
  return children;
}

// The children of a page, published or pending (`node`).
void Applier::append_children(const Page& page, uint32_t node, std::string_view first_separator,
                              std::vector<ChildEntry>* children) {
  const size_t offset = children->size();
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    const std::string_view separator =
        i == 0 ? first_separator
               : separators_.copy(separators_.concatenate(page.prefix(), page.suffix(i)));
    children->push_back({separator, page.child(i)});
  }
  if (node == kNoNode) return;
  for (const PendingPages::Link link : pending_.links(node)) {
    (*children)[offset + link.index].node = link.node;
  }
}

// Builds pages of the children; each page but the first takes the separator of its first child.
Status Applier::build_branches(std::span<ChildEntry> children, uint32_t level, Fill fill,
                               std::vector<ChildEntry>* out) {
  for (size_t i = 2; i < children.size(); ++i) {
    if (children[i - 1].separator < children[i].separator) continue;
    return out_of_order("the separators of a branch do not ascend");
  }
  uint32_t begin = 0;
  for (const uint32_t end : partition(children, fill, page_size_)) {
    const auto part = children.subspan(begin, end - begin);
    std::vector<PendingPages::Link> links;
    if (part.size() == 1 && part.front().is_pending()) {
      links.push_back({0, part.front().node});
    } else {
      for (ChildEntry& child : part) {
        if (child.is_pending()) HOLDFAST_TRY(number(&child));
      }
    }
    add_page(build_branch(part, level, page_size_, version_), std::move(links),
             part.front().separator, out);
    begin = end;
  }
  return Status::ok();
}

// Merges each small child with its left sibling, the first one with its right sibling.
Status Applier::merge_small(std::vector<ChildEntry>* children, uint32_t level) {
  size_t i = 0;
  while (i < children->size() && children->size() > 1) {
    if (!(*children)[i].is_small) {
      ++i;
      continue;
    }
    const size_t left = i > 0 ? i - 1 : 0;
    std::vector<ChildEntry> merged;
    HOLDFAST_TRY(merge_pair((*children)[left], (*children)[left + 1], level, &merged));
    CHECK(merged.size() == 1 || merged.size() == 2);
    std::copy(merged.begin(), merged.end(), children->begin() + static_cast<ptrdiff_t>(left));
    if (merged.size() == 1) {
      children->erase(children->begin() + static_cast<ptrdiff_t>(left + 1));
    }
    i = left + merged.size() - 1;  // a page merged from two may still be small
  }
  return Status::ok();
}

Status Applier::merge_pair(const ChildEntry& left, const ChildEntry& right, uint32_t level,
                           std::vector<ChildEntry>* merged) {
  Image left_copy, right_copy;
  HOLDFAST_ASSIGN(const Page left_page, page_of(left, level, &left_copy));
  HOLDFAST_ASSIGN(const Page right_page, page_of(right, level, &right_copy));
  if (level == 0) {
    scratch_.reset();
    entries_.clear();
    HOLDFAST_TRY(append_entries(left_page));
    HOLDFAST_TRY(append_entries(right_page));
    HOLDFAST_TRY(build_leaves(Fill::kEven, merged));
  } else {
    std::vector<ChildEntry> children;
    append_children(left_page, left.node, left.separator, &children);
    append_children(right_page, right.node, right.separator, &children);
    HOLDFAST_TRY(build_branches(children, level, Fill::kEven, merged));
  }
  merged->front().separator = left.separator;
  if (merged->size() == 1) {
    const uint32_t used = pending_.page(merged->front().node).used_size();
    merged->front().is_small = used < page_size_ / 4;
  }
  discard(left, left_page);
  discard(right, right_page);
  pending_.forget_dropped();
  return Status::ok();
}

Result<Page> Applier::page_of(const ChildEntry& child, uint32_t level, Image* copy) const {
  if (child.is_pending()) return pending_.page(child.node);
  return load_steady(source_, child.ref, level, copy);
}

void Applier::discard(const ChildEntry& child, const Page& page) {
  if (child.is_pending()) {
    pending_.drop(child.node);
  } else {
    retire_page(page);
  }
}

}  // namespace holdfast::tree
