// What was done to the memory's files is listed and taken back.
#include "memory_tool/memory_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/store.h"

namespace holdfast::memory_tool {
namespace {

using cli::Json;
using testing::ElementsAre;
using testing::HasSubstr;

class MemoryLogTest : public testing::Test {
 protected:
  MemoryLogTest() : store_(*Store::memory()), files_(*memories_space(*store_.space("test"))) {}

  std::string run(const char* command) {
    const auto text = log_.run(store_, Json::parse(command));
    return text ? *text : std::string(text.status().message());
  }
  // "ok", or why not.
  std::string undo(std::optional<uint64_t> number = {}) {
    const auto undone = log_.undo(store_, number);
    return undone ? "ok" : std::string(undone.status().message());
  }
  std::string content(const std::string& path) { return files_.kv().get(path)->value_or("(none)"); }
  // Number, command and whether it was undone, newest first.
  std::vector<std::string> listed() {
    std::vector<std::string> lines;
    const auto changes = log_.changes();
    for (const MemoryChange& change : *changes) {
      lines.push_back(std::to_string(change.number) + " " + change.command + " " + change.path +
                      (change.undone ? " undone" : ""));
    }
    return lines;
  }

  Store store_;
  Space files_;
  MemoryLog log_{files_};
};

TEST_F(MemoryLogTest, WhatChangedSomethingIsListed) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one"})");
  run(R"({"command":"view","path":"/memories/a"})");
  run(R"({"command":"str_replace","path":"/memories/a","old_str":"two","new_str":"three"})");
  run(R"({"command":"str_replace","path":"/memories/a","old_str":"one","new_str":"two"})");
  run(R"({"command":"rename","old_path":"/memories/a","new_path":"/memories/b"})");
  EXPECT_THAT(listed(), ElementsAre("3 rename /memories/a", "2 str_replace /memories/a",
                                    "1 create /memories/a"));
  EXPECT_EQ(log_.changes()->at(0).to, "/memories/b");
}

TEST_F(MemoryLogTest, WhatWasDoneToManyFilesIsUndone) {
  constexpr int kFiles = 1'500;  // more than a page of a list
  run(R"({"command":"create","path":"/memories/many/0","file_text":"0"})");
  ASSERT_TRUE(store_.update([&](Transaction& transaction) -> Status {
    for (int i = 1; i < kFiles; ++i) {
      HOLDFAST_TRY(files_.kv(transaction).put("many/" + std::to_string(i), std::to_string(i)));
    }
    return Status::ok();
  }));
  run(R"({"command":"delete","path":"/memories/many"})");
  EXPECT_EQ(content("many/999"), "(none)");
  EXPECT_EQ(undo(), "ok");
  for (int i = 0; i < kFiles; ++i) {
    EXPECT_EQ(content("many/" + std::to_string(i)), std::to_string(i));
  }
}

TEST_F(MemoryLogTest, OneAfterTheOtherIsUndone) {
  run(R"({"command":"create","path":"/memories/a/b","file_text":"one"})");
  run(R"({"command":"insert","path":"/memories/a/b","insert_line":1,"insert_text":"two"})");
  run(R"({"command":"delete","path":"/memories/a"})");
  EXPECT_EQ(content("a/b"), "(none)");
  EXPECT_EQ(undo(), "ok");
  EXPECT_EQ(content("a/b"), "one\ntwo");
  EXPECT_EQ(undo(), "ok");
  EXPECT_EQ(content("a/b"), "one");
  EXPECT_EQ(undo(), "ok");
  EXPECT_EQ(content("a/b"), "(none)");
  EXPECT_EQ(content("a/"), "(none)");
  EXPECT_EQ(undo(), "there is nothing to undo");
}

TEST_F(MemoryLogTest, AnUndoingIsUndone) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one"})");
  run(R"({"command":"delete","path":"/memories/a"})");
  EXPECT_EQ(undo(), "ok");
  EXPECT_EQ(undo(3), "ok");
  EXPECT_EQ(content("a"), "(none)");
  EXPECT_THAT(listed(), ElementsAre("4 undo /memories/a", "3 undo /memories/a undone",
                                    "2 delete /memories/a", "1 create /memories/a"));
  EXPECT_EQ(undo(3), "change 3 was undone before");
}

TEST_F(MemoryLogTest, WhatWasChangedSinceIsLeftAsItIs) {
  run(R"({"command":"create","path":"/memories/a","file_text":"one"})");
  run(R"({"command":"str_replace","path":"/memories/a","old_str":"one","new_str":"two"})");
  EXPECT_THAT(undo(1), HasSubstr("/memories/a was changed again since"));
  EXPECT_EQ(content("a"), "two");
  run(R"({"command":"delete","path":"/memories/a"})");
  run(R"({"command":"create","path":"/memories/a/x","file_text":"a folder now"})");
  EXPECT_THAT(undo(3), HasSubstr("There is another /memories/a now"));
  EXPECT_THAT(undo(17), HasSubstr("there is no change 17"));
  EXPECT_EQ(listed().size(), 4u);
}

TEST_F(MemoryLogTest, AFolderThatOthersUseStays) {
  run(R"({"command":"create","path":"/memories/a/b","file_text":"one"})");
  run(R"({"command":"create","path":"/memories/a/c","file_text":"two"})");
  EXPECT_EQ(undo(1), "ok");
  EXPECT_EQ(content("a/b"), "(none)");
  EXPECT_EQ(content("a/c"), "two");
  EXPECT_THAT(run(R"({"command":"view","path":"/memories"})"), HasSubstr("/memories/a/c"));
}

TEST_F(MemoryLogTest, ARenamedFolderComesBackWithWhatIsInIt) {
  run(R"({"command":"create","path":"/memories/a/b/c","file_text":"one"})");
  run(R"({"command":"rename","old_path":"/memories/a","new_path":"/memories/x/y"})");
  EXPECT_EQ(content("x/y/b/c"), "one");
  EXPECT_EQ(undo(2), "ok");
  EXPECT_EQ(content("a/b/c"), "one");
  EXPECT_EQ(content("x/"), "(none)");
}

TEST_F(MemoryLogTest, AViewWritesNothing) {
  run(R"({"command":"view","path":"/memories"})");
  EXPECT_TRUE(files_.kv().histories()->empty());
}

TEST_F(MemoryLogTest, SecretsAreLeftOutAndTheModelIsTold) {
  const std::string said = run(R"({"command":"create","path":"/memories/a",
                                   "file_text":"ghp_abcdefghijklmnopqrstuvwxyz0123456789"})");
  EXPECT_EQ(said,
            "File created successfully at: /memories/a\n(A secret was left out: github-token.)");
  EXPECT_EQ(content("a"), "[redacted:github-token]");
}

}  // namespace
}  // namespace holdfast::memory_tool
