#include "cli/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "cli/input.h"
#include "process/system_error.h"

namespace holdfast::cli {

Status check_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  const auto kind = std::filesystem::status(folder.empty() ? "." : folder, error).type();
  if (kind != std::filesystem::file_type::not_found) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "there is no directory " + folder.string() + "; make it first, or name another")
      .with_path(path);
}

Result<NewFile> NewFile::make(const std::string& path, unsigned mode) {
  const std::string beside = path + ".part" + std::to_string(::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  const int error = errno;
  if (fd < 0) HOLDFAST_TRY(check_folder_of(path));
  if (fd < 0) return process::system_error("open", beside, error);
  return NewFile(path, beside, fd);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      beside_(std::exchange(other.beside_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

NewFile::~NewFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

Status NewFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return process::system_error("write", beside_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return Status::ok();
}

Status NewFile::commit() {
  if (::fsync(fd_) != 0) return process::system_error("fsync", beside_);
  HOLDFAST_TRY(close());
  return move();
}

Status NewFile::close() {
  if (::close(std::exchange(fd_, -1)) == 0) return Status::ok();
  return process::system_error("close", beside_);
}

Status NewFile::move() {
  if (::rename(beside_.c_str(), path_.c_str()) != 0) return process::system_error("rename", path_);
  beside_.clear();
  return Status::ok();
}

Result<FileSystemSync> FileSystemSync::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return process::system_error("open", path);
  return FileSystemSync(fd);
}

FileSystemSync::~FileSystemSync() {
  if (fd_ >= 0) ::close(fd_);
}

Status FileSystemSync::sync() const {
  if (::syncfs(fd_) == 0) return Status::ok();
  return process::system_error("syncfs");
}

Status write_file(const std::string& path, std::string_view bytes, unsigned mode) {
  HOLDFAST_ASSIGN(NewFile file, NewFile::make(path, mode));
  HOLDFAST_TRY(file.append(bytes));
  return file.commit();
}

Result<std::string> read_file(const std::string& path) {
  return read_value(std::nullopt, path);
}

Status make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return Status::ok();
  return Status(StatusCode::kIoError, "mkdir: " + error.message()).with_path(path);
}

}  // namespace holdfast::cli
