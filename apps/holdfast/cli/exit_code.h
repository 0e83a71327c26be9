// What the process returns. Stable: scripts and agents depend on it.
#pragma once

#include "holdfast/status.h"

namespace holdfast::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitNotFound = 1,  // not found, or a condition did not hold
  kExitUsage = 2,     // the command line is wrong
  kExitConflict = 3,  // conflict, or busy past the deadline
  kExitDamage = 4,    // a checksum, a structure or an acknowledged write is not as it must be
  kExitRefused = 5,   // permission, no space, not a store, unsupported, input or output error
};

ExitCode exit_code(const Status& status);

}  // namespace holdfast::cli
