#include "cli/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "cli/files.h"
#include "process/system_error.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return process::system_error("write", path);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return Status::ok();
}

Status fill(int fd, std::string_view content, mode_t mode, const std::string& path) {
  HOLDFAST_TRY(write_all(fd, content, path));
  if (::fchmod(fd, mode) != 0) return process::system_error("fchmod", path);
  if (::fsync(fd) != 0) return process::system_error("fsync", path);
  return Status::ok();
}

}  // namespace

Status replace_file(const std::string& path, std::string_view content, Folders folders) {
  std::error_code error;
  const fs::path named = fs::absolute(path, error);  // of a bare name nothing would be the folder
  fs::path target = fs::weakly_canonical(named, error);
  if (error) target = named;
  const fs::path folder = target.parent_path();
  if (folders == Folders::kMake) {
    fs::create_directories(folder, error);
  } else {
    HOLDFAST_TRY(check_folder_of(path));
  }
  struct stat facts {};
  const bool exists = ::stat(target.c_str(), &facts) == 0;
  const mode_t mode = exists ? facts.st_mode & 07777 : 0644;
  std::string temporary = target.string() + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) return process::system_error("create", temporary);
  Status status = fill(fd, content, mode, temporary);
  ::close(fd);
  if (status && ::rename(temporary.c_str(), target.c_str()) != 0) {
    status = process::system_error("rename", target.string());
  }
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return process::system_error("open", folder.string());
  if (::fsync(folder_fd) != 0) status = process::system_error("fsync", folder.string());
  ::close(folder_fd);
  return status;
}

Status remove_file(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? Status::ok() : process::system_error("unlink", path);
}

}  // namespace holdfast::cli
