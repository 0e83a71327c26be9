// The duplicate guard: whether one of the newest observations says what a new one says.
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <optional>

#include "memory/observation_store.h"

namespace holdfast::memory {

// Errors: InvalidArgument.
Status check_guard(const DuplicateGuard& guard);
// The newest of the `recent` ones that is a duplicate of it. Looks without being remembered, so
// adding goes on without conflicts.
Result<std::optional<Uuid>> find_duplicate(search::KeySource& source, uint32_t space_id,
                                           const PreparedObservation& prepared,
                                           const DuplicateGuard& guard);

}  // namespace holdfast::memory
