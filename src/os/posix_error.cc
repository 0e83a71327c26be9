#include "os/posix_error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace holdfast::os {
namespace {

StatusCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return StatusCode::kNoSpace;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case ENOTEMPTY:
    case EXDEV:
      return StatusCode::kInvalidArgument;
    case EEXIST:
      return StatusCode::kConditionFalse;
    case EOPNOTSUPP:
    case ENOSYS:
      return StatusCode::kUnsupported;
    default:
      return StatusCode::kIoError;
  }
}

std::string_view advice_for(int error) {
  switch (error) {
    case EMFILE:
      return "; this process has too many open files: close some, or raise its limit (ulimit -n)";
    case ENFILE:
      return "; the whole system has too many open files: raise fs.file-max";
    case ENOMEM:
      return "; memory or address space is exhausted: free some, or raise its limit (ulimit -v)";
    case ENOSPC:
      return "; free space on this file system";
    case EDQUOT:
      return "; the disk quota is used up";
    case EFBIG:
      return "; the file would exceed a size limit (ulimit -f, or the file system's own)";
    case EROFS:
      return "; the file system is mounted read-only";
    case EACCES:
    case EPERM:
      return "; check the owner and mode of the path and of its directories";
    case ENOTDIR:
      return "; a part of the path is a file";
    case EISDIR:
      return "; the path is a directory, a file is needed";
    case ELOOP:
      return "; the path has a cycle of symbolic links";
    default:
      return "";
  }
}

}  // namespace

Status posix_error(int error, std::string_view call, std::string_view path) {
  std::string message(call);
  message += " failed: ";
  message += std::generic_category().message(error);
  message += advice_for(error);
  return Status(code_of(error), std::move(message)).with_path(path);
}

}  // namespace holdfast::os
