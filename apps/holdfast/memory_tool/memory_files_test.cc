// What differs from the reference on purpose, and what it cannot show; the rest is held against the
// reference itself by tests/conformance/memory_tool_test.py.
#include "memory_tool/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/space.h"
#include "holdfast/store.h"
#include "memory_tool/memory_path.h"

namespace holdfast::memory_tool {
namespace {

using cli::Json;
using testing::HasSubstr;

class MemoryFilesTest : public testing::Test {
 protected:
  MemoryFilesTest() : store_(*Store::memory()), space_(*store_.space("test")) {}

  // What a command answers, in a transaction of its own as the program runs it.
  std::string run(const char* command) {
    std::string text;
    const auto done = store_.update([&](Transaction& transaction) -> Status {
      const MemoryFiles files(space_.kv(transaction));
      HOLDFAST_ASSIGN(text, files.run(Json::parse(command)));
      return Status::ok();
    });
    return done ? text : std::string(done.status().message());
  }
  std::string content(const std::string& path) { return space_.kv().get(path)->value_or("(none)"); }

  Store store_;
  Space space_;
};

TEST_F(MemoryFilesTest, ATextOfSeveralLinesCanBeReplaced) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one\ntwo\nthree"})");
  EXPECT_THAT(
      run(R"({"command":"str_replace","path":"/memories/a","old_str":"e\ntwo\nt","new_str":"E "})"),
      HasSubstr("     1\tonE hree"));
  EXPECT_EQ(content("a"), "onE hree");
}

TEST_F(MemoryFilesTest, TwoHitsOnOneLineAreTwo) {
  run(R"({"command":"create","path":"/memories/a","file_text":"aa b aa"})");
  EXPECT_THAT(run(R"({"command":"str_replace","path":"/memories/a","old_str":"aa","new_str":"c"})"),
              HasSubstr("Multiple occurrences of old_str `aa` in lines: 1. Please"));
  EXPECT_EQ(content("a"), "aa b aa");
}

TEST_F(MemoryFilesTest, ALeftOutNewTextDeletes) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one two"})");
  run(R"({"command":"str_replace","path":"/memories/a","old_str":" two"})");
  EXPECT_EQ(content("a"), "one");
}

TEST_F(MemoryFilesTest, OnlyMemoriesItselfBeginsAPath) {
  EXPECT_EQ(run(R"({"command":"view","path":"/memoriesX"})"),
            "Path must start with /memories, got: /memoriesX");
}

TEST_F(MemoryFilesTest, NoPathLeadsOut) {
  for (const char* path :
       {"/memories/..", "/memories/a/../..", "/memories/%2e%2E/x", "/memories/%252e%252e/x",
        "/memories/.%2e", "/memories/a\\b", "/memories/a%2f..", "/memories/a\nb"}) {
    EXPECT_THAT(std::string(relative_path(path).status().message()), HasSubstr("would escape"))
        << path;
  }
  EXPECT_EQ(*relative_path("/memories//a/./b/"), "a/b");
  EXPECT_EQ(*relative_path("/memories/..."), "...");
  EXPECT_FALSE(relative_path("/memories/" + std::string(kPathSizeMax + 1, 'a')));
}

TEST_F(MemoryFilesTest, ADirectoryMovesWithEverythingBelowIt) {
  run(R"({"command":"create","path":"/memories/a/b/c","file_text":"x"})");
  run(R"({"command":"rename","old_path":"/memories/a","new_path":"/memories/n/m"})");
  EXPECT_EQ(content("n/m/b/c"), "x");
  EXPECT_EQ(content("a/b/c"), "(none)");
  EXPECT_EQ(content("a/"), "(none)");
  EXPECT_THAT(run(R"({"command":"rename","old_path":"/memories/n","new_path":"/memories/n/x"})"),
              HasSubstr("into itself"));
}

TEST_F(MemoryFilesTest, ARefusedCommandChangesNothing) {
  run(R"({"command":"create","path":"/memories/a","file_text":"x"})");
  EXPECT_THAT(run(R"({"command":"create","path":"/memories/a/b/c","file_text":"y"})"),
              HasSubstr("not a directory"));
  const std::string large(kFileSizeMax, 'x');
  const Json command = {
      {"command", "insert"}, {"path", "/memories/a"}, {"insert_line", 0}, {"insert_text", large}};
  EXPECT_THAT(run(command.dump().c_str()), HasSubstr("too large"));
  EXPECT_EQ(content("a"), "x");
  EXPECT_EQ(space_.kv().list()->size(), 1u);
}

TEST_F(MemoryFilesTest, AMalformedCommandSaysWhatIsMissing) {
  EXPECT_THAT(run("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(run("{}"), HasSubstr("`command`"));
  EXPECT_THAT(run(R"({"command":"destroy"})"), HasSubstr("Unknown command"));
  EXPECT_THAT(run(R"({"command":"view"})"), HasSubstr("`path`"));
  EXPECT_THAT(run(R"({"command":"insert","path":"/memories/a","insert_text":"x"})"),
              HasSubstr("`insert_line`"));
}

TEST(MemoryPathTest, SizesAreShownAsTheReferenceDoes) {
  EXPECT_EQ(size_text(0), "0B");
  EXPECT_EQ(size_text(1023), "1023B");
  EXPECT_EQ(size_text(1024), "1K");
  EXPECT_EQ(size_text(1536), "1.5K");
  EXPECT_EQ(size_text(3u << 20), "3M");
}

}  // namespace
}  // namespace holdfast::memory_tool
