#include <gtest/gtest.h>

#include "os/os.h"

namespace holdfast::os {
namespace {

class MemoryOsTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& path) {
    auto file = os_->open(path, OpenMode::kCreate);
    EXPECT_TRUE(file.is_ok()) << file.status().to_string();
    return std::move(*file);
  }

  std::unique_ptr<Os> os_ = make_memory_os();
};

TEST_F(MemoryOsTest, FilesHaveNamesWithinOneOsOnly) {
  EXPECT_EQ(os_->open("/a", OpenMode::kReadWrite).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->open("/d/a", OpenMode::kCreate).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(open("/a")->write_at(0, "hello"));
  EXPECT_EQ(os_->open("/a", OpenMode::kCreateExclusive).status().code(),
            StatusCode::kConditionFalse);
  EXPECT_EQ(open("//a")->info()->size_bytes, 5U);
  EXPECT_EQ(make_memory_os()->open("/a", OpenMode::kReadWrite).status().code(),
            StatusCode::kNotFound);
}

TEST_F(MemoryOsTest, DirectoriesListRenameAndRemove) {
  ASSERT_TRUE(os_->make_directories("/db/wal/"));
  open("/db/wal/2");
  open("/db/wal/1");
  open("/db/data");
  EXPECT_EQ(*os_->list("/db"), (std::vector<std::string>{"data", "wal"}));
  EXPECT_EQ(*os_->list("/db/wal"), (std::vector<std::string>{"1", "2"}));
  ASSERT_TRUE(os_->rename("/db/wal/1", "/db/wal/2"));
  ASSERT_TRUE(os_->rename("/db/wal/2", "/db/wal/2"));
  EXPECT_EQ(*os_->list("/db/wal"), std::vector<std::string>{"2"});
  EXPECT_EQ(os_->rename("/db/none", "/db/x").code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->rename("/db/data", "/none/x").code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->rename("/db/data", "/db/wal").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(os_->open("/db/wal", OpenMode::kCreate).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(os_->remove("/db/wal").code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(os_->remove("/db/wal/2"));
  ASSERT_TRUE(os_->remove("/db/wal"));
  EXPECT_EQ(os_->remove("/db/wal").code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->list("/db/wal").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->sync_directory("/db/wal").code(), StatusCode::kNotFound);
  EXPECT_EQ(os_->make_directories("/db/data/x").code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(os_->sync_directory("/"));
}

TEST_F(MemoryOsTest, DescriptionsHaveLocksOfTheirOwn) {
  auto first = open("/lock");
  auto second = open("/lock");
  EXPECT_TRUE(*first->lock_try(3, LockKind::kExclusive));
  EXPECT_FALSE(*second->lock_try(3, LockKind::kShared));
  EXPECT_TRUE(*second->lock_held_by_other(0, 10));
  first.reset();
  EXPECT_TRUE(*second->lock_try(3, LockKind::kExclusive));
}

TEST_F(MemoryOsTest, MappingsShareMemoryAndFutexesWork) {
  auto first = open("/shm");
  ASSERT_TRUE(first->allocate(0, 8192));
  EXPECT_TRUE(first->sync_data());
  auto one = first->map(8192, MapAccess::kReadWrite);
  auto two = open("/shm")->map(8192, MapAccess::kReadWrite);
  ASSERT_TRUE(one.is_ok() && two.is_ok());
  auto* word = reinterpret_cast<Shared<uint32_t>*>((*one)->data());
  auto* same = reinterpret_cast<Shared<uint32_t>*>((*two)->data());
  word->store(7);
  EXPECT_EQ(same->load(), 7U);
  EXPECT_EQ(os_->futex_wait(*same, 7, 100), WaitResult::kTimedOut);
  EXPECT_EQ(os_->futex_wait(*same, 8, 100), WaitResult::kWoken);
  os_->futex_wake(*word, 1);
}

TEST_F(MemoryOsTest, RemovedFileLivesWhileItIsOpen) {
  auto file = open("/a");
  ASSERT_TRUE(os_->remove("/a"));
  ASSERT_TRUE(file->write_at(0, "x"));
  EXPECT_EQ(file->info()->size_bytes, 1U);
  EXPECT_EQ(open("/a")->info()->size_bytes, 0U);
}

TEST_F(MemoryOsTest, TheRestIsTheRealMachine) {
  EXPECT_EQ(os_->process().pid, posix_os().process().pid);
  EXPECT_EQ(os_->boot_id(), posix_os().boot_id());
  EXPECT_EQ(os_->fork_count(), posix_os().fork_count());
  EXPECT_EQ(os_->describe_process(os_->process()),
            posix_os().describe_process(posix_os().process()));
  EXPECT_TRUE(os_->has_threads());
  EXPECT_EQ(os_->file_system("/")->trust, FileSystemTrust::kFull);
  const uint64_t before_us = os_->monotonic_time_us();
  os_->sleep_us(500);
  EXPECT_GE(os_->monotonic_time_us(), before_us + 500);
  EXPECT_GT(os_->wall_time_us(), 0U);
  char bytes[16] = {};
  os_->random_bytes(bytes, sizeof bytes);
  EXPECT_NE(std::string(bytes, 16), std::string(16, '\0'));
}

}  // namespace
}  // namespace holdfast::os
