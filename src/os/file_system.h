// File-system policy: whether the locks and shared memory of a file system can be trusted.
//
// Who: PosixOs; the store asks Os::file_system(). Pure functions, any thread.
// Invariants:
//   1. The answer depends on the statfs type and the mount table's name only; nothing is probed.
//   2. What is not known to be safe is not trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "os/os.h"

namespace holdfast::os {

// statfs f_type of every FUSE mount, whatever is behind it.
inline constexpr uint64_t kFuseType = 0x65735546;

// True when the type alone does not say what is mounted, so that classify needs the mount name.
bool file_system_needs_mount_name(uint64_t type);

// `mount_name` is the type column of /proc/self/mountinfo, "" when it was not read or not found.
FileSystem classify_file_system(uint64_t type, std::string_view mount_name);

// The type name of the mount that holds `path` (absolute, without symbolic links) in the text of
// a mountinfo file; "" when none does. Of several mounts on one point the last one counts.
std::string mount_name_of(std::string_view mountinfo, std::string_view path);

}  // namespace holdfast::os
