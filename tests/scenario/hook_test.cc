// Hooks of coding agents as their clients start them: many short processes, each with its JSON on
// standard input.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/child_process.h"
#include "support/program_fixture.h"
#include "support/store_files.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HookTest : public ProgramFixture {
 protected:
  // What a hook leaves behind in the background becomes our child.
  void SetUp() override {
    ProgramFixture::SetUp();
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  void TearDown() override { wait_for_background(); }
  static void wait_for_background() {
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
  }

  void make_store(int observations) {
    auto store = Store::open(path_, {.durability = Durability::batched});
    ASSERT_TRUE(store) << store.status().to_string();
    std::vector<NewObservation> batch;
    for (int i = 0; i < observations; ++i) {
      NewObservation observation;
      observation.content = "lesson " + std::to_string(i) + " is about topic" +
                            std::to_string(i % 97) + " and component" + std::to_string(i % 31);
      batch.push_back(observation);
    }
    if (!batch.empty()) {
      auto added = store->space("test")->observations().add_all(batch);
      ASSERT_TRUE(added) << added.status().to_string();
    }
    ASSERT_TRUE(store->close());
  }

  // Begins `words` with `input` on its stdin; its output goes to files named after `name`.
  ChildProcess start(std::vector<std::string> words, const std::string& input,
                     const std::string& name) {
    const std::string input_path = directory_.path_of(name + ".in");
    std::ofstream(input_path) << input;
    words.insert(words.begin(), program_);
    return ChildProcess::start([&, words]() mutable {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::dup2(::open(input_path.c_str(), O_RDONLY), 0);
      ::dup2(::open(out(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), 1);
      ::dup2(::open(error(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
      ::setenv("HOME", directory_.path().c_str(), 1);
      ::unsetenv("XDG_DATA_HOME");
      ::unsetenv("CLAUDE_PROJECT_DIR");
      if (::chdir(directory_.path().c_str()) != 0) ::_exit(126);
      ::execv(program_.c_str(), arguments.data());
      ::_exit(127);
    });
  }
  std::string out(const std::string& name) { return directory_.path_of(name + ".out"); }
  std::string error(const std::string& name) { return directory_.path_of(name + ".err"); }

  int run(std::vector<std::string> words, const std::string& input) {
    words.insert(words.begin(), {"--store", path_, "--space", "test"});
    const auto end = start(std::move(words), input, "one").wait();
    EXPECT_EQ(end.signal, 0);
    output_ = read_file(out("one"));
    error_ = read_file(error("one"));
    return end.exit_code;
  }

  std::string output_;
  std::string error_;
};

TEST_F(HookTest, AThousandProcessesLoseNothing) {
  constexpr int kProcesses = 1'000;
  constexpr int kAtOnce = 16;
  make_store(3'000);
  std::vector<std::pair<int, ChildProcess>> running;
  const auto finish_first = [&] {
    EXPECT_EQ(running.front().second.wait(), ChildProcess::kSuccess);
    const std::string name = std::to_string(running.front().first);
    EXPECT_THAT(read_file(out(name)), HasSubstr("additionalContext"));
    EXPECT_EQ(read_file(error(name)), "");
    running.erase(running.begin());
  };
  for (int i = 0; i < kProcesses; ++i) {
    if (running.size() == kAtOnce) finish_first();
    const std::string prompt = "prompt " + std::to_string(i) + " about topic" +
                               std::to_string(i % 97) + ", which lesson is there?";
    running.emplace_back(
        i, start({"--store", path_, "--space", "test", "hook", "prompt", "--deadline", "60s"},
                 R"({"session_id":"s)" + std::to_string(i % 7) + R"(","prompt":")" + prompt + "\"}",
                 std::to_string(i)));
  }
  while (!running.empty()) finish_first();
  const auto found = contents();
  EXPECT_EQ(found.size(), 4'000u);
  for (int i = 0; i < kProcesses; ++i) {
    const std::string prompt = "prompt " + std::to_string(i) + " about topic" +
                               std::to_string(i % 97) + ", which lesson is there?";
    EXPECT_EQ(found.count(prompt), 1u) << prompt;
  }
}

TEST_F(HookTest, WhatItAddsIsFoldedBehindIt) {
  constexpr int kEnough = 64;
  constexpr int kHooksMax = 1'000;  // one of eight folds
  const auto is_fold_due = [&] {
    auto store = Store::open(path_);
    EXPECT_TRUE(store) << store.status().to_string();
    return *store->space("test")->observations().is_fold_due();
  };
  {
    auto store = Store::open(path_);
    ASSERT_TRUE(store) << store.status().to_string();
    auto space = store->space("test");
    ASSERT_TRUE(store->update([&](Transaction& transaction) -> Status {
      const Observations observations = space->observations(transaction);
      EXPECT_EQ(observations.fold(1).status().code(), StatusCode::kInvalidArgument);
      for (int i = 0; i < kEnough; ++i) {
        HOLDFAST_TRY(observations.add({.content = "lesson " + std::to_string(i)}).status());
      }
      return Status::ok();
    }));
  }
  ASSERT_TRUE(is_fold_due()) << "who adds in a transaction folds nothing";
  int hooks = 0;
  while (is_fold_due() && hooks < kHooksMax) {
    const std::string number = std::to_string(++hooks);
    ASSERT_EQ(run({"hook", "prompt"}, R"({"session_id":"s","prompt":"prompt )" + number + "\"}"), 0)
        << error_;
    wait_for_background();
  }
  EXPECT_FALSE(is_fold_due());
  EXPECT_EQ(contents().size(), static_cast<size_t>(kEnough + hooks));
}

TEST_F(HookTest, WhateverFailsIsANoteAndNoError) {
  make_store(0);
  EXPECT_EQ(run({"hook", "prompt"}, "no JSON"), 0);
  EXPECT_THAT(error_, HasSubstr("JSON"));
  EXPECT_EQ(run({"hook", "prompt", "--no-such-option"}, "{}"), 0);
  EXPECT_THAT(error_, HasSubstr("--no-such-option"));
  EXPECT_EQ(run({"hook", "prompt", "--deadline", "soon"}, "{}"), 0);
  EXPECT_THAT(error_, HasSubstr("duration"));
  const auto refused = start({"--store", directory_.path_of("nothing/here"), "hook", "prompt"},
                             R"({"prompt":"hello"})", "refused")
                           .wait();
  EXPECT_EQ(refused, ChildProcess::kSuccess);
  EXPECT_THAT(read_file(error("refused")), HasSubstr("no store here"));
  EXPECT_FALSE(fs::exists(directory_.path_of("nothing")));
}

TEST_F(HookTest, AnInputThatNeverEndsIsGivenUp) {
  make_store(0);
  const std::string fifo = directory_.path_of("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ChildProcess hook = ChildProcess::start([&] {
    ::dup2(::open(fifo.c_str(), O_RDWR), 0);  // who has both ends sees no end
    ::dup2(::open(error("fifo").c_str(), O_CREAT | O_WRONLY, 0600), 2);
    ::execl(program_.c_str(), program_.c_str(), "--store", path_.c_str(), "hook", "tool",
            "--deadline", "50ms", nullptr);
    ::_exit(127);
  });
  EXPECT_EQ(hook.wait(), ChildProcess::kSuccess);
  EXPECT_THAT(read_file(error("fifo")), HasSubstr("deadline"));
}

TEST_F(HookTest, WhatWasInjectedIsNotRememberedAgain) {
  make_store(10);
  EXPECT_EQ(run({"hook", "prompt"}, R"({"session_id":"a","prompt":"which lesson on topic3?"})"), 0);
  const size_t begin = output_.find("<recalled-memory>");
  ASSERT_NE(begin, std::string::npos) << output_;
  EXPECT_THAT(output_, AllOf(HasSubstr("lesson 3 "), HasSubstr("UserPromptSubmit")));
  const std::string injected = output_.substr(begin, output_.rfind("\"}}") - begin);
  EXPECT_EQ(run({"hook", "stop"},
                R"({"session_id":"a","last_assistant_message":"Seen: )" + injected + R"( Done."})"),
            0);
  EXPECT_EQ(error_, "");
  EXPECT_EQ(contents().count("Seen:  Done."), 1u);
}

TEST_F(HookTest, ASessionsOwnWordsAreNotInjected) {
  make_store(0);
  EXPECT_EQ(run({"hook", "prompt"}, R"({"session_id":"a","prompt":"the clock is late"})"), 0);
  EXPECT_EQ(run({"hook", "prompt"}, R"({"session_id":"a","prompt":"is the clock late?"})"), 0);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(run({"hook", "prompt"}, R"({"session_id":"b","prompt":"is the clock late?"})"), 0);
  EXPECT_THAT(output_, HasSubstr("the clock is late"));
}

TEST_F(HookTest, APromptDoesNotFindItself) {
  make_store(0);
  EXPECT_EQ(run({"hook", "prompt"}, R"({"prompt":"why does login fail?"})"), 0);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(run({"hook", "prompt"}, R"({"prompt":"why does the login take so long?"})"), 0);
  EXPECT_THAT(output_, AllOf(HasSubstr("why does login fail?"), Not(HasSubstr("so long"))));
}

TEST_F(HookTest, SecretsAreTakenOutAndAToolIsRememberedOnce) {
  make_store(0);
  const std::string input =
      R"({"session_id":"a","tool_use_id":"t1","tool_name":"Bash","tool_input":{"command":)"
      R"("curl -H 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789' x"}})";
  EXPECT_EQ(run({"hook", "tool"}, input), 0);
  EXPECT_EQ(run({"hook", "tool"}, input), 0);
  const auto found = contents();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(*found.begin(), AllOf(HasSubstr("[redacted:"), Not(HasSubstr("abcdefghij"))));
}

TEST_F(HookTest, InstallShowsTheDifferenceAndUninstallUndoesIt) {
  const std::string settings = directory_.path_of(".claude/settings.local.json");
  EXPECT_EQ(run({"hook", "install", "--dry-run"}, ""), 0) << error_;
  EXPECT_THAT(output_, AllOf(HasSubstr("+ "), HasSubstr("hook prompt")));
  EXPECT_FALSE(fs::exists(settings));
  fs::create_directories(directory_.path_of(".claude"));
  const std::string before = "{\n  \"model\": \"x\"\n}\n";
  std::ofstream(settings) << before;
  EXPECT_EQ(run({"hook", "install"}, ""), 0) << error_;
  EXPECT_THAT(read_file(settings), AllOf(HasSubstr("\"model\": \"x\""), HasSubstr("hook stop"),
                                         HasSubstr("--store " + path_ + " --space test")));
  EXPECT_EQ(run({"hook", "install"}, ""), 0);
  EXPECT_THAT(output_, HasSubstr("nothing to change"));
  EXPECT_EQ(run({"hook", "uninstall"}, ""), 0) << error_;
  EXPECT_EQ(read_file(settings), before);
  std::ofstream(settings) << "{ // mine\n}";
  EXPECT_EQ(run({"hook", "install"}, ""), 1);
  EXPECT_THAT(error_, HasSubstr("nothing was changed"));
  EXPECT_EQ(read_file(settings), "{ // mine\n}");
}

TEST_F(HookTest, EveryKnownClientIsServedInItsOwnWords) {
  make_store(10);
  EXPECT_EQ(run({"hook", "install", "--client", "codex"}, ""), 0) << error_;
  EXPECT_THAT(read_file(directory_.path_of(".codex/hooks.json")), HasSubstr("hook prompt"));
  EXPECT_EQ(run({"hook", "install", "--client", "gemini-cli"}, ""), 0) << error_;
  const std::string settings = directory_.path_of(".gemini/settings.json");
  EXPECT_THAT(read_file(settings), AllOf(HasSubstr("BeforeAgent"), HasSubstr("hook prompt")));
  EXPECT_EQ(run({"hook", "prompt"},
                R"({"session_id":"a","hook_event_name":"BeforeAgent","prompt":"topic3?"})"),
            0);
  EXPECT_THAT(output_, AllOf(HasSubstr(R"("hookEventName":"BeforeAgent")"), HasSubstr("lesson 3")));
  EXPECT_EQ(run({"hook", "stop"}, R"({"session_id":"a","hook_event_name":"AfterAgent",)"
                                  R"("prompt":"topic3?","prompt_response":"Done."})"),
            0);
  EXPECT_EQ(contents().count("Done."), 1u);
  EXPECT_EQ(run({"hook", "uninstall", "--client", "gemini-cli"}, ""), 0) << error_;
  EXPECT_THAT(output_, HasSubstr("(removed)"));
  EXPECT_FALSE(fs::exists(settings)) << "it was made for the hooks alone";
  EXPECT_EQ(run({"hook", "install", "--client", "codex", "--scope", "local"}, ""), 2);
  EXPECT_THAT(error_, HasSubstr("--scope project"));
}

}  // namespace
}  // namespace holdfast
