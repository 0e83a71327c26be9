// Load: how much of the log may wait to be applied while a store is loaded, that is, while commits
// are large. A tree in whose keys the load lies spread is written again nearly whole by each batch:
// the fewer batches, the less is written; and what is read meanwhile is little.
//
// Who: sync.h, maintenance.h. Any thread; changes nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "store/context.h"

namespace holdfast::store {

// From so much on a commit waits for the helper that applies.
inline constexpr uint64_t kLoadWaitsBytes = 64u << 20;

// Bytes of the log that wait to be applied, if a load wrote them.
std::optional<uint64_t> load_bytes(const Context& context);

// From how many of them on the helper applies: as much as the tree has, within bounds.
uint64_t load_bytes_worth_applying(const Context& context);

}  // namespace holdfast::store
