// PosixOs: Os on Linux system calls. See os/os.h for the contract.
//
// Who: posix_os() hands out the instance that finds all by path, to which MemoryOs delegates;
// AnchoredOs finds what is below a directory in another way. Any thread.
// Invariants:
//   1. Nothing is read from /proc before it is needed; what cannot change is read once.
//   2. Works without /proc, with the losses named at boot_id() and process().
#pragma once

#include "os/os.h"
#include "os/posix_place.h"

namespace holdfast::os {

class PosixOs : public Os {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<FileSystem> file_system(const std::string& path) override;
  uint64_t free_disk_bytes(const std::string& path) override;

  WaitResult futex_wait(const Shared<uint32_t>& word, uint32_t expected,
                        uint64_t timeout_us) override;
  void futex_wake(const Shared<uint32_t>& word, uint32_t count) override;
  void sleep_us(uint64_t duration_us) override;

  uint64_t wall_time_us() override;
  uint64_t monotonic_time_us() override;
  uint64_t map_size_max() override { return uint64_t{1} << 38; }
  // By then reading them has cost as much as mapping what is needed again and again does.
  size_t read_first_bytes_max() override { return size_t{4} << 20; }
  // All zeros where /proc is not mounted. Then "another boot" and "another kernel" cannot be told
  // apart from this one: shared state left by a machine that lost power looks alive, so a store
  // opened by nobody must be recovered from its files, as after a power cut.
  std::array<char, 16> boot_id() override;
  // Start time and namespace are 0 where /proc is not mounted: messages then say less.
  ProcessIdentity process() override;
  uint32_t process_id() override;
  std::string describe_process(const ProcessIdentity& process) override;
  void random_bytes(char* out, size_t size) override;
  uint32_t fork_count() override;
  bool has_threads() override { return true; }

 protected:
  // Where a path is. What is returned may refer to `path`, and is for one call.
  virtual PosixPlace place_of(const std::string& path) { return PosixPlace(path); }
};

}  // namespace holdfast::os
