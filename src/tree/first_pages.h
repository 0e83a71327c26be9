// FirstPages: the pages that a process needs first, read into memory of its own.
//
// To map a page costs twice as much as to read it: the fault maps its neighbours, too, and what is
// spread over the file takes tables of the kernel that must be made and given back. A process that
// lives for milliseconds needs some hundred pages once each. One that goes on needs the same pages
// again and again: then the mapping is cheaper, and these are left behind.
//
// Who: tree/page_source.cc only. Thread-safety: any thread; each call takes a lock.
// Invariants:
//   1. The bytes of a page that was returned never change, as long as this lives.
//   2. A page that is returned has the checksum and the structure that PageSource demands; what
//      cannot be read, or is not as it should be, is not kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "os/os.h"
#include "os/reserve.h"

namespace holdfast::tree {

struct PageRef;

class FirstPages {
 public:
  // `file` must outlive it; at most `bytes_max` of it are kept.
  FirstPages(os::File& file, uint32_t page_shift, size_t bytes_max);

  // Whether the bytes of a page are sound.
  using Verify = std::function<bool(const char* bytes)>;
  // nullptr: look for it elsewhere.
  const char* load(const PageRef& ref, const Verify& verify);
  // Pages or loads have become so many that nothing more should be asked of it.
  bool is_over() const { return is_over_.load(std::memory_order_relaxed); }

 private:
  struct Kept {
    uint32_t pgno;
    uint32_t crc;
    const char* bytes;
  };
  // Where the page stands in table_, or the empty place for it.
  size_t place_of(const PageRef& ref) const;

  // Room for one page more; nullptr: there is none.
  char* take_room();

  os::File& file_;
  const size_t page_size_;
  const size_t pages_max_;
  std::atomic<bool> is_over_{false};
  std::mutex mutex_;
  std::vector<os::LargeBytes> memory_;
  size_t filled_ = 0;  // bytes of the last of memory_
  std::vector<Kept> kept_;
  std::vector<uint32_t> table_;  // by page number: 1 + index in kept_; 0: empty
  uint32_t loads_ = 0;
};

}  // namespace holdfast::tree
