// Files that a command makes: whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::cli {

// Written beside its place, and moved there by commit(). Destroyed before that: nothing is left.
// Errors of all: IoError, NoSpace, PermissionDenied.
class NewFile {
 public:
  static Result<NewFile> make(const std::string& path, unsigned mode = 0666);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Status append(std::string_view bytes);
  Status commit();

 private:
  NewFile(std::string path, std::string beside, int fd)
      : path_(std::move(path)), beside_(std::move(beside)), fd_(fd) {}

  std::string path_;
  std::string beside_;
  int fd_;
};

Status write_file(const std::string& path, std::string_view bytes, unsigned mode = 0666);
// A whole small file. Errors: InvalidArgument (it is not there), and as of read_value.
Result<std::string> read_file(const std::string& path);
// Makes the directory, and those above it.
Status make_directory(const std::string& path);

}  // namespace holdfast::cli
