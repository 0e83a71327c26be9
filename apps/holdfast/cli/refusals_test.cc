// What commands refuse that they cannot do as they were told, and with which exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/commands_fixture.h"
#include "cli/files.h"

namespace holdfast::cli {
namespace {

using ::testing::HasSubstr;

class RefusalsTest : public StoreCommandsTest {
 protected:
  void expect_refused(const std::vector<std::string>& words, int exit_code,
                      const std::string& why) {
    EXPECT_EQ(run(words), exit_code) << ::testing::PrintToString(words);
    EXPECT_THAT(error_, HasSubstr(why));
  }
  std::string plan(const std::string& steps) {
    const std::string path = temporary_.path_of("plan.json");
    EXPECT_TRUE(write_file(path, R"({"name":"p","steps":[)" + steps + "]}"));
    return path;
  }
};

TEST_F(RefusalsTest, ACacheEntryThatIsThereOrIsNot) {
  EXPECT_EQ(run({"cache", "put", "k", "a"}), kExitOk) << error_;
  expect_refused({"cache", "put", "k", "b", "--only-absent"}, kExitNotFound, "there is an entry");
  expect_refused({"cache", "remove", "other"}, kExitNotFound, "no entry \"other\"");
  expect_refused({"cache", "remove", "k", "--tag", "t"}, kExitUsage, "not both");
  EXPECT_EQ(run({"cache", "get", "k"}), kExitOk);
  EXPECT_EQ(out_, "a");
}

TEST_F(RefusalsTest, APlanWhoseStepsAreNotInOrder) {
  const auto twice = plan(R"({"key":"a","run":"true"},{"key":"a","run":"true"})");
  expect_refused({"run", "exec", twice}, kExitUsage, "step 2 has the key \"a\" of one before");
  const auto forward = plan(R"({"key":"a","run":"true","after":["b"]},{"key":"b","run":"true"})");
  expect_refused({"run", "exec", forward}, kExitUsage, "step 1 waits for \"b\"");
}

TEST_F(RefusalsTest, WhatIsNoFileAndNamesThatNoDiskHas) {
  const std::string pipe = temporary_.path_of("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_refused({"fs", "put", pipe, "/q"}, kExitUsage, "is no file, folder or link");
  const std::string file = temporary_.path_of("file");
  ASSERT_TRUE(write_file(file, "a"));
  expect_refused({"fs", "put", file, "/d/" + std::string(256, 'n')}, kExitUsage, "255 bytes");
  EXPECT_EQ(run({"fs", "put", file, "/d/" + std::string(255, 'n')}), kExitOk) << error_;
}

TEST_F(RefusalsTest, AFolderOfMemoriesThatIsNot) {
  EXPECT_EQ(run({"memories", "ls"}), kExitOk) << error_;
  expect_refused({"memories", "ls", "/memories/none"}, kExitNotFound, "no folder /memories/none");
}

}  // namespace
}  // namespace holdfast::cli
