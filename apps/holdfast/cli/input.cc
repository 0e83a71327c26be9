#include "cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/time_text.h"

namespace holdfast::cli {
namespace {

// More than any value may have; the store says what its limit is.
constexpr size_t kInputBytesMax = 64u << 20;

Result<std::string> read_all(int fd, const std::string& name) {
  std::string bytes;
  std::array<char, 64 * 1024> buffer;
  while (true) {
    ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Status(StatusCode::kIoError, std::string("read: ") + std::strerror(errno))
          .with_path(name);
    }
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<size_t>(count));
    if (bytes.size() > kInputBytesMax) {
      return Status(StatusCode::kTooLarge, "more than 64 MiB of input").with_path(name);
    }
  }
}

}  // namespace

Result<std::string> read_value(const std::optional<std::string>& argument,
                               const std::string& file) {
  if (argument.has_value() == !file.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "give the value once: as an argument, - for stdin, or --file FILE");
  }
  if (argument && *argument != "-") return *argument;
  if (argument) return read_all(STDIN_FILENO, "stdin");
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    // What the command line names and is not there is a wrong command line, not a missing key.
    StatusCode code = errno == EACCES   ? StatusCode::kPermissionDenied
                      : errno == ENOENT ? StatusCode::kInvalidArgument
                                        : StatusCode::kIoError;
    return Status(code, std::string("open: ") + std::strerror(errno)).with_path(file);
  }
  auto bytes = read_all(fd, file);
  ::close(fd);
  return bytes;
}

Result<std::optional<int64_t>> parse_time_option(const std::string& text) {
  if (text.empty()) return std::optional<int64_t>();
  std::optional<int64_t> time = parse_time(text);
  if (!time) time = parse_time(text + "T00:00:00Z");
  if (time) return time;
  return Status(StatusCode::kInvalidArgument,
                "\"" + text + "\" is not a time; write 2026-01-31 or 2026-01-31T09:05:00Z");
}

std::optional<std::string> optional_text(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace holdfast::cli
