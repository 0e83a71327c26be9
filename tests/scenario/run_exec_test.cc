// `holdfast run exec`, killed again and again: what is completed was done once, what was
// interrupted goes where its policy says, and no command outlives its worker to meet its own
// successor.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kWaits = 3 };

class RunExecTest : public testing::Test {
 protected:
  RunExecTest() {
    const char* given = std::getenv("HOLDFAST_SEED");
    seed_ = given != nullptr ? static_cast<uint32_t>(std::stoul(given)) : std::random_device()();
    random_.seed(seed_);
  }
  ~RunExecTest() override {
    if (HasFailure()) std::printf("repeat with HOLDFAST_SEED=%u\n", seed_);
  }
  void SetUp() override {
#ifndef HOLDFAST_PROGRAM
    GTEST_SKIP() << "the program is not built here";
#endif
    Store store = open_or_die(path_);
  }

  // Executes the plan in a process of its own; what it says on stderr is in error().
  ChildProcess start_worker(const std::string& key = "") {
    return ChildProcess::start([this, key] {
#ifdef HOLDFAST_PROGRAM
      std::vector<std::string> words = {HOLDFAST_PROGRAM, "--store", path_,  "--space",
                                        "test",           "run",     "exec", plan_};
      if (!key.empty()) words.insert(words.end(), {"--key", key});
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::dup2(::open("/dev/null", O_RDWR), 1);
      ::dup2(::open(error_.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0600), 2);
      ::setenv("LEDGER", ledger_.c_str(), 1);
      ::execv(arguments[0], arguments.data());
#endif
      ::_exit(127);
    });
  }
  int execute(const std::string& key = "") {
    return start_worker(key).wait().exit_code;
  }
  std::string error() const {
    return read_file(error_);
  }

  // Lines "step word attempt" that the commands wrote, by step.
  using Lines = std::map<std::string, std::vector<std::pair<std::string, int>>>;
  Lines ledger() const {
    Lines lines;
    std::istringstream in(std::filesystem::exists(ledger_) ? read_file(ledger_) : "");
    std::string step, word;
    int attempt = 0;
    while (in >> step >> word >> attempt) lines[step].emplace_back(word, attempt);
    return lines;
  }
  static std::string command(const std::string& sleep) {
    return "echo $HOLDFAST_STEP begin $HOLDFAST_ATTEMPT >> $LEDGER; sleep " + sleep +
           "; echo $HOLDFAST_STEP end $HOLDFAST_ATTEMPT >> $LEDGER; echo result $HOLDFAST_STEP";
  }
  std::string only_run(const Space& space) {
    const auto runs = space.runs().list();
    return runs->size() == 1 ? runs->front().id : "";
  }

  // What a person would do: looks whether it was done, and says so.
  void resolve_what_asks() {
    Store store = open_or_die(path_);
    const Runs runs = store.space("test")->runs();
    const std::string run = only_run(*store.space("test"));
    if (run.empty()) return;
    const auto steps = runs.steps(run, {.state = StepState::indeterminate});
    Lines lines = ledger();
    for (const StepInfo& step : *steps) {
      const auto& seen = lines[step.key];
      const bool done = !seen.empty() && seen.back() == std::pair<std::string, int>(
                                                            "end", static_cast<int>(step.attempts));
      ASSERT_TRUE(
          runs.resolve(run, step.key, done ? StepDecision::complete : StepDecision::retry, "seen"));
    }
  }

  // Attempts stand one behind the other, and none behind the one that was completed.
  void expect_one_after_the_other(const std::string& step, const Lines& lines, int completed) {
    int begun = 0;
    bool undone = true;
    ASSERT_TRUE(lines.contains(step)) << step;
    for (const auto& [word, attempt] : lines.at(step)) {
      if (word == "begin") {
        EXPECT_GT(attempt, begun) << step << ": an attempt was begun twice or late";
        EXPECT_TRUE(undone || step.front() != 'u') << step << ": done again before it was undone";
        begun = attempt;
        undone = false;
      } else if (word == "end") {
        EXPECT_EQ(attempt, begun) << step << ": an attempt went on beside the next one";
      } else {
        undone = true;
      }
    }
    EXPECT_EQ(begun, completed) << step << ": it was begun again after it was completed";
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  const std::string plan_ = directory_.path_of("plan.json");
  const std::string ledger_ = directory_.path_of("ledger");
  const std::string error_ = directory_.path_of("error");
  uint32_t seed_ = 0;
  std::mt19937 random_;
};

TEST_F(RunExecTest, APlanIsExecutedInOrderAndOnce) {
  write_file(plan_, R"({"name": "p", "steps": [
      {"key": "a", "run": "echo -n one"},
      {"key": "b", "run": "echo b end 1 >> $LEDGER", "after": ["a"]}]})");
  ASSERT_EQ(execute(), kOk) << error();
  ASSERT_EQ(execute(), kOk) << "executing it again does nothing";
  EXPECT_EQ(ledger()["b"].size(), 1u);
  ASSERT_EQ(execute("another"), kOk) << "another key is another run";
  EXPECT_EQ(ledger()["b"].size(), 2u);
  Store store = open_or_die(path_);
  const Runs runs = store.space("test")->runs();
  const RunInfo run = runs.list()->back();
  EXPECT_EQ(run.state, RunState::completed);
  EXPECT_EQ(runs.step(run.id, "a")->output, "one");
}

