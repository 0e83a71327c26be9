#include "os/anchored_os.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace holdfast::os {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AnchoredOsTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    auto file = os_.open(path_ + "/" + name, OpenMode::kCreate);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, text));
  }
  std::string read(const std::string& name) {
    auto file = os_.open(path_ + "/" + name, OpenMode::kRead);
    if (!file) return file.status().to_string();
    std::string text((*file)->info()->size_bytes, '\0');
    EXPECT_TRUE((*file)->read_at(0, text.data(), text.size()));
    return text;
  }
  // Another directory stands at the path then.
  void move() {
    fs::rename(path_, elsewhere_);
    fs::create_directory(path_);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  const std::string elsewhere_ = directory_.path_of("elsewhere");
  AnchoredOs os_{path_};
};

TEST_F(AnchoredOsTest, FilesAreThoseOfTheDirectoryWhereverItIs) {
  ASSERT_TRUE(os_.make_directories(path_));
  write("a", "1");
  move();
  EXPECT_EQ(read("a"), "1");
  write("b", "2");
  ASSERT_TRUE(os_.make_directories(path_ + "/sub/below"));
  ASSERT_TRUE(os_.rename(path_ + "/b", path_ + "/sub/b"));
  ASSERT_TRUE(os_.remove(path_ + "/a"));
  ASSERT_TRUE(os_.sync_directory(path_));
  ASSERT_TRUE(os_.sync_directory(path_ + "/sub"));
  EXPECT_THAT(*os_.list(path_), ElementsAre("sub"));
  EXPECT_THAT(*os_.list(path_ + "/sub"), ElementsAre("b", "below"));
  ASSERT_TRUE(os_.remove(path_ + "/sub/below"));
  EXPECT_TRUE(fs::is_empty(path_));
  EXPECT_TRUE(fs::exists(elsewhere_ + "/sub/b"));
}

TEST_F(AnchoredOsTest, ADirectoryThatIsMadeLaterIsKeptHoldOf) {
  EXPECT_EQ(os_.list(path_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(os_.open(path_ + "/a", OpenMode::kCreate).status().code(), StatusCode::kNotFound);
  fs::create_directory(path_);
  write("a", "1");
  move();
  EXPECT_EQ(read("a"), "1");
}

TEST_F(AnchoredOsTest, WhatIsNotBelowItIsFoundByItsPath) {
  ASSERT_TRUE(os_.make_directories(path_));
  ASSERT_TRUE(os_.make_directories(path_ + "-2"));
  ASSERT_TRUE(os_.open(path_ + "-2/a", OpenMode::kCreate));
  EXPECT_TRUE(fs::exists(path_ + "-2/a"));
  ASSERT_TRUE(os_.rename(path_ + "-2/a", path_ + "/a"));
  EXPECT_TRUE(fs::exists(path_ + "/a"));
  EXPECT_THAT(*os_.list(path_ + "-2"), IsEmpty());
}

TEST_F(AnchoredOsTest, SlashesDoNotMatter) {
  fs::create_directory(path_);
  AnchoredOs os(path_ + "//");
  ASSERT_TRUE(os.open(path_ + "///a", OpenMode::kCreate));
  move();
  EXPECT_TRUE(os.open(path_ + "/a", OpenMode::kRead));
  EXPECT_THAT(*os.list(path_ + "//"), ElementsAre("a"));
}

TEST_F(AnchoredOsTest, NothingIsMadeInADirectoryThatWasRemoved) {
  ASSERT_TRUE(os_.make_directories(path_));
  write("a", "1");
  fs::remove_all(path_);
  fs::create_directory(path_);
  EXPECT_EQ(os_.open(path_ + "/a", OpenMode::kRead).status().code(), StatusCode::kNotFound);
  const Status refused = os_.open(path_ + "/b", OpenMode::kCreate).status();
  EXPECT_EQ(refused.code(), StatusCode::kNotFound);
  EXPECT_EQ(refused.path(), path_ + "/b");
  EXPECT_TRUE(fs::is_empty(path_));
}

TEST_F(AnchoredOsTest, RoomIsThatOfItsFileSystemWhereverItIs) {
  EXPECT_EQ(os_.free_disk_bytes(path_ + "/a"), 0u);
  ASSERT_TRUE(os_.make_directories(path_));
  write("a", "1");
  EXPECT_GT(os_.free_disk_bytes(path_ + "/a"), 0u);
  fs::rename(path_, elsewhere_);
  EXPECT_GT(os_.free_disk_bytes(path_ + "/a"), 0u);
  EXPECT_EQ(posix_os().free_disk_bytes(path_ + "/a"), 0u);
}

TEST_F(AnchoredOsTest, AForkedChildFindsNothing) {
  ASSERT_TRUE(os_.make_directories(path_));
  write("a", "1");
  const pid_t child = fork();
  if (child == 0) _exit(os_.open(path_ + "/a", OpenMode::kRead) ? 1 : 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read("a"), "1");
}

}  // namespace
}  // namespace holdfast::os
