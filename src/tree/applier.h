// One apply(): the recursive pass over the tree that turns operations into new pages.
//
// Who: apply() only. Not thread-safe; used once.
// Invariants:
//   1. A subtree that no operation changes keeps its reference.
//   2. Every page read and replaced, and every overflow run no longer referenced, is retired once.
//   3. The children of a pending branch have their numbers already: once its page is made, none of
//      them changes. A single child waits, because collapse() may yet drop it.
//   4. A page is merged with a sibling only if it shrank: the last page of an append pattern,
//      which begins almost empty, is left to grow.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tree/arena.h"
#include "tree/page_builder.h"
#include "tree/partition.h"
#include "tree/pending_pages.h"

namespace holdfast::tree {

// What only a bug can have written, under right checksums.
Status out_of_order(std::string_view what);

class Applier {
 public:
  Applier(const PageSource& source, uint64_t version, PageAllocator& allocator, PageSink* sink);

  Result<ApplyResult> run(const Root& root, std::span<const Operation> operations);

 private:
  // What replaces a page: nothing, one page or several. The first takes the page's separator.
  struct Outcome {
    bool changed = false;
    bool appended = false;  // every added page lies past the old last key of the tree
    std::vector<ChildEntry> children;
  };
  struct ChildChange {
    uint32_t index;
    Outcome outcome;
  };
  // An operation that has an effect on a leaf.
  struct LeafChange {
    uint32_t index;
    bool is_replacement;
    bool is_deletion;
    LeafEntry entry;
  };

  using Operations = std::span<const Operation>;

  Status apply_page(const PageRef& ref, uint32_t level, Operations operations, bool rightmost,
                    Outcome* outcome);

  // apply_leaf.cc
  Status apply_leaf(const Page& page, Operations operations, bool rightmost, Outcome* outcome);
  Status collect_changes(const Page& page, Operations operations);
  Status make_entry(const Operation& operation, LeafEntry* entry);
  bool edit_leaf(const Page& page, Outcome* outcome);
  Status rebuild_leaf(const Page& page, bool rightmost, Outcome* outcome);
  Status append_entries(const Page& page);
  Status build_leaves(Fill fill, std::vector<ChildEntry>* children);

  // apply_branch.cc
  Status apply_branch(const Page& page, Operations operations, bool rightmost, Outcome* outcome);
  Status patch_branch(const Page& page, std::vector<ChildChange>& changes, Outcome* outcome);
  std::vector<ChildEntry> changed_children(const Page& page, std::vector<ChildChange>& changes);
  void append_children(const Page& page, uint32_t node, std::string_view first_separator,
                       std::vector<ChildEntry>* children);
  Status build_branches(std::span<ChildEntry> children, uint32_t level, Fill fill,
                        std::vector<ChildEntry>* out);
  Status number(ChildEntry* child);
  Status merge_small(std::vector<ChildEntry>* children, uint32_t level);
  Status merge_pair(const ChildEntry& left, const ChildEntry& right, uint32_t level,
                    std::vector<ChildEntry>* merged);
  Result<Page> page_of(const ChildEntry& child, uint32_t level, Image* copy) const;
  void discard(const ChildEntry& child, const Page& page);

  // apply.cc
  Result<ApplyResult> finish(std::vector<ChildEntry> children, uint32_t height, bool appended);
  Status collapse(ChildEntry* top, uint32_t* height);
  void add_page(Image image, std::vector<PendingPages::Link> links, std::string_view separator,
                std::vector<ChildEntry>* children);
  void mark_if_small(const Page& old_page, Outcome* outcome) const;
  void retire_page(const Page& page);
  void retire_overflow(const FoundValue& value);

  const PageSource& source_;
  const uint32_t page_size_;
  const uint64_t version_;
  PendingPages pending_;
  std::vector<RetiredRun> retired_;
  Arena separators_;                 // live until the end
  std::vector<Image> copies_;        // of branches: separators may lie in them
  Arena scratch_;                    // live for one leaf
  std::vector<LeafChange> changes_;  // of the leaf at hand
  std::vector<LeafEntry> entries_;   // of the leaf at hand
};

}  // namespace holdfast::tree
