// Names that nobody can guess and no two have.
//
// Thread-safety: any thread.
#pragma once

#include <string>

namespace holdfast::process {

// 32 hexadecimal digits of the system's randomness.
std::string random_name();

}  // namespace holdfast::process
