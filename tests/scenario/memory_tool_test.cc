// Hosts of the memory tool that write to one file at once, some of them killed on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/program_fixture.h"
#include "support/store_files.h"

namespace holdfast {
namespace {

constexpr int kHosts = 6;
constexpr int kKilled = 2;  // of them, the first ones
constexpr int kCommandsEach = 60;

std::string text_of(int host, int command) {
  return "host " + std::to_string(host) + " command " + std::to_string(command);
}

class MemoryToolTest : public ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(Store::open(path_));
  }

  // Runs the program with files as its standard input and output.
  ChildProcess start(std::vector<std::string> words, const std::string& in,
                     const std::string& out) {
    words.insert(words.begin(), {program_, "--store", path_, "--space", "test"});
    return ChildProcess::start([words, in, out]() mutable {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      if (std::freopen(in.c_str(), "r", stdin) == nullptr) ::_exit(126);
      if (std::freopen(out.c_str(), "w", stdout) == nullptr) ::_exit(126);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    });
  }
  // What the program prints, which must end well.
  std::string printed(const std::vector<std::string>& words, const std::string& input = "") {
    const std::string in = directory_.path_of("in");
    const std::string out = directory_.path_of("out");
    std::ofstream(in) << input;
    EXPECT_EQ(start(words, in, out).wait(), ChildProcess::kSuccess) << words[1];
    return read_file(out);
  }
  std::string answers_of(int host) { return directory_.path_of("answers" + std::to_string(host)); }
  // Whole lines, and all of them good.
  int acknowledged_by(int host) {
    const std::string text = read_file(answers_of(host));
    const auto count = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("\"is_error\":true")));
    return count;
  }
  ChildProcess start_host(int host) {
    const std::string in = directory_.path_of("commands" + std::to_string(host));
    std::ofstream commands(in);
    for (int i = 0; i < kCommandsEach; ++i) {
      commands << R"({"command":"insert","path":"/memories/log","insert_line":0,"insert_text":")"
               << text_of(host, i) << "\"}\n";
    }
    commands.close();
    return start({"memory-tool", "--lines"}, in, answers_of(host));
  }
};

TEST_F(MemoryToolTest, EachCommandIsOneCommitWithItsNoteWhoeverDies) {
  printed({"memory-tool"}, R"({"command":"create","path":"/memories/log","file_text":""})");
  std::vector<ChildProcess> hosts;
  for (int host = 0; host < kHosts; ++host) hosts.push_back(start_host(host));
  for (int host = 0; host < kKilled; ++host) {
    while (acknowledged_by(host) < 10 * (host + 1)) std::this_thread::yield();
    hosts[static_cast<size_t>(host)].kill();
  }
  for (int host = 0; host < kHosts; ++host) {
    const auto end = hosts[static_cast<size_t>(host)].wait();
    if (host >= kKilled) {
      EXPECT_EQ(end, ChildProcess::kSuccess);
    }
  }
  std::multiset<std::string> lines;
  std::istringstream content(printed({"memories", "cat", "log"}));
  for (std::string line; std::getline(content, line);) lines.insert(line);
  for (int host = 0; host < kHosts; ++host) {
    const int acknowledged = acknowledged_by(host);
    if (host >= kKilled) {
      EXPECT_EQ(acknowledged, kCommandsEach);
    }
    for (int i = 0; i < kCommandsEach; ++i) {
      const size_t count = lines.count(text_of(host, i));
      // The one that was answered last before the death may be there.
      EXPECT_LE(count, i <= acknowledged ? 1u : 0u) << text_of(host, i);
      if (i < acknowledged) {
        EXPECT_EQ(count, 1u) << text_of(host, i);
      }
    }
  }
  const std::string history = printed({"memories", "history", "--limit", "1000", "--json"});
  EXPECT_EQ(static_cast<size_t>(std::count(history.begin(), history.end(), '\n')),
            1 + lines.size() - lines.count(""))
      << "a note for each change, and no other";
  printed({"memories", "undo"});
  std::istringstream undone(printed({"memories", "cat", "/memories/log"}));
  size_t left = 0;
  for (std::string line; std::getline(undone, line);) left += line.empty() ? 0 : 1;
  EXPECT_EQ(left, lines.size() - lines.count("") - 1);
}

}  // namespace
}  // namespace holdfast
