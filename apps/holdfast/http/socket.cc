#include "http/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::http {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kSendTimeout{30};
constexpr std::chrono::seconds kEndTimeout{1};

// Whether one of `events`, or an error, comes before the deadline.
bool wait_for(int fd, short events, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    const int milliseconds = static_cast<int>(std::min<int64_t>(left.count(), 60'000));
    const int ready = ::poll(&waiting, 1, milliseconds);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Socket::~Socket() {
  ::close(fd_);
}

size_t Socket::receive(char* out, size_t count, Deadline deadline) {
  while (true) {
    const ssize_t got = ::recv(fd_, out, count, 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
    if (!wait_for(fd_, POLLIN, deadline)) return 0;
  }
}

bool Socket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(fd_, POLLOUT, Clock::now() + kSendTimeout)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool Socket::is_open() const {
  char byte = 0;
  const ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

void Socket::shut_down() {
  ::shutdown(fd_, SHUT_RDWR);
}

void Socket::end() {
  ::shutdown(fd_, SHUT_WR);
  const Deadline deadline = Clock::now() + kEndTimeout;
  char dropped[16 << 10];
  while (Clock::now() < deadline && receive(dropped, sizeof(dropped), deadline) > 0) {
  }
}

}  // namespace holdfast::http
