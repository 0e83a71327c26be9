#include "bench/sync_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <ctime>

namespace holdfast::bench {
namespace {

SyncCounter* counter = nullptr;

// Which descriptors were opened so that each write is a sync (LMDB's meta pages).
constexpr int kDescriptorsMax = 1024;
std::array<std::atomic<bool>, kDescriptorsMax> writes_through{};

void count_sync() {
  if (counter == nullptr || !counter->window.holds(monotonic_ns())) return;
  counter->syncs.fetch_add(1, std::memory_order_relaxed);
}

int open_noting(const char* path, int flags, mode_t mode) {
  const long fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (fd >= 0 && fd < kDescriptorsMax) {
    writes_through[static_cast<size_t>(fd)] = (flags & (O_DSYNC | O_SYNC)) != 0;
  }
  return static_cast<int>(fd);
}

ssize_t pwrite_counting(int fd, const void* bytes, size_t size, off_t offset) {
  if (fd >= 0 && fd < kDescriptorsMax && writes_through[static_cast<size_t>(fd)]) count_sync();
  return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

}  // namespace

void count_syncs_in(SyncCounter* shared) {
  counter = shared;
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace holdfast::bench

// The symbols that the dynamic linker finds before libc's.
extern "C" {

int fdatasync(int fd) {
  holdfast::bench::count_sync();
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  holdfast::bench::count_sync();
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int msync(void* address, size_t size, int flags) {
  if ((flags & MS_SYNC) != 0) holdfast::bench::count_sync();
  return static_cast<int>(syscall(SYS_msync, address, size, flags));
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return holdfast::bench::open_noting(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return holdfast::bench::open_noting(path, flags, mode);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return holdfast::bench::pwrite_counting(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return holdfast::bench::pwrite_counting(fd, bytes, size, offset);
}
}
