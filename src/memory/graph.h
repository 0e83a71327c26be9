// Spreading activation, on one view; see Links::spread.
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/link.h"
#include "search/keyspace.h"

namespace holdfast::memory {

Result<std::vector<Activation>> spread_activation(search::KeySource& source, uint32_t space_id,
                                                  std::span<const Activation> seeds,
                                                  const SpreadOptions& options);

}  // namespace holdfast::memory
