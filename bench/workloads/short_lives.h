// Starts the programs of bench/once: processes linked with one engine only.
//
// Who: the workloads W6, idle and scale.
#pragma once

#include <sys/types.h>

#include <string>

#include "bench/once/sample.h"

namespace holdfast::bench {

// fork, exec, open, get, strict put of row `number`, close, exit. `engine` may be "none".
OnceSample live_once(const std::string& engine, const std::string& directory, uint64_t number);

// Starts a process that opens, gets, and then does nothing; returns when it has come so far.
pid_t start_idle(const std::string& engine, const std::string& directory);

}  // namespace holdfast::bench
