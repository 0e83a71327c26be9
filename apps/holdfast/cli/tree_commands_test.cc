// fs, graph, tables and dry runs from end to end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "cli/commands_fixture.h"
#include "cli/files.h"
#include "memory_tool/memory_log.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A model's commands, in the space of the tests.
class MemoryTool {
 public:
  explicit MemoryTool(const std::string& path) : store_(*Store::open(path)) {}

  void run(const char* command) {
    const memory_tool::MemoryLog log(*memory_tool::memories_space(*store_.space("test")));
    EXPECT_TRUE(log.run(store_, Json::parse(command)));
  }

 private:
  Store store_;
};

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

TEST_F(StoreCommandsTest, FilesAreWrittenInPlaceCopiedAndLinked) {
  EXPECT_EQ(run({"fs", "write", "/log", "one"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "write", "/log", " two", "--append"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "write", "/log", "ON", "--offset", "0"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "write", "/log", "x", "--offset", "0", "--append"}), kExitUsage);
  EXPECT_EQ(run({"fs", "cat", "/log"}), kExitOk);
  EXPECT_EQ(out_, "ONe two");
  EXPECT_EQ(run({"fs", "cat", "/log", "--offset", "4", "--size", "2"}), kExitOk);
  EXPECT_EQ(out_, "tw");
  EXPECT_EQ(run({"fs", "truncate", "/log", "2"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "write", "/log", "z", "--offset", "4"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "cat", "/log"}), kExitOk);
  EXPECT_EQ(out_, std::string("ON\0\0z", 5)) << "zeros stand where nothing was written";
  EXPECT_EQ(run({"fs", "mkdir", "/a/b"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "mkdir", "/log/b"}), kExitNotFound);
  EXPECT_EQ(run({"fs", "cp", "/log", "/a/b/log"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "ln", "b/log", "/a/link"}), kExitOk) << error_;
  EXPECT_EQ(run({"fs", "ln", "b/log", "/a/link"}), kExitNotFound) << "it is there already";
  EXPECT_EQ(run({"fs", "cat", "/a/link"}), kExitOk) << error_;
  EXPECT_EQ(out_.size(), 5u);
  EXPECT_EQ(run({"fs", "stat", "/a/link", "--json"}), kExitOk);
  EXPECT_EQ(json()["leads_to"], "/a/b/log");
  EXPECT_EQ(run({"fs", "stat"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("bytes    10 B\n"));
  EXPECT_EQ(run({"fs", "stat", "/none"}), kExitNotFound);
}

TEST_F(StoreCommandsTest, WhatAModelKeepsIsShownAndUndone) {
  MemoryTool tool(store_);
  tool.run(R"({"command":"create","path":"/memories/plans/a.md","file_text":"one"})");
  EXPECT_EQ(run({"memories", "history", "--json"}), kExitOk) << error_;
  const std::string version = json()["version"].dump();
  tool.run(
      R"({"command":"str_replace","path":"/memories/plans/a.md","old_str":"one","new_str":"two"})");
  EXPECT_EQ(run({"memories", "ls"}), kExitOk) << error_;
  EXPECT_THAT(out_, HasSubstr("/memories/plans/a.md"));
  EXPECT_EQ(run({"memories", "cat", "/memories/plans/a.md"}), kExitOk) << error_;
  EXPECT_EQ(out_, "two");
  EXPECT_EQ(run({"memories", "cat", "/memories/plans/a.md", "--at", version}), kExitOk) << error_;
  EXPECT_EQ(out_, "one");
  EXPECT_EQ(run({"memories", "cat", "/memories/none"}), kExitNotFound);
  EXPECT_EQ(run({"memories", "cat", "plans/a.md"}), kExitOk) << "for short";
  EXPECT_EQ(run({"memories", "cat", "../a.md"}), kExitUsage);
  EXPECT_EQ(run({"memories", "undo", "1"}), kExitNotFound);
  EXPECT_THAT(error_, HasSubstr("was changed again since"));
  EXPECT_EQ(run({"memories", "undo"}), kExitOk) << error_;
  EXPECT_EQ(out_, "Undone: 2, str_replace /memories/plans/a.md\n");
  EXPECT_EQ(run({"memories", "cat", "/memories/plans/a.md"}), kExitOk);
  EXPECT_EQ(out_, "one");
  EXPECT_EQ(run({"memories", "history", "/memories/other"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"memories", "history", "/memories/plans"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("undo 2"));
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
    EXPECT_EQ(json()["new_entities"], i == 0 ? 1 : 0);
    EXPECT_EQ(json()["new_relations"], i == 0 ? 1 : 0);
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

class DryRunTest : public StoreCommandsTest {
 protected:
  std::string id_of(std::vector<std::string> words) {
    words.push_back("--json");
    EXPECT_EQ(run(words), kExitOk) << words[0] << ": " << error_;
    return json()["id"].get<std::string>();
  }
  // Twice as a dry run, which says the same both times, then in earnest.
  void expect(const std::vector<std::string>& words, const std::string& said) {
    expect_dry(words, said);
    expect_dry(words, said);
    EXPECT_EQ(run(words), kExitOk) << words[0] << ": " << error_;
  }
  void expect_dry(std::vector<std::string> words, const std::string& said) {
    words.insert(words.end(), {"--dry-run", "--json"});
    EXPECT_EQ(run(words), kExitOk) << words[0] << ": " << error_;
    EXPECT_THAT(out_, HasSubstr(said));
  }
};

TEST_F(DryRunTest, SaysWhatWouldGoAndTakesNothing) {
  EXPECT_EQ(run({"link", "add", "a", "fixes", "b"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "append", "log", "one"}), kExitOk);
  EXPECT_EQ(run({"cache", "put", "key", "value"}), kExitOk);
  EXPECT_EQ(run({"artifact", "put", "report", "one"}), kExitOk);
  EXPECT_EQ(run({"artifact", "put", "report", "two"}), kExitOk);
  EXPECT_EQ(run({"run", "start", "deploy"}), kExitOk);
  const std::string id = out_.substr(0, out_.find('\n'));
  EXPECT_EQ(run({"run", "finish", id}), kExitOk) << error_;
  EXPECT_EQ(run({"put", "greeting", "hello"}), kExitOk);
  EXPECT_EQ(run({"registry", "put", "tool", "grep", "{}"}), kExitOk) << error_;
  const std::string job = id_of({"queue", "push", "jobs", "one"});
  const std::string record = id_of({"record", "decision", "One store", "--choice", "embedded"});
  const std::string observation = id_of({"remember", "the clock is late"});

  expect_dry({"artifact", "rm", "report"}, R"("versions":2)");
  expect_dry({"space", "delete", "test"}, R"("spaces":1)");
  expect({"link", "remove-end", "a"}, R"("removed":1)");
  expect({"event", "remove", "log"}, R"("events":1)");
  expect({"cache", "clear"}, R"("entries":1)");
  expect({"artifact", "prune", "report", "--keep", "1"}, R"("removed":1)");
  expect({"run", "remove", id}, R"("name":"deploy")");
  expect({"del", "greeting"}, R"("bytes":5)");
  expect({"registry", "rm", "tool", "grep"}, R"("version":1)");
  expect({"queue", "remove", "jobs", job}, R"("payload":"one")");
  expect({"record", "rm", record}, "One store");
  expect({"forget", "--purge", observation}, "the clock is late");
  EXPECT_EQ(run({"run", "show", id}), kExitNotFound) << "the last time it was done";
}

TEST_F(DryRunTest, SaysWhatUpkeepWouldLetGoOf) {
  for (const std::string stream : {"kept", "trimmed"}) {
    for (const std::string data : {"one", "two", "three"}) {
      EXPECT_EQ(run({"event", "append", stream, data}), kExitOk) << error_;
    }
  }
  EXPECT_EQ(run({"event", "seek", "kept", "me", "2"}), kExitOk) << error_;
  EXPECT_EQ(run({"event", "retain", "trimmed", "--count", "1"}), kExitOk) << error_;
  EXPECT_EQ(run({"history", "keep", "kept/"}), kExitOk) << error_;
  EXPECT_EQ(run({"snapshot", "create", "before"}), kExitOk) << error_;
  const std::string large = temporary_.path_of("large");
  EXPECT_TRUE(write_file(large, std::string(2 << 20, 'x')));
  EXPECT_EQ(run({"artifact", "put", "large", "--file", large}), kExitOk) << error_;
  EXPECT_EQ(run({"artifact", "rm", "large"}), kExitOk) << error_;

  expect({"event", "remove-consumer", "kept", "me"}, R"("consumer":"me")");
  expect({"event", "retain", "kept", "--count", "1", "--unread-too"}, R"("trimmed":2)");
  expect({"event", "trim", "trimmed"}, R"("trimmed":2)");
  expect({"history", "drop", "kept/"}, R"("prefix":"kept/")");
  expect({"snapshot", "drop", "before"}, R"("name":"before")");
  expect({"blobs", "collect"}, R"("dead_blobs":1)");
  EXPECT_EQ(run({"event", "remove-consumer", "kept", "me", "--dry-run"}), kExitNotFound);
  EXPECT_EQ(run({"history", "drop", "kept/", "--dry-run"}), kExitNotFound);
  EXPECT_EQ(run({"snapshot", "drop", "before", "--dry-run"}), kExitNotFound);
}

TEST_F(DryRunTest, SaysWhichLinksAndEntriesWouldGoAndWhatAGraphWouldAdd) {
  EXPECT_EQ(run({"link", "add", "c", "fixes", "d"}), kExitOk) << error_;
  for (const std::string key : {"one", "two", "three"}) {
    EXPECT_EQ(run({"cache", "put", key, "value", "--tag", key == "one" ? "s" : "t"}), kExitOk);
  }
  const std::string graph = temporary_.path_of("memory.jsonl");
  EXPECT_TRUE(write_file(
      graph, R"({"type":"entity","name":"clock","entityType":"device","observations":["is late"]})"
             "\n"
             R"({"type":"relation","from":"clock","to":"wall","relationType":"hangs on"})"));
  expect({"link", "remove", "c", "fixes", "d"}, R"("from":"c")");
  expect({"cache", "remove", "one"}, R"("removed":1)");
  expect({"cache", "remove", "--tag", "t"}, R"("removed":2)");
  expect({"graph", "import", graph},
         R"({"new_entities":1,"new_observations":1,"new_relations":1})");
  EXPECT_EQ(run({"link", "remove", "c", "fixes", "d", "--dry-run"}), kExitNotFound);
  EXPECT_EQ(run({"graph", "import", graph, "--dry-run"}), kExitOk);
  EXPECT_EQ(out_, "0 entities, 0 observations, 0 relations would be added\n");
}

TEST_F(DryRunTest, IsRefusedWhereNothingIsTakenAway) {
  EXPECT_EQ(run({"history", "keep", "config/", "--dry-run"}), kExitUsage);
  EXPECT_EQ(run({"history", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"snapshot", "create", "before", "--dry-run"}), kExitUsage);
  EXPECT_EQ(run({"snapshot", "list"}), kExitOk);
  EXPECT_EQ(out_, "");
}

// What `print` prints on a terminal of so many columns; nullopt: this machine has no terminals.
std::optional<std::string> printed_on_terminal(uint16_t columns,
                                               const std::function<void(const Output&)>& print) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) return std::nullopt;
  const int end = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  const winsize size = {.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  EXPECT_EQ(::ioctl(end, TIOCSWINSZ, &size), 0);
  std::fflush(stdout);
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(end, STDOUT_FILENO);
  print(Output(false));
  std::fflush(stdout);
  ::dup2(before, STDOUT_FILENO);
  std::string text(4096, '\0');
  const ssize_t count = ::read(terminal, text.data(), text.size());
  for (const int fd : {before, end, terminal}) ::close(fd);
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, count)));
  return text;
}

TEST_F(CommandsTest, ATableIsCutToTheWidthOfTheTerminal) {
  ::setenv("NO_COLOR", "1", 1);
  Table table({"name", "text", "size"});
  table.add({"the name stays", std::string(100, 'x'), "7"});
  const auto text = printed_on_terminal(40, [&](const Output& output) { table.print(output); });
  if (!text) GTEST_SKIP() << "no terminals here";
  EXPECT_EQ(*text,
            "name            text                size\r\n"
            "the name stays  xxxxxxxxxxxxxxx...     7\r\n");
  Table of_times({"id", "time", "kind", "text"});
  of_times.add({"1", "2026-01-31T09:05:00", "", "\u65e5\u672c\u8a9e\u306e\u8a71 is long"});
  EXPECT_EQ(*printed_on_terminal(42, [&](const Output& output) { of_times.print(output); }),
            "id  time                 kind  text\r\n"
            " 1  2026-01-31T09:05:00        \u65e5\u672c\u8a9e\u306e...\r\n")
      << "a wide character takes two columns, and no time is cut where a text can be";
  ::testing::internal::CaptureStdout();
  table.print(Output(false));
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr(std::string(100, 'x')))
      << "a pipe gets all of it";
}

TEST_F(CommandsTest, ColourIsForTerminalsThatWantIt) {
  const auto print = [](const Output& output) { output.line(output.bold("x")); };
  ::unsetenv("NO_COLOR");
  const auto coloured = printed_on_terminal(40, print);
  if (!coloured) GTEST_SKIP() << "no terminals here";
  EXPECT_EQ(*coloured, "\x1b[1mx\x1b[0m\r\n");
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(*printed_on_terminal(40, print), "x\r\n");
  ::unsetenv("NO_COLOR");
  ::testing::internal::CaptureStdout();
  print(Output(false));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "x\n") << "a pipe";
}

TEST_F(StoreCommandsTest, AListOnATerminalShowsAsMuchOfAnIdAsTells) {
  EXPECT_EQ(run({"remember", "the clock is late", "--json"}), kExitOk) << error_;
  const auto id = json()["id"].get<std::string>();
  EXPECT_EQ(run({"list"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr(id));
  EXPECT_EQ(run({"show", id.substr(0, 18)}), kExitOk) << error_;
}

}  // namespace
}  // namespace holdfast::cli
