#include "os/posix_place.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/posix_error.h"

namespace holdfast::os {
namespace {

constexpr mode_t kDirectoryMode = 0770;
constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

}  // namespace

Status rename_at(const PosixPlace& from, const PosixPlace& to) {
  if (renameat(from.directory, from.name, to.directory, to.name) == 0) {
    return Status::ok();
  }
  return posix_error(errno, "rename", from.path);
}

Status remove_at(const PosixPlace& place) {
  if (unlinkat(place.directory, place.name, 0) == 0) return Status::ok();
  if (errno == EISDIR && unlinkat(place.directory, place.name, AT_REMOVEDIR) == 0) {
    return Status::ok();
  }
  return posix_error(errno, "remove", place.path);
}

Status make_directories_at(const PosixPlace& place) {
  if (mkdirat(place.directory, place.name, kDirectoryMode) == 0) return Status::ok();
  const int error = errno;
  struct stat found;
  if (error == EEXIST) {
    if (fstatat(place.directory, place.name, &found, 0) == 0 && S_ISDIR(found.st_mode)) {
      return Status::ok();
    }
    return Status(StatusCode::kInvalidArgument, "a file is in the way of a directory")
        .with_path(place.path);
  }
  const std::string name = place.name;
  const size_t slash = name.find_last_of('/', name.find_last_not_of('/'));
  if (error != ENOENT || slash == std::string::npos || slash == 0) {
    return posix_error(error, "mkdir", place.path);
  }
  const std::string parent = name.substr(0, slash);
  HOLDFAST_TRY(make_directories_at({place.directory, parent.c_str(), place.path}));
  if (mkdirat(place.directory, place.name, kDirectoryMode) == 0 || errno == EEXIST)
    return Status::ok();
  return posix_error(errno, "mkdir", place.path);
}

Status sync_directory_at(const PosixPlace& place) {
  const int fd = openat(place.directory, place.name, kOpenDirectory);
  if (fd < 0) return posix_error(errno, "open", place.path);
  const int result = fsync(fd);
  const int error = errno;
  ::close(fd);
  return result == 0 ? Status::ok() : posix_error(error, "fsync", place.path);
}

Result<std::vector<std::string>> list_at(const PosixPlace& place) {
  const int fd = openat(place.directory, place.name, kOpenDirectory);
  if (fd < 0 && errno == ENOTDIR) {
    return Status(StatusCode::kInvalidArgument, "a file is not a directory").with_path(place.path);
  }
  DIR* const directory = fd < 0 ? nullptr : fdopendir(fd);
  if (directory == nullptr) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return posix_error(error, "opendir", place.path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  const int error = errno;
  closedir(directory);
  if (error != 0) return posix_error(error, "readdir", place.path);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<DiskSpace> disk_space_at(const PosixPlace& place) {
  struct statvfs found;
  const int result =
      place.directory == AT_FDCWD ? statvfs(place.name, &found) : fstatvfs(place.directory, &found);
  if (result != 0) return std::nullopt;
  return DiskSpace{uint64_t{found.f_bavail} * found.f_frsize,
                   uint64_t{found.f_blocks} * found.f_frsize};
}

}  // namespace holdfast::os
