// The new pages of one apply(), until they get their numbers.
//
// Who: tree/ only (apply). Not thread-safe.
// Invariants:
//   1. Only pages that end in the new tree get a number, in post-order (number()), so that
//      neighbours in the tree are neighbours in the file and a page's references are known before
//      its checksum.
//   2. Unless publish() succeeded, the destructor gives every number back.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tree/page_builder.h"

namespace holdfast::tree {

class PendingPages {
 public:
  // Cell `index` of a pending branch refers to the pending page `node`.
  struct Link {
    uint32_t index;
    uint32_t node;
  };

  // Without a sink, publish() returns what was written.
  PendingPages(uint32_t page_size, PageAllocator& allocator, PageSink* sink = nullptr)
      : page_size_(page_size), allocator_(allocator), sink_(sink) {}
  ~PendingPages();
  PendingPages(const PendingPages&) = delete;
  PendingPages& operator=(const PendingPages&) = delete;

  uint32_t add(Image image, std::vector<Link> links);
  // `count` pages are about to be added: numbers may be taken for them, too.
  void expect(uint32_t count) { expected_count_ = count; }
  Page page(uint32_t node) const { return {nodes_[node].image.get(), page_size_}; }
  const std::vector<Link>& links(uint32_t node) const { return nodes_[node].links; }

  // The page will not be part of the tree. Its image lives until forget_dropped().
  void drop(uint32_t node);
  void forget_dropped();

  // Writes a value that is too large for a leaf.
  Result<OverflowRef> add_overflow(std::string_view value, uint64_t version);

  // Numbers the pages linked below `node`, and it, and writes them: they are part of the tree.
  Result<PageRef> number(uint32_t node);
  // number() of the root; everything written that no sink got goes to `written`.
  Result<PageRef> publish(uint32_t root, std::deque<NewRun>& written);
  // When the new tree has no new pages.
  void publish_nothing();

 private:
  struct Node {
    Image image;
    std::vector<Link> links;
  };

  // More would make the allocator grow the file rather than reuse small holes.
  static constexpr uint32_t kRunPagesMax = 64;
  // What a sink gets at once, at most: written by one call, and the memory that is held.
  static constexpr size_t kSinkBytesMax = 1u << 20;

  Result<uint32_t> allocate(uint32_t count);
  Result<uint32_t> next_pgno();
  Status append(uint32_t pgno, uint32_t count, std::string_view bytes);
  Status flush();

  uint32_t page_size_;
  PageAllocator& allocator_;
  PageSink* const sink_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> dropped_;
  uint32_t live_count_ = 0;  // nodes still without a number that will need one
  uint32_t expected_count_ = 0;
  std::vector<std::pair<uint32_t, uint32_t>> allocated_;
  std::deque<NewRun> written_;  // with a sink: at most one, whose memory serves again
  uint32_t run_next_ = 0, run_left_ = 0;
  uint32_t append_pgno_ = 0;  // the page after the last of written_.back()
};

}  // namespace holdfast::tree
