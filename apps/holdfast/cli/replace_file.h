// Files of others that a command changes.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::cli {

// Makes `path` hold `content`: it has the old content or the new one at every moment, also after
// loss of power. Makes folders on the way, keeps the permissions of what was there (else 0644), and
// follows a symbolic link. Errors: PermissionDenied, NoSpace, IoError.
Status replace_file(const std::string& path, std::string_view content);

// Errors: PermissionDenied, IoError.
Status remove_file(const std::string& path);

}  // namespace holdfast::cli
