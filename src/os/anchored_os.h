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
#include <string>

#include "os/descriptor.h"
#include "os/posix_os.h"

namespace holdfast::os {

class AnchoredOs final : public PosixOs {
 public:
  // The directory need not be there yet: until then it is looked for by its path each time.
  explicit AnchoredOs(const std::string& directory);

 private:
  PosixPlace place_of(const std::string& path) override;

  std::string directory_;  // without a slash at its end
  std::mutex mutex_;
  bool is_found_ = false;
  Descriptor descriptor_;
};

}  // namespace holdfast::os
