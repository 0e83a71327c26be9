#include "os/sim/disk.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace holdfast::sim {
namespace {

using Names = std::vector<std::string>;

std::set<Names> names_after_cut(const std::function<void(Disk&)>& prepare, Loss loss) {
  std::set<Names> result;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Disk disk;
    prepare(disk);
    Random random(seed);
    disk.cut_power(random, {loss});
    result.insert(*disk.list("/"));
  }
  return result;
}

TEST(DiskTest, PathsAreComparedInTheirPlainForm) {
  EXPECT_EQ(plain_path("//a/./b/"), "/a/b");
  EXPECT_EQ(plain_path("/"), "/");
  EXPECT_EQ(plain_path(""), "/");
}

TEST(DiskTest, EntriesAreDurableAfterTheirDirectoryIsSynced) {
  const auto prepare = [](Disk& disk) {
    disk.create("/a");
    disk.sync_directory("/");
    disk.create("/b");
  };
  EXPECT_EQ(names_after_cut(prepare, Loss::kAll), (std::set<Names>{{"a"}}));
  EXPECT_EQ(names_after_cut(prepare, Loss::kNothing), (std::set<Names>{{"a", "b"}}));
  EXPECT_EQ(names_after_cut(prepare, Loss::kTorn), (std::set<Names>{{"a"}, {"a", "b"}}));
}

TEST(DiskTest, UnsyncedChangesAreKeptInAnyCombination) {
  const auto prepare = [](Disk& disk) {
    disk.create("/a");
    disk.create("/b");
  };
  EXPECT_EQ(names_after_cut(prepare, Loss::kReordered).size(), 4U);
  EXPECT_EQ(names_after_cut(prepare, Loss::kSuffix), (std::set<Names>{{}, {"a"}, {"a", "b"}}));
}

TEST(DiskTest, RenameIsOldOrNewNeverBothNorNone) {
  const auto prepare = [](Disk& disk) {
    disk.create("/a")->write(0, "content");
    disk.find("/a")->sync();
    disk.sync_directory("/");
    ASSERT_TRUE(disk.rename("/a", "/b"));
  };
  EXPECT_EQ(names_after_cut(prepare, Loss::kReordered), (std::set<Names>{{"a"}, {"b"}}));
}

TEST(DiskTest, RemovedFileMayComeBack) {
  const auto prepare = [](Disk& disk) {
    disk.create("/a");
    disk.sync_directory("/");
    ASSERT_TRUE(disk.remove("/a"));
  };
  EXPECT_EQ(names_after_cut(prepare, Loss::kReordered), (std::set<Names>{{"a"}, {}}));
}

TEST(DiskTest, SyncedRenameTakesTheCreationAlong) {
  const auto prepare = [](Disk& disk) {
    ASSERT_TRUE(disk.make_directories("/d"));
    disk.sync_directory("/");
    disk.create("/d/a");
    ASSERT_TRUE(disk.rename("/d/a", "/b"));
    disk.sync_directory("/");
  };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Disk disk;
    prepare(disk);
    Random random(seed);
    disk.cut_power(random, {Loss::kReordered});
    EXPECT_EQ(disk.find("/d/a"), nullptr);
    EXPECT_NE(disk.find("/b"), nullptr);
  }
}

TEST(DiskTest, FilesOfALostDirectoryAreLost) {
  const auto prepare = [](Disk& disk) {
    ASSERT_TRUE(disk.make_directories("/d/e"));
    disk.create("/d/e/a");
    disk.sync_directory("/d/e");
    disk.sync_directory("/d");
  };
  EXPECT_EQ(names_after_cut(prepare, Loss::kAll), (std::set<Names>{{}}));
}

TEST(DiskTest, ADirectoryIsRenamedWithAllThatIsInItOrNotAtAll) {
  const auto prepare = [](Disk& disk) {
    ASSERT_TRUE(disk.make_directories("/d/e"));
    disk.create("/d/e/a");
    disk.sync_directory("/");
    disk.sync_directory("/d");
    disk.sync_directory("/d/e");
    ASSERT_TRUE(disk.rename("/d/e", "/f"));
    EXPECT_EQ(*disk.list("/f"), Names{"a"});
    EXPECT_FALSE(disk.is_directory("/d/e"));
    disk.create("/f/b");
    disk.sync_directory("/f");
  };
  std::set<Names> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Disk disk;
    prepare(disk);
    if (seed % 2 == 1) disk.sync_directory("/");
    Random random(seed);
    disk.cut_power(random, {Loss::kReordered});
    const bool moved = disk.is_directory("/f");
    EXPECT_NE(disk.is_directory("/d/e"), moved);
    EXPECT_TRUE(moved || seed % 2 == 0) << "a rename that was synced is lost";
    EXPECT_EQ(*disk.list(moved ? "/f" : "/d/e"), (Names{"a", "b"}));
    seen.insert({moved ? "new" : "old"});
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(DiskTest, WhatWasNotSyncedInARenamedDirectoryMayBeLostStill) {
  const auto prepare = [](Disk& disk) {
    ASSERT_TRUE(disk.make_directories("/d"));
    disk.create("/d/kept");
    disk.create("/d/removed");
    disk.sync_directory("/");
    disk.sync_directory("/d");
    disk.create("/d/new");
    ASSERT_TRUE(disk.remove("/d/removed"));
    ASSERT_TRUE(disk.rename("/d", "/f"));
    disk.sync_directory("/");
  };
  std::set<Names> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Disk disk;
    prepare(disk);
    Random random(seed);
    disk.cut_power(random, {Loss::kReordered});
    seen.insert(*disk.list("/f"));
  }
  EXPECT_EQ(seen, (std::set<Names>{
                      {"kept"}, {"kept", "new"}, {"kept", "removed"}, {"kept", "new", "removed"}}));
}

TEST(DiskTest, ErrorsAreThoseOfAFileSystem) {
  Disk disk;
  disk.create("/file");
  EXPECT_EQ(disk.require_parent("/none/a").code(), StatusCode::kNotFound);
  EXPECT_EQ(disk.require_parent("/file/a").code(), StatusCode::kNotFound);
  EXPECT_EQ(disk.rename("/none", "/a").code(), StatusCode::kNotFound);
  EXPECT_EQ(disk.remove("/none").code(), StatusCode::kNotFound);
  EXPECT_EQ(disk.make_directories("/file").code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(disk.make_directories("/d/e"));
  EXPECT_EQ(disk.remove("/d").code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(disk.remove("/d/e"));
  EXPECT_TRUE(disk.remove("/d"));
  EXPECT_EQ(disk.list("/d").status().code(), StatusCode::kNotFound);
}

TEST(DiskTest, InodeNumbersAreUsedAgainButNotWhileHeld) {
  Disk disk;
  auto held = disk.create("/a");
  const uint64_t inode = held->inode();
  ASSERT_TRUE(disk.remove("/a"));
  disk.sync_directory("/");
  EXPECT_NE(disk.create("/b")->inode(), inode);
  held.reset();
  EXPECT_EQ(disk.create("/c")->inode(), inode);
}

}  // namespace
}  // namespace holdfast::sim
