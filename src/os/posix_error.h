// Turns an errno into a Status that names the path, the call and what to do.
//
// Who: the posix files of this room, and programs for what they ask of the kernel. Any thread.
#pragma once

#include <string_view>

#include "holdfast/status.h"

namespace holdfast::os {

// REQUIRES: error != 0.
Status posix_error(int error, std::string_view call, std::string_view path);

}  // namespace holdfast::os
