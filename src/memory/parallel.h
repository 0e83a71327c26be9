// Work on many things by several threads of one call.
//
// Who: memory/ only. Thread-safety: any thread.
#pragma once

#include <cstddef>
#include <functional>

namespace holdfast::memory {

// Calls work(begin, end) for parts that together are [0, count), each of at least `part_min` but
// for the last where `count` is less, by up to `threads_max` threads, of which the caller's is one;
// returns when all are done. Where no more threads are to be had, the caller's does the rest.
void for_each_part(size_t count, size_t part_min, size_t threads_max,
                   const std::function<void(size_t begin, size_t end)>& work);

}  // namespace holdfast::memory
