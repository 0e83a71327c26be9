// Check: looks at everything, changes nothing. Runs while others write: the tree is
// verified at a pinned version, the allocator's view is copied under APPLY.
#pragma once

#include "holdfast/store.h"
#include "store/context.h"
#include "store/pins.h"

namespace holdfast::store {

// Errors: those of reading at all; what is wrong with the store is in the report's problems.
Result<CheckReport> check_store(const Context& context, Pins& pins, const CheckOptions& options);

}  // namespace holdfast::store
