// The program as others run it: what it returns when all is well, and when it is not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "support/child_process.h"
#include "support/log_file.h"
#include "support/program_fixture.h"
#include "support/store_files.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

enum ExitCode : int { kOk, kNotFound, kUsage, kConflictOrBusy, kDamage, kRefused };

int64_t children_time_us() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto us_of = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
  return us_of(usage.ru_utime) + us_of(usage.ru_stime);
}

class ProgramTest : public ProgramFixture {
 protected:
  // The exit code; what it said is in error_.
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {program_, "--store", path_, "--space", "test"});
    const std::string output = directory_.path_of("output");
    const std::string error = directory_.path_of("error");
    const auto end = run_in_child([&] {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::dup2(::open("/dev/null", O_RDONLY), 0);
      ::dup2(::open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), 1);
      ::dup2(::open(error.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
      ::setenv("HOME", directory_.path().c_str(), 1);
      ::execv(program_.c_str(), arguments.data());
      ::_exit(127);
    });
    EXPECT_EQ(end.signal, 0);
    output_ = read_file(output);
    error_ = read_file(error);
    return end.exit_code;
  }
  std::string segment() const { return segment_path(path_, 1); }

  std::string output_;
  std::string error_;
};

TEST_F(ProgramTest, ReturnsZeroWhenAllIsWell) {
  EXPECT_EQ(run({"init"}), kOk) << error_;
  EXPECT_EQ(run({"put", "key", "value"}), kOk) << error_;
  EXPECT_EQ(run({"get", "key"}), kOk) << error_;
  EXPECT_THAT(output_, HasSubstr("value"));
  EXPECT_EQ(run({"remember", "an anchor holds"}), kOk) << error_;
  EXPECT_EQ(run({"recall", "anchor"}), kOk) << error_;
  EXPECT_EQ(run({"check"}), kOk) << error_;
}

// Processor time, the least of many runs: what other tests do at the same time is not in it.
TEST_F(ProgramTest, AGetTakesLessThanFiveMillisecondsFromStartToExit) {
#ifndef HOLDFAST_STARTS_FAST
  GTEST_SKIP() << "not built for speed";
#endif
  ASSERT_EQ(run({"init"}), kOk) << error_;
  ASSERT_EQ(run({"put", "key", "value"}), kOk) << error_;
  int64_t least_us = INT64_MAX;
  for (int i = 0; i < 50; ++i) {
    const int64_t before_us = children_time_us();
    EXPECT_EQ(run({"get", "key"}), kOk) << error_;
    least_us = std::min(least_us, children_time_us() - before_us);
  }
  EXPECT_LT(least_us, 5'000);
}

TEST_F(ProgramTest, ReturnsOneForWhatIsNotThere) {
  ASSERT_EQ(run({"init"}), kOk) << error_;
  EXPECT_EQ(run({"get", "never put"}), kNotFound) << error_;
  EXPECT_EQ(run({"show", "01234567-0000-7000-8000-000000000000"}), kNotFound) << error_;
}

TEST_F(ProgramTest, ReturnsTwoForInputThatCannotBeAccepted) {
  ASSERT_EQ(run({"init"}), kOk) << error_;
  EXPECT_EQ(run({"no-such-command"}), kUsage);
  EXPECT_EQ(run({"put", std::string(1001, 'k'), "v"}), kUsage);
  EXPECT_EQ(run({"remember", "not \xff text"}), kUsage);
  EXPECT_THAT(error_, HasSubstr("UTF-8"));
}

TEST_F(ProgramTest, ReturnsThreeWhenTheStoreIsBusyPastTheDeadline) {
  ASSERT_EQ(run({"init"}), kOk) << error_;
  Channel locked;
  ChildProcess holder = ChildProcess::start([&] {
    const int fd = ::open((path_ + "/LOCK").c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;  // somebody creates or recovers the store, and takes his time
    EXPECT_EQ(::fcntl(fd, F_OFD_SETLK, &lock), 0);
    locked.send("x");
    await_kill();
  });
  ASSERT_TRUE(locked.receive(1));
  EXPECT_EQ(run({"--timeout", "0.05", "get", "key"}), kConflictOrBusy) << error_;
  holder.kill();
  holder.wait();
  EXPECT_EQ(run({"put", "key", "value"}), kOk) << error_;
}

TEST_F(ProgramTest, ReturnsFourForDamageAndNamesThePlace) {
  ASSERT_EQ(run({"init"}), kOk) << error_;
  for (int i = 0; i < 4; ++i) ASSERT_EQ(run({"put", "key" + std::to_string(i), "v"}), kOk);
  reboot(path_);
  const LogFile log(segment());
  flip_bit(segment(), log.commits()[1].offset + 70);
  const auto before = files_below(path_);
  for (const char* command : {"ls", "check", "status"}) {
    EXPECT_EQ(run({command}), kDamage) << command << ": " << error_;
    EXPECT_THAT(error_,
                AllOf(HasSubstr(segment()), HasSubstr(std::to_string(log.commits()[1].offset))));
  }
  EXPECT_EQ(files_below(path_), before);
}

TEST_F(ProgramTest, TorturesAStoreWithAnotherBuildOfItself) {
  const auto torture = [&](const std::string& other) {
    return run({"--json", "torture", "--processes", "5", "--seconds", "1.5", "--kill", "--care",
                "--forks", "--dir", directory_.path(), "--with", other});
  };
  EXPECT_EQ(torture(program_), kOk) << output_ << error_;
  EXPECT_THAT(output_, AllOf(HasSubstr("\"violations\":0,"), HasSubstr("\"starts_with\":"),
                             Not(HasSubstr("\"starts_with\":0,"))));
  EXPECT_EQ(torture(directory_.path_of("nowhere")), kUsage) << error_;
  // A program that does not understand the order is found out.
  EXPECT_EQ(torture("/bin/false"), kDamage) << error_;
}

TEST_F(ProgramTest, ReturnsFiveForWhatIsNoStoreAndMakesNothing) {
  const auto before = files_below(directory_.path());
  for (const char* command : {"ls", "check", "status"}) {
    EXPECT_EQ(run({command}), kRefused) << command << ": " << error_;
    EXPECT_THAT(error_, HasSubstr(path_));
    EXPECT_FALSE(fs::exists(path_)) << command;
  }
  EXPECT_EQ(run({"put", "key", "value"}), kRefused) << error_;
  EXPECT_FALSE(fs::exists(path_));
  write_file(path_, "precious");
  for (const char* command : {"ls", "init", "check"}) {
    EXPECT_EQ(run({command}), kRefused) << command << ": " << error_;
  }
  EXPECT_EQ(read_file(path_), "precious");
}

}  // namespace
}  // namespace holdfast
