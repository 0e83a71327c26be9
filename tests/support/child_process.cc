#include "support/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <utility>

namespace holdfast {
namespace {

int failures_until_now() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return test == nullptr ? 0 : test->result()->total_part_count();
}

}  // namespace

ChildProcess ChildProcess::start(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const int failures_before = failures_until_now();
  const pid_t pid = ::fork();
  if (pid < 0) std::abort();  // no test can go on without it
  if (pid > 0) return ChildProcess(pid);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  body();
  std::fflush(nullptr);
  ::_exit(failures_until_now() > failures_before ? 1 : 0);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  kill();
  wait();
}

void ChildProcess::kill() {
  ::kill(pid_, SIGKILL);
}

ChildProcess::End ChildProcess::wait() {
  int status = 0;
  pid_t waited = -1;
  do {
    waited = ::waitpid(pid_, &status, 0);
  } while (waited < 0 && errno == EINTR);
  if (waited != std::exchange(pid_, -1)) std::abort();  // waited for twice
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

void PrintTo(const ChildProcess::End& end, std::ostream* out) {
  if (end.signal != 0) {
    *out << "killed by signal " << end.signal;
  } else {
    *out << "exit code " << end.exit_code;
  }
}

ChildProcess::End run_in_child(const std::function<void()>& body) {
  return ChildProcess::start(body).wait();
}

void die_by_kill() {
  std::fflush(nullptr);
  ::kill(::getpid(), SIGKILL);
  await_kill();
}

void await_kill() {
  while (true) ::pause();
}

Channel::Channel() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  receiving_ = ends[0];
  sending_ = ends[1];
}

Channel::~Channel() {
  close_sending();
  ::close(receiving_);
}

void Channel::send(std::string_view bytes) {
  ssize_t written = -1;
  do {
    written = ::write(sending_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(bytes.size())) std::abort();
}

std::optional<std::string> Channel::receive(size_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(receiving_, bytes.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) std::abort();
    if (got == 0) return std::nullopt;
    filled += static_cast<size_t>(got);
  }
  return bytes;
}

bool Channel::has_ended() const {
  pollfd request{receiving_, POLLIN, 0};
  return ::poll(&request, 1, 0) == 1;
}

std::string Channel::receive_all() {
  close_sending();
  std::string bytes;
  while (auto byte = receive(1)) bytes += *byte;
  return bytes;
}

void Channel::close_sending() {
  if (sending_ >= 0) ::close(std::exchange(sending_, -1));
}

void Gate::pass() {
  departure_.close_sending();
  arrivals_.send("x");
  (void)departure_.receive(1);
}

void Gate::open_for(int count) {
  arrivals_.close_sending();
  for (int i = 0; i < count; ++i) {
    if (!arrivals_.receive(1)) std::abort();  // one of them died on its way
  }
  departure_.close_sending();
}

void run_crew(int processes, const std::function<void()>& body, Channel& told, size_t deaths,
              size_t every) {
  std::vector<ChildProcess> crew;
  for (int i = 0; i < processes; ++i) crew.push_back(ChildProcess::start(body));
  for (size_t death = 0; death < deaths; ++death) {
    ASSERT_TRUE(told.receive(every));
    crew[death].kill();
    crew[death].wait();
    crew.push_back(ChildProcess::start(body));
  }
  told.close_sending();
  for (size_t i = deaths; i < crew.size(); ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);
}

}  // namespace holdfast
