#include "os/file_system.h"

#include <gtest/gtest.h>

namespace holdfast::os {
namespace {

TEST(FileSystemPolicyTest, LocalFileSystemsAreTrusted) {
  for (uint64_t type : {0xEF53, 0x58465342, 0x01021994, 0x794C7630}) {
    EXPECT_EQ(classify_file_system(type, "").trust, FileSystemTrust::kFull) << type;
    EXPECT_FALSE(file_system_needs_mount_name(type));
  }
  EXPECT_EQ(classify_file_system(0x9123683E, "").trust, FileSystemTrust::kCopyOnWrite);
  EXPECT_EQ(classify_file_system(0x9123683E, "").name, "btrfs");
}

TEST(FileSystemPolicyTest, NetworkAndHostSharesAreNot) {
  for (uint64_t type : {0x6969UL, 0x01021997UL, 0xFE534D42UL, 0xFF534D42UL, 0x00C36400UL}) {
    EXPECT_EQ(classify_file_system(type, "").trust, FileSystemTrust::kLies) << type;
  }
}

TEST(FileSystemPolicyTest, FuseIsJudgedByItsMountName) {
  EXPECT_TRUE(file_system_needs_mount_name(kFuseType));
  EXPECT_EQ(classify_file_system(kFuseType, "virtiofs").name, "virtiofs");
  EXPECT_EQ(classify_file_system(kFuseType, "virtiofs").trust, FileSystemTrust::kLies);
  EXPECT_EQ(classify_file_system(kFuseType, "fuse.sshfs").trust, FileSystemTrust::kLies);
  EXPECT_EQ(classify_file_system(kFuseType, "").name, "fuse");
  EXPECT_EQ(classify_file_system(kFuseType, "fuseblk").trust, FileSystemTrust::kFull);
}

TEST(FileSystemPolicyTest, UnknownIsNotTrusted) {
  EXPECT_EQ(classify_file_system(0x12345678, "").trust, FileSystemTrust::kLies);
  EXPECT_EQ(classify_file_system(0x12345678, "newfs").name, "newfs");
}

constexpr std::string_view kMounts =
    "22 1 0:20 / / rw,relatime - overlay overlay rw\n"
    "23 22 0:21 / /data rw shared:1 master:2 - ext4 /dev/vda rw\n"
    "24 23 0:22 / /data/with\\040space rw - fuse.sshfs host: rw\n"
    "broken line\n"
    "25 23 0:23 / /data rw - virtiofs tag rw\n";

TEST(FileSystemPolicyTest, LongestMountPointWinsThenTheLastMount) {
  EXPECT_EQ(mount_name_of(kMounts, "/home/a"), "overlay");
  EXPECT_EQ(mount_name_of(kMounts, "/data/a"), "virtiofs");
  EXPECT_EQ(mount_name_of(kMounts, "/data"), "virtiofs");
  EXPECT_EQ(mount_name_of(kMounts, "/database"), "overlay");
  EXPECT_EQ(mount_name_of(kMounts, "/data/with space/x"), "fuse.sshfs");
  EXPECT_EQ(mount_name_of("", "/data"), "");
}

}  // namespace
}  // namespace holdfast::os
