#include "base/check.h"
#include "tree/applier.h"

namespace holdfast::tree {

Status out_of_order(std::string_view what) {
  return Status(StatusCode::kCorruption,
                "the tree is out of order: " + std::string(what) + "; run holdfast check");
}

Applier::Applier(const PageSource& source, uint64_t version, PageAllocator& allocator,
                 PageSink* sink)
    : source_(source),
      page_size_(source.page_size_bytes()),
      version_(version),
      pending_(source.page_size_bytes(), allocator, sink) {}

Result<ApplyResult> Applier::run(const Root& root, Operations operations) {
  Outcome outcome;
  if (root.height == 0) {
    for (const Operation& operation : operations) {
      if (!operation.value) continue;
      LeafEntry entry;
      HOLDFAST_TRY(make_entry(operation, &entry));
      entries_.push_back(entry);
    }
    outcome.changed = !entries_.empty();
    outcome.appended = true;
    if (outcome.changed) HOLDFAST_TRY(build_leaves(Fill::kAppend, &outcome.children));
  } else if (!operations.empty()) {
    HOLDFAST_TRY(apply_page(root.page, root.height - 1, operations, true, &outcome));
  }
  if (!outcome.changed) {
    ApplyResult same;
    same.root = root;
    return same;
  }
  return finish(std::move(outcome.children), std::max(root.height, 1u), outcome.appended);
}

Status Applier::apply_page(const PageRef& ref, uint32_t level, Operations operations,
                           bool rightmost, Outcome* outcome) {
  Image copy;
  HOLDFAST_ASSIGN(const Page page, load_steady(source_, ref, level, &copy));
  if (level > 0) copies_.push_back(std::move(copy));
  if (level == 0) return apply_leaf(page, operations, rightmost, outcome);
  return apply_branch(page, operations, rightmost, outcome);
}

// Puts branches above the pages that replaced the root until one page is left.
Result<ApplyResult> Applier::finish(std::vector<ChildEntry> children, uint32_t height,
                                    bool appended) {
  ApplyResult result;
  while (children.size() > 1) {
    CHECK(height < kHeightMax);
    std::vector<ChildEntry> above;
    HOLDFAST_TRY(build_branches(children, height, appended ? Fill::kAppend : Fill::kEven, &above));
    children = std::move(above);
    ++height;
  }
  if (children.empty()) {
    pending_.publish_nothing();
  } else {
    ChildEntry top = children.front();
    HOLDFAST_TRY(collapse(&top, &height));
    result.root.height = height;
    if (top.is_pending()) {
      HOLDFAST_ASSIGN(result.root.page, pending_.publish(top.node, result.written));
    } else {
      pending_.publish_nothing();
      result.root.page = top.ref;
    }
  }
  result.retired = std::move(retired_);
  return result;
}

// A root with a single child gives way to the child.
Status Applier::collapse(ChildEntry* top, uint32_t* height) {
  while (*height > 1) {
    Image copy;
    HOLDFAST_ASSIGN(const Page page, page_of(*top, *height - 1, &copy));
    if (page.cell_count() > 1) break;
    ChildEntry child;
    child.ref = page.child(0);
    if (top->is_pending() && !pending_.links(top->node).empty()) {
      child.node = pending_.links(top->node).front().node;
    }
    discard(*top, page);
    pending_.forget_dropped();
    *top = child;
    --*height;
  }
  return Status::ok();
}

void Applier::add_page(Image image, std::vector<PendingPages::Link> links,
                       std::string_view separator, std::vector<ChildEntry>* children) {
  ChildEntry child;
  child.separator = separator;
  child.node = pending_.add(std::move(image), std::move(links));
  children->push_back(child);
}

void Applier::mark_if_small(const Page& old_page, Outcome* outcome) const {
  if (outcome->children.size() != 1) return;
  const uint32_t used = pending_.page(outcome->children[0].node).used_size();
  outcome->children[0].is_small = used < page_size_ / 4 && used < old_page.used_size();
}

void Applier::retire_page(const Page& page) {
  retired_.push_back({page.header().pgno, 1, page.birth_version()});
}

void Applier::retire_overflow(const FoundValue& value) {
  const OverflowRef& run = value.overflow;
  if (run.page_count > 0) retired_.push_back({run.pgno, run.page_count, run.birth_version});
}

Result<ApplyResult> apply(const PageSource& source, const Root& root,
                          std::span<const Operation> operations, uint64_t version,
                          PageAllocator& allocator, PageSink* sink) {
  const uint32_t key_max = key_size_max(source.page_size_bytes());
  for (size_t i = 0; i < operations.size(); ++i) {
    CHECK(!operations[i].key.empty() && operations[i].key.size() <= key_max);
    CHECK(i == 0 || operations[i - 1].key < operations[i].key);
  }
  if (root.height > kHeightMax) {
    return Status(StatusCode::kCorruption,
                  "the tree claims " + std::to_string(root.height) +
                      " levels, more than a store can have; restore the store from a backup");
  }
  return Applier(source, version, allocator, sink).run(root, operations);
}

}  // namespace holdfast::tree
