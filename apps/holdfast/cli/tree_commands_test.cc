// fs and graph from end to end.
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

TEST_F(StoreCommandsTest, AGraphComesInAndGoesOutAsTheReferenceKeepsIt) {
  const std::string lines =
      R"({"type":"entity","name":"clock","entityType":"device","observations":["is late"]})"
      "\n"
      R"({"type":"relation","from":"clock","to":"wall","relationType":"hangs on"})";
  const std::string file = temporary_.path_of("memory.jsonl");
  EXPECT_TRUE(write_file(file, lines));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run({"graph", "import", file, "--json"}), kExitOk) << error_;
    EXPECT_EQ(json()["entities"], 1);
    EXPECT_EQ(run({"graph", "export"}), kExitOk);
    EXPECT_EQ(out_, lines + "\n");
  }
  const std::string again = temporary_.path_of("again.jsonl");
  EXPECT_EQ(run({"graph", "export", "--file", again}), kExitOk) << error_;
  EXPECT_EQ(*read_file(again), lines);
  EXPECT_TRUE(write_file(file, "no JSON"));
  EXPECT_NE(run({"graph", "import", file}), kExitOk);
  EXPECT_THAT(error_, HasSubstr("line 1"));
}

}  // namespace
}  // namespace holdfast::cli
