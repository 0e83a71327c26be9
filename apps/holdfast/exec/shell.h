// A shell command that ends with the process that runs it.
//
// Between the worker and the shell stands a keeper, a fork of the worker that executes nothing
// else. When the worker dies, however it dies, the keeper kills the shell and its whole process
// group and waits until they are gone; only then it ends itself. Until then it holds the worker's
// byte lock on the store, so nobody else can begin the step again while any of it still runs. That
// is why it is made with _Fork, behind the back of the handler by which children normally let go of
// the store. What the shell starts in a session of its own (setsid) escapes and lives on.
//
// Who: the worker of `run exec`. Call from the process's main thread: the keeper's parent is it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::exec {

struct ShellCommand {
  std::string text = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  // beside the worker's
  std::chrono::milliseconds timeout{0};                               // 0: none
  size_t output_size_max = 1u << 20;                                  // bytes; the rest is dropped
};

struct ShellEnd {
  int exit_code = -1;  // when it exited
  int signal = 0;      // that killed it, else 0
  bool timed_out = false;
  bool given_up = false;    // `beat` returned false
  std::string output = {};  // what it wrote to stdout
};

// Runs it by /bin/sh with an empty stdin and the worker's stderr. `beat` is called about every
// `beat_interval`; when it returns false the command is killed. Errors: IoError.
Result<ShellEnd> run_shell(const ShellCommand& command, const std::function<bool()>& beat,
                           std::chrono::milliseconds beat_interval);

}  // namespace holdfast::exec
