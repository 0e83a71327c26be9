#include "os/sim/crash_loop.h"

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace holdfast::sim {
namespace {

constexpr size_t kMessageMax = 4000;
constexpr std::string_view kPersistent = "persistent";
constexpr int kExitFailed = 3;
// What sleeps gets more time than what computes, for the machine may be busy with other work.
constexpr unsigned kSecondsForOne = 20;

// Memory that a child writes and its parent reads.
template <typename T>
class SharedWithChild {
 public:
  SharedWithChild() {
    void* const memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    value_ = new (memory) T();
  }
  SharedWithChild(const SharedWithChild&) = delete;
  SharedWithChild& operator=(const SharedWithChild&) = delete;
  ~SharedWithChild() { munmap(value_, sizeof(T)); }
  T* operator->() { return value_; }
  T& operator*() { return *value_; }

 private:
  T* value_;
};

struct Message {
  std::array<char, kMessageMax> text{};
  size_t size = 0;

  void set(std::string_view message) {
    size = std::min(message.size(), kMessageMax);
    std::memcpy(text.data(), message.data(), size);
  }
  std::string get() const { return std::string(text.data(), size); }
};

std::string end_of_file(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  std::string text(std::min<size_t>(static_cast<size_t>(std::max<off_t>(size, 0)), kMessageMax),
                   '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

void limit_processor_time(unsigned seconds_max) {
  const itimerval limit = {{}, {static_cast<time_t>(seconds_max), 0}};
  CHECK(setitimer(ITIMER_PROF, &limit, nullptr) == 0);
}

// Memory that is free stays with the child: it is wanted again by the next run.
void keep_free_memory() {
#ifdef __GLIBC__
  constexpr int kNever = 1 << 30;
  constexpr int kLargestAllowed = 32 << 20;
  mallopt(M_TRIM_THRESHOLD, kNever);
  mallopt(M_MMAP_THRESHOLD, kLargestAllowed);
  mallopt(M_TOP_PAD, 4 << 20);
#endif
}

std::string death_of(int status, int output) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  std::string how;
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM)) {
    how = "hangs";
  } else if (WIFSIGNALED(status)) {
    how = std::string("died of ") + strsignal(WTERMSIG(status));
  } else {
    how = "left with code " + std::to_string(WEXITSTATUS(status));
  }
  return how + "\n" + end_of_file(output);
}

}  // namespace

std::string run_in_child(const std::function<std::string()>& body, unsigned seconds_max) {
  SharedWithChild<Message> message;
  const int output = memfd_create("output", MFD_CLOEXEC);
  CHECK(output >= 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    keep_free_memory();
    limit_processor_time(seconds_max);
    alarm(seconds_max * kSecondsForOne);
    const std::string failure = body();
    message->set(failure);
    std::fflush(nullptr);
    _exit(failure.empty() ? 0 : kExitFailed);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) CHECK(errno == EINTR);
  std::string failure = message->get();
  if (failure.empty()) failure = death_of(status, output);
  close(output);
  return failure;
}

std::string Case::to_string() const {
  std::string text(fault_name(fault));
  if (persistent) text += ":" + std::string(kPersistent);
  return text + ":seed=" + std::to_string(seed) + ":step=" + std::to_string(step);
}

