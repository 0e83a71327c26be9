// The copy-on-write B+tree: lookup, ordered cursor, and application of a sorted batch of
// operations.
//
// Who: store/ only. Process-safety: pages are immutable once published; the caller serialises
// apply() and decides when a page may be reused. Thread-safety: reading is safe from any thread.
// Invariants:
//   1. A published page's bytes never change until it is free.
//   2. child.birth <= parent.birth; parent's CRC of a child equals the CRC-32C of its bytes.
//   3. apply() never writes: new pages go to the caller, who writes and publishes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "tree/page_source.h"

namespace holdfast::tree {

// Page sizes are powers of two in this range.
inline constexpr uint32_t kPageSizeMin = 512;
inline constexpr uint32_t kPageSizeMax = 16384;

// Levels of a tree; reached by no store, exceeded only by a damaged one.
inline constexpr uint32_t kHeightMax = 16;

// Largest key of a tree with such pages.
constexpr uint32_t key_size_max(uint32_t page_size_bytes) {
  return std::min<uint32_t>(1024, page_size_bytes / 4);
}

// One operation on one key; no value means deletion.
struct Operation {
  std::string_view key;
  std::optional<std::string_view> value;
};

struct Root {
  PageRef page;         // pgno 0: the empty tree
  uint32_t height = 0;  // 0: empty, 1: the root is a leaf
};

// A run of pages that the new tree no longer references.
struct RetiredRun {
  uint32_t pgno;
  uint32_t count;
  uint64_t birth_version;
};

struct PageRun {
  uint32_t pgno;
  uint32_t count;
};

// Gives out page numbers during one apply(). Errors end the apply; nothing was published.
class PageAllocator {
 public:
  virtual ~PageAllocator() = default;
  // `count` consecutive free pages; returns the first.
  virtual Result<uint32_t> allocate(uint32_t count) = 0;
  // 1 to `count_max` consecutive free pages, as many as it can without making the file larger.
  virtual Result<PageRun> allocate_some(uint32_t count_max) {
    HOLDFAST_ASSIGN(const uint32_t pgno, allocate(1));
    (void)count_max;
    return PageRun{pgno, 1};
  }
  // Takes back pages allocated in this same apply.
  virtual void release(uint32_t pgno, uint32_t count) = 0;
};

struct NewRun {
  uint32_t pgno;
  std::string bytes;  // a whole number of pages
};

// Gets new pages as soon as they are complete, so that a large apply() need not hold them all. What
// it wrote means nothing until the root is published, which an error prevents.
class PageSink {
 public:
  virtual ~PageSink() = default;
  // `bytes`: a whole number of pages from `pgno` on. An error ends the apply.
  virtual Status write(uint32_t pgno, std::string_view bytes) = 0;
};

struct ApplyResult {
  Root root;
  std::deque<NewRun> written;  // to be written before the root is published; empty with a sink
  std::vector<RetiredRun> retired;
};

// Applies `operations` (strictly ascending keys) to `root` in one pass and returns the new tree.
// Every new page is born at `version`. REQUIRES: key sizes 1..key_size_max(page size).
// Errors: Corruption (a page fails its checksum or structure), the allocator's and the sink's.
Result<ApplyResult> apply(const PageSource& source, const Root& root,
                          std::span<const Operation> operations, uint64_t version,
                          PageAllocator& allocator, PageSink* sink = nullptr);

// Upper bound of the pages that apply() may allocate for `operations` operations with `bytes` of
// keys and values on a tree of `height`.
uint64_t pages_needed_max(uint64_t operations, uint64_t bytes, uint32_t height,
                          uint32_t page_size_bytes);

// A value found in a leaf: inline bytes in the page, or a reference to an overflow run.
struct FoundValue {
  std::string_view inline_bytes;
  OverflowRef overflow;  // page_count 0: inline
};

// The value of `key`, or nullopt.
Result<std::optional<FoundValue>> find(const PageSource& source, const Root& root,
                                       std::string_view key);

// The bytes of a found value, as a view into the mapping (overflow runs are contiguous pages
// without headers, so a view of them is contiguous too). Verifies an overflow run's checksum.
Result<std::string_view> value_bytes(const PageSource& source, const FoundValue& value);

// Every page and overflow run reachable from `root`, parents first. `visit` returns whether to
// descend below the page (ignored for leaves and overflow runs).
struct VisitedRun {
  uint32_t pgno;
  uint32_t count;
  uint64_t birth_version;
  enum class Kind : uint8_t { kBranch, kLeaf, kOverflow } kind;
  const OverflowRef* overflow = nullptr;  // of a kOverflow run, to load it by
};
// With `leaves_needed` false, leaves without overflow runs are reported from their parent without
// being read (their birth_version is then 0).
Status walk(const PageSource& source, const Root& root, bool leaves_needed,
            const std::function<Result<bool>(const VisitedRun&)>& visit);
// The same, leaves included, past damage: what lies below a damaged page is left out. Returns the
// first damage, or the error of `visit`, which ends the walk.
Status walk_intact(const PageSource& source, const Root& root,
                   const std::function<Result<bool>(const VisitedRun&)>& visit);

// Full verification of a tree, for check(): checksums, order within and across pages, fences,
// births, heights, prefix and heap bounds, overflow checksums. Findings go to `problem` (each
// names the page); continues past them where it can.
struct TreeCounts {
  uint64_t keys = 0, key_bytes = 0, value_bytes = 0;
  uint64_t leaf_pages = 0, branch_pages = 0, overflow_pages = 0;
};
TreeCounts verify(const PageSource& source, const Root& root, uint64_t version,
                  const std::function<void(const VisitedRun&)>& visit,
                  const std::function<void(std::string)>& problem);

}  // namespace holdfast::tree
