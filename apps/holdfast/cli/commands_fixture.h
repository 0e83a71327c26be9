// Commands run in this process, for tests: what they print and return.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "support/temporary_directory.h"

namespace holdfast::cli {

class CommandsTest : public ::testing::Test {
 protected:
  CommandsTest() {
    ::setenv("HOME", temporary_.path_of("home").c_str(), 1);
    for (const char* name : {"HOLDFAST_STORE", "HOLDFAST_SPACE", "XDG_DATA_HOME"}) ::unsetenv(name);
  }

  // Without --store and --space.
  int run_bare(std::vector<std::string> words) {
    words.insert(words.begin(), "holdfast");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int code = Commands().run(static_cast<int>(words.size()), arguments.data());
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  int run(std::vector<std::string> words) {
    for (const char* word : {"test", "--space", "", "--store"}) words.insert(words.begin(), word);
    words[1] = store_;
    return run_bare(std::move(words));
  }
  Json json() const { return Json::parse(out_); }

  TemporaryDirectory temporary_;
  std::string store_ = temporary_.path_of("store");
  std::string out_;
  std::string error_;
};

class StoreCommandsTest : public CommandsTest {
 protected:
  StoreCommandsTest() { EXPECT_EQ(run({"init"}), kExitOk) << error_; }
};

}  // namespace holdfast::cli
