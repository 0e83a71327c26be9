#include "os/posix_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace holdfast::os {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view state_name(char state) {
  switch (state) {
    case 'R':
      return "running";
    case 'S':
      return "sleeping";
    case 'D':
      return "waiting for a device";
    case 'T':
      return "stopped";
    case 't':
      return "stopped by a debugger";
    case 'Z':
      return "dead, not yet reaped";
    default:
      return "unknown";
  }
}

}  // namespace

std::optional<std::array<char, 16>> parse_uuid(std::string_view text) {
  std::array<char, 16> bytes{};
  size_t digits = 0;
  for (char c : text) {
    if (c == '-' || c == '\n') continue;
    const int digit = hex_digit(c);
    if (digit < 0 || digits == 32) return std::nullopt;
    bytes[digits / 2] = static_cast<char>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  if (digits != 32) return std::nullopt;
  return bytes;
}

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // "4711 (name, which may contain anything) S ppid ..."; the start time is field 22.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  text.remove_prefix(name_end + 2);
  ProcessStat stat;
  stat.state = text[0];
  for (int field = 3; field < 22; ++field) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    text.remove_prefix(space + 1);
  }
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), stat.start_ticks);
  if (parsed.ec != std::errc()) return std::nullopt;
  return stat;
}

std::string read_small_file(const char* path, size_t size_max) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text;
  size_t done = 0;
  while (done < size_max) {
    text.resize(std::min(size_max, done + 1024));
    const ssize_t count = read(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  ::close(fd);
  text.resize(done);
  return text;
}

ProcessIdentity read_own_identity() {
  ProcessIdentity identity;
  identity.pid = static_cast<uint32_t>(getpid());
  // Not the start time: reading it costs 30 us, and whoever is described is known to live, so its
  // number cannot belong to another.
  struct stat found;
  if (::stat("/proc/self/ns/pid", &found) == 0) identity.pid_namespace_inode = found.st_ino;
  return identity;
}

std::string describe(const ProcessIdentity& process, const ProcessIdentity& own) {
  std::string text = "pid " + std::to_string(process.pid);
  const bool known = process.pid_namespace_inode != 0 || own.pid_namespace_inode == 0;
  if (known && process.pid_namespace_inode != own.pid_namespace_inode) {
    return text + " in pid namespace " + std::to_string(process.pid_namespace_inode) +
           " (another container; ours is " + std::to_string(own.pid_namespace_inode) + ")";
  }
  const std::string path = "/proc/" + std::to_string(process.pid) + "/stat";
  const std::string stat_text = read_small_file(path.c_str(), 1024);
  if (stat_text.empty()) {
    return own.pid_namespace_inode == 0 ? text + ", state unknown (/proc is not mounted)"
                                        : text + (known ? ", gone" : ", not of this pid namespace");
  }
  const auto stat = parse_process_stat(stat_text);
  if (!stat) return text + ", state unknown";
  if (process.start_ticks != 0 && stat->start_ticks != process.start_ticks) {
    return text + ", gone (its number now belongs to another process)";
  }
  text += std::string(", state ") + stat->state + " (" + std::string(state_name(stat->state)) + ")";
  return known ? text : text + ", if it is of this pid namespace";
}

}  // namespace holdfast::os