namespace {

std::optional<Fault> parse_fault(std::string_view name) {
  for (uint8_t i = 0; i < kFaultCount; ++i) {
    if (fault_name(Fault(i)) == name) return Fault(i);
  }
  return std::nullopt;
}

bool parse_number(std::string_view part, std::string_view key, uint64_t& number) {
  if (!part.starts_with(key)) return false;
  part.remove_prefix(key.size());
  const auto parsed = std::from_chars(part.data(), part.data() + part.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == part.data() + part.size();
}

}  // namespace

std::optional<Case> Case::parse(std::string_view text) {
  Case result;
  for (bool first = true; first || !text.empty(); first = false) {
    const size_t end = std::min(text.find(':'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (first) {
      const auto fault = parse_fault(part);
      if (!fault) return std::nullopt;
      result.fault = *fault;
    } else if (part == kPersistent) {
      result.persistent = true;
    } else if (!parse_number(part, "seed=", result.seed) &&
               !parse_number(part, "step=", result.step)) {
      return std::nullopt;
    }
  }
  return result;
}

namespace {

// The place in a loop: which fault, which seed, which step.
class Cursor {
 public:
  explicit Cursor(const CrashLoop& loop) : step_(loop.step_first) {}

  bool at_end(const CrashLoop& loop) const {
    return fault_ == loop.faults.size() + loop.persistent_faults.size() || loop.seeds == 0;
  }
  Case at(const CrashLoop& loop) const {
    const bool persistent = fault_ >= loop.faults.size();
    const Fault fault =
        persistent ? loop.persistent_faults[fault_ - loop.faults.size()] : loop.faults[fault_];
    return {fault, persistent, loop.seed_first + seed_, step_};
  }
  void advance(const CrashLoop& loop, bool fired) {
    step_ += loop.step_stride;
    if (fired && step_ <= loop.step_max) return;
    step_ = loop.step_first;
    if (++seed_ < loop.seeds) return;
    seed_ = 0;
    ++fault_;
  }

 private:
  size_t fault_ = 0;
  uint64_t seed_ = 0;
  uint64_t step_;
};

struct Progress {
  alignas(Cursor) char cursor[sizeof(Cursor)];
  LoopTotals totals;
  uint64_t step_max = 0;
  bool fired = true;
};

// Runs cases until one fails or the batch is done; leaves the cursor at the last case it began.
std::string run_batch(const CrashLoop& loop, const Scenario& scenario, Cursor cursor,
                      Progress& progress) {
  for (uint64_t i = 0; i < loop.batch && !cursor.at_end(loop); ++i) {
    std::memcpy(progress.cursor, &cursor, sizeof cursor);
    const Case at = cursor.at(loop);
    progress.fired = true;  // should it die
    const Outcome outcome = scenario(at);
    ++progress.totals.runs;
    if (outcome.fired) ++progress.totals.struck[static_cast<size_t>(at.fault)];
    progress.fired = outcome.fired;
    if (outcome.fired) progress.step_max = std::max(progress.step_max, at.step);
    if (!outcome.failure.empty()) return outcome.failure;
    cursor.advance(loop, outcome.fired);
  }
  std::memcpy(progress.cursor, &cursor, sizeof cursor);
  return "";
}

CrashReport run_one(const Case& at, const Scenario& scenario) {
  CrashReport report;
  const Outcome outcome = scenario(at);
  report.runs = 1;
  report.step_max = outcome.fired ? at.step : 0;
  if (!outcome.failure.empty()) report.failures.push_back({at, outcome.failure});
  return report;
}

LoopTotals totals_of_all_loops;

void add_up(const LoopTotals& totals) {
  totals_of_all_loops.runs += totals.runs;
  for (size_t i = 0; i < kFaultCount; ++i) totals_of_all_loops.struck[i] += totals.struck[i];
}

}  // namespace

LoopPolicy& loop_policy() {
  static LoopPolicy policy;
  return policy;
}

const LoopTotals& loop_totals() {
  return totals_of_all_loops;
}

CrashReport for_each_crash(const CrashLoop& wanted, const Scenario& scenario) {
  if (const char* chosen = std::getenv("HOLDFAST_SIM_CASE")) {
    const auto at = Case::parse(chosen);
    CHECK(at.has_value());
    return run_one(*at, scenario);
  }
  CrashLoop loop = wanted;
  loop.seed_first += loop_policy().seed_shift;
  loop.step_stride *= loop_policy().step_stride;
  loop.failures_max = std::min(loop.failures_max, loop_policy().failures_max);
  loop.batch_seconds_max = std::min(loop.batch_seconds_max, loop_policy().batch_seconds_max);
  CrashReport report;
  SharedWithChild<Progress> progress;
  Cursor cursor(loop);
  while (!cursor.at_end(loop) && report.failures.size() < loop.failures_max) {
    std::memcpy(progress->cursor, &cursor, sizeof cursor);
    const std::string failure = run_in_child(
        [&] { return run_batch(loop, scenario, cursor, *progress); }, loop.batch_seconds_max);
    std::memcpy(static_cast<void*>(&cursor), progress->cursor, sizeof cursor);
    if (failure.empty()) continue;
    report.failures.push_back({cursor.at(loop), failure});
    cursor.advance(loop, progress->fired);
  }
  report.runs = progress->totals.runs;
  report.step_max = progress->step_max;
  add_up(progress->totals);
  return report;
}

CrashReport for_each_seed(uint64_t seed_first, uint64_t count, const Scenario& scenario) {
  CrashLoop loop;
  loop.faults = {Fault::kNone};
  loop.persistent_faults = {};
  loop.seed_first = seed_first;
  loop.seeds = count;
  loop.step_first = 0;
  loop.step_max = 0;
  return for_each_crash(loop, scenario);
}

std::string CrashReport::to_string() const {
  std::string text = std::to_string(runs) + " runs, the last fault at step " +
                     std::to_string(step_max) + ", failures: " + std::to_string(failures.size());
  for (const CrashFailure& failure : failures) {
    text += "\nHOLDFAST_SIM_CASE=" + failure.at.to_string() + "\n  " + failure.message;
  }
  return text;
}

}  // namespace holdfast::sim
