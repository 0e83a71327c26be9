// copy_blobs: the files of blobs, as they are, from one store to another. Their names hold their
// hashes, so that reading one tells whether it is right; unfinished ones are left behind.
//
// Who: care/salvage.
#pragma once

#include <string>

#include "holdfast/care.h"
#include "os/os.h"

namespace holdfast::care {

// Bounded memory. Errors: those of listing `from`'s directories and of writing.
Status copy_blobs(os::Os& from_os, const std::string& from, os::Os& to_os, const std::string& to,
                  SalvageReport& report);

}  // namespace holdfast::care
