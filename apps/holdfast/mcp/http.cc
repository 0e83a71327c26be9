#include "mcp/http.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include "mcp/http_access.h"
#include "mcp/mirrored_headers.h"
#include "mcp/stdio.h"

namespace holdfast::mcp {
namespace {

constexpr const char* kPath = "/mcp";
constexpr const char* kSessionHeader = "Mcp-Session-Id";
constexpr const char* kVersionHeader = "MCP-Protocol-Version";
constexpr const char* kEventStream = "text/event-stream";
constexpr const char* kJsonType = "application/json";
// Each open stream keeps a thread.
constexpr size_t kThreads = 64;
// An open stream without news says so, which shows whether anybody still reads.
constexpr std::chrono::seconds kHeartbeat{15};

std::string text_of(const Json& message) {
  return message.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string event_of(const Json& message) {
  return "event: message\ndata: " + text_of(message) + "\n\n";
}

void answer(httplib::Response& response, int status, const Json& message) {
  response.status = status;
  response.set_content(text_of(message), kJsonType);
}

void refuse(httplib::Response& response, int status, const std::string& why) {
  answer(response, status, response_of(nullptr, RpcError{kInvalidRequest, why}));
}

bool takes_stream(const httplib::Request& request) {
  return request.get_header_value("Accept").find(kEventStream) != std::string::npos;
}

MirroredHeaders headers_of(const httplib::Request& request) {
  const auto header = [&](const char* name) -> std::optional<std::string> {
    if (!request.has_header(name)) return std::nullopt;
    return request.get_header_value(name);
  };
  return {.version = header(kVersionHeader),
          .method = header("Mcp-Method"),
          .name = header("Mcp-Name")};
}

// What waits to be written to the stream of a GET, or of subscriptions/listen.
class Stream {
 public:
  bool push(const Json& message) {
    constexpr size_t kWaitingMax = 10'000;
    const std::lock_guard guard(mutex_);
    if (closed_) return false;
    if (waiting_.size() < kWaitingMax) waiting_.push_back(event_of(message));
    changed_.notify_all();
    return true;
  }
  // The next event; a comment when there is none for a while; empty: closed.
  std::string next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kHeartbeat, [&] { return closed_ || !waiting_.empty(); });
    if (closed_) return {};
    if (waiting_.empty()) return ": nothing new\n\n";
    std::string event = std::move(waiting_.front());
    waiting_.pop_front();
    return event;
  }
  void close() {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool closed_ = false;
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const Server& server, Sessions& sessions, HttpOptions options)
      : server_(server), sessions_(sessions), options_(std::move(options)) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http_.set_payload_max_length(kMessageSizeMax);
    http_.set_tcp_nodelay(true);
    http_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return admit(request, response) ? httplib::Server::HandlerResponse::Unhandled
                                          : httplib::Server::HandlerResponse::Handled;
        });
    http_.Post(kPath, [this](const httplib::Request& request, httplib::Response& response) {
      post(request, response);
    });
    http_.Get(kPath, [this](const httplib::Request& request, httplib::Response& response) {
      get(request, response);
    });
    http_.Delete(kPath, [this](const httplib::Request& request, httplib::Response& response) {
      const bool removed = sessions_.remove(request.get_header_value(kSessionHeader));
      response.status = removed ? 204 : 404;
    });
  }

  Result<int> bind() {
    if (!is_loopback(options_.address) && options_.token.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "listening on " + options_.address +
                        " lets other machines in; give a token as well (--token-file)");
    }
    int port = options_.port;
    if (port == 0) {
      port = http_.bind_to_any_port(options_.address);
    } else if (!http_.bind_to_port(options_.address, port)) {
      port = -1;
    }
    if (port < 0) {
      return Status(StatusCode::kIoError, "cannot listen on " + options_.address + " port " +
                                              std::to_string(options_.port) +
                                              "; is another server there? --port 0 takes any");
    }
    return port;
  }

  Status serve() {
    if (http_.listen_after_bind()) return Status::ok();
    return Status(StatusCode::kIoError, "the HTTP server ended by itself");
  }

  void stop() {
    sessions_.close_all();
    {
      const std::lock_guard guard(mutex_);
      for (const auto& stream : streams_) {
        if (const auto open = stream.lock()) open->close();
      }
    }
    http_.stop();
  }

 private:
  bool admit(const httplib::Request& request, httplib::Response& response) const {
    if (!host_allowed(request.get_header_value("Host"), options_.hosts) ||
        !origin_allowed(request.get_header_value("Origin"), options_.hosts)) {
      refuse(response, 403, "this Host or Origin may not use the server; see --host");
      return false;
    }
    if (!options_.token.empty() &&
        !token_matches(request.get_header_value("Authorization"), options_.token)) {
      response.set_header("WWW-Authenticate", "Bearer");
      refuse(response, 401, "send the server's token as: Authorization: Bearer ...");
      return false;
    }
    return true;
  }

  // The session that a request names; nullptr: refused.
  std::shared_ptr<Session> session_of(const httplib::Request& request,
                                      httplib::Response& response) {
    if (!request.has_header(kSessionHeader)) {
      refuse(response, 400, "send initialize first, then its Mcp-Session-Id with each request");
      return nullptr;
    }
    auto session = sessions_.find(request.get_header_value(kSessionHeader));
    if (!session) {
      refuse(response, 404, "this session has ended; send initialize again");
      return nullptr;
    }
    const std::string version = request.get_header_value(kVersionHeader);
    const bool known = std::find(std::begin(kHandshakeVersions), std::end(kHandshakeVersions),
                                 version) != std::end(kHandshakeVersions);
    if (!version.empty() && !known) {
      refuse(response, 400, "this MCP-Protocol-Version is not one that the server speaks");
      return nullptr;
    }
    return session;
  }

  void post(const httplib::Request& request, httplib::Response& response) {
    auto parsed = parse_message(request.body);
    if (const BadMessage* bad = std::get_if<BadMessage>(&parsed)) {
      return answer(response, 400, response_of(bad->id, bad->error));
    }
    Message message = std::move(std::get<Message>(parsed));
    if (is_modern(message) || request.get_header_value(kVersionHeader) == kModernVersion) {
      return post_modern(request, std::move(message), response);
    }
    if (message.method == "initialize") return initialize(message, response);
    auto session = session_of(request, response);
    if (!session) return;
    if (message.kind == Message::Kind::kRequest && message.method == "tools/call" &&
        takes_stream(request)) {
      return stream_call(std::move(message), std::move(session), response);
    }
    const Send nowhere = [](const Json&) { return false; };
    const auto reply = server_.handle(*session, message, nowhere);
    if (reply) return answer(response, 200, *reply);
    response.status = 202;
  }

  // A request of the modern era stands for itself: no session before it, none behind it.
  void post_modern(const httplib::Request& request, Message message, httplib::Response& response) {
    if (message.kind != Message::Kind::kRequest) {
      response.status = 202;
      return;
    }
    auto refused = header_mismatch(headers_of(request), message);
    if (!refused) refused = modern_era().refusal(message);
    if (refused) {
      const int status = refused->code == kMethodNotFound ? 404 : 400;
      return answer(response, status, response_of(message.id, *refused));
    }
    if (message.method == "subscriptions/listen") return listen(message, response);
    auto session = std::make_shared<Session>();
    if (message.method == "tools/call" && takes_stream(request)) {
      return stream_call(std::move(message), std::move(session), response);
    }
    const auto reply = server_.handle(*session, message, [](const Json&) { return false; });
    if (reply) answer(response, 200, *reply);
  }

  void listen(const Message& message, httplib::Response& response) {
    auto [name, session] = sessions_.create();
    const auto stream = open_stream(*session);
    const Send send = [stream](const Json& said) { return stream->push(said); };
    if (const auto reply = server_.handle(*session, message, send)) {
      sessions_.remove(name);
      return answer(response, 400, *reply);
    }
    // The session ends with the stream.
    const std::shared_ptr<Session> lasting(
        session.get(), [this, kept = session, id = name](Session*) { sessions_.remove(id); });
    write_stream(stream, lasting, response);
  }

  void initialize(const Message& message, httplib::Response& response) {
    auto [name, session] = sessions_.create();
    const auto reply = server_.handle(*session, message, [](const Json&) { return false; });
    const bool accepted = reply && reply->contains("result");
    if (accepted) {
      response.set_header(kSessionHeader, name);
    } else {
      sessions_.remove(name);
    }
    if (reply) answer(response, 200, *reply);
  }

  // The call runs while its stream is written.
  void stream_call(Message message, std::shared_ptr<Session> session, httplib::Response& response) {
    response.set_chunked_content_provider(
        kEventStream, [this, message = std::move(message), session = std::move(session)](
                          size_t, httplib::DataSink& sink) {
          const Send send = [&sink](const Json& said) {
            const std::string event = event_of(said);
            return sink.write(event.data(), event.size());
          };
          session->set_liveness([&sink] { return sink.is_writable(); });
          if (const auto reply = server_.handle(*session, message, send)) (void)send(*reply);
          session->set_liveness(nullptr);
          sink.done();
          return true;
        });
  }

  void get(const httplib::Request& request, httplib::Response& response) {
    const auto session = session_of(request, response);
    if (!session) return;
    write_stream(open_stream(*session), session, response);
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

  void write_stream(const std::shared_ptr<Stream>& stream, const std::shared_ptr<Session>& session,
                    httplib::Response& response) {
    response.set_header("X-Accel-Buffering", "no");  // nothing on the way may hold events back
    response.set_chunked_content_provider(
        kEventStream, [stream, session](size_t, httplib::DataSink& sink) {
          const std::string event = session->closed() ? std::string() : stream->next();
          if (event.empty()) {
            sink.done();
            return true;
          }
          return sink.write(event.data(), event.size());
        });
  }

  const Server& server_;
  Sessions& sessions_;
  const HttpOptions options_;
  httplib::Server http_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Stream>> streams_;
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
