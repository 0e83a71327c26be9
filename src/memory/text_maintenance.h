// The indexes of a space, of texts and of vectors, looked after by whoever writes: folding them in
// steps, and making them anew.
//
// Who: memory/ only. Thread-safety: that of the Access.
#pragma once

#include <cstddef>

#include "base/uuid.h"
#include "holdfast/observation.h"
#include "memory/access.h"

namespace holdfast::memory {

// After `count` observations were written, one of them `id`: now and then, by chance or when a
// handle has written enough, has it looked whether there is something to fold, and a few steps
// done. What fails is left to the next who looks.
void fold_when_due(Access& access, const Uuid& id, size_t count = 1);

// See Observations::is_fold_due and fold.
Result<bool> is_fold_due(Access& access);
Result<size_t> fold(Access& access, size_t steps_max);

// Errors: Unsupported: the observations of the space were indexed by a program whose index has
// another form.
Status check_index(search::KeySource& source, uint32_t space_id);

// See Observations::reindex.
Result<uint64_t> rebuild_index(Access& access, const ObservationProgress& progress);

}  // namespace holdfast::memory
