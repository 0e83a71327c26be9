// How far a long command is.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "cli/output.h"

namespace holdfast::cli {

// A line on the terminal behind stderr that is written over, once a second; none elsewhere, and
// none for what takes less. `total` 0: nobody knows.
class ProgressLine {
 public:
  ProgressLine() : shown_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (written_) std::fprintf(stderr, "\r\x1b[K");
  }
  void show(std::string_view what, uint64_t done, uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + std::chrono::seconds(1);
    written_ = true;
    const std::string of = total == 0 ? "" : " of " + with_separators(std::max(done, total));
    std::fprintf(stderr, "\r\x1b[K%s%s %.*s", with_separators(done).c_str(), of.c_str(),
                 static_cast<int>(what.size()), what.data());
    std::fflush(stderr);
  }

 private:
  const bool shown_;
  bool written_ = false;
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

// For what tells its progress; `line` must outlive it.
inline std::function<void(std::string_view, uint64_t, uint64_t)> shown_on(ProgressLine& line) {
  return [&line](std::string_view what, uint64_t done, uint64_t total) {
    line.show(what, done, total);
  };
}

}  // namespace holdfast::cli
