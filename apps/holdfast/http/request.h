// One request of HTTP/1.1 or 1.0, and the reading of it, by Boost.Beast's parser.
//
// Invariants:
//   1. What two readers could take for different requests is refused, not guessed: a length beside
//      chunks, two lengths, two hosts, bytes that a header cannot hold (RFC 9112, 11.2).
//   2. Nothing is kept beyond the limits: 64 KiB of head, and the body's limit of the caller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/socket.h"

namespace holdfast::http {

constexpr size_t kHeadSizeMax = 64u << 10;

struct Request {
  std::string method = {};
  std::string path = {};                                          // without what stands behind "?"
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in small letters
  std::string body = {};
  bool takes_chunks = true;  // HTTP/1.0 knows none
  bool stays_open = true;    // the connection, when this request is answered

  // `name` in small letters. Of repeated ones the first: those that must not be are refused.
  std::optional<std::string> header(std::string_view name) const;
};

// Why a request is not one, and the status that says so.
struct Refusal {
  int status = 400;
  std::string why = {};
};

// Reads requests from a connection, one after the other.
class RequestReader {
 public:
  explicit RequestReader(Socket& socket);
  ~RequestReader();

  // The next request without its body. nullopt: the peer has ended, or has sent nothing, or no
  // whole head, before the deadline.
  std::optional<std::variant<Request, Refusal>> read_head(Deadline deadline);
  // The body, of at most `size_max` bytes, of the request that read_head() has returned, into
  // `request.body`.
  std::optional<Refusal> read_body(Request& request, size_t size_max, Deadline deadline);

 private:
  struct Parser;

  bool fill(Deadline deadline);

  Socket& socket_;
  std::unique_ptr<Parser> parser_;  // of the request that is being read
  std::string buffer_;              // what was read and belongs to nothing yet
};

}  // namespace holdfast::http
