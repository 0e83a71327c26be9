#include "mcp/http.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include "http/listener.h"
#include "mcp/http_access.h"
#include "mcp/mirrored_headers.h"
#include "mcp/stdio.h"
#include "mcp/stream.h"

namespace holdfast::mcp {
namespace {

constexpr const char* kPath = "/mcp";
constexpr const char* kSessionHeader = "mcp-session-id";
constexpr const char* kVersionHeader = "mcp-protocol-version";
constexpr const char* kEventStream = "text/event-stream";
constexpr const char* kJsonType = "application/json";
// An open stream without news says so, which shows whether anybody still reads.
constexpr std::chrono::seconds kHeartbeat{15};

std::string event_of(const Json& message) {
  return "event: message\ndata: " + printed(message) + "\n\n";
}

void answer(http::Exchange& exchange, int status, const Json& message) {
  exchange.answer(status, printed(message), kJsonType);
}

void refuse(http::Exchange& exchange, int status, const std::string& why) {
  answer(exchange, status, response_of(nullptr, RpcError{kInvalidRequest, why}));
}

std::string header_of(const http::Exchange& exchange, std::string_view name) {
  return exchange.request().header(name).value_or("");
}

bool takes_stream(const http::Exchange& exchange) {
  return header_of(exchange, "accept").find(kEventStream) != std::string::npos;
}

MirroredHeaders headers_of(const http::Request& request) {
  return {.version = request.header(kVersionHeader),
          .method = request.header("mcp-method"),
          .name = request.header("mcp-name")};
}

void begin_events(http::Exchange& exchange) {
  exchange.set_header("X-Accel-Buffering", "no");  // nothing on the way may hold events back
  exchange.begin_stream(kEventStream);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const Server& server, Sessions& sessions, HttpOptions options)
      : server_(server),
        sessions_(sessions),
        options_(reachable(std::move(options))),
        listener_({.admit = [this](http::Exchange& exchange) { return admit(exchange); },
                   .serve = [this](http::Exchange& exchange) { serve(exchange); },
                   .body_size_max = kMessageSizeMax}) {}

  Result<int> bind() {
    if (!is_loopback(options_.address) && options_.token.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "listening on " + options_.address +
                        " lets other machines in; give a token as well (--token-file)");
    }
    return listener_.bind(options_.address, options_.port);
  }

  Status serve() { return listener_.serve(); }

  void stop() {
    sessions_.close_all();
    {
      const std::lock_guard guard(mutex_);
      for (const auto& stream : streams_) {
        if (const auto open = stream.lock()) open->close();
      }
    }
    listener_.stop();
  }

 private:
  // Who listens at one address is reached by it.
  static HttpOptions reachable(HttpOptions options) {
    if (!is_any_address(options.address)) options.hosts.push_back(options.address);
    return options;
  }

  bool admit(http::Exchange& exchange) const {
    if (!host_allowed(header_of(exchange, "host"), options_.hosts) ||
        !origin_allowed(header_of(exchange, "origin"), options_.hosts)) {
      return turn_away(exchange, 403, "this Host or Origin may not use the server; see --host");
    }
    if (!options_.token.empty() &&
        !token_matches(header_of(exchange, "authorization"), options_.token)) {
      exchange.set_header("WWW-Authenticate", "Bearer");
      return turn_away(exchange, 401, "send the server's token as: Authorization: Bearer ...");
    }
    return true;
  }

  static bool turn_away(http::Exchange& exchange, int status, const std::string& why) {
    exchange.close_after();  // its body is not read
    refuse(exchange, status, why);
    return false;
  }

  void serve(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    if (request.path != kPath) return refuse(exchange, 404, "the server is at /mcp");
    if (request.method == "POST") return post(exchange);
    if (request.method == "GET") return get(exchange);
    if (request.method == "DELETE") {
      const bool removed = sessions_.remove(header_of(exchange, kSessionHeader));
      return exchange.answer(removed ? 204 : 404);
    }
    exchange.set_header("Allow", "GET, POST, DELETE");
    refuse(exchange, 405, "the server takes POST, GET and DELETE");
  }

  // The session that a request names; nullptr: refused.
  std::shared_ptr<Session> session_of(http::Exchange& exchange) {
    const auto name = exchange.request().header(kSessionHeader);
    if (!name) {
      refuse(exchange, 400, "send initialize first, then its Mcp-Session-Id with each request");
      return nullptr;
    }
    auto session = sessions_.find(*name);
    if (!session) {
      refuse(exchange, 404, "this session has ended; send initialize again");
      return nullptr;
    }
    const std::string version = header_of(exchange, kVersionHeader);
    const bool known = std::find(std::begin(kHandshakeVersions), std::end(kHandshakeVersions),
                                 version) != std::end(kHandshakeVersions);
    if (!version.empty() && !known) {
      refuse(exchange, 400, "this MCP-Protocol-Version is not one that the server speaks");
      return nullptr;
    }
    return session;
  }

