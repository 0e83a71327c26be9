// AnchoredOs: an Os that keeps hold of one directory, wherever it is moved.
//
// What is below the directory's path is looked for in the directory that was there first, by its
// descriptor. So whoever opened a store goes on with its own files when the directory is moved,
// when another store is made at its path, and when the process changes its working directory.
//
// Who: Store::open. Thread-safety: as Os.
// Invariants:
//   1. Once the directory was found, nothing below its path is opened, made, renamed, removed or
//      listed but in it.
//   2. In a forked child nothing is found in it any more: the descriptor is closed there.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "os/descriptor.h"
#include "os/forwarding_os.h"
#include "os/posix_place.h"

namespace holdfast::os {

class AnchoredOs final : public ForwardingOs {
 public:
  // The directory need not be there yet: until then it is looked for by its path each time.
  explicit AnchoredOs(const std::string& directory);

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  PosixPlace place_of(const std::string& path);

  std::string directory_;  // without a slash at its end
  std::mutex mutex_;
  bool is_found_ = false;
  Descriptor descriptor_;
};

}  // namespace holdfast::os
