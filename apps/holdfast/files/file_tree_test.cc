#include "files/file_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "cli/files.h"
#include "files/transfer.h"
#include "holdfast/holdfast.h"
#include "support/temporary_directory.h"

namespace holdfast::files {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class FileTreeTest : public testing::Test {
 protected:
  Status change(const std::function<Status(const FileTree& tree)>& work) {
    return store_
        .update([&](Transaction& transaction) { return work(FileTree(files_.kv(transaction))); })
        .status();
  }
  Status write(const std::string& path, const std::string& content) {
    return write_file(store_, files_, {.path = path},
                      [&](NewContent& file) { return file.append(content); });
  }
  std::string read(const std::string& path) {
    std::string content;
    const Status status = read_file(files_.kv(), path, [&](std::string_view piece) {
      content += piece;
      return Status::ok();
    });
    return status ? content : status.to_string();
  }
  std::vector<std::string> list(const std::string& path, bool deep = false) {
    const auto nodes = FileTree(files_.kv()).list(path, deep);
    EXPECT_TRUE(nodes) << nodes.status().to_string();
    std::vector<std::string> paths;
    for (const Node& node : *nodes) paths.push_back(node.path);
    return paths;
  }
  // Keys of the space, contents included.
  size_t rows() { return files_.kv().list({.keys_only = true})->size(); }

