// Open: from a path to a Context that is attached. Creates the store if asked to, joins the
// processes that have it open, or starts cold when nobody of this boot has.
//
// Process- and thread-safety: any number may open, create and recover at the same time; the
// attach lock (byte 0 of LOCK) sorts them: shared to join, exclusive to create and recover.
// Invariants:
//   1. Nothing is created when opening fails for a path that is not to be a store.
//   2. A control block is believed only if it is of this boot, of this very data file, and of
//      this layout; one that is not is replaced only while nobody is attached.
#pragma once

#include <memory>

#include "holdfast/store.h"
#include "store/context.h"

namespace holdfast::store {

struct Opened {
  std::unique_ptr<Context> context;
  RecoveryReport report;
};

// Errors: as Store::open.
Result<Opened> open_context(os::Os& os, const std::string& path, const StoreOptions& options);

}  // namespace holdfast::store
