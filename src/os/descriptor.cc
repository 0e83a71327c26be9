#include "os/descriptor.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/check.h"

namespace holdfast::os {
namespace {

constexpr int kDescriptorMin = 3;

std::atomic<uint32_t> forks{0};
std::once_flag handlers_installed;
Descriptor* listed = nullptr;  // guarded by fork_mutex()

}  // namespace

std::mutex& Descriptor::fork_mutex() {
  // Never destroyed: descriptors of static lifetime may be closed after it would be.
  static std::mutex* const mutex = new std::mutex;
  std::call_once(handlers_installed, [] {
    CHECK(pthread_atfork(prepare_fork, finish_fork_in_parent, finish_fork_in_child) == 0);
  });
  return *mutex;
}

uint32_t Descriptor::fork_count() {
  return forks.load(std::memory_order_relaxed);
}

bool Descriptor::take_locked(int fd) {
  CHECK(fd_ == -1);
  if (fd < 0) return false;
  if (fd < kDescriptorMin) {
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, kDescriptorMin);
    const int error = errno;
    ::close(fd);
    if (moved < 0) {
      errno = error;
      return false;
    }
    fd = moved;
  }
  fd_ = fd;
  next_ = listed;
  if (listed != nullptr) listed->previous_ = this;
  listed = this;
  return true;
}

void Descriptor::close() {
  if (fd_ < 0) return;
  std::lock_guard lock(fork_mutex());
  (previous_ != nullptr ? previous_->next_ : listed) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  ::close(fd_);  // Linux frees the number even when it reports an error
  fd_ = -1;
}

void Descriptor::prepare_fork() {
  fork_mutex().lock();
}

void Descriptor::finish_fork_in_parent() {
  fork_mutex().unlock();
}

void Descriptor::finish_fork_in_child() {
  forks.fetch_add(1, std::memory_order_relaxed);
  while (listed != nullptr) {
    Descriptor* const inherited = listed;
    listed = inherited->next_;
    ::close(inherited->fd_);
    inherited->fd_ = -1;
    inherited->previous_ = inherited->next_ = nullptr;
  }
  fork_mutex().unlock();
}

}  // namespace holdfast::os
