// TemporaryDirectory: a fresh directory under $TMPDIR (or /tmp), removed with all it holds when the
// object goes out of scope. For tests only.
#pragma once

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace holdfast {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* parent = std::getenv("TMPDIR");
    path_ = (parent != nullptr && *parent != '\0') ? parent : "/tmp";
    path_ += "/holdfast-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();  // no test can go on without it
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace holdfast
