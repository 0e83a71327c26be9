// PosixPlace: where a file or a directory is: by name below an open directory, or by path; and what
// is done to it there.
//
// Who: PosixOs and AnchoredOs. Any thread. Errors are those of os/os.h, and say the path.
#pragma once

#include <fcntl.h>

#include <optional>
#include <string>
#include <vector>

#include "os/limits.h"
#include "os/os.h"

namespace holdfast::os {

// For one call: it owns nothing. Who opens a store in a process of a moment pays for each function
// of a library that is called the first time, so there is none.
struct PosixPlace {
  explicit PosixPlace(const std::string& path_in) : name(path_in.c_str()), path(path_in) {}
  PosixPlace(int directory_in, const char* name_in, const std::string& path_in)
      : directory(directory_in), name(name_in), path(path_in) {}

  const int directory = AT_FDCWD;  // a descriptor
  const char* const name;
  const std::string& path;  // for messages
};

Status rename_at(const PosixPlace& from, const PosixPlace& to);
Status remove_at(const PosixPlace& place);
Status make_directories_at(const PosixPlace& place);
Status sync_directory_at(const PosixPlace& place);
Result<std::vector<std::string>> list_at(const PosixPlace& place);
// Of the file system of the open directory, or of the path where there is none.
std::optional<DiskSpace> disk_space_at(const PosixPlace& place);

}  // namespace holdfast::os
