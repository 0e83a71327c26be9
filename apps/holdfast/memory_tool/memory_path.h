// The paths of the memory tool, and how sizes and lines are shown.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::memory_tool {

// "/memories/a//b/" becomes "a/b", "/memories" becomes "". Errors: InvalidArgument, with the text
// for the model: not below /memories, or a part that could lead out of it ("..", also encoded; a
// backslash; a control character).
Result<std::string> relative_path(const std::string& path);

// "a/b" of "a/b/c"; "" of "a".
std::string parent_of(const std::string& path);

std::string size_text(uint64_t bytes);  // "0B", "12B", "1.5K", "2M"

std::vector<std::string_view> lines_of(std::string_view text);  // "a\n" has two: "a" and ""
// Lines [first, last), numbered from 1, each number right-aligned to six.
std::string numbered(const std::vector<std::string_view>& lines, size_t first, size_t last);

}  // namespace holdfast::memory_tool
