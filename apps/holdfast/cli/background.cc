#include "cli/background.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace holdfast::cli {
namespace {

constexpr int kNiceness = 10;  // a tenth of the share of who is waited for

void let_go_of_terminal() {
  ::setsid();
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (nothing < 0 || ::dup2(nothing, standard) < 0) ::close(standard);
  }
  // Whatever else we were started with may be the end of a pipe that somebody reads.
  ::close_range(STDERR_FILENO + 1, ~0u, 0);
}

}  // namespace

void run_in_background(unsigned seconds_max, const std::function<void()>& work) {
  if (::fork() != 0) return;
  let_go_of_terminal();
  (void)!::nice(kNiceness);
  ::signal(SIGALRM, SIG_DFL);
  ::alarm(seconds_max);
  work();
  ::_exit(0);
}

}  // namespace holdfast::cli
