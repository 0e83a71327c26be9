// ReadOnlyOs: another Os through which nothing can be changed, and through which unreadable
// places of a failing disk read as zeros and are noted: for what stands above they are damage
// like any other, found by its checksum.
//
// Who: care/ only. Thread-safety: as the Os below, but for unreadable().
// Invariants:
//   1. Files are opened for reading only; every call that would change something, or take a lock,
//      returns ReadOnly.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/os.h"

namespace holdfast::care {

// A piece of a file that the disk could not give.
struct Unreadable {
  std::string path;
  uint64_t offset = 0;
  uint64_t size = 0;
  std::string message;
};

class ReadOnlyOs final : public os::Os {
 public:
  explicit ReadOnlyOs(os::Os& os) : os_(os) {}

  const std::vector<Unreadable>& unreadable() const { return *unreadable_; }

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override { return os_.list(path); }
  Result<os::FileSystem> file_system(const std::string& path) override {
    return os_.file_system(path);
  }
  uint64_t map_size_max() override { return os_.map_size_max(); }
  os::WaitResult futex_wait(const os::Shared<uint32_t>& word, uint32_t expected,
                            uint64_t timeout_us) override {
    return os_.futex_wait(word, expected, timeout_us);
  }
  void futex_wake(const os::Shared<uint32_t>&, uint32_t) override {}
  void sleep_us(uint64_t duration_us) override { os_.sleep_us(duration_us); }
  uint64_t wall_time_us() override { return os_.wall_time_us(); }
  uint64_t monotonic_time_us() override { return os_.monotonic_time_us(); }
  std::array<char, 16> boot_id() override { return os_.boot_id(); }
  os::ProcessIdentity process() override { return os_.process(); }
  std::string describe_process(const os::ProcessIdentity& process) override {
    return os_.describe_process(process);
  }
  void random_bytes(char* out, size_t size) override { os_.random_bytes(out, size); }
  uint32_t fork_count() override { return os_.fork_count(); }
  bool has_threads() override { return os_.has_threads(); }

 private:
  os::Os& os_;
  std::shared_ptr<std::vector<Unreadable>> unreadable_ =
      std::make_shared<std::vector<Unreadable>>();
};

}  // namespace holdfast::care
