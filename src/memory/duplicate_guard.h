// The duplicate guard: whether one of the newest observations says what a new one says.
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <optional>

#include "memory/observation_store.h"

namespace holdfast::memory {

// Of the words of two text records (search/text_record.h): Jaccard, 0 to 1.
double similarity(std::string_view a, std::string_view b);

// Errors: InvalidArgument.
Status check_guard(const DuplicateGuard& guard);
// The newest of the `recent` ones that is a duplicate of it. Looks without being remembered, so
// adding goes on without conflicts.
Result<std::optional<Uuid>> find_duplicate(search::KeySource& source, uint32_t space_id,
                                           const PreparedObservation& prepared,
                                           const DuplicateGuard& guard);

}  // namespace holdfast::memory