TEST_F(RunExecTest, AFailedStepIsRetriedWhereItFailed) {
  write_file(plan_, R"({"name": "p", "steps": [
      {"key": "a", "run": "echo a end 1 >> $LEDGER"},
      {"key": "b", "run": "test -e $LEDGER.ready", "after": ["a"], "attempts": 2,
       "backoff_seconds": 0}]})");
  ASSERT_EQ(execute(), kFailed);
  EXPECT_THAT(error(), testing::HasSubstr("holdfast step retry"));
  write_file(ledger_ + ".ready", "");
  {
    Store store = open_or_die(path_);
    const Space space = *store.space("test");
    EXPECT_EQ(space.runs().step(only_run(space), "b")->attempts, 2u);
    ASSERT_TRUE(space.runs().retry(only_run(space), "b"));
  }
  ASSERT_EQ(execute(), kOk) << error();
  EXPECT_EQ(ledger()["a"].size(), 1u);
}

TEST_F(RunExecTest, ACommandThatTakesTooLongIsKilledWithAllItStarted) {
  write_file(plan_, R"({"name": "p", "steps": [
      {"key": "a", "run": "(sleep 0.4; echo a late 1 >> $LEDGER) & wait",
       "timeout_seconds": 0.1}]})");
  ASSERT_EQ(execute(), kFailed);
  EXPECT_THAT(error(), testing::HasSubstr("timeout"));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // longer than the command sleeps
  EXPECT_TRUE(ledger().empty());
}

TEST_F(RunExecTest, AGateStopsThePlanUntilItIsApproved) {
  write_file(plan_, R"({"name": "p", "gates": [{"name": "go"}], "steps": [
      {"key": "a", "run": "true", "gates": ["go"]}]})");
  ASSERT_EQ(execute(), kWaits);
  EXPECT_THAT(error(), testing::HasSubstr("holdfast gate approve"));
  {
    Store store = open_or_die(path_);
    const Space space = *store.space("test");
    ASSERT_TRUE(space.runs().decide_gate(only_run(space), "go", true));
  }
  EXPECT_EQ(execute(), kOk) << error();
}

TEST_F(RunExecTest, ABadPlanIsRefused) {
  for (const char* plan :
       {"", "[]", R"({"steps": []})", R"({"name": "p", "stepz": []})",
        R"({"name": "p", "steps": [{"key": "a"}]})",
        R"({"name": "p", "steps": [{"key": "a", "run": 1}]})",
        R"({"name": "p", "steps": [{"key": "a", "run": "x", "on_interrupt": "x"}]})",
        R"({"name": "p", "steps": [{"key": "a", "run": "x", "on_interrupt": "compensate"}]})"}) {
    write_file(plan_, plan);
    EXPECT_EQ(execute(), kUsage) << plan;
  }
}

