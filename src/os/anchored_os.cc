#include "os/anchored_os.h"

#include "os/posix_file.h"
#include "os/posix_os.h"

namespace holdfast::os {

AnchoredOs::AnchoredOs(const std::string& directory)
    : ForwardingOs(posix_os()), directory_(directory) {
  while (directory_.ends_with('/')) directory_.pop_back();
}

PosixPlace AnchoredOs::place_of(const std::string& path) {
  if (directory_.empty() || !path.starts_with(directory_)) return PosixPlace(path);
  const char* const rest = path.c_str() + directory_.size();
  const char* name = rest;
  while (*name == '/') ++name;
  if (name == rest && *name != '\0') return PosixPlace(path);  // of another one with a longer name
  const std::lock_guard lock(mutex_);
  if (!is_found_) {
    // Nothing is read by it: who may not list the directory may still use it.
    is_found_ = descriptor_.open(
        [this] { return ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  }
  if (!is_found_) return PosixPlace(path);
  return {descriptor_.get(), *name == '\0' ? "." : name, path};
}

Result<std::unique_ptr<File>> AnchoredOs::open(const std::string& path, OpenMode mode) {
  return PosixFile::open(place_of(path), mode);
}

Status AnchoredOs::rename(const std::string& from, const std::string& to) {
  return rename_at(place_of(from), place_of(to));
}

Status AnchoredOs::remove(const std::string& path) {
  return remove_at(place_of(path));
}

Status AnchoredOs::make_directories(const std::string& path) {
  return make_directories_at(place_of(path));
}

Status AnchoredOs::sync_directory(const std::string& path) {
  return sync_directory_at(place_of(path));
}

Result<std::vector<std::string>> AnchoredOs::list(const std::string& path) {
  return list_at(place_of(path));
}

}  // namespace holdfast::os
