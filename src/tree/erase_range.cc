#include "tree/erase_range.h"

#include <algorithm>

#include "base/check.h"
#include "tree/arena.h"
#include "tree/page_builder.h"
#include "tree/pending_pages.h"

namespace holdfast::tree {
namespace {

// Keys that a page may hold: [lower, upper); no upper: to the last key.
struct Bounds {
  std::string_view lower;
  std::optional<std::string_view> upper;
};

class Eraser {
 public:
  Eraser(const PageSource& source, std::span<const KeyRange> ranges, uint64_t version,
         PageAllocator& allocator)
      : source_(source),
        ranges_(ranges),
        page_size_(source.page_size_bytes()),
        version_(version),
        pending_(page_size_, allocator) {}

  Result<ApplyResult> run(const Root& root) {
    ApplyResult result;
    result.root = root;
    if (root.height == 0) return result;
    Outcome outcome;
    HOLDFAST_TRY(erase_child(root.page, root.height - 1, {}, &outcome));
    if (!outcome.changed) return result;
    result.root = {};
    if (outcome.removed) {
      pending_.publish_nothing();
    } else {
      uint32_t height = root.height;
      HOLDFAST_TRY(collapse(&outcome.child, &height));
      result.root.height = height;
      if (outcome.child.is_pending()) {
        HOLDFAST_ASSIGN(result.root.page, pending_.publish(outcome.child.node, result.written));
      } else {
        pending_.publish_nothing();
        result.root.page = outcome.child.ref;
      }
    }
    result.retired = joined(std::move(retired_));
    return result;
  }

 private:
  // What replaces a page.
  struct Outcome {
    bool changed = false;
    bool removed = false;
    ChildEntry child;
  };

  bool covers(const Bounds& bounds) const {
    const auto next =
        std::partition_point(ranges_.begin(), ranges_.end(),
                             [&](const KeyRange& range) { return range.begin <= bounds.lower; });
    if (next == ranges_.begin()) return false;
    const KeyRange& range = *std::prev(next);
    return range.end.empty() || (bounds.upper && *bounds.upper <= range.end);
  }

  bool touches(const Bounds& bounds) const {
    // The first range that ends behind the page's begin.
    const auto range = std::partition_point(ranges_.begin(), ranges_.end(), [&](const KeyRange& r) {
      return !r.end.empty() && r.end <= bounds.lower;
    });
    return range != ranges_.end() && (!bounds.upper || range->begin < *bounds.upper);
  }

  Status erase_child(const PageRef& ref, uint32_t level, const Bounds& bounds, Outcome* outcome) {
    outcome->child.ref = ref;
    if (covers(bounds)) {
      outcome->changed = outcome->removed = true;
      return retire_subtree(ref, level);
    }
    if (level == 0 || !touches(bounds)) return Status::ok();
    Image copy;
    HOLDFAST_ASSIGN(const Page page, load_steady(source_, ref, level, &copy));
    return erase_branch(page, bounds, outcome);
  }

  Status erase_branch(const Page& page, const Bounds& bounds, Outcome* outcome) {
    std::vector<ChildEntry> children;
    Bounds inner = bounds;
    for (uint32_t i = 0; i < page.cell_count(); ++i) {
      const bool is_last = i + 1 == page.cell_count();
      inner.upper = bounds.upper;
      if (!is_last) inner.upper = separators_.concatenate(page.prefix(), page.suffix(i + 1));
      Outcome below;
      HOLDFAST_TRY(erase_child(page.child(i), page.level() - 1, inner, &below));
      outcome->changed |= below.changed;
      if (!below.removed) {
        below.child.separator = inner.lower;
        children.push_back(below.child);
      }
      if (!is_last) inner.lower = *inner.upper;
    }
    if (!outcome->changed) return Status::ok();
    retired_.push_back({page.header().pgno, 1, page.birth_version()});
    outcome->removed = children.empty();
    if (outcome->removed) return Status::ok();
    std::vector<PendingPages::Link> links;
    for (uint32_t i = 0; i < children.size(); ++i) {
      if (children[i].is_pending()) links.push_back({i, children[i].node});
    }
    outcome->child.node =
        pending_.add(build_branch(children, page.level(), page_size_, version_), std::move(links));
    return Status::ok();
  }

  Status retire_subtree(const PageRef& ref, uint32_t level) {
    return walk(source_, {ref, level + 1}, true, [&](const VisitedRun& run) -> Result<bool> {
      retired_.push_back({run.pgno, run.count, run.birth_version});
      return true;
    });
  }

  // A root with a single child gives way to the child.
  Status collapse(ChildEntry* top, uint32_t* height) {
    for (; *height > 1; --*height) {
      ChildEntry child;
      if (top->is_pending()) {
        const Page page = pending_.page(top->node);
        if (page.cell_count() > 1) break;
        child.ref = page.child(0);
        const auto& links = pending_.links(top->node);
        if (!links.empty()) child.node = links.front().node;
        pending_.drop(top->node);
        pending_.forget_dropped();
      } else {
        Image copy;
        HOLDFAST_ASSIGN(const Page page, load_steady(source_, top->ref, *height - 1, &copy));
        if (page.cell_count() > 1) break;
        child.ref = page.child(0);
        retired_.push_back({page.header().pgno, 1, page.birth_version()});
      }
      *top = child;
    }
    return Status::ok();
  }

  // Neighbours of one age in one run: a large range takes few entries in the list of pages that
  // wait to be free.
  static std::vector<RetiredRun> joined(std::vector<RetiredRun> runs) {
    std::sort(runs.begin(), runs.end(),
              [](const RetiredRun& a, const RetiredRun& b) { return a.pgno < b.pgno; });
    size_t kept = 0;
    for (const RetiredRun& run : runs) {
      RetiredRun* before = kept > 0 ? &runs[kept - 1] : nullptr;
      if (before != nullptr && before->pgno + before->count == run.pgno &&
          before->birth_version == run.birth_version) {
        before->count += run.count;
      } else {
        runs[kept++] = run;
      }
    }
    runs.resize(kept);
    return runs;
  }

  const PageSource& source_;
  const std::span<const KeyRange> ranges_;
  const uint32_t page_size_;
  const uint64_t version_;
  PendingPages pending_;
  std::vector<RetiredRun> retired_;
  Arena separators_;
};

}  // namespace

Result<ApplyResult> erase_pages(const PageSource& source, const Root& root,
                                std::span<const KeyRange> ranges, uint64_t version,
                                PageAllocator& allocator) {
  return Eraser(source, ranges, version, allocator).run(root);
}

}  // namespace holdfast::tree
