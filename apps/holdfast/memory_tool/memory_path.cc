#include "memory_tool/memory_path.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "base/utf8.h"
#include "memory_tool/memory_files.h"

namespace holdfast::memory_tool {
namespace {

constexpr std::string_view kRoot = "/memories";
constexpr size_t kNumberWidth = 6;
constexpr size_t kPathWrittenMax = 4 * kPathSizeMax;  // bytes, as it may be written

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// Whether a part means "the directory above", as it is or percent-encoded once or more.
bool leads_up(std::string part) {
  std::transform(part.begin(), part.end(), part.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (size_t at = part.find("%25"); at != std::string::npos; at = part.find("%25")) {
    part.replace(at, 3, "%");
  }
  for (size_t at = part.find("%2e"); at != std::string::npos; at = part.find("%2e")) {
    part.replace(at, 3, ".");
  }
  return part == "..";
}

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

}  // namespace

Result<std::string> relative_path(const std::string& path) {
  // Before anything that takes longer for a longer one.
  if (path.size() > kPathWrittenMax) {
    return invalid("Path is too long: at most " + std::to_string(kPathSizeMax) +
                   " bytes below /memories");
  }
  const bool below = path.compare(0, kRoot.size(), kRoot) == 0 &&
                     (path.size() == kRoot.size() || path[kRoot.size()] == '/');
  if (!below) return invalid("Path must start with /memories, got: " + path);
  const std::string escape = "Path " + path + " would escape /memories directory";
  std::string relative;
  size_t begin = kRoot.size();
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    const bool hostile =
        leads_up(part) || part.find('\\') != std::string::npos ||
        part.find("%2f") != std::string::npos || part.find("%2F") != std::string::npos ||
        part.find("%5c") != std::string::npos || part.find("%5C") != std::string::npos ||
        std::any_of(part.begin(), part.end(), is_control);
    if (hostile) return invalid(escape);
    relative += (relative.empty() ? "" : "/") + part;
  }
  if (relative.size() > kPathSizeMax) {
    return invalid("Path is too long: at most " + std::to_string(kPathSizeMax) +
                   " bytes below /memories");
  }
  return relative;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string size_text(uint64_t bytes) {
  constexpr const char* kUnits = "BKMG";
  int unit = 0;
  auto size = static_cast<double>(bytes);
  for (; size >= 1024 && unit < 3; ++unit) size /= 1024;
  const bool whole = size == static_cast<double>(static_cast<uint64_t>(size));
  char text[32];
  std::snprintf(text, sizeof(text), whole ? "%.0f%c" : "%.1f%c", size, kUnits[unit]);
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  lines.push_back(text.substr(begin));
  return lines;
}

std::string numbered(const std::vector<std::string_view>& lines, size_t first, size_t last) {
  std::string text;
  for (size_t i = first; i < last; ++i) {
    const std::string number = std::to_string(i + 1);
    if (i > first) text.push_back('\n');
    text.append(kNumberWidth - std::min(kNumberWidth, number.size()), ' ');
    text.append(number).append("\t").append(lines[i]);
  }
  return text;
}

}  // namespace holdfast::memory_tool
