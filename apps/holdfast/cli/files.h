// Files that a command makes: whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "holdfast/status.h"

namespace holdfast::cli {

// Written beside its place, and moved there by commit(), or, of many whose bytes the disk is to
// take together, by close(), FileSystemSync and move(). Destroyed before that: nothing is left.
// Errors of all: IoError, NoSpace, PermissionDenied; of make also InvalidArgument (no directory).
class NewFile {
 public:
  static Result<NewFile> make(const std::string& path, unsigned mode = 0666);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Status append(std::string_view bytes);
  Status commit();

  const std::string& beside() const { return beside_; }
  Status close();
  // REQUIRES: what was written is on the disk.
  Status move();

 private:
  NewFile(std::string path, std::string beside, int fd)
      : path_(std::move(path)), beside_(std::move(beside)), fd_(fd) {}

  std::string path_;
  std::string beside_;  // empty: it has been moved
  int fd_;
};

// All that was written to a file system on the way to its disk. An object is made before what it
// has to answer for is written: it learns of errors since then.
class FileSystemSync {
 public:
  // Of the file system that holds the directory `path`.
  static Result<FileSystemSync> open(const std::string& path);
  FileSystemSync(FileSystemSync&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileSystemSync& operator=(FileSystemSync&&) = delete;
  ~FileSystemSync();

  // Waits until it is on the disk.
  Status sync() const;

 private:
  explicit FileSystemSync(int fd) : fd_(fd) {}

  int fd_;
};

Status write_file(const std::string& path, std::string_view bytes, unsigned mode = 0666);
// A whole small file. Errors: InvalidArgument (it is not there), and as of read_value.
Result<std::string> read_file(const std::string& path);
// Errors: InvalidArgument: the directory that `path` is to be in is not there.
Status check_folder_of(const std::string& path);
// Makes the directory, and those above it.
Status make_directory(const std::string& path);

}  // namespace holdfast::cli
