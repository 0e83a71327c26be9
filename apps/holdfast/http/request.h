// One request of HTTP/1.1 or 1.0, and the reading of it.
//
// Invariants:
//   1. What two readers could take for different requests is refused, not guessed: a length beside
//      chunks, two lengths, folded lines, bytes that a header cannot hold (RFC 9112, 11.2).
//   2. Nothing is kept beyond the limits: 64 KiB of head, and the body's limit of the caller.
#pragma once

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
  size_t body_size = 0;      // as announced, if not in chunks
  bool is_chunked = false;   // the body
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

// What stands before the empty line, without it.
std::variant<Request, Refusal> parse_head(std::string_view head);

// Reads requests from a connection, one after the other.
class RequestReader {
 public:
  explicit RequestReader(Socket& socket) : socket_(socket) {}

  // The next request without its body. nullopt: the peer has ended, or has sent nothing, or no
  // whole head, before the deadline.
  std::optional<std::variant<Request, Refusal>> read_head(Deadline deadline);
  // The request's body, of at most `size_max` bytes, into `request.body`.
  std::optional<Refusal> read_body(Request& request, size_t size_max, Deadline deadline);

 private:
  bool fill(Deadline deadline);
  // Up to the next CRLF, without it; nullopt: the end, or a line longer than any that is allowed.
  std::optional<std::string> take_line(Deadline deadline);
  bool take(std::string& out, size_t count, Deadline deadline);
  std::optional<Refusal> read_chunks(std::string& body, size_t size_max, Deadline deadline);

  Socket& socket_;
  std::string buffer_;  // what was read and belongs to nothing yet
};

}  // namespace holdfast::http