  const Progress ignored_ = [](const TransferReport&) {};
  TemporaryDirectory directory_;
  Store store_ = *Store::open(directory_.path_of("store"), {.durability = Durability::batched});
  Space files_ = *files_space(*store_.space("test"));
};

TEST_F(FileTreeTest, AFileIsReadAsItWasWritten) {
  const std::string large(kInlineSizeMax * 3, 'x');
  EXPECT_TRUE(write("a/b/small", "one\n"));
  EXPECT_TRUE(write("a/large", large));
  EXPECT_TRUE(write("empty", ""));
  EXPECT_EQ(read("a/b/small"), "one\n");
  EXPECT_EQ(read("a/large"), large);
  EXPECT_EQ(read("empty"), "");
  EXPECT_THAT(list(""), ElementsAre("a", "empty"));
  EXPECT_TRUE(write("a-b", "beside"));
  EXPECT_THAT(list("a", true), ElementsAre("a/b", "a/b/small", "a/large"));
  EXPECT_THAT(list("a"), ElementsAre("a/b", "a/large"));
  EXPECT_EQ(FileTree(files_.kv()).get("a/large")->size, large.size());
}

TEST_F(FileTreeTest, WritingAgainLeavesNoContentBehind) {
  EXPECT_TRUE(write("f", "one"));
  const size_t before = rows();
  EXPECT_TRUE(write("f", std::string(kInlineSizeMax * 2, 'x')));
  EXPECT_TRUE(write("f", "two"));
  EXPECT_EQ(read("f"), "two");
  EXPECT_EQ(rows(), before);
  EXPECT_TRUE(change([](const FileTree& tree) { return tree.remove("f", false).status(); }));
  EXPECT_EQ(rows(), 0u);
}

TEST_F(FileTreeTest, AFolderMovesWithAllThatIsInIt) {
  EXPECT_TRUE(write("a/b/c", "deep"));
  EXPECT_TRUE(write("ab", "beside"));
  EXPECT_TRUE(change([](const FileTree& tree) { return tree.rename("a", "x/y", 1); }));
  EXPECT_EQ(read("x/y/b/c"), "deep");
  EXPECT_THAT(list("", true), ElementsAre("ab", "x", "x/y", "x/y/b", "x/y/b/c"));
}

TEST_F(FileTreeTest, WhatWouldTearTheTreeIsRefused) {
  EXPECT_TRUE(write("f", "file"));
  EXPECT_TRUE(write("d/g", "file"));
  const auto code = [&](const std::function<Status(const FileTree& tree)>& work) {
    return change(work).code();
  };
  EXPECT_EQ(write("f/below", "x").code(), StatusCode::kConditionFalse);
  EXPECT_EQ(write("d", "x").code(), StatusCode::kConditionFalse);
  EXPECT_EQ(write("", "x").code(), StatusCode::kConditionFalse);
  const auto move = [&](const char* from, const char* to) {
    return code([&](const FileTree& tree) { return tree.rename(from, to, 1); });
  };
  EXPECT_EQ(move("d", "d/inside"), StatusCode::kConditionFalse);
  EXPECT_EQ(move("f", "d"), StatusCode::kConditionFalse);
  EXPECT_EQ(move("nothing", "x"), StatusCode::kNotFound);
  EXPECT_EQ(move("", "x"), StatusCode::kConditionFalse);
  const auto remove = [&](const char* path, bool deep) {
    return code([&](const FileTree& tree) { return tree.remove(path, deep).status(); });
  };
  EXPECT_EQ(remove("d", false), StatusCode::kConditionFalse);
  EXPECT_EQ(remove("nothing", true), StatusCode::kNotFound);
  EXPECT_EQ(remove("", true), StatusCode::kOk);
  EXPECT_THAT(list(""), IsEmpty());
  EXPECT_EQ(rows(), 0u);
}

TEST_F(FileTreeTest, APathLeadsNowhereElse) {
  for (const char* bad : {"..", "a/../b", "./a", "a//b", "//", "a/..", "\xff"}) {
    EXPECT_EQ(checked_path(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(checked_path(std::string("a\0b", 3)).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(checked_path(std::string(1'000, 'a')).status().code(), StatusCode::kTooLarge);
  EXPECT_EQ(*checked_path("/a/b/"), "a/b");
  EXPECT_EQ(*checked_path("..."), "...");
  EXPECT_EQ(*checked_path("/"), "");
}

TEST_F(FileTreeTest, ATreeComesInAndGoesOutAsItWas) {
  const fs::path source = directory_.path_of("source");
  fs::create_directories(source / "empty");
  fs::create_directories(source / "deep/er");
  std::ofstream(source / "deep/er/file") << "content";
  ::chmod((source / "deep/er/file").c_str(), 0750);
  ::chmod((source / "deep").c_str(), 0500);
  fs::create_symlink("../nowhere", source / "link");
  const auto first = bring_in(store_, files_, source.string(), "tree", ignored_);
  ASSERT_TRUE(first) << first.status().to_string();
  EXPECT_EQ(first->files, 2u);
  EXPECT_EQ(first->folders, 4u);
  const auto again = bring_in(store_, files_, source.string(), "tree", ignored_);
  EXPECT_EQ(again->unchanged, 2u);
  EXPECT_EQ(again->bytes, 0u);

  const fs::path target = directory_.path_of("target");
  const auto out = take_out(files_.kv(), "tree", target.string(), ignored_);
  ASSERT_TRUE(out) << out.status().to_string();
  EXPECT_TRUE(fs::is_directory(target / "empty"));
  EXPECT_EQ(fs::read_symlink(target / "link"), "../nowhere");
  for (const char* path : {"deep", "deep/er", "deep/er/file"}) {
    struct stat before {
    }, after{};
    EXPECT_EQ(::stat((source / path).c_str(), &before), 0);
    EXPECT_EQ(::stat((target / path).c_str(), &after), 0);
    EXPECT_EQ(after.st_mode, before.st_mode) << path;
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec) << path;
  }
  for (const fs::path& tree : {source, target}) ::chmod((tree / "deep").c_str(), 0700);
  EXPECT_EQ(take_out(files_.kv(), "tree", target.string(), ignored_).status().code(),
            StatusCode::kConditionFalse)
      << "nothing is written over";
}

TEST_F(FileTreeTest, MoreFilesThanOneCommitTakesComeIn) {
  const fs::path source = directory_.path_of("source");
  fs::create_directories(source);
  for (int i = 0; i < 200; ++i) std::ofstream(source / std::to_string(i)) << i;
  std::ofstream(source / "no \xff text") << "skipped";
  uint64_t seen = 0;
  const auto report = bring_in(store_, files_, source.string(), "",
                               [&](const TransferReport& so_far) { seen = so_far.files; });
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_EQ(report->files, 200u);
  EXPECT_EQ(report->skipped, 1u);
  EXPECT_GT(seen, 100u);
  EXPECT_THAT(report->first_skipped, testing::HasSubstr("no "));
  EXPECT_EQ(list("").size(), 200u);
  EXPECT_EQ(read("199"), "199");
}

TEST_F(FileTreeTest, ALargeFolderGoesInSteps) {
  for (const char* path : {"d/a/b", "d/a-c", "d/e/f/g", "h"}) EXPECT_TRUE(write(path, "x"));
  EXPECT_EQ(FileTree(files_.kv()).doomed("d", true)->size(), 7u);
  size_t steps = 0;
  for (bool is_gone = false; !is_gone; ++steps) {
    ASSERT_TRUE(change([&](const FileTree& tree) -> Status {
      HOLDFAST_ASSIGN(is_gone, tree.remove("d", true, 2));
      return Status::ok();
    }));
    for (const std::string& path : list("", true)) {
      const fs::path folder = fs::path(path).parent_path();
      EXPECT_TRUE(*FileTree(files_.kv()).find(folder)) << path << " is in no folder";
    }
  }
  EXPECT_EQ(steps, 4u);
  EXPECT_THAT(list("", true), ElementsAre("h"));
  EXPECT_EQ(rows(), 2u);
}

TEST_F(FileTreeTest, NothingIsWrittenThroughALink) {
  EXPECT_TRUE(write("f", "mine"));
  const std::string victim = directory_.path_of("victim");
  const std::string target = directory_.path_of("f");
  std::ofstream(victim) << "theirs";
  fs::create_symlink(victim, target);
  EXPECT_TRUE(take_out(files_.kv(), "f", target, ignored_));
  EXPECT_EQ(*cli::read_file(victim), "theirs");
  EXPECT_EQ(*cli::read_file(target), "mine");
  EXPECT_FALSE(fs::is_symlink(target));
}

}  // namespace
}  // namespace holdfast::files
