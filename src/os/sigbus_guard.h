// SigbusGuard: a process outlives the loss of a page that it has mapped.
//
// The kernel sends SIGBUS to whoever touches a page of a mapped file that somebody has cut off, or
// that the disk cannot give. For ranges listed here the handler puts zeros in its place and notes
// it; whoever has read from the range looks at the note before it believes, or passes on, what it
// has read.
//
// Who: guarded_os.h. Thread-safety: any thread; the handler takes no lock and allocates nothing.
// Invariants:
//   1. `happened` is set before any thread can see a zero in place of what was lost.
//   2. A SIGBUS that is not a fault of the kernel's in a listed range of this process goes to the
//      handler that was there before, or has the effect that it had without one.
//   3. The handler is never removed: another one that was installed later may call it.
//   4. A forked child does not have its parent's mappings, so its parent's ranges count for
//   nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace holdfast::os {

enum class Loss : uint8_t {
  kPage,   // only what is lost becomes zeros; the range can be read only
  kWhole,  // all of the range becomes private zeros: nothing of it is shared any more
};

class GuardedRange {
 public:
  // Lists [data, data + size), which is mapped from a file: to be read if `loss` is kPage, else to
  // be read and written. `happened` is set at the first fault.
  GuardedRange(char* data, size_t size, Loss loss, std::atomic<bool>& happened);
  ~GuardedRange();  // before the range is unmapped
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  // Where in the range the first fault was.
  std::optional<uint64_t> lost_offset() const;

  struct Entry;

 private:
  Entry* entry_;
};

}  // namespace holdfast::os
