#include "exec/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "process/child.h"
#include "process/system_error.h"

extern char** environ;

namespace holdfast::exec {
namespace {

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(-1); }
  void reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor from;
  Descriptor to;
  Status open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return process::system_error("pipe");
    from.reset(ends[0]);
    to.reset(ends[1]);
    return Status::ok();
  }
};

// Everything that the children need, made before the fork: behind it they only make system calls.
struct Prepared {
  std::vector<std::string> texts = {};
  std::vector<char*> environment = {};
  std::string command = {};
  int output = -1;
  int end = -1;
  pid_t worker = -1;
};

Prepared prepare(const ShellCommand& command) {
  Prepared prepared;
  prepared.command = command.text;
  for (const auto& [name, value] : command.environment)
    prepared.texts.push_back(name + "=" + value);
  for (std::string& text : prepared.texts) prepared.environment.push_back(text.data());
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view text = *at;
    const std::string_view name = text.substr(0, text.find('='));
    const bool is_replaced = std::any_of(command.environment.begin(), command.environment.end(),
                                         [&](const auto& own) { return own.first == name; });
    if (!is_replaced) prepared.environment.push_back(*at);
  }
  prepared.environment.push_back(nullptr);
  prepared.worker = ::getpid();
  return prepared;
}

[[noreturn]] void run_command(Prepared& prepared, const sigset_t& mask) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(prepared.output, STDOUT_FILENO) < 0) {
    ::_exit(126);
  }
  if (null > STDERR_FILENO) ::close(null);
  char shell[] = "sh";
  char option[] = "-c";
  char* arguments[] = {shell, option, prepared.command.data(), nullptr};
  ::execve("/bin/sh", arguments, prepared.environment.data());
  ::_exit(127);
}

// Kills the group of `leader`, which has been waited for or not, and waits for all of it.
int end_group(pid_t leader, bool leader_ended, int status) {
  ::kill(-leader, SIGKILL);
  int other = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(-leader, &other, 0)) > 0 || errno == EINTR) {
    if (ended == leader && !leader_ended) status = other;
  }
  return status;
}

// What a keeper waits for; blocked from before it is made, so that none is missed.
sigset_t keeper_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGCHLD, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

[[noreturn]] void run_keeper(Prepared& prepared, const sigset_t& mask) {
  const sigset_t waited = keeper_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (::getppid() != prepared.worker) ::_exit(0);  // it died before we could be told
  const pid_t shell = ::_Fork();
  if (shell < 0) ::_exit(0);
  if (shell == 0) run_command(prepared, mask);
  ::setpgid(shell, shell);
  ::close(prepared.output);
  int status = 0;
  bool ended = false;
  while (!ended) {
    siginfo_t info;
    const int signal = ::sigwaitinfo(&waited, &info);
    if (signal == SIGCHLD) {
      ended = ::waitpid(shell, &status, WNOHANG) == shell;
    } else if (signal > 0) {
      break;
    }
  }
  status = end_group(shell, ended, status);
  // Nobody reads it when the worker is dead.
  ::signal(SIGPIPE, SIG_IGN);
  (void)!::write(prepared.end, &status, sizeof(status));
  ::_exit(0);
}

class Watcher {
 public:
  Watcher(const ShellCommand& command, pid_t keeper, int output, int end)
      : command_(command), keeper_(keeper), output_(output), end_(end) {
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
  }

  Result<ShellEnd> watch(const std::function<bool()>& beat, uint64_t interval_us) {
    const uint64_t start_us = process::monotonic_us();
    uint64_t beaten_us = start_us;
    while (true) {
      pollfd polled[2] = {{end_, POLLIN, 0}, {output_ended_ ? -1 : output_, POLLIN, 0}};
      constexpr int kPollMs = 50;
      ::poll(polled, 2, kPollMs);
      read_output();
      if (polled[0].revents != 0) break;
      const uint64_t now_us = process::monotonic_us();
      const auto timeout_us = static_cast<uint64_t>(command_.timeout.count()) * 1000;
      if (timeout_us != 0 && now_us - start_us >= timeout_us && !result_.timed_out) {
        result_.timed_out = true;
        ::kill(keeper_, SIGTERM);
      }
      if (now_us - beaten_us < interval_us || result_.given_up) continue;
      beaten_us = now_us;
      if (beat()) continue;
      result_.given_up = true;
      ::kill(keeper_, SIGTERM);
    }
    return finish();
  }

 private:
  void read_output() {
    char piece[16384];
    ssize_t count = 0;
    while ((count = ::read(output_, piece, sizeof(piece))) > 0) {
      const size_t room = command_.output_size_max - result_.output.size();
      result_.output.append(piece, std::min(room, static_cast<size_t>(count)));
    }
    if (count == 0) output_ended_ = true;
  }

  Result<ShellEnd> finish() {
    int status = 0;
    const ssize_t count = ::read(end_, &status, sizeof(status));
    read_output();
    if (count != sizeof(status)) {
      return Status(StatusCode::kIoError, "the shell could not be started, or was ended unseen");
    }
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    return std::move(result_);
  }

  const ShellCommand& command_;
  const pid_t keeper_;
  const int output_;
  const int end_;
  bool output_ended_ = false;
  ShellEnd result_;
};

}  // namespace

Result<ShellEnd> run_shell(const ShellCommand& command, const std::function<bool()>& beat,
                           std::chrono::milliseconds beat_interval) {
  Pipe output;
  Pipe end;
  HOLDFAST_TRY(output.open());
  HOLDFAST_TRY(end.open());
  Prepared prepared = prepare(command);
  prepared.output = output.to.get();
  prepared.end = end.to.get();
  const sigset_t blocked = keeper_signals();
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, &blocked, &mask);
  const pid_t keeper = ::_Fork();
  if (keeper == 0) run_keeper(prepared, mask);
  const Status forked = keeper < 0 ? process::system_error("fork") : Status::ok();
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  HOLDFAST_TRY(forked);
  output.to.reset(-1);
  end.to.reset(-1);
  Watcher watcher(command, keeper, output.from.get(), end.from.get());
  auto result = watcher.watch(beat, static_cast<uint64_t>(beat_interval.count()) * 1000);
  int status = 0;
  while (::waitpid(keeper, &status, 0) < 0 && errno == EINTR) {
  }
  return result;
}

}  // namespace holdfast::exec
