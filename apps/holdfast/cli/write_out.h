// Of commands that take something away and print it: what was not printed must not be gone.
#pragma once

#include <csignal>
#include <cstdio>

#include "holdfast/status.h"

namespace holdfast::cli {

// Runs `print` and hands all of it to whoever reads stdout. A reader that left is an error then,
// and not the end of this process. Errors: IoError.
template <typename Print>
Status write_out(const Print& print) {
  void (*const before)(int) = std::signal(SIGPIPE, SIG_IGN);
  print();
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  std::signal(SIGPIPE, before);
  return is_written ? Status::ok() : Status(StatusCode::kIoError, "cannot write to stdout");
}

}  // namespace holdfast::cli
