// What a store takes on the disk, and what a process wrote.
#pragma once

#include <cstdint>
#include <string>

#include "bench/engine.h"

namespace holdfast::bench {

struct StoreSize {
  double all_mb = 0;   // of blocks, logs and all
  double data_mb = 0;  // of those files that the engine calls data
};

// 1 MB is 1,000,000 bytes. A file that goes away meanwhile counts nothing.
StoreSize store_size(const Engine& engine, const Setup& setup);

// Bytes that this process has made dirty or written so far, as the kernel counts them: a page
// that is written again before it went to the disk counts once.
double written_mb();

}  // namespace holdfast::bench
