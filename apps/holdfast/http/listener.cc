#include "http/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

namespace holdfast::http {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kConnectionsMax = 256;
constexpr std::chrono::seconds kIdleTimeout{60};  // between requests, and for a head to be whole
constexpr std::chrono::seconds kBodyTimeout{60};

std::string reason_of(int status) {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

std::string hexadecimal(size_t value) {
  char text[17];
  std::snprintf(text, sizeof(text), "%zx", value);
  return text;
}

Status failure(const std::string& what, int error) {
  return Status(StatusCode::kIoError, what + ": " + std::system_category().message(error));
}

struct Addresses {
  ~Addresses() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
  addrinfo* first = nullptr;
};

// A socket that listens; else minus the error.
int listen_on(const addrinfo& address) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, SOMAXCONN) == 0) {
    return fd;
  }
  const int error = errno;
  ::close(fd);
  return -error;
}

int port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

Exchange::~Exchange() {
  if (streams_ && request_.takes_chunks) send("0\r\n\r\n");
}

void Exchange::set_header(const std::string& name, const std::string& value) {
  headers_ += name + ": " + value + "\r\n";
}

std::string Exchange::head(int status) const {
  return "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) + "\r\n" + headers_ +
         "Connection: " + (request_.stays_open ? "keep-alive" : "close") + "\r\n";
}

void Exchange::send(const std::string& bytes) {
  broken_ = broken_ || !socket_.send(bytes);
}

void Exchange::answer(int status, std::string_view body, std::string_view type) {
  answered_ = true;
  std::string whole = head(status);
  if (!type.empty()) whole.append("Content-Type: ").append(type).append("\r\n");
  if (status != 204) whole += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  whole.append("\r\n");
  if (request_.method != "HEAD") whole.append(body);
  send(whole);
}

void Exchange::begin_stream(std::string_view type) {
  answered_ = true;
  streams_ = true;
  if (!request_.takes_chunks) request_.stays_open = false;  // its end is the body's end
  std::string whole = head(200);
  whole.append("Content-Type: ").append(type).append("\r\nCache-Control: no-store\r\n");
  if (request_.takes_chunks) whole += "Transfer-Encoding: chunked\r\n";
  send(whole + "\r\n");
}

bool Exchange::write(std::string_view bytes) {
  if (bytes.empty()) return !broken_;  // an empty chunk would be the end
  if (!request_.takes_chunks) {
    send(std::string(bytes));
  } else {
    send(hexadecimal(bytes.size()).append("\r\n").append(bytes).append("\r\n"));
  }
  return !broken_;
}

Listener::Listener(Handler handler)
    : handler_(std::move(handler)), stopping_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Listener::~Listener() {
  if (listening_ >= 0) ::close(listening_);
  if (stopping_ >= 0) ::close(stopping_);
}

Result<int> Listener::bind(const std::string& address, int port) {
  if (stopping_ < 0) return Status(StatusCode::kIoError, "no descriptor is left; see ulimit -n");
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  Addresses found;
  const int error =
      ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &found.first);
  if (error != 0) {
    return Status(StatusCode::kIoError,
                  "cannot listen on " + address + ": " + ::gai_strerror(error));
  }
  int fd = -EADDRNOTAVAIL;
  for (const addrinfo* one = found.first; one != nullptr && fd < 0; one = one->ai_next) {
    fd = listen_on(*one);
  }
  if (fd < 0) {
    return failure("cannot listen on " + address + " port " + std::to_string(port) +
                       " (is another server there? port 0 takes any that is free)",
                   -fd);
  }
  listening_ = fd;
  return port_of(fd);
}

Status Listener::serve() {
  Status status;
  while (true) {
    pollfd waiting[] = {{.fd = stopping_, .events = POLLIN, .revents = 0},
                        {.fd = listening_, .events = POLLIN, .revents = 0}};
    if (::poll(waiting, 2, -1) < 0) {
      if (errno == EINTR) continue;
      status = failure("the HTTP server ended", errno);
      stop();
      break;
    }
    if (waiting[0].revents != 0) break;
    accept_one();
  }
  ::close(std::exchange(listening_, -1));  // who was not accepted yet is refused
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return open_.empty(); });
  return status;
}

void Listener::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    for (const auto& [socket, kept] : open_) kept->shut_down();
  }
  const uint64_t one = 1;
  (void)!::write(stopping_, &one, sizeof(one));
}

void Listener::accept_one() {
  const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Without a descriptor to take it with, a connection waits, and would wake this loop for ever.
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      pollfd waiting{.fd = stopping_, .events = POLLIN, .revents = 0};
      ::poll(&waiting, 1, 100);
    }
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  begin(std::make_shared<Socket>(fd));
}

void Listener::begin(std::shared_ptr<Socket> socket) {
  const auto refuse = [&] {
    socket->send(
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
        "Content-Length: 0\r\n\r\n");
  };
  {
    const std::lock_guard guard(mutex_);
    if (stopped_ || open_.size() >= kConnectionsMax) return refuse();
    open_[socket.get()] = socket;
  }
  const auto forget = [this](const Socket* ended) {
    const std::lock_guard guard(mutex_);
    open_.erase(ended);
    ended_.notify_all();
  };
  try {
    std::thread([this, socket, forget] {
      converse(*socket);
      forget(socket.get());
    }).detach();
  } catch (const std::system_error&) {  // no more threads
    refuse();
    forget(socket.get());
  }
}

void Listener::converse(Socket& socket) {
  RequestReader reader(socket);
  while (exchange(socket, reader)) {
  }
  socket.end();
}

// Reads and answers one request. False: it was the last.
bool Listener::exchange(Socket& socket, RequestReader& reader) {
  auto head = reader.read_head(Clock::now() + kIdleTimeout);
  if (!head) return false;
  Request request;
  request.stays_open = false;
  if (const Refusal* refusal = std::get_if<Refusal>(&*head)) {
    Exchange(socket, request).answer(refusal->status, refusal->why + "\n", "text/plain");
    return false;
  }
  request = std::move(std::get<Request>(*head));
  Exchange exchange(socket, request);
  if (!handler_.admit(exchange)) return false;  // its body is not read
  if (auto refusal =
          reader.read_body(request, handler_.body_size_max, Clock::now() + kBodyTimeout)) {
    exchange.close_after();
    exchange.answer(refusal->status, refusal->why + "\n", "text/plain");
    return false;
  }
  handler_.serve(exchange);
  return exchange.stays_open();
}

}  // namespace holdfast::http
