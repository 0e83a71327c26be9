// What the loss of rows leaves behind, as after a salvage: rows that name observations which are
// not there, observations that nothing names, and figures that count others.
//
// Who: observations.cc, text_maintenance.cc. Thread-safety: that of the given access.
#pragma once

#include "memory/access.h"

namespace holdfast::memory {

// How many such places there are in the space; that the figure is wrong counts as one.
Result<uint64_t> count_unmatched(search::KeySource& source, uint32_t space_id);
// Drops the ids and keys of observations that are not there, writes those that are missing, and
// counts anew. In many commits.
Status mend_names(Access& access);

}  // namespace holdfast::memory
