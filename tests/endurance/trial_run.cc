#include "endurance/trial_run.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
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
#include "planted/planted.h"

namespace holdfast::sim {
namespace {

struct Message {
  std::array<char, 200> test{};
  std::array<char, 4000> text{};
};

template <size_t N>
void copy_text(std::array<char, N>& to, const char* from) {
  std::strncpy(to.data(), from, N - 1);
}

// Notes the first failure where the parent sees it.
class Listener : public testing::EmptyTestEventListener {
 public:
  explicit Listener(Message& message) : message_(message) {}

  void OnTestStart(const testing::TestInfo& test) override {
    name_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || message_.test[0] != '\0') return;
    copy_text(message_.text, result.message());
    copy_text(message_.test, name_.c_str());
  }

 private:
  Message& message_;
  std::string name_;
};

void start_gtest(const std::string& filter) {
  int count = 1;
  std::array<char, 10> name = {"endurance"};
  char* arguments[] = {name.data(), nullptr};
  testing::InitGoogleTest(&count, arguments);
  testing::GTEST_FLAG(filter) = filter;
}

double seconds_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double processor_seconds(__rusage_who who) {
  rusage usage{};
  CHECK(getrusage(who, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int run_tests(const TrialOptions& options, Message& message) {
  if (std::freopen("/dev/null", "w", stdout) == nullptr) return 2;
  planted_fault = options.fault;
  loop_policy() = options.policy;
  start_gtest(options.filter);
  testing::GTEST_FLAG(fail_fast) = true;
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto listener = std::make_unique<Listener>(message);
  listeners.Append(listener.release());  // which owns it from here
  return RUN_ALL_TESTS();
}

}  // namespace

struct TrialProcess::Finding {
  Message message;
  LoopTotals totals;
  double processor_seconds = 0;
};

TrialProcess::TrialProcess(const TrialOptions& options)
    : filter_(options.filter), begin_seconds_(seconds_now()) {
  void* const memory =
      mmap(nullptr, sizeof(Finding), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  finding_ = new (memory) Finding();
  std::fflush(nullptr);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ != 0) return;
  const int code = run_tests(options, finding_->message);
  finding_->totals = loop_totals();
  finding_->processor_seconds = processor_seconds(RUSAGE_SELF) + processor_seconds(RUSAGE_CHILDREN);
  _exit(code);
}

TrialProcess::~TrialProcess() {
  munmap(finding_, sizeof(Finding));
}

TrialRun TrialProcess::finish(int status) {
  TrialRun run;
  run.seconds = seconds_now() - begin_seconds_;
  run.test = finding_->message.test.data();
  run.message = finding_->message.text.data();
  run.totals = finding_->totals;
  run.processor_seconds = finding_->processor_seconds;
  if (run.test.empty() && status != 0) run.test = filter_ + " (the process died)";
  return run;
}

TrialRun play(const TrialOptions& options) {
  TrialProcess process(options);
  int status = 0;
  while (waitpid(process.pid(), &status, 0) < 0) CHECK(errno == EINTR);
  return process.finish(status);
}

int play_here(const std::string& filter) {
  start_gtest(filter.empty() ? "*" : filter);
  return RUN_ALL_TESTS();
}

}  // namespace holdfast::sim
