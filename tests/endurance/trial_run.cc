#include "endurance/trial_run.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "os/sim/crash_loop.h"
#include "planted/planted.h"

namespace holdfast::sim {
namespace {

struct Finding {
  std::array<char, 200> test{};
  std::array<char, 4000> message{};
  uint64_t runs = 0;
};

template <size_t N>
void copy_text(std::array<char, N>& to, const char* from) {
  std::strncpy(to.data(), from, N - 1);
}

// Notes the first failure where the parent sees it.
class Listener : public testing::EmptyTestEventListener {
 public:
  explicit Listener(Finding& finding) : finding_(finding) {}

  void OnTestStart(const testing::TestInfo& test) override {
    name_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || finding_.test[0] != '\0') return;
    copy_text(finding_.message, result.message());
    copy_text(finding_.test, name_.c_str());
  }

 private:
  Finding& finding_;
  std::string name_;
};

void start_gtest(const std::string& filter) {
  int count = 1;
  std::array<char, 10> name = {"endurance"};
  char* arguments[] = {name.data(), nullptr};
  testing::InitGoogleTest(&count, arguments);
  testing::GTEST_FLAG(filter) = filter;
}

[[noreturn]] void play_in_child(const TrialOptions& options, Finding& finding) {
  if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(2);
  planted_fault = options.fault;
  loop_policy() = {options.seed_shift, 1, options.batch_seconds_max};
  start_gtest(options.filter);
  testing::GTEST_FLAG(fail_fast) = true;
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto listener = std::make_unique<Listener>(finding);
  listeners.Append(listener.release());  // which owns it from here
  const int code = RUN_ALL_TESTS();
  finding.runs = runs_total();
  _exit(code);
}

}  // namespace

TrialRun play(const TrialOptions& options) {
  void* const memory =
      mmap(nullptr, sizeof(Finding), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  auto* const finding = new (memory) Finding();
  const auto begin = std::chrono::steady_clock::now();
  std::fflush(nullptr);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) play_in_child(options, *finding);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) CHECK(errno == EINTR);
  TrialRun run;
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  run.test = finding->test.data();
  run.message = finding->message.data();
  run.runs = finding->runs;
  if (run.test.empty() && status != 0) run.test = options.filter + " (the process died)";
  munmap(memory, sizeof(Finding));
  return run;
}

int play_here(const std::string& filter) {
  start_gtest(filter.empty() ? "*" : filter);
  return RUN_ALL_TESTS();
}

}  // namespace holdfast::sim
