// ForwardingOs, ForwardingFile: another Os, another File, as they are. For those that change some
// calls only: they derive from these and override them.
//
// Who: os/, store/, care/ and tests. Thread-safety: as the Os and the File below.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/os.h"

namespace holdfast::os {

class ForwardingOs : public Os {
 public:
  // `os` must outlive this one.
  explicit ForwardingOs(Os& os) : os_(os) { losses_ = os.losses(); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return os_.open(path, mode);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return os_.rename(from, to);
  }
  Status remove(const std::string& path) override { return os_.remove(path); }
  Status make_directories(const std::string& path) override { return os_.make_directories(path); }
  Status sync_directory(const std::string& path) override { return os_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return os_.list(path); }
  Result<FileSystem> file_system(const std::string& path) override { return os_.file_system(path); }
  uint64_t free_disk_bytes(const std::string& path) override { return os_.free_disk_bytes(path); }
  uint64_t map_size_max() override { return os_.map_size_max(); }
  size_t read_first_bytes_max() override { return os_.read_first_bytes_max(); }
  WaitResult futex_wait(const Shared<uint32_t>& word, uint32_t expected,
                        uint64_t timeout_us) override {
    return os_.futex_wait(word, expected, timeout_us);
  }
  void futex_wake(const Shared<uint32_t>& word, uint32_t count) override {
    os_.futex_wake(word, count);
  }
  void sleep_us(uint64_t duration_us) override { os_.sleep_us(duration_us); }
  uint64_t wall_time_us() override { return os_.wall_time_us(); }
  uint64_t monotonic_time_us() override { return os_.monotonic_time_us(); }
  std::array<char, 16> boot_id() override { return os_.boot_id(); }
  ProcessIdentity process() override { return os_.process(); }
  uint32_t process_id() override { return os_.process_id(); }
  std::string describe_process(const ProcessIdentity& process) override {
    return os_.describe_process(process);
  }
  void random_bytes(char* out, size_t size) override { os_.random_bytes(out, size); }
  uint32_t fork_count() override { return os_.fork_count(); }
  bool has_threads() override { return os_.has_threads(); }
  std::optional<LostPage> lost_page() override { return os_.lost_page(); }

 protected:
  Os& os_;
};

class ForwardingFile : public File {
 public:
  ForwardingFile(std::string path, std::unique_ptr<File> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return file_->read_at(offset, out, size);
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    return file_->write_at(offset, bytes);
  }
  Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    return file_->write_gather_at(offset, pieces);
  }
  Status sync_data() override { return file_->sync_data(); }
  Status allocate(uint64_t offset, uint64_t size) override { return file_->allocate(offset, size); }
  Status truncate(uint64_t size) override { return file_->truncate(size); }
  Result<FileInfo> info() override { return file_->info(); }
  Result<bool> lock_try(uint64_t byte, LockKind kind) override {
    return file_->lock_try(byte, kind);
  }
  Status unlock(uint64_t byte) override { return file_->unlock(byte); }
  Result<bool> lock_held_by_other(uint64_t first, uint64_t count) override {
    return file_->lock_held_by_other(first, count);
  }
  Result<bool> lock_whole_try() override { return file_->lock_whole_try(); }
  Result<std::unique_ptr<Mapping>> map(size_t size, MapAccess access) override {
    return file_->map(size, access);
  }

 protected:
  const std::string path_;
  const std::unique_ptr<File> file_;
};

}  // namespace holdfast::os
