#include "os/sim/plan.h"

#include "base/check.h"

namespace holdfast::sim {

std::string_view step_kind_name(StepKind kind) {
  switch (kind) {
    case StepKind::kSharedStore:
      return "store";
    case StepKind::kWrite:
      return "write";
    case StepKind::kSync:
      return "sync";
    case StepKind::kAllocate:
      return "allocate";
    case StepKind::kTruncate:
      return "truncate";
    case StepKind::kOpen:
      return "open";
    case StepKind::kClose:
      return "close";
    case StepKind::kRename:
      return "rename";
    case StepKind::kRemove:
      return "remove";
    case StepKind::kMakeDirectory:
      return "make_directories";
    case StepKind::kSyncDirectory:
      return "sync_directory";
    case StepKind::kLock:
      return "lock";
    case StepKind::kUnlock:
      return "unlock";
    case StepKind::kMap:
      return "map";
    case StepKind::kFutexWait:
      return "futex_wait";
    case StepKind::kFutexWake:
      return "futex_wake";
    case StepKind::kSleep:
      return "sleep";
    case StepKind::kRead:
      return "read";
  }
  CHECK(false);
}

std::string_view fault_name(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "none";
    case Fault::kKill:
      return "kill";
    case Fault::kKillAll:
      return "kill_all";
    case Fault::kPowerCut:
      return "power_cut";
    case Fault::kStop:
      return "stop";
    case Fault::kIoError:
      return "io_error";
    case Fault::kNoSpace:
      return "no_space";
    case Fault::kShortWrite:
      return "short_write";
    case Fault::kReadError:
      return "read_error";
    case Fault::kSyncError:
      return "sync_error";
    case Fault::kWritebackError:
      return "writeback_error";
  }
  CHECK(false);
}

bool can_strike(Fault fault, StepKind kind, bool needs_space) {
  switch (fault) {
    case Fault::kNone:
      return false;
    case Fault::kKill:
    case Fault::kKillAll:
    case Fault::kPowerCut:
    case Fault::kStop:
    case Fault::kWritebackError:
      return kind != StepKind::kRead;
    case Fault::kIoError:
      return kind >= StepKind::kWrite && kind <= StepKind::kSyncDirectory &&
             kind != StepKind::kClose;
    case Fault::kNoSpace:
      return needs_space;
    case Fault::kShortWrite:
      return kind == StepKind::kWrite;
    case Fault::kReadError:
      return kind == StepKind::kRead;
    case Fault::kSyncError:
      return kind == StepKind::kSync || kind == StepKind::kSyncDirectory;
  }
  CHECK(false);
}

}  // namespace holdfast::sim
