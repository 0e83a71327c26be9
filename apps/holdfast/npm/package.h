// Packages of npm: a tar file, packed by gzip.
//
// Who: cli/. Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::npm {

constexpr size_t kUnpackedSizeMax = 64u << 20;  // bytes

// The files below `package/<folder>/` by their names there. Errors: InvalidArgument: it is no such
// package, is cut off, or becomes larger than kUnpackedSizeMax.
Result<std::map<std::string, std::string, std::less<>>> unpack(std::string_view package,
                                                               std::string_view folder);

}  // namespace holdfast::npm
