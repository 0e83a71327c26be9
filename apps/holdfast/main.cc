#include <csignal>

#include "cli/commands.h"

int main(int count, char** arguments) {
  // A file that may not grow (ulimit -f) is an error that is told, not the end. A handler, for what
  // is ignored would stay so in the programs that this one runs.
  std::signal(SIGXFSZ, [](int) {});
  return holdfast::cli::Commands().run(count, arguments);
}
