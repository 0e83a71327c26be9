// Private address space that reads as zeros and costs memory only where it is written.
//
// Who: rooms above os/ that need a large, sparsely used table. Thread-safety: any thread.
#pragma once

#include <cstddef>
#include <memory>

#include "os/os.h"

namespace holdfast::os {

// `bytes` zero bytes, aligned to a page; nullptr when the address space is exhausted (ulimit -v).
void* reserve_zeroed(size_t bytes);

// Gives back what reserve_zeroed(bytes) returned; nullptr is allowed.
void release_reserved(void* memory, size_t bytes);

// The same as a Mapping that no other process has. Errors: IoError (address space is exhausted).
Result<std::unique_ptr<Mapping>> map_private(size_t bytes);

}  // namespace holdfast::os