  void post(http::Exchange& exchange) {
    if (auto batch = parse_batch(exchange.request().body)) {
      if (post_batch(exchange, *batch)) return;
    }
    auto parsed = parse_message(exchange.request().body);
    if (const BadMessage* bad = std::get_if<BadMessage>(&parsed)) {
      return answer(exchange, 400, response_of(bad->id, bad->error));
    }
    const Message message = std::move(std::get<Message>(parsed));
    if (is_modern(message) || header_of(exchange, kVersionHeader) == kModernVersion) {
      return post_modern(exchange, message);
    }
    if (message.method == "initialize") return initialize(exchange, message);
    if (const auto session = session_of(exchange)) handle(exchange, message, *session);
  }

  // False: the session knows no batches.
  bool post_batch(http::Exchange& exchange, std::vector<ParsedMessage>& batch) {
    const auto session = sessions_.find(header_of(exchange, kSessionHeader));
    if (!session || !session->takes_batches()) return false;
    for (ParsedMessage& one : batch) {
      const Message* message = std::get_if<Message>(&one);
      if (message == nullptr || message->kind != Message::Kind::kRequest) continue;
      if (!session->begin(message->id)) one = BadMessage{message->id, id_in_use()};
    }
    const auto answers = server_.handle_batch(*session, batch, [](const Json&) { return false; });
    if (answers) {
      answer(exchange, 200, *answers);
    } else {
      exchange.answer(202);
    }
    return true;
  }

  // A request of the modern era stands for itself: no session before it, none behind it.
  void post_modern(http::Exchange& exchange, const Message& message) {
    if (message.kind != Message::Kind::kRequest) return exchange.answer(202);
    auto refused = header_mismatch(headers_of(exchange.request()), message);
    if (!refused) refused = modern_era().refusal(message);
    if (refused) {
      const int status = refused->code == kMethodNotFound ? 404 : 400;
      return answer(exchange, status, response_of(message.id, *refused));
    }
    if (message.method == "subscriptions/listen") return listen(exchange, message);
    Session session;
    handle(exchange, message, session);
  }

  void handle(http::Exchange& exchange, const Message& message, Session& session) {
    if (message.kind != Message::Kind::kRequest) {
      (void)server_.handle(session, message, nullptr);
      return exchange.answer(202);
    }
    if (!session.begin(message.id, [&exchange] { return exchange.is_alive(); })) {
      return answer(exchange, 400, response_of(message.id, id_in_use()));
    }
    if (message.method == "tools/call" && takes_stream(exchange)) {
      return stream_call(exchange, message, session);
    }
    const auto reply = server_.handle(session, message, [](const Json&) { return false; });
    if (reply) return answer(exchange, 200, *reply);
    exchange.answer(202);
  }

  void initialize(http::Exchange& exchange, const Message& message) {
    const auto [name, session] = sessions_.create();
    const auto reply = server_.handle(*session, message, [](const Json&) { return false; });
    const bool accepted = reply && reply->contains("result");
    if (accepted) {
      exchange.set_header("Mcp-Session-Id", name);
    } else {
      sessions_.remove(name);
    }
    if (reply) return answer(exchange, 200, *reply);
    exchange.answer(202);
  }

  // The call runs while its stream is written.
  void stream_call(http::Exchange& exchange, const Message& message, Session& session) {
    begin_events(exchange);
    const Send send = [&](const Json& said) { return exchange.write(event_of(said)); };
    if (const auto reply = server_.handle(session, message, send)) (void)send(*reply);
  }

  void listen(http::Exchange& exchange, const Message& message) {
    const auto [name, session] = sessions_.create();
    const auto stream = open_stream(*session);
    const Send send = [&](const Json& said) { return stream->push(said); };
    if (const auto reply = server_.handle(*session, message, send)) {
      answer(exchange, 400, *reply);
    } else {
      write_stream(exchange, *stream, *session);
    }
    sessions_.remove(name);
  }

  void get(http::Exchange& exchange) {
    const auto session = session_of(exchange);
    if (session) write_stream(exchange, *open_stream(*session), *session);
  }

  // What the session is told from now on waits in it.
  std::shared_ptr<Stream> open_stream(Session& session) {
    auto stream = std::make_shared<Stream>();
    {
      const std::lock_guard guard(mutex_);
      std::erase_if(streams_, [](const auto& old) { return old.expired(); });
      streams_.push_back(stream);
    }
    session.set_listener([stream](const Json& message) { return stream->push(message); });
    return stream;
  }

  static void write_stream(http::Exchange& exchange, Stream& stream, Session& session) {
    begin_events(exchange);
    while (!session.closed() && stream.wait(kHeartbeat)) {
      const auto message = stream.first();
      // What is written to a client that has left seems to have been sent.
      if (!exchange.is_alive()) break;
      if (!exchange.write(message ? event_of(*message) : ": nothing new\n\n")) break;
      if (message) stream.drop_first();
    }
    for (const Json& unheard : stream.close()) session.tell_again(unheard);
  }

  const Server& server_;
  Sessions& sessions_;
  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Stream>> streams_;
  http::Listener listener_;
};

HttpServer::HttpServer(const Server& server, Sessions& sessions, HttpOptions options)
    : impl_(std::make_unique<Impl>(server, sessions, std::move(options))) {}

HttpServer::~HttpServer() = default;

Result<int> HttpServer::bind() {
  return impl_->bind();
}

Status HttpServer::serve() {
  return impl_->serve();
}

void HttpServer::stop() {
  impl_->stop();
}

}  // namespace holdfast::mcp
