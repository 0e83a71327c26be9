// Trees of files on their way out of a store, and the process that writes them killed on the way.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/child_process.h"
#include "support/program_fixture.h"
#include "support/store_files.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr int kFolders = 5;
constexpr int kFilesEach = 500;

std::string content_of(const std::string& name) {
  return name + " " + std::string(3'000, name.back());
}

// Runs commands of the program.
class FileCommandsTest : public ProgramFixture {
 protected:
  ChildProcess start(std::vector<std::string> words) {
    words.insert(words.begin(), {program_, "--store", path_, "--space", "test"});
    return ChildProcess::start([words]() mutable {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    });
  }
};

class FilesTest : public FileCommandsTest {
 protected:
  void SetUp() override {
    FileCommandsTest::SetUp();
    if (IsSkipped()) return;
    for (int folder = 0; folder < kFolders; ++folder) {
      const std::string below = source_ + "/" + std::to_string(folder);
      fs::create_directories(below);
      for (int file = 0; file < kFilesEach; ++file) {
        const std::string name = std::to_string(file);
        std::ofstream(below + "/" + name) << content_of(name);
      }
    }
    ASSERT_TRUE(Store::open(path_));
    ASSERT_EQ(start({"fs", "put", source_, "/"}).wait(), ChildProcess::kSuccess);
  }

  // The files below `target` that have their names, all of which must be whole.
  static int whole_files(const std::string& target) {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(target)) {
      const std::string name = entry.path().filename();
      if (!entry.is_regular_file() || name.find(".part") != name.npos) continue;
      EXPECT_EQ(read_file(entry.path()), content_of(name)) << entry.path();
      ++count;
    }
    return count;
  }

  static int names_below(const std::string& target) {
    std::error_code gone;  // a part that is being moved
    int count = 0;
    for (fs::recursive_directory_iterator at(target, gone), end; !gone && at != end;
         at.increment(gone)) {
      ++count;
    }
    return count;
  }

  const std::string source_ = directory_.path_of("source");
};

TEST_F(FileCommandsTest, WhatManyAppendAtOnceIsAllThere) {
  ASSERT_TRUE(Store::open(path_));
  constexpr int kWriters = 4;
  constexpr int kLinesEach = 25;
  std::vector<ChildProcess> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.push_back(ChildProcess::start([this, writer] {
      for (int line = 0; line < kLinesEach; ++line) {
        const std::string text = std::to_string(writer) + "." + std::to_string(line) + "\n";
        EXPECT_EQ(start({"fs", "write", "/log", text, "--append"}).wait(), ChildProcess::kSuccess);
      }
    }));
  }
  for (ChildProcess& writer : writers) EXPECT_EQ(writer.wait(), ChildProcess::kSuccess);
  const std::string target = directory_.path_of("log");
  ASSERT_EQ(start({"fs", "get", "/log", target}).wait(), ChildProcess::kSuccess);
  std::vector<int> next(kWriters, 0);
  std::ifstream log(target);
  int writer = 0;
  int line = 0;
  for (char dot = 0; log >> writer >> dot >> line;) {
    ASSERT_TRUE(writer >= 0 && writer < kWriters && dot == '.');
    EXPECT_EQ(line, next[static_cast<size_t>(writer)]++);
  }
  EXPECT_EQ(next, std::vector<int>(kWriters, kLinesEach));
}

TEST_F(FilesTest, ATreeComesOutWhole) {
  const std::string target = directory_.path_of("target");
  ASSERT_EQ(start({"fs", "get", "/", target}).wait(), ChildProcess::kSuccess);
  EXPECT_EQ(whole_files(target), kFolders * kFilesEach);
  for (const auto& entry : fs::recursive_directory_iterator(target)) {
    EXPECT_EQ(entry.path().string().find(".part"), std::string::npos) << entry.path();
  }
}

TEST_F(FilesTest, WhatAKilledProcessHasWrittenIsWhole) {
  for (int round = 0; round < 5; ++round) {
    const std::string target = directory_.path_of("target" + std::to_string(round));
    fs::create_directories(target);
    ChildProcess get = start({"fs", "get", "/", target});
    // Each round is killed at another time: when so many names are there, of files or parts.
    while (names_below(target) < 1 + 500 * round) std::this_thread::yield();
    get.kill();
    get.wait();
    whole_files(target);
  }
}

}  // namespace
}  // namespace holdfast
