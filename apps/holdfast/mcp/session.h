// Session: what one client has told the server, and the ways to reach that client. Peer: the way
// that belongs to one request; what a tool says while it runs goes there.
//
// Thread-safety: all methods of Session from any thread; a Peer belongs to its request's thread.
// Invariants:
//   1. A request that the client cancelled is known as such until its answer is due.
//   2. Who asks the client gets an answer, or an error when the client is gone or time has passed.
//   3. An update that nobody could be told when it came is told to who listens next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "holdfast/status.h"
#include "mcp/message.h"

namespace holdfast::mcp {

// Sends one message. False: the way is closed.
using Send = std::function<bool(const Json& message)>;

// One of the eight levels of syslog.
bool is_log_level(const std::string& level);

// Tags what a subscription of the modern era is told with the id of its request.
constexpr const char* kMetaSubscription = "io.modelcontextprotocol/subscriptionId";

constexpr size_t kSubscriptionsMax = 1'000;  // URIs of one session

// How a request's tool may talk to its client.
struct PeerOptions {
  Json progress_token = nullptr;  // null: no progress is wanted
  // Each request stands for itself: the client is asked nothing, and hears of the log only what
  // this request wants.
  bool is_stateless = false;
  std::string log_level = {};  // stateless: empty for none
};

class Session {
 public:
  // From initialize.
  void introduce(std::string protocol_version, Json capabilities);
  std::string protocol_version() const;
  // Whether the revision that was agreed on has batches.
  bool takes_batches() const;
  // Whether the client said that it can answer "sampling", "elicitation" ...
  bool client_has(const std::string& capability) const;

  void set_log_level(const std::string& level);
  bool wants_log(const std::string& level) const;

  // False: there are kSubscriptionsMax already.
  bool subscribe(const std::string& uri);
  void unsubscribe(const std::string& uri);
  // The same for the request `id`, whose notifications say so. They begin when the client has been
  // told that it listens; what changes before is told then.
  bool listen(const Json& id, std::set<std::string> uris);
  void begin_telling(const Json& id);
  void stop_listening(const Json& id);
  bool has_subscriptions() const;
  // notifications/resources/updated for each subscribed URI for which `changed` is true.
  void tell_updated(const std::function<bool(const std::string& uri)>& changed);

  // Where notifications go that belong to no request; an empty function: nowhere for now.
  void set_listener(Send send);
  bool tell(const Json& message);
  // What a listener took and then did not say.
  void tell_again(const Json& message);

  // Around each request. `is_alive`: whether the client still waits for it, where that can be asked
  // at any time; called by whoever asks is_cancelled(), until the request ends. False: one with
  // this id has not been answered yet.
  bool begin(const Json& id, std::function<bool()> is_alive = nullptr);
  void end(const Json& id);
  void cancel(const Json& id);
  // Whether the client has cancelled it.
  bool was_cancelled(const Json& id) const;
  // The same, or nobody is there any more to be answered.
  bool is_cancelled(const Json& id) const;

  // Sends a request through `send` and waits for the client's response. Errors: Busy (no answer in
  // time), Closed, ConditionFalse (the client refused; the message says why).
  Result<Json> ask(const Send& send, const std::string& method, Json params,
                   std::chrono::milliseconds timeout);
  // A response of the client; one that nobody waits for is dropped.
  void answer(const Message& response);

  // The client is gone: all waits end, and what at_close() was given is done.
  void close();
  // Has `work` done when the client is gone, or now if it is; of each `topic` the first stays.
  void at_close(const std::string& topic, std::function<void()> work);
  bool closed() const;

 private:
  struct Listening {
    std::set<std::string> uris;
    bool has_begun = false;
    std::set<std::string> missed = {};  // before it has begun
  };

  // A request that is not answered yet.
  struct Running {
    std::function<bool()> is_alive;
    bool cancelled = false;
  };

  // REQUIRES: mutex_ held.
  size_t subscription_count() const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string protocol_version_;
  Json capabilities_ = Json::object();
  std::string log_level_ = "info";
  std::set<std::string> subscriptions_;
  std::set<std::string> missed_;                // of those
  std::map<std::string, Listening> listening_;  // by the request's id as JSON text
  Send listener_;
  std::map<std::string, Running> running_;  // by ids as JSON text
  uint64_t asked_ = 0;
  std::map<std::string, std::optional<Reply>> awaited_;
  bool closed_ = false;
  std::map<std::string, std::function<void()>> at_close_;  // by topic
};

class Peer {
 public:
  Peer(Session& session, Json request_id, PeerOptions options, Send send);

  Session& session() { return session_; }
  bool cancelled() const;
  // Whose is what a tool holds for the client: the session's, or nullptr where requests have none.
  const void* owner() const { return options_.is_stateless ? nullptr : &session_; }

  void notify(const std::string& method, Json params);
  // notifications/message, where the client asked for this level.
  void log(const std::string& level, const std::string& text);
  // notifications/progress, where the client gave a token.
  void progress(double done, double total, const std::string& text = "");
  // Errors: those of Session::ask; Unsupported (the request is stateless).
  Result<Json> ask(const std::string& method, Json params);

 private:
  Session& session_;
  const Json request_id_;
  const PeerOptions options_;
  const Send send_;
};

}  // namespace holdfast::mcp
