// Workers that run in another build of this program: the supervisor executes it with an order, and
// it does what the order says, on the same store, with the findings in the same memory.
//
// Who: torture. Both builds must know the order (its layout is that of Findings); what they may
// differ in is everything else.
#pragma once

#include <string>

#include "holdfast/status.h"
#include "torture/worker.h"

namespace holdfast::torture {

// Whether that program can be given orders. Errors: InvalidArgument.
Status can_execute(const std::string& program);

// Becomes the program, as a worker. `findings_fd`: of the memory. Returns the exit code when it
// cannot be executed.
int execute(const std::string& program, Role role, const WorkerOptions& options, int findings_fd);

// In the other build: what execute() ordered. Returns the exit code of the worker.
int run_order(const std::string& order);

}  // namespace holdfast::torture
