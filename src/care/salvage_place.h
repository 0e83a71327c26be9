// SalvagePlace: where a salvage writes, so that it can be killed at any moment and run again.
//
//   NEW.partial/SALVAGE   locked by whoever salvages; says what this is
//   NEW.partial/store/    the store that is being written; renamed to NEW when it is whole
//
// Who: care/salvage.
// Invariants:
//   1. One process at a time holds a place; a dead one holds nothing.
//   2. NEW is whole and durable when it appears.
//   3. Only what a salvage made is ever removed.
#pragma once

#include <memory>
#include <string>

#include "holdfast/status.h"
#include "os/os.h"

namespace holdfast::care {

class SalvagePlace {
 public:
  // Takes the place for `to` and removes what a dead salvage left in it. Errors: InvalidArgument
  // (there is something at `to`, or something else than a salvage's at its .partial), Busy (another
  // process salvages to it), Os's.
  static Result<SalvagePlace> claim(os::Os& os, const std::string& from, const std::string& to);

  // Where the store is to be written; nothing is there.
  const std::string& store_path() const { return store_path_; }
  // Gives the store its name. REQUIRES: it is closed. After an error `to` may be there, whole.
  Status finish();

 private:
  SalvagePlace(os::Os& os, std::string to);
  Status lock(const std::string& from);

  os::Os* os_;
  std::string to_;
  std::string partial_;
  std::string store_path_;
  std::unique_ptr<os::File> mark_;
};

}  // namespace holdfast::care
