// What the torture takes away: room on the disk, and in a file.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/status.h"

namespace holdfast::torture {

// A tmpfs that only this process and its children see. It ends with them.
class SmallDisk {
 public:
  SmallDisk() = default;
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  // Unmounts it, so that the directory can be removed.
  ~SmallDisk();

  // Makes the directory and mounts it there. The process gets a mount namespace of its own.
  // Errors: PermissionDenied (mounts are not permitted), IoError.
  Status mount(const std::string& directory, uint64_t size_mib);
  Status resize(uint64_t size_mib);

 private:
  std::string directory_;  // "": not mounted
};

// RLIMIT_FSIZE of this process; 0: leaves it.
void limit_file_size(uint64_t size_mib_max);

}  // namespace holdfast::torture
