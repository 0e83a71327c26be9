#include "os/limits.h"

#include <sys/resource.h>

#include <charconv>

#include "os/posix_place.h"
#include "os/posix_process.h"

namespace holdfast::os {
namespace {

std::optional<uint64_t> limit_of(decltype(RLIMIT_NOFILE) resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace

ProcessLimits process_limits() {
  ProcessLimits limits;
  limits.open_files = limit_of(RLIMIT_NOFILE);
  limits.address_space_bytes = limit_of(RLIMIT_AS);
  limits.file_size_bytes = limit_of(RLIMIT_FSIZE);
  const std::string text = read_small_file("/proc/sys/vm/max_map_count", 64);
  uint64_t mappings = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), mappings).ec == std::errc()) {
    limits.mappings = mappings;
  }
  return limits;
}

std::optional<DiskSpace> disk_space(const std::string& path) {
  return disk_space_at(PosixPlace(path));
}

}  // namespace holdfast::os
