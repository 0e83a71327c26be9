#include "bench/crew.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <new>
#include <thread>

namespace holdfast::bench {
namespace {

pid_t fork_child(const std::function<void()>& main) {
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  require(child >= 0, "fork failed");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  main();
  std::fflush(nullptr);
  _exit(0);
}

void sleep_until(uint64_t time_ns) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(time_ns / 1'000'000'000u);
  time.tv_nsec = static_cast<long>(time_ns % 1'000'000'000u);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

uint64_t nanoseconds(double seconds) {
  return static_cast<uint64_t>(seconds * 1e9);
}

}  // namespace

SharedBoard::SharedBoard() {
  void* memory =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "no shared memory for the board");
  board_ = new (memory) Board();
  count_syncs_in(&board_->syncs);
}

SharedBoard::~SharedBoard() {
  count_syncs_in(nullptr);
  munmap(board_, sizeof(Board));
}

pid_t start_apart(const std::function<void()>& work) {
  return fork_child(work);
}

bool wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool has_ended(pid_t process) {
  siginfo_t information{};
  waitid(P_PID, static_cast<id_t>(process), &information, WEXITED | WNOHANG | WNOWAIT);
  return information.si_pid != 0;
}

Crew::Crew(const Engine& engine, const Setup& setup, uint32_t count, Board& board, const Plan& plan)
    : board_(board), count_(count) {
  require(count >= 1 && count <= kWorkersMax, "too many workers");
  require(pipe(gate_) == 0, "no pipe for the workers");
  if (engine.sharing() == Sharing::kProcesses) {
    for (uint32_t i = 0; i < count; ++i) start_process([&, i] { work(engine, setup, i, plan); });
  } else {
    start_process([&] {
      std::vector<std::thread> threads;
      for (uint32_t i = 0; i < count; ++i) {
        threads.emplace_back([&, i] { work(engine, setup, i, plan); });
      }
      for (std::thread& thread : threads) thread.join();
    });
  }
  close(gate_[0]);
  while (board_.ready < count) {
    require_alive();
    usleep(1000);
  }
}

Crew::~Crew() {
  kill();
}

void Crew::start_process(const std::function<void()>& main) {
  processes_.push_back(fork_child([&] {
    close(gate_[1]);
    main();
  }));
}

void Crew::work(const Engine& engine, const Setup& setup, uint32_t worker, const Plan& plan) {
  const std::unique_ptr<Session> session = engine.open(setup);
  if (plan.prepare) plan.prepare(*session, worker);
  board_.ready.fetch_add(1);
  char byte;
  while (read(gate_[0], &byte, 1) < 0 && errno == EINTR) {
  }
  plan.body(*session, worker);
}

void Crew::require_alive() {
  for (pid_t process : processes_) {
    if (waitpid(process, nullptr, WNOHANG) != 0) fail("a worker ended early; its message is above");
  }
}

CpuUse Crew::run(double warm_up_seconds, double seconds) {
  const uint64_t begin_ns = monotonic_ns() + nanoseconds(warm_up_seconds);
  const uint64_t end_ns = begin_ns + nanoseconds(seconds);
  board_.window().end_ns = end_ns;
  board_.window().begin_ns = begin_ns;
  close(gate_[1]);
  gate_[1] = -1;
  sleep_until(begin_ns);
  const CpuUse before = cpu_use(processes_);
  sleep_until(end_ns);
  const CpuUse after = cpu_use(processes_);
  require_alive();
  kill();
  book_waiting(monotonic_ns());
  return after - before;
}

void Crew::go() {
  board_.window().begin_ns = monotonic_ns();
  close(gate_[1]);
  gate_[1] = -1;
}

void Crew::wait_until(const std::function<bool()>& done) {
  while (!done()) {
    require_alive();
    usleep(1000);
  }
}

void Crew::kill() {
  if (gate_[1] >= 0) close(gate_[1]);
  gate_[1] = -1;
  for (pid_t process : processes_) ::kill(process, SIGKILL);
  for (pid_t process : processes_) waitpid(process, nullptr, 0);
  processes_.clear();
}

void Crew::book_waiting(uint64_t now_ns) {
  for (uint32_t i = 0; i < count_; ++i) {
    WorkerSlot& slot = board_.workers[i];
    const uint64_t since_ns = slot.waiting_since_ns;
    if (since_ns == 0 || since_ns >= board_.window().end_ns) continue;
    slot.waiting_max_ns = now_ns - since_ns;
    slot.durations.record(slot.waiting_max_ns);
  }
}

}  // namespace holdfast::bench
