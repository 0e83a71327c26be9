// What the machine allows this process, and how much room a file system has: for advice only.
//
// Who: care/, os/. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::os {

// nullopt: no limit, or not known.
struct ProcessLimits {
  std::optional<uint64_t> open_files;
  std::optional<uint64_t> address_space_bytes;
  std::optional<uint64_t> file_size_bytes;
  std::optional<uint64_t> mappings;
};
ProcessLimits process_limits();

struct DiskSpace {
  uint64_t free_bytes = 0;  // for this user
  uint64_t total_bytes = 0;
};
std::optional<DiskSpace> disk_space(const std::string& path);

}  // namespace holdfast::os
