#include "files/file_edits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files/transfer.h"
#include "holdfast/holdfast.h"
#include "support/temporary_directory.h"

namespace holdfast::files {
namespace {

using testing::HasSubstr;

class FileEditsTest : public testing::Test {
 protected:
  Status write(const std::string& path, const std::string& content) {
    return write_file(store_, files_, {.path = path, .mode = 0600},
                      [&](NewContent& file) { return file.append(content); });
  }
  Status link(const std::string& path, const std::string& target) {
    const auto put = [&](Transaction& transaction) {
      const Node node{.path = path, .type = NodeType::kLink, .target = target};
      return FileTree(files_.kv(transaction)).put(node, 1);
    };
    return store_.update(put).status();
  }
  std::string read(const std::string& path, uint64_t offset = 0, uint64_t size = UINT64_MAX) {
    std::string content;
    const Status status = read_part(files_.kv(), path, offset, size, [&](std::string_view piece) {
      content += piece;
      return Status::ok();
    });
    return status ? content : std::string(status.message());
  }
  std::string resolved(const std::string& path) {
    const auto found = resolved_path(FileTree(files_.kv()), path);
    return found ? *found : std::string(found.status().message());
  }

  TemporaryDirectory directory_;
  Store store_ = *Store::open(directory_.path_of("store"), {.durability = Durability::batched});
  Space files_ = *files_space(*store_.space("test"));
};

TEST_F(FileEditsTest, APartOfAFileIsRead) {
  EXPECT_TRUE(write("small", "0123456789"));
  EXPECT_EQ(read("small", 3, 4), "3456");
  EXPECT_EQ(read("small", 8, 100), "89");
  EXPECT_EQ(read("small", 10), "");
  EXPECT_EQ(read("small", 11, 5), "");
  const std::string large = std::string(3u << 20, 'a') + "bc";
  EXPECT_TRUE(write("large", large));
  EXPECT_EQ(read("large", (3u << 20) - 1, 2), "ab");
  EXPECT_EQ(read("large"), large);
}

TEST_F(FileEditsTest, LinksAreFollowedWithinTheTree) {
  EXPECT_TRUE(write("docs/v1/readme", "one"));
  EXPECT_TRUE(link("docs/latest", "v1"));
  EXPECT_TRUE(link("here", "/docs/latest/readme"));
  EXPECT_TRUE(link("docs/up", "../../../docs/./v1"));
  EXPECT_EQ(resolved("docs/latest/readme"), "docs/v1/readme");
  EXPECT_EQ(read("here"), "one");
  EXPECT_EQ(read("docs/up/readme"), "one") << "above the root is the root";
  EXPECT_EQ(resolved("docs/latest/new"), "docs/v1/new");
  EXPECT_TRUE(link("a", "b"));
  EXPECT_TRUE(link("b", "a"));
  EXPECT_THAT(read("a"), HasSubstr("leads from link to link"));
  EXPECT_THAT(read("here/below"), HasSubstr("is no folder"));
  EXPECT_TRUE(link("out", "/etc/passwd"));
  EXPECT_EQ(read("out"), "there is no /etc/passwd");
}

TEST_F(FileEditsTest, AFileIsChangedInPlace) {
  const auto add = [](std::string& content) {
    content += "x";
    return Status::ok();
  };
  EXPECT_TRUE(write("dir/file", "one"));
  EXPECT_TRUE(link("link", "dir/file"));
  EXPECT_TRUE(edit_file(store_, files_, "link", add));
  EXPECT_EQ(read("dir/file"), "onex");
  EXPECT_EQ(FileTree(files_.kv()).get("dir/file")->mode, 0600u) << "its permissions stay";
  EXPECT_TRUE(edit_file(store_, files_, "new/file", add));
  EXPECT_EQ(read("new/file"), "x");
  EXPECT_EQ(edit_file(store_, files_, "dir", add).code(), StatusCode::kConditionFalse);
  const Status refused = edit_file(store_, files_, "dir/file", [](std::string& content) {
    content.clear();
    return Status(StatusCode::kConditionFalse, "no");
  });
  EXPECT_EQ(refused.message(), "no");
  EXPECT_EQ(read("dir/file"), "onex");
}

TEST_F(FileEditsTest, WhatIsChangedLeavesNoContentBehind) {
  EXPECT_TRUE(write("a", "one"));
  const size_t rows = files_.kv().list({.keys_only = true})->size();
  for (const size_t size : {size_t{10}, 2 * kInlineSizeMax, size_t{5}}) {
    EXPECT_TRUE(edit_file(store_, files_, "a", [size](std::string& content) {
      content.assign(size, 'x');
      return Status::ok();
    }));
    EXPECT_EQ(read("a").size(), size);
    EXPECT_EQ(files_.kv().list({.keys_only = true})->size(), rows);
  }
  EXPECT_EQ(edit_file(store_, files_, "a",
                      [](std::string& content) {
                        content.resize(kEditedSizeMax + 1);
                        return Status::ok();
                      })
                .code(),
            StatusCode::kTooLarge);
  EXPECT_EQ(read("a"), "xxxxx");
}

TEST_F(FileEditsTest, ACopyHasAContentOfItsOwn) {
  const std::string large(2 * kInlineSizeMax, 'y');
  EXPECT_TRUE(write("a", large));
  EXPECT_TRUE(copy_file(store_, files_, "a", "dir/b"));
  EXPECT_TRUE(edit_file(store_, files_, "a", [](std::string& content) {
    content = "changed";
    return Status::ok();
  }));
  EXPECT_EQ(read("dir/b"), large);
  EXPECT_EQ(FileTree(files_.kv()).get("dir/b")->mode, 0600u);
  EXPECT_THAT(copy_file(store_, files_, "dir", "c").to_string(), HasSubstr("/dir is no file"));
  EXPECT_THAT(copy_file(store_, files_, "a", "a").to_string(), HasSubstr("onto itself"));
  EXPECT_THAT(copy_file(store_, files_, "a", "dir").to_string(), HasSubstr("is a folder"));
  EXPECT_EQ(copy_file(store_, files_, "none", "c").code(), StatusCode::kNotFound);
}

TEST_F(FileEditsTest, ATreeIsCounted) {
  EXPECT_TRUE(write("a/b", "12"));
  EXPECT_TRUE(write("a/c/d", "345"));
  EXPECT_TRUE(link("a/e", "b"));
  const auto totals = totals_of(FileTree(files_.kv()), "");
  EXPECT_EQ(totals->files, 2u);
  EXPECT_EQ(totals->folders, 2u);
  EXPECT_EQ(totals->links, 1u);
  EXPECT_EQ(totals->bytes, 5u);
}

}  // namespace
}  // namespace holdfast::files