TEST_F(RunExecTest, KilledAtManyPointsItDoesEachStepOnceOrAsItsPolicySays) {
  const char* policies[] = {"retry", "ask", "compensate"};
  std::string steps;
  std::vector<std::string> keys;
  for (int i = 0; i < 12; ++i) {
    const std::string policy = policies[i % 3];
    const std::string key = (policy == "compensate" ? "u" : "s") + std::to_string(i);
    steps += (i == 0 ? "" : ",") + std::string(R"({"key": ")") + key + R"(", "run": ")" +
             command("0.02") + R"(", "interruptions": 1000, "on_interrupt": ")" + policy + "\"";
    if (policy == "compensate") {
      steps += R"(, "undo": "echo $HOLDFAST_STEP undo $HOLDFAST_ATTEMPT >> $LEDGER")";
    }
    if (i >= 2) steps += R"(, "after": [")" + keys[static_cast<size_t>(i) - 2] + R"("])";
    steps += "}";
    keys.push_back(key);
  }
  write_file(plan_, R"({"name": "killed", "steps": [)" + steps + "]}");
  int kills = 0;
  bool done = false;
  for (int round = 0; round < 200 && !done; ++round) {
    ChildProcess worker = start_worker();
    // Later and later, so that all of it is reached, and at no chosen moment.
    const int pause_us = static_cast<int>(random_() % 50'000) + 1'000 * round;
    std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    worker.kill();
    const auto end = worker.wait();
    kills += end.signal != 0;
    done = end.exit_code == kOk;
    if (end.exit_code == kWaits) resolve_what_asks();
  }
  ASSERT_TRUE(done) << error();
  EXPECT_GT(kills, 3);

  Store store = open_or_die(path_);
  const Space space = *store.space("test");
  const std::string run = only_run(space);
  EXPECT_EQ(space.runs().get(run)->state, RunState::completed);
  EXPECT_EQ(space.runs().progress(run)->completed, keys.size());
  std::map<std::string, int> completions;
  const auto timeline = space.runs().timeline(run, {}, 10'000);
  for (const RunEvent& event : *timeline) {
    if (event.what == "step completed") ++completions[event.key];
  }
  const Lines lines = ledger();
  for (const std::string& key : keys) {
    EXPECT_EQ(completions[key], 1) << key;
    const StepInfo step = *space.runs().step(run, key);
    EXPECT_EQ(step.failures, 0u);
    expect_one_after_the_other(key, lines, static_cast<int>(step.attempts));
    EXPECT_THAT(*step.output, testing::AnyOf("seen", "result " + key + "\n"));
    EXPECT_EQ(lines.at(key).back(),
              (std::pair<std::string, int>("end", static_cast<int>(step.attempts))));
  }
  expect_sound(store);
}

TEST_F(RunExecTest, SeveralWorkersShareAPlanAndSomeAreKilled) {
  std::string steps;
  for (int i = 0; i < 24; ++i) {
    steps += (i == 0 ? "" : ",") + std::string(R"({"key": "s)") + std::to_string(i) +
             R"(", "run": ")" + command("0.01") + R"(", "on_interrupt": "retry"})";
  }
  write_file(plan_, R"({"name": "shared", "steps": [)" + steps + "]}");
  std::vector<ChildProcess> workers;
  for (int i = 0; i < 6; ++i) workers.push_back(start_worker());
  std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random_() % 50'000));
  for (size_t i = 0; i < 3; ++i) {
    workers[i].kill();
    workers[i].wait();
  }
  for (size_t i = 3; i < workers.size(); ++i) EXPECT_EQ(workers[i].wait().exit_code, kOk);
  Store store = open_or_die(path_);
  const Space space = *store.space("test");
  const std::string run = only_run(space);
  const Lines lines = ledger();
  const auto listed = space.runs().steps(run);
  EXPECT_EQ(listed->size(), 24u);
  for (const StepInfo& step : *listed) {
    expect_one_after_the_other(step.key, lines, static_cast<int>(step.attempts));
  }
}

// The same key for ten processes that ask at once: one does it, nine get what it returned.
TEST_F(RunExecTest, OfTenThatBeginAStepOneDoesIt) {
  constexpr int kProcesses = 10;
  {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.space("test")->runs().start({.name = "r", .key = "r"}));
  }
  Gate gate;
  Channel told;
  std::vector<ChildProcess> crew;
  for (int i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] {
      Store store = open_or_die(path_);
      const Runs runs = store.space("test")->runs();
      const auto run = runs.start({.name = "r", .key = "r"});
      gate.pass();
      const NewStep step = {.key = "once",
                            .input = i % 2 == 0 ? R"({"a":1,"b":2})" : R"({"b":2.0, "a":1})"};
      const auto begun = runs.begin(run->id, step, {.wait = std::chrono::milliseconds(60'000)});
      ASSERT_TRUE(begun) << begun.status().to_string();
      if (begun->lease) {
        told.send("x");
        ASSERT_TRUE(runs.complete(*begun->lease, "by " + std::to_string(i)));
      } else {
        EXPECT_THAT(begun->output, testing::StartsWith("by "));
      }
    }));
  }
  gate.open_for(kProcesses);
  told.close_sending();
  for (ChildProcess& process : crew) EXPECT_EQ(process.wait(), ChildProcess::kSuccess);
  EXPECT_EQ(told.receive_all(), "x");
}

}  // namespace
}  // namespace holdfast
