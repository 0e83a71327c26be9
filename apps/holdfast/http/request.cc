#include "http/request.h"

#include <algorithm>
#include <charconv>

namespace holdfast::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kLineSizeMax = 8u << 10;

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_in_small(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return small(x) == small(y); });
}

bool is_token_character(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const char s = small(c);
  return (s >= 'a' && s <= 'z') || (c >= '0' && c <= '9') || kOthers.find(c) != kOthers.npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<size_t> number(std::string_view digits, int base) {
  size_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string_view next_line(std::string_view& text) {
  const size_t end = text.find(kLineEnd);
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + kLineEnd.size());
  return line;
}

std::optional<Refusal> parse_request_line(std::string_view line, Request& request) {
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  if (method_end == line.npos || target_end == method_end) {
    return Refusal{400, "the request line is not: METHOD TARGET HTTP/1.1"};
  }
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  const std::string_view version = line.substr(target_end + 1);
  request.method = line.substr(0, method_end);
  const bool is_visible =
      std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c != 0x7f; });
  if (!is_token(request.method) || target.empty() || !is_visible) {
    return Refusal{400, "the request line is not: METHOD TARGET HTTP/1.1"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{505, "the server speaks HTTP/1.1"};
  }
  request.takes_chunks = version == "HTTP/1.1";
  request.stays_open = request.takes_chunks;
  request.path = target.substr(0, target.find('?'));
  return std::nullopt;
}

std::optional<Refusal> parse_header(std::string_view line, Request& request) {
  const size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) {
    return Refusal{400, "a header is not: Name: value"};
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(), is_control)) {
    return Refusal{400, "a header holds control characters"};
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), small);
  constexpr std::string_view kOnlyOnce[] = {
      "host", "origin", "authorization", "content-length", "transfer-encoding", "mcp-session-id"};
  const bool once =
      std::find(std::begin(kOnlyOnce), std::end(kOnlyOnce), name) != std::end(kOnlyOnce);
  if (once && request.header(name)) return Refusal{400, "two headers are named " + name};
  request.headers.emplace_back(std::move(name), value);
  return std::nullopt;
}

// What the headers say about the body and the connection.
std::optional<Refusal> parse_framing(Request& request) {
  const auto length = request.header("content-length");
  const auto encoding = request.header("transfer-encoding");
  if (length && encoding) return Refusal{400, "a length beside chunks could be read in two ways"};
  if (encoding) {
    if (!equal_in_small(*encoding, "chunked") || !request.takes_chunks) {
      return Refusal{501, "of all transfer encodings the server knows: chunked"};
    }
    request.is_chunked = true;
  }
  if (length) {
    const auto size = number(*length, 10);
    if (!size) return Refusal{400, "the content length is no number"};
    request.body_size = *size;
  }
  if (const auto connection = request.header("connection")) {
    if (equal_in_small(*connection, "close")) request.stays_open = false;
    if (equal_in_small(*connection, "keep-alive")) request.stays_open = true;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::variant<Request, Refusal> parse_head(std::string_view head) {
  Request request;
  if (auto refusal = parse_request_line(next_line(head), request)) return *std::move(refusal);
  while (!head.empty()) {
    if (auto refusal = parse_header(next_line(head), request)) return *std::move(refusal);
  }
  if (auto refusal = parse_framing(request)) return *std::move(refusal);
  return request;
}

bool RequestReader::fill(Deadline deadline) {
  char piece[16 << 10];
  const size_t got = socket_.receive(piece, sizeof(piece), deadline);
  buffer_.append(piece, got);
  return got > 0;
}

std::optional<std::variant<Request, Refusal>> RequestReader::read_head(Deadline deadline) {
  while (true) {
    while (buffer_.starts_with(kLineEnd)) buffer_.erase(0, kLineEnd.size());  // RFC 9112, 2.2
    const size_t end = buffer_.find("\r\n\r\n");
    if (std::min(end, buffer_.size()) > kHeadSizeMax) {
      return Refusal{431, "the headers are over 64 KiB"};
    }
    if (end != buffer_.npos) {
      auto parsed = parse_head(std::string_view(buffer_).substr(0, end));
      buffer_.erase(0, end + 4);
      return parsed;
    }
    if (!fill(deadline)) return std::nullopt;
  }
}

std::optional<std::string> RequestReader::take_line(Deadline deadline) {
  while (true) {
    const size_t end = buffer_.find(kLineEnd);
    if (std::min(end, buffer_.size()) > kLineSizeMax) return std::nullopt;
    if (end != buffer_.npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + kLineEnd.size());
      return line;
    }
    if (!fill(deadline)) return std::nullopt;
  }
}

bool RequestReader::take(std::string& out, size_t count, Deadline deadline) {
  while (count > 0) {
    if (buffer_.empty() && !fill(deadline)) return false;
    const size_t piece = std::min(count, buffer_.size());
    out.append(buffer_, 0, piece);
    buffer_.erase(0, piece);
    count -= piece;
  }
  return true;
}

std::optional<Refusal> RequestReader::read_chunks(std::string& body, size_t size_max,
                                                  Deadline deadline) {
  const Refusal broken{400, "the chunks of the body are broken"};
  while (true) {
    const auto line = take_line(deadline);
    if (!line) return broken;
    const auto size = number(trimmed(std::string_view(*line).substr(0, line->find(';'))), 16);
    if (!size) return broken;
    if (*size > size_max - body.size()) return Refusal{413, "the body is too large"};
    if (*size == 0) break;
    if (!take(body, *size, deadline)) return broken;
    const auto end = take_line(deadline);
    if (!end || !end->empty()) return broken;
  }
  for (auto trailer = take_line(deadline); !trailer || !trailer->empty();
       trailer = take_line(deadline)) {
    if (!trailer) return broken;
  }
  return std::nullopt;
}

std::optional<Refusal> RequestReader::read_body(Request& request, size_t size_max,
                                                Deadline deadline) {
  if (request.body_size > size_max) return Refusal{413, "the body is too large"};
  const bool has_body = request.is_chunked || request.body_size > 0;
  const auto expected = request.header("expect");
  if (has_body && buffer_.empty() && expected && equal_in_small(*expected, "100-continue") &&
      !socket_.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    return Refusal{400, "the body did not come"};
  }
  if (request.is_chunked) return read_chunks(request.body, size_max, deadline);
  if (take(request.body, request.body_size, deadline)) return std::nullopt;
  return Refusal{400, "the body is shorter than its length says"};
}

}  // namespace holdfast::http
