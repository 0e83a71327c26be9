#include "os/anchored_os.h"

#include <fcntl.h>

namespace holdfast::os {

AnchoredOs::AnchoredOs(const std::string& directory) : directory_(directory) {
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

}  // namespace holdfast::os
