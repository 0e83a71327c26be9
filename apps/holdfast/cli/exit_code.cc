#include "cli/exit_code.h"

namespace holdfast::cli {

ExitCode exit_code(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kNotFound:
    case StatusCode::kConditionFalse:
      return kExitNotFound;
    case StatusCode::kInvalidArgument:
    case StatusCode::kTooLarge:
      return kExitUsage;
    case StatusCode::kConflict:
    case StatusCode::kTooOld:
    case StatusCode::kBusy:
    case StatusCode::kFenced:
      return kExitConflict;
    case StatusCode::kCorruption:
      return kExitDamage;
    default:
      return kExitRefused;
  }
}

}  // namespace holdfast::cli
