#include "os/posix_os.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <mutex>

#include "base/check.h"
#include "os/descriptor.h"
#include "os/file_system.h"
#include "os/posix_error.h"
#include "os/posix_file.h"
#include "os/posix_place.h"
#include "os/posix_process.h"

namespace holdfast::os {
namespace {

constexpr uint64_t kMicrosPerSecond = 1'000'000;
constexpr uint64_t kSecondsMax = 1'000'000'000;  // 31 years: "for ever" without overflow
constexpr size_t kMountinfoSizeMax = 4 << 20;
constexpr size_t kUuidTextSize = 36;

struct timespec to_timespec(uint64_t micros) {
  struct timespec spec;
  spec.tv_sec = static_cast<time_t>(std::min(micros / kMicrosPerSecond, kSecondsMax));
  spec.tv_nsec = static_cast<long>(micros % kMicrosPerSecond * 1000);
  return spec;
}

uint64_t clock_us(clockid_t clock) {
  struct timespec now;
  CHECK(clock_gettime(clock, &now) == 0);
  return static_cast<uint64_t>(now.tv_sec) * kMicrosPerSecond +
         static_cast<uint64_t>(now.tv_nsec) / 1000;
}

std::string resolve(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result(resolved);
  free(resolved);
  return result;
}

}  // namespace

Result<std::unique_ptr<File>> PosixOs::open(const std::string& path, OpenMode mode) {
  return PosixFile::open(place_of(path), mode);
}

Status PosixOs::rename(const std::string& from, const std::string& to) {
  return rename_at(place_of(from), place_of(to));
}

Status PosixOs::remove(const std::string& path) {
  return remove_at(place_of(path));
}

Status PosixOs::make_directories(const std::string& path) {
  return make_directories_at(place_of(path));
}

Status PosixOs::sync_directory(const std::string& path) {
  return sync_directory_at(place_of(path));
}

Result<std::vector<std::string>> PosixOs::list(const std::string& path) {
  return list_at(place_of(path));
}

Result<FileSystem> PosixOs::file_system(const std::string& path) {
  struct statfs found;
  if (statfs(path.c_str(), &found) != 0) return posix_error(errno, "statfs", path);
  // f_type is signed on some machines: smb2's number must not be extended.
  const uint64_t type = static_cast<uint32_t>(found.f_type);
  std::string name;
  if (file_system_needs_mount_name(type)) {
    name = mount_name_of(read_small_file("/proc/self/mountinfo", kMountinfoSizeMax), resolve(path));
  }
  return classify_file_system(type, name);
}

uint64_t PosixOs::free_disk_bytes(const std::string& path) {
  struct rlimit limit;
  // Whether a file may still grow is then another question.
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) return 0;
  const auto space = disk_space_at(place_of(path));
  return space ? space->free_bytes : 0;
}

WaitResult PosixOs::futex_wait(const Shared<uint32_t>& word, uint32_t expected,
                               uint64_t timeout_us) {
  const struct timespec timeout = to_timespec(timeout_us);
  // Not FUTEX_PRIVATE_FLAG: the word is shared with other processes, keyed by inode and offset.
  const long result =
      syscall(SYS_futex, word.address(), FUTEX_WAIT, expected, &timeout, nullptr, 0);
  return result != 0 && errno == ETIMEDOUT ? WaitResult::kTimedOut : WaitResult::kWoken;
}

void PosixOs::futex_wake(const Shared<uint32_t>& word, uint32_t count) {
  const uint32_t capped = std::min<uint32_t>(count, INT_MAX);
  syscall(SYS_futex, word.address(), FUTEX_WAKE, capped, nullptr, nullptr, 0);
}

void PosixOs::sleep_us(uint64_t duration_us) {
  struct timespec left = to_timespec(duration_us);
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

uint64_t PosixOs::wall_time_us() {
  return clock_us(CLOCK_REALTIME);
}

uint64_t PosixOs::monotonic_time_us() {
  return clock_us(CLOCK_MONOTONIC);
}

std::array<char, 16> PosixOs::boot_id() {
  static const std::array<char, 16> id =
      parse_uuid(read_small_file("/proc/sys/kernel/random/boot_id", kUuidTextSize))
          .value_or(std::array<char, 16>{});
  return id;
}

ProcessIdentity PosixOs::process() {
  static ProcessIdentity cached;  // guarded by the fork mutex: no child inherits it half-written
  static uint32_t cached_at_fork = 0;
  std::lock_guard lock(Descriptor::fork_mutex());
  if (cached.pid == 0 || cached_at_fork != Descriptor::fork_count()) {
    cached = read_own_identity();
    cached_at_fork = Descriptor::fork_count();
  }
  return cached;
}

uint32_t PosixOs::process_id() {
  return static_cast<uint32_t>(getpid());
}

std::string PosixOs::describe_process(const ProcessIdentity& process_described) {
  return describe(process_described, process());
}

void PosixOs::random_bytes(char* out, size_t size) {
  while (size > 0) {
    const ssize_t count = getrandom(out, size, 0);
    if (count < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    out += count;
    size -= static_cast<size_t>(count);
  }
}

uint32_t PosixOs::fork_count() {
  Descriptor::fork_mutex();  // the first call installs the counter
  return Descriptor::fork_count();
}

Os& posix_os() {
  static PosixOs* const instance = new PosixOs;  // never destroyed: used until the very end
  return *instance;
}

}  // namespace holdfast::os
