// SalvageSnapshots: carries named snapshots over: the contents of each are written to the new
// store, the oldest first, and named there, before the newest contents are.
//
// Who: care/salvage. One thread at a time.
// Invariants:
//   1. A name is given only to contents of which every page and value was proven by its checksum.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "care/salvage_target.h"
#include "care/store_files.h"
#include "holdfast/care.h"
#include "store/named.h"

namespace holdfast::care {

class SalvageSnapshots {
 public:
  SalvageSnapshots(StoreFiles& files, SalvageTarget& target, SalvageReport& report)
      : files_(files), target_(target), report_(report) {}

  // Carries over what the newest tree and the log name. REQUIRES: nothing was written to the
  // target.
  Status carry();
  // Compares with the names that the rest of salvage found: says which are not there, drops those
  // that should not be. REQUIRES: the newest contents were written.
  Status settle();

 private:
  Status find_names();
  Status carry(const store::Named& named);
  // What keeps its contents from being written, "" if nothing.
  Result<std::string> write(const store::Named& named);

  StoreFiles& files_;
  SalvageTarget& target_;
  SalvageReport& report_;
  std::map<std::string, store::Named> names_;
};

}  // namespace holdfast::care
