// How soon the claim of a killed process is another's.
#pragma once

#include <string>

#include "bench/kinds/outcome.h"

namespace holdfast::bench {

// From the kill of a claim's owner until one of `waiters`, who wait for it, has it, so many times.
// In a directory of its own, which is not there before or after. The outcome has no rate.
Outcome measure_dead_owner(uint32_t waiters, uint32_t rounds, const std::string& directory);

}  // namespace holdfast::bench
