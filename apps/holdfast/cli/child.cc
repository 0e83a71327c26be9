#include "cli/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "process/system_error.h"

namespace holdfast::cli {
namespace {

constexpr size_t kOutputMax = 64u << 20;

// A pipe whose ends close themselves.
class Pipe {
 public:
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reading();
    close_writing();
  }
  Status open() {
    return ::pipe2(ends_.data(), O_CLOEXEC) == 0 ? Status::ok() : process::system_error("pipe");
  }
  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_reading() { close_end(ends_[0]); }
  void close_writing() { close_end(ends_[1]); }

 private:
  static void close_end(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  std::array<int, 2> ends_ = {-1, -1};
};

[[noreturn]] void become(std::vector<char*>& arguments, const Pipe& input, bool has_input,
                         const Pipe& output, bool capture, const Pipe& error) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (has_input) ::dup2(input.reading(), STDIN_FILENO);
  if (capture) ::dup2(output.writing(), STDOUT_FILENO);
  ::execvp(arguments[0], arguments.data());
  const int code = errno;
  (void)!::write(error.writing(), &code, sizeof(code));
  ::_exit(127);
}

// Feeds and drains the child until it has closed its output.
Status exchange(Pipe& input, std::string_view to_write, Pipe& output, std::string& read) {
  if (to_write.empty()) input.close_writing();
  while (output.reading() >= 0 || input.writing() >= 0) {
    std::array<pollfd, 2> fds = {{{output.reading(), POLLIN, 0}, {input.writing(), POLLOUT, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
      return process::system_error("poll");
    if (fds[0].revents != 0) {
      std::array<char, 65536> piece;
      const ssize_t count = ::read(output.reading(), piece.data(), piece.size());
      if (count > 0) read.append(piece.data(), static_cast<size_t>(count));
      if (count == 0 || (count < 0 && errno != EINTR)) output.close_reading();
      if (read.size() > kOutputMax) return Status(StatusCode::kTooLarge, "more than 64 MiB");
    }
    if (fds[1].revents != 0) {
      const ssize_t count = ::write(input.writing(), to_write.data(), to_write.size());
      if (count > 0) to_write.remove_prefix(static_cast<size_t>(count));
      if (to_write.empty() || (count < 0 && errno != EINTR)) input.close_writing();
    }
  }
  return Status::ok();
}

}  // namespace

Result<ChildResult> run_child(const std::vector<std::string>& words, std::string_view input_bytes,
                              bool capture) {
  if (words.empty()) return Status(StatusCode::kInvalidArgument, "name a command to run");
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Pipe input, output, error;
  const bool has_input = !input_bytes.empty();
  HOLDFAST_TRY(error.open());
  if (has_input) HOLDFAST_TRY(input.open());
  if (capture) HOLDFAST_TRY(output.open());
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t pid = ::fork();
  if (pid < 0) return process::system_error("fork");
  if (pid == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    become(arguments, input, has_input, output, capture, error);
  }
  input.close_reading();
  output.close_writing();
  error.close_writing();
  ChildResult result;
  const Status exchanged = exchange(input, input_bytes, output, result.output);
  if (!exchanged) ::kill(pid, SIGKILL);
  int code = 0;
  const bool never_began = ::read(error.reading(), &code, sizeof(code)) == sizeof(code);
  int state = 0;
  while (::waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  HOLDFAST_TRY(exchanged);
  if (never_began) {
    return Status(StatusCode::kInvalidArgument,
                  "cannot run " + words[0] + ": " + std::strerror(code));
  }
  result.exit_code = WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
  return result;
}

}  // namespace holdfast::cli
