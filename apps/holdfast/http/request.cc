#include "http/request.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/type_traits.hpp>
#include <limits>

namespace holdfast::http {
namespace {

namespace beast = boost::beast;
namespace wire = boost::beast::http;
using Fields = wire::request<wire::string_body>;

constexpr std::string_view kLineEnd = "\r\n";

std::string text_of(beast::string_view text) {
  return {text.data(), text.size()};
}

std::string in_small(beast::string_view text) {
  std::string small = text_of(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

Refusal refusal_of(const beast::error_code& error) {
  if (error == wire::error::header_limit) return {431, "the headers are over 64 KiB"};
  if (error == wire::error::body_limit) return {413, "the body is too large"};
  if (error == wire::error::bad_version) return {505, "the server speaks HTTP/1.1"};
  return {400, "this is no request of HTTP/1.1: " + error.message()};
}

// What the parser lets pass and no two readers must take for different things.
std::optional<Refusal> ambiguity(const Fields& fields) {
  for (const char* name : {"host", "origin", "authorization", "content-length", "mcp-session-id"}) {
    if (fields.count(name) > 1) {
      return Refusal{400, std::string("two headers are named ") + name};
    }
  }
  if (fields[wire::field::content_length].find(',') != beast::string_view::npos) {
    return Refusal{400, "two content lengths in one header"};
  }
  const auto encodings = fields.equal_range(wire::field::transfer_encoding);
  for (auto at = encodings.first; at != encodings.second; ++at) {
    if (in_small(at->value()) != "chunked" || fields.version() < 11) {
      return Refusal{501, "of all transfer encodings the server knows: chunked"};
    }
  }
  return std::nullopt;
}

Request request_of(const Fields& fields) {
  Request request;
  request.method = text_of(fields.method_string());
  const std::string target = text_of(fields.target());
  request.path = target.substr(0, target.find('?'));
  for (const auto& field : fields) {
    request.headers.emplace_back(in_small(field.name_string()), text_of(field.value()));
  }
  request.takes_chunks = fields.version() == 11;
  request.stays_open = fields.keep_alive();
  return request;
}

}  // namespace

struct RequestReader::Parser : wire::request_parser<wire::string_body> {};

RequestReader::RequestReader(Socket& socket) : socket_(socket) {}

RequestReader::~RequestReader() = default;

std::optional<std::string> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

bool RequestReader::fill(Deadline deadline) {
  char piece[16 << 10];
  const size_t got = socket_.receive(piece, sizeof(piece), deadline);
  buffer_.append(piece, got);
  return got > 0;
}

std::optional<std::variant<Request, Refusal>> RequestReader::read_head(Deadline deadline) {
  parser_ = std::make_unique<Parser>();
  parser_->header_limit(kHeadSizeMax);
  parser_->body_limit(std::numeric_limits<uint64_t>::max());  // read_body() knows it
  size_t size = 0;  // the parser's limit is that of what it has not taken yet
  while (!parser_->is_header_done()) {
    while (!parser_->got_some() && buffer_.starts_with(kLineEnd)) {  // RFC 9112, 2.2
      buffer_.erase(0, kLineEnd.size());
    }
    beast::error_code error;
    const size_t taken = parser_->put(boost::asio::buffer(buffer_), error);
    buffer_.erase(0, taken);
    size += taken;
    if (size > kHeadSizeMax) error = wire::error::header_limit;
    if (error && error != wire::error::need_more) return refusal_of(error);
    if (error && !fill(deadline)) return std::nullopt;
  }
  if (auto refusal = ambiguity(parser_->get())) return *std::move(refusal);
  return request_of(parser_->get());
}

std::optional<Refusal> RequestReader::read_body(Request& request, size_t size_max,
                                                Deadline deadline) {
  if (parser_->content_length().value_or(0) > size_max)
    return Refusal{413, "the body is too large"};
  parser_->body_limit(size_max);
  parser_->eager(true);
  if (!parser_->is_done() && buffer_.empty() &&
      beast::iequals(parser_->get()[wire::field::expect], "100-continue") &&
      !socket_.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    return Refusal{400, "the body did not come"};
  }
  while (!parser_->is_done()) {
    beast::error_code error = wire::error::need_more;
    if (!buffer_.empty()) {
      buffer_.erase(0, parser_->put(boost::asio::buffer(buffer_), error));
      if (error && error != wire::error::need_more) return refusal_of(error);
    }
    if (!parser_->is_done() && !fill(deadline)) {
      return Refusal{400, "the body ends before its length or its last chunk"};
    }
  }
  request.body = std::move(parser_->get().body());
  return std::nullopt;
}

}  // namespace holdfast::http
