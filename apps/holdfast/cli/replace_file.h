// Files of others that a command changes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::cli {

// What is done about folders on the way that are not there.
enum class Folders : uint8_t { kMake, kRefuse };

// Makes `path` hold `content`: it has the old content or the new one at every moment, also after
// loss of power. Keeps the permissions of what was there (else 0644), and follows a symbolic link.
// Errors: InvalidArgument (no such folder), PermissionDenied, NoSpace, IoError.
Status replace_file(const std::string& path, std::string_view content, Folders folders);

// Errors: PermissionDenied, IoError.
Status remove_file(const std::string& path);

}  // namespace holdfast::cli
