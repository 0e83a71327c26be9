// fs from end to end.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "cli/commands_fixture.h"
#include "cli/files.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST_F(StoreCommandsTest, FilesArePutListedMovedAndRemoved) {
  const std::string source = temporary_.path_of("notes.md");
  std::ofstream(source) << "one\n";
  EXPECT_EQ(run({"fs", "put", source, "/plans/notes.md"}), kExitOk) << error_;
  EXPECT_EQ(out_, "1 file, 4 B put\n");
  EXPECT_EQ(run({"fs", "put", source, "/plans/notes.md", "--json"}), kExitOk);
  EXPECT_EQ(json()["unchanged"], 1);
  EXPECT_EQ(run({"fs", "cat", "plans/notes.md"}), kExitOk);
  EXPECT_EQ(out_, "one\n");
  EXPECT_EQ(run({"fs", "ls", "/plans", "--json"}), kExitOk);
  EXPECT_EQ(json()["path"], "/plans/notes.md");
  EXPECT_EQ(json()["size"], 4);
  EXPECT_EQ(run({"fs", "mv", "/plans", "/old/plans"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "ls", "-r"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("/old/plans/notes.md"));
  EXPECT_EQ(run({"fs", "mv", "/plans", "/x"}), kExitNotFound);
  EXPECT_EQ(run({"fs", "rm", "/old"}), kExitNotFound) << "it is not empty";
  EXPECT_EQ(run({"fs", "rm", "-r", "/old", "--dry-run"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("/old/plans/notes.md"));
  EXPECT_EQ(run({"fs", "rm", "-r", "/old"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "ls", "-r"}), kExitOk);
  EXPECT_EQ(out_, "");
}

TEST_F(StoreCommandsTest, ATreeOfFilesComesInAndGoesOut) {
  const std::string source = temporary_.path_of("source");
  fs::create_directories(source + "/deep");
  std::ofstream(source + "/deep/file") << "content";
  EXPECT_EQ(run({"fs", "put", source, "/"}), kExitOk) << error_;
  const std::string target = temporary_.path_of("target");
  EXPECT_EQ(run({"fs", "get", "/", target, "--json"}), kExitOk) << error_;
  EXPECT_EQ(json()["files"], 1);
  EXPECT_EQ(*read_file(target + "/deep/file"), "content");
  EXPECT_EQ(run({"fs", "get", "/", target}), kExitNotFound) << "nothing is written over";
  EXPECT_EQ(run({"fs", "put", temporary_.path_of("nothing"), "/x"}), kExitUsage);
  EXPECT_EQ(run({"fs", "put", source, "/../x"}), kExitUsage);
}

}  // namespace
}  // namespace holdfast::cli
