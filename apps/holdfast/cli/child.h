// Runs another program: what `cache run`, `claim run` and `queue work` need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::cli {

struct ChildResult {
  int exit_code = 0;  // 128 + the signal, when one ended it
  std::string output = {};
};

// Runs `words` (found by PATH) with `input` on its stdin, none: its own, and waits for it. With
// `capture` its stdout is taken, at most 64 MiB, else it is ours. It dies with this process.
// Errors: InvalidArgument (there is no such program), IoError, TooLarge.
Result<ChildResult> run_child(const std::vector<std::string>& words, std::string_view input,
                              bool capture);

}  // namespace holdfast::cli
