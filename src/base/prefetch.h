// Beginning to fetch memory that will be read soon.
//
// Who: anybody. Thread-safety: pure. A hint: any address does, nothing is accessed.
#pragma once

namespace holdfast {

inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  // GCC takes a function that only prefetches for one without effect and drops the call.
  __asm__ volatile("");
}

}  // namespace holdfast
