#include "care/read_only_os.h"

#include <gtest/gtest.h>

namespace holdfast::care {
namespace {

// A file whose second block the disk cannot give.
class BadFile final : public os::File {
 public:
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    if (offset < 8192 && offset + size > 4096) {
      return Status(StatusCode::kIoError, "pread failed: Input/output error");
    }
    std::fill(out, out + size, 'x');
    return size;
  }
  Status write_at(uint64_t, std::string_view) override { return Status::ok(); }
  Status write_gather_at(uint64_t, std::span<const std::string_view>) override {
    return Status::ok();
  }
  Status sync_data() override { return Status::ok(); }
  Status allocate(uint64_t, uint64_t) override { return Status::ok(); }
  Status truncate(uint64_t) override { return Status::ok(); }
  Result<os::FileInfo> info() override { return os::FileInfo{16384, 1, 1}; }
  Result<bool> lock_try(uint64_t, os::LockKind) override { return true; }
  Status unlock(uint64_t) override { return Status::ok(); }
  Result<bool> lock_whole_try() override { return false; }
  Result<bool> lock_held_by_other(uint64_t, uint64_t) override { return false; }
  Result<std::unique_ptr<os::Mapping>> map(size_t, os::MapAccess) override {
    return std::make_unique<os::Mapping>();
  }
};

class BadDisk final : public os::Os {
 public:
  Result<std::unique_ptr<os::File>> open(const std::string&, os::OpenMode mode) override {
    EXPECT_EQ(mode, os::OpenMode::kRead);
    return std::unique_ptr<os::File>(std::make_unique<BadFile>());
  }
  Status rename(const std::string&, const std::string&) override { return Status::ok(); }
  Status remove(const std::string&) override { return Status::ok(); }
  Status make_directories(const std::string&) override { return Status::ok(); }
  Status sync_directory(const std::string&) override { return Status::ok(); }
  Result<std::vector<std::string>> list(const std::string&) override {
    return std::vector<std::string>();
  }
  Result<os::FileSystem> file_system(const std::string&) override { return os::FileSystem{}; }
  os::WaitResult futex_wait(const os::Shared<uint32_t>&, uint32_t, uint64_t) override {
    return os::WaitResult::kWoken;
  }
  void futex_wake(const os::Shared<uint32_t>&, uint32_t) override {}
  void sleep_us(uint64_t) override {}
  uint64_t wall_time_us() override { return 0; }
  uint64_t monotonic_time_us() override { return 0; }
  std::array<char, 16> boot_id() override { return {}; }
  os::ProcessIdentity process() override { return {}; }
  std::string describe_process(const os::ProcessIdentity&) override { return {}; }
  void random_bytes(char*, size_t) override {}
  uint32_t fork_count() override { return 0; }
  bool has_threads() override { return false; }
};

TEST(ReadOnlyOs, UnreadableBlocksReadAsZerosAndAreNotedOnce) {
  BadDisk disk;
  ReadOnlyOs os(disk);
  auto file = std::move(*os.open("/data", os::OpenMode::kReadWrite));
  std::string bytes(16384, '?');
  for (int time = 0; time < 2; ++time) {
    ASSERT_EQ(*file->read_at(0, bytes.data(), bytes.size()), bytes.size());
    EXPECT_EQ(bytes, std::string(4096, 'x') + std::string(4096, '\0') + std::string(8192, 'x'));
  }
  ASSERT_EQ(os.unreadable().size(), 1u);
  EXPECT_EQ(os.unreadable()[0].path, "/data");
  EXPECT_EQ(os.unreadable()[0].offset, 4096u);
}

TEST(ReadOnlyOs, RefusesEveryChange) {
  BadDisk disk;
  ReadOnlyOs os(disk);
  const auto refused = [](const Status& status) { return status.code() == StatusCode::kReadOnly; };
  EXPECT_TRUE(refused(os.open("/data", os::OpenMode::kCreate).status()));
  EXPECT_TRUE(refused(os.rename("/a", "/b")));
  EXPECT_TRUE(refused(os.remove("/a")));
  EXPECT_TRUE(refused(os.make_directories("/a")));
  EXPECT_TRUE(refused(os.sync_directory("/a")));
  auto file = std::move(*os.open("/data", os::OpenMode::kRead));
  EXPECT_TRUE(refused(file->write_at(0, "x")));
  EXPECT_TRUE(refused(file->truncate(0)));
  EXPECT_TRUE(refused(file->allocate(0, 1)));
  EXPECT_TRUE(refused(file->sync_data()));
  EXPECT_TRUE(refused(file->lock_try(0, os::LockKind::kShared).status()));
  EXPECT_TRUE(refused(file->map(1, os::MapAccess::kReadWrite).status()));
  EXPECT_TRUE(file->map(1, os::MapAccess::kRead));
}

}  // namespace
}  // namespace holdfast::care
