// A system call of the program's own that failed, as a Status: which call, on what, and what to do.
#pragma once

#include <cerrno>
#include <string>

#include "os/posix_error.h"

namespace holdfast::process {

// `call` may be words ("making the tmpfs larger"); `path` may be empty.
inline Status system_error(const std::string& call, const std::string& path = "",
                           int error = errno) {
  return os::posix_error(error, call, path);
}

// Of a path that somebody named to a command: if it is not there, the command line is wrong, and
// nothing was looked for in vain.
inline Status named_path_error(const std::string& call, const std::string& path,
                               int error = errno) {
  const Status status = system_error(call, path, error);
  if (status.code() != StatusCode::kNotFound) return status;
  return Status(StatusCode::kInvalidArgument, std::string(status.message())).with_path(path);
}

}  // namespace holdfast::process
