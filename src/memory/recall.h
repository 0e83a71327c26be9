// recall: from a query to ranked observations, on whatever an Access gives.
//
// Who: memory/ only. Thread-safety: that of the Access.
#pragma once

#include <vector>

#include "holdfast/recall.h"
#include "memory/access.h"

namespace holdfast::memory {

// Errors: see Space::recall.
Result<std::vector<RecallHit>> recall(Access& access, const RecallQuery& query);

}  // namespace holdfast::memory
