// PageAllocation: the pages one apply() takes. It only looks at the shared bitmap; nothing is
// taken until the plan is published (intent.h), so a process that dies before leaves no trace.
//
// Who: the holder of APPLY. Single-threaded.
// Invariants:
//   1. The bitmap is the truth (1: free); `hint` and `free_pages` can be derived from it.
//   2. A page is given out at most once, and only if its bit was set.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "store/context.h"
#include "tree/tree.h"

namespace holdfast::store {

struct Extent {
  uint32_t pgno;
  uint32_t count;
};

inline Shared<uint64_t>* bitmap_words(const Context& context) {
  return reinterpret_cast<Shared<uint64_t>*>(context.region(kBitmapRegion));
}
// Sets or clears the bits of a run. Idempotent.
void mark_free(const Context& context, const Extent& extent);
void mark_taken(const Context& context, const Extent& extent);
// Counts the bits below `file_pages`.
uint64_t count_free(const Context& context);

// Backs the first `bytes` of a region with disk blocks, so that touching them cannot fail.
Status back_region(const Context& context, const Region& region, Shared<uint64_t>& backed,
                   uint64_t bytes);

// Makes the data file larger by at least `pages_min` free pages. Errors: NoSpace, IoError;
// the file is then as before.
Status grow_file(const Context& context, uint64_t pages_min);

class PageAllocation final : public tree::PageAllocator {
 public:
  explicit PageAllocation(const Context& context);

  Result<uint32_t> allocate(uint32_t count) override;
  Result<tree::PageRun> allocate_some(uint32_t count_max) override;
  void release(uint32_t pgno, uint32_t count) override;

  uint64_t pages_taken() const { return pages_taken_; }
  uint64_t hint() const { return cursor_; }
  // What is taken, in ascending order, neighbours joined.
  std::vector<Extent> extents() const;

 private:
  uint64_t free_bits(uint64_t word) const;
  void take(uint64_t pgno, uint64_t count);
  uint64_t find_single();
  uint64_t find_run(uint64_t count) const;

  const Context& context_;
  uint64_t file_pages_;
  uint64_t cursor_;  // no page below it is free for this allocation
  uint64_t pages_taken_ = 0;
  std::unordered_map<uint64_t, uint64_t> taken_;  // bitmap word -> bits taken here
};

}  // namespace holdfast::store
