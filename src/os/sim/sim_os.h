// SimOs: os::Os of one process of a simulated machine. See os/os.h for the contract.
//
// Who: Machine creates them; the code under test uses them as an os::Os. Not thread-safe.
// Invariants:
//   1. Every call that acts outside the process announces its step first, and looks at the world
//      only after it: other processes may have run in between.
//   2. Files and mappings that outlive their process answer with an error and do nothing.
#pragma once

#include "os/os.h"
#include "os/sim/machine.h"

namespace holdfast::sim {

class SimOs final : public os::Os {
 public:
  SimOs(Machine& machine, Process& process) : machine_(machine), process_(process) {}

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<os::FileSystem> file_system(const std::string& path) override;
  uint64_t free_disk_bytes(const std::string&) override {
    return machine_.claims_room() ? uint64_t{1} << 40 : 0;
  }

  // Of three processes one maps all pages, one reads all, one goes from this to that.
  size_t read_first_bytes_max() override;

  os::WaitResult futex_wait(const os::Shared<uint32_t>& word, uint32_t expected,
                            uint64_t timeout_us) override;
  void futex_wake(const os::Shared<uint32_t>& word, uint32_t count) override;
  void sleep_us(uint64_t duration_us) override;

  uint64_t wall_time_us() override { return machine_.wall_time_us(); }
  uint64_t monotonic_time_us() override { return machine_.monotonic_time_us(); }
  std::array<char, 16> boot_id() override { return machine_.boot_id(); }
  os::ProcessIdentity process() override { return machine_.identity_of(process_); }
  std::string describe_process(const os::ProcessIdentity& process) override {
    return machine_.describe(process);
  }
  void random_bytes(char* out, size_t size) override { machine_.random().fill(out, size); }
  uint32_t fork_count() override { return 0; }
  bool has_threads() override { return false; }

 private:
  // The error of the fault that strikes this step, if one does.
  Status announce(StepKind kind, const std::string& path, bool needs_space);

  Machine& machine_;
  Process& process_;
};

}  // namespace holdfast::sim
