// Listener: a small server of HTTP/1.1 for clients of this machine, a thread for each connection.
// No TLS: who goes beyond the machine puts a proxy before it.
//
// Thread-safety: serve() in one thread; stop() from any; the handler is called from many at once.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/status.h"
#include "http/request.h"

namespace holdfast::http {

// A request and the way to answer it: by answer(), or by begin_stream() and any number of write().
class Exchange {
 public:
  Exchange(Socket& socket, Request& request) : socket_(socket), request_(request) {}
  // Ends a stream.
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  // Goes before the answer or the stream.
  void set_header(const std::string& name, const std::string& value);

  void answer(int status, std::string_view body = {}, std::string_view type = {});
  void begin_stream(std::string_view type);
  // Sent at once. False: the client is gone.
  bool write(std::string_view bytes);

  // Whether the client still waits.
  bool is_alive() const { return socket_.is_open(); }
  // Whether another request may follow.
  bool stays_open() const { return request_.stays_open && answered_ && !broken_; }
  void close_after() { request_.stays_open = false; }

 private:
  void send(const std::string& bytes);
  std::string head(int status) const;

  Socket& socket_;
  Request& request_;
  std::string headers_;
  bool answered_ = false;
  bool streams_ = false;
  bool broken_ = false;
};

struct Handler {
  // Called before the body is read. False: refused, and answered.
  std::function<bool(Exchange&)> admit;
  std::function<void(Exchange&)> serve;
  size_t body_size_max = 0;
};

class Listener {
 public:
  explicit Listener(Handler handler);
  ~Listener();

  // Takes the port, 0 for any that is free; returns it. Errors: IoError.
  Result<int> bind(const std::string& address, int port);
  // Serves until stop(), then until all connections have ended. REQUIRES: bound.
  Status serve();
  // Ends all connections too.
  void stop();

 private:
  void accept_one();
  void begin(std::shared_ptr<Socket> socket);
  void converse(Socket& socket);
  bool exchange(Socket& socket, RequestReader& reader);

  const Handler handler_;
  int listening_ = -1;
  int stopping_ = -1;  // an eventfd: readable when it is time to stop
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<const Socket*, std::shared_ptr<Socket>> open_;
  bool stopped_ = false;
};

}  // namespace holdfast::http
