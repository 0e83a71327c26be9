// Child processes that share this program's code: forked, never exec'ed, killed with their parent.
// Who: ingest and torture. Call from a process that has one thread and no store open.
#pragma once

#include <sys/types.h>

#include <functional>

#include "holdfast/status.h"

namespace holdfast::process {

enum class PidNamespace : uint8_t { kShared, kOwn };

struct Child {
  pid_t waited = -1;  // our child: what waitpid names
  pid_t worker = -1;  // who runs the body: what is killed; the same process unless namespaced
};

// Forks; the child runs `body` and exits with what it returns. With kOwn it is pid 1 of a PID
// namespace of its own, below a keeper that waits for it. Errors: PermissionDenied (namespaces are
// not permitted here), IoError.
Result<Child> start_child(const std::function<int()>& body, PidNamespace pid_namespace);

struct ChildEnd {
  bool ended = false;
  int exit_code = 0;  // when it exited
  int signal = 0;     // that killed it, else 0
};

// Waits for the child's end; with `block` false returns at once.
ChildEnd wait_child(const Child& child, bool block);

void sleep_ms(uint64_t duration_ms);
uint64_t monotonic_us();

}  // namespace holdfast::process
