// A connected socket: what is read and written has a deadline, and nothing raises SIGPIPE.
//
// Thread-safety: one thread reads and writes; shut_down() and is_open() from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace holdfast::http {

using Deadline = std::chrono::steady_clock::time_point;

class Socket {
 public:
  // Owns `fd`, which does not block.
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Reads what is there, up to `count` bytes, waiting for the first one. 0: the peer has ended, the
  // deadline has passed, or the connection is broken.
  size_t receive(char* out, size_t count, Deadline deadline);
  // False: not all was taken, for the peer is gone or has read nothing for 30 s.
  bool send(std::string_view bytes);

  // Whether the peer is still there, as far as can be known without waiting.
  bool is_open() const;
  // Ends both ways; who waits in receive() or send() returns.
  void shut_down();
  // Says that nothing more will be sent, and reads for a moment what the peer still sends: bytes
  // that nobody read would take back, as a reset, what was sent last.
  void end();

 private:
  const int fd_;
};

}  // namespace holdfast::http
