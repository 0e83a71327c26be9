// SimFile: os::File on a DiskFile of the simulated disk. See os/os.h for the contract.
//
// Who: SimOs. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "os/os.h"
#include "os/sim/machine.h"

namespace holdfast::sim {

// The error that a fault makes a call return. REQUIRES: fault is an error, not a doom or none.
Status fault_status(Fault fault, std::string_view call, std::string_view path);

class SimFile final : public os::File {
 public:
  SimFile(std::string path, std::shared_ptr<Handle> handle, Process& process)
      : path_(std::move(path)), handle_(std::move(handle)), process_(process) {}
  ~SimFile() override;

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override;
  Status write_at(uint64_t offset, std::string_view bytes) override;
  Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override;
  Status sync_data() override;
  Status allocate(uint64_t offset, uint64_t size) override;
  Status truncate(uint64_t size) override;
  Result<os::FileInfo> info() override;
  Result<bool> lock_try(uint64_t byte, os::LockKind kind) override;
  Status unlock(uint64_t byte) override;
  Result<bool> lock_held_by_other(uint64_t first, uint64_t count) override;
  Result<bool> lock_whole_try() override { return lock_try(kWholeFile, os::LockKind::kExclusive); }
  Result<std::unique_ptr<os::Mapping>> map(size_t size, os::MapAccess access) override;

 private:
  static constexpr uint64_t kWholeFile = UINT64_MAX;  // no byte that anybody locks

  Status require_open() const;
  Status require_room(uint64_t offset, uint64_t size) const;
  Machine& machine() const { return *handle_->machine; }
  DiskFile& file() const { return *handle_->file; }
  Fault step(StepKind kind, uint64_t offset, uint64_t size, bool needs_space = false);

  const std::string path_;
  const std::shared_ptr<Handle> handle_;
  Process& process_;
};

}  // namespace holdfast::sim
