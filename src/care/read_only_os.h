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

#include "os/forwarding_os.h"

namespace holdfast::care {

// A piece of a file that the disk could not give.
struct Unreadable {
  std::string path;
  uint64_t offset = 0;
  uint64_t size = 0;
  std::string message;
};

class ReadOnlyOs final : public os::ForwardingOs {
 public:
  explicit ReadOnlyOs(os::Os& os) : ForwardingOs(os) {}

  const std::vector<Unreadable>& unreadable() const { return *unreadable_; }

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  void futex_wake(const os::Shared<uint32_t>&, uint32_t) override {}

 private:
  std::shared_ptr<std::vector<Unreadable>> unreadable_ =
      std::make_shared<std::vector<Unreadable>>();
};

}  // namespace holdfast::care
