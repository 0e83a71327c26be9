// Stats: the figures of a store, and everything that makes it grow. Takes no lock: what it reads
// may be of slightly different moments.
//
// Who: engine. Any thread.
#pragma once

#include "holdfast/store.h"
#include "store/context.h"

namespace holdfast::store {

// Errors: those of listing the log.
Result<StoreStats> collect_stats(const Context& context);

}  // namespace holdfast::store
