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
  for (const char* path : {"/memories/..", "/memories/a/../..", "/memories/%2e%2E/x",
                           "/memories/%252e%252e/x", "/memories/.%2e", "/memories/a\\b",
                           "/memories/a%5c..", "/memories/a%2f..", "/memories/a\nb"}) {
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

TEST_F(MemoryFilesTest, HitsThatOverlapAreTwo) {
  run(R"({"command":"create","path":"/memories/a","file_text":"aaa"})");
  EXPECT_THAT(run(R"({"command":"str_replace","path":"/memories/a","old_str":"aa","new_str":"c"})"),
              HasSubstr("Multiple occurrences"));
}

// Each took a time that grew with the square of the file, and the answer with the file.
TEST_F(MemoryFilesTest, ATextThatIsEverywhereIsRefusedAtOnceAndInShort) {
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += "a\n";
  Json command = {{"command", "create"}, {"path", "/memories/a"}, {"file_text", many}};
  run(command.dump().c_str());
  std::string said =
      run(R"({"command":"str_replace","path":"/memories/a","old_str":"a","new_str":"b"})");
  EXPECT_THAT(said, HasSubstr("in lines: 1, 2, 3, "));
  EXPECT_THAT(said, HasSubstr("999, 1000, .... Please ensure it is unique"));
  const std::string same(500'000, 'a');
  command = {{"command", "create"}, {"path", "/memories/b"}, {"file_text", same + same}};
  run(command.dump().c_str());
  command = {{"command", "str_replace"}, {"path", "/memories/b"}, {"old_str", same}};
  EXPECT_THAT(run(command.dump().c_str()), HasSubstr("in lines: 1. Please"));
  command["old_str"] = same + "b";
  EXPECT_THAT(run(command.dump().c_str()), HasSubstr("did not appear"));
}

TEST_F(MemoryFilesTest, AnEndlessPathIsRefusedAtOnce) {
  std::string path = "/memories/%";
  for (int i = 0; i < 1'000'000; ++i) path += "25";
  EXPECT_THAT(std::string(relative_path(path).status().message()), HasSubstr("too long"));
}

TEST_F(MemoryFilesTest, NumbersThatNoFileHasLinesForAreNoAccident) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one\ntwo"})");
  for (const char* number : {"1e300", "-1e300", "18446744073709551615"}) {
    const std::string insert = std::string(R"({"command":"insert","path":"/memories/a",)") +
                               R"("insert_text":"x","insert_line":)" + number + "}";
    EXPECT_THAT(run(insert.c_str()), HasSubstr("within the range of lines of the file: [0, 2]"));
    const std::string view = std::string(R"({"command":"view","path":"/memories/a",)") +
                             R"("view_range":[1,)" + number + "]}";
    EXPECT_THAT(run(view.c_str()), HasSubstr("with line numbers")) << number;
  }
  EXPECT_THAT(run(R"({"command":"view","path":"/memories/a","view_range":[1,1.5]})"),
              HasSubstr("Invalid `view_range`"));
  EXPECT_EQ(content("a"), "one\ntwo");
}

TEST_F(MemoryFilesTest, ALongFileIsShownAPieceAtATime) {
  std::string text;
  for (int i = 1; i <= 10'000; ++i)
    text += "line " + std::to_string(i) + std::string(90, '.') + "\n";
  Json command = {{"command", "create"}, {"path", "/memories/a"}, {"file_text", text}};
  run(command.dump().c_str());
  const std::string first = run(R"({"command":"view","path":"/memories/a"})");
  EXPECT_LT(first.size(), kViewSizeMax + 1'000);
  const size_t at = first.find("\n(Lines ");
  ASSERT_NE(at, std::string::npos);
  const std::string next = first.substr(at + 8, first.find(' ', at + 8) - at - 8);
  EXPECT_THAT(first, HasSubstr("to 10001 are not shown. Use `view_range`"));
  const std::string second =
      run((R"({"command":"view","path":"/memories/a","view_range":[)" + next + ",-1]}").c_str());
  EXPECT_THAT(second, HasSubstr(next + "\tline " + next + "."));
  EXPECT_EQ(first.find("\tline " + next + "."), std::string::npos);
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
