#include "process/child.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>

#include "process/system_error.h"

namespace holdfast::process {
namespace {

// How a keeper passes on the signal that killed its worker.
constexpr int kSignalBase = 128;

[[noreturn]] void run_body(const std::function<int()>& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(body());
}

// The pid of the worker, or minus errno, goes through the pipe before the keeper waits.
[[noreturn]] void run_keeper(const std::function<int()>& body, int pipe_out) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pid_t worker = -1;
  if (::unshare(CLONE_NEWPID) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0) {
    worker = ::fork();
  }
  if (worker == 0) {
    ::close(pipe_out);
    run_body(body);
  }
  pid_t told = worker > 0 ? worker : -errno;
  if (::write(pipe_out, &told, sizeof(told)) != sizeof(told)) ::_exit(1);
  ::close(pipe_out);
  int status = 0;
  while (worker > 0 && ::waitpid(worker, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status));
}

Result<Child> start_namespaced(const std::function<int()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return system_error("pipe");
  Child child;
  child.waited = ::fork();
  if (child.waited == 0) {
    ::close(ends[0]);
    run_keeper(body, ends[1]);
  }
  ::close(ends[1]);
  if (child.waited < 0) {
    ::close(ends[0]);
    return system_error("fork");
  }
  pid_t told = -EIO;
  while (::read(ends[0], &told, sizeof(told)) < 0 && errno == EINTR) {
  }
  ::close(ends[0]);
  if (told <= 0) {
    wait_child(child, /*block=*/true);
    errno = -told;
    return system_error("a PID namespace of its own (needs root or user namespaces)");
  }
  child.worker = told;
  return child;
}

}  // namespace

Result<Child> start_child(const std::function<int()>& body, PidNamespace pid_namespace) {
  std::fflush(nullptr);  // or the child would write it again
  if (pid_namespace == PidNamespace::kOwn) return start_namespaced(body);
  Child child;
  child.waited = child.worker = ::fork();
  if (child.waited < 0) return system_error("fork");
  if (child.waited == 0) run_body(body);
  return child;
}

ChildEnd wait_child(const Child& child, bool block) {
  int status = 0;
  pid_t ended;
  do {
    ended = ::waitpid(child.waited, &status, block ? 0 : WNOHANG);
  } while (ended < 0 && errno == EINTR);
  ChildEnd end;
  end.ended = ended != 0;
  if (ended < 0) return end;
  bool keeper = child.waited != child.worker;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (keeper && end.exit_code > kSignalBase) {
    end.signal = end.exit_code - kSignalBase;
    end.exit_code = 0;
  }
  return end;
}

void sleep_ms(uint64_t duration_ms) {
  struct timespec left = {static_cast<time_t>(duration_ms / 1000),
                          static_cast<long>(duration_ms % 1000 * 1000000)};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

uint64_t monotonic_us() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace holdfast::process
