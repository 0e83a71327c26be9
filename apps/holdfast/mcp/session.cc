#include "mcp/session.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace holdfast::mcp {
namespace {

// A person may be asked, who reads first.
constexpr std::chrono::minutes kAskTimeout{10};

// RFC 5424's levels, from the least to the most urgent.
constexpr std::array<const char*, 8> kLogLevels = {"debug", "info",     "notice", "warning",
                                                   "error", "critical", "alert",  "emergency"};

// The one revision that has batches.
constexpr const char* kVersionWithBatches = "2025-03-26";

Json updated(const std::string& uri) {
  return notification_of("notifications/resources/updated", {{"uri", uri}});
}

// To the request of which `id` is the id as JSON text.
Json updated(const std::string& uri, const std::string& id) {
  return notification_of("notifications/resources/updated",
                         {{"_meta", {{kMetaSubscription, Json::parse(id)}}}, {"uri", uri}});
}

size_t urgency(const std::string& level) {
  return static_cast<size_t>(std::find(kLogLevels.begin(), kLogLevels.end(), level) -
                             kLogLevels.begin());
}

}  // namespace

bool is_log_level(const std::string& level) {
  return urgency(level) < kLogLevels.size();
}

void Session::introduce(std::string protocol_version, Json capabilities) {
  const std::lock_guard guard(mutex_);
  protocol_version_ = std::move(protocol_version);
  capabilities_ = std::move(capabilities);
}

std::string Session::protocol_version() const {
  const std::lock_guard guard(mutex_);
  return protocol_version_;
}

bool Session::takes_batches() const {
  const std::lock_guard guard(mutex_);
  return protocol_version_ == kVersionWithBatches;
}

bool Session::client_has(const std::string& capability) const {
  const std::lock_guard guard(mutex_);
  return capabilities_.contains(capability);
}

void Session::set_log_level(const std::string& level) {
  const std::lock_guard guard(mutex_);
  log_level_ = level;
}

bool Session::wants_log(const std::string& level) const {
  const std::lock_guard guard(mutex_);
  return urgency(level) >= urgency(log_level_);
}

size_t Session::subscription_count() const {
  size_t count = subscriptions_.size();
  for (const auto& [id, one] : listening_) count += one.uris.size();
  return count;
}

bool Session::subscribe(const std::string& uri) {
  const std::lock_guard guard(mutex_);
  if (subscription_count() >= kSubscriptionsMax) return subscriptions_.contains(uri);
  subscriptions_.insert(uri);
  return true;
}

void Session::unsubscribe(const std::string& uri) {
  const std::lock_guard guard(mutex_);
  subscriptions_.erase(uri);
  missed_.erase(uri);
}

bool Session::listen(const Json& id, std::set<std::string> uris) {
  const std::lock_guard guard(mutex_);
  if (subscription_count() + uris.size() > kSubscriptionsMax) return false;
  listening_[id.dump()] = {.uris = std::move(uris)};
  return true;
}

void Session::begin_telling(const Json& id) {
  std::set<std::string> missed;
  {
    const std::lock_guard guard(mutex_);
    const auto found = listening_.find(id.dump());
    if (found == listening_.end()) return;  // it was cancelled meanwhile
    found->second.has_begun = true;
    missed.swap(found->second.missed);
  }
  for (const std::string& uri : missed) (void)tell(updated(uri, id.dump()));
}

void Session::stop_listening(const Json& id) {
  const std::lock_guard guard(mutex_);
  listening_.erase(id.dump());
}

bool Session::has_subscriptions() const {
  const std::lock_guard guard(mutex_);
  return !subscriptions_.empty() || !listening_.empty();
}

void Session::tell_updated(const std::function<bool(const std::string& uri)>& changed) {
  std::vector<std::string> news;
  std::vector<Json> tagged;
  {
    const std::lock_guard guard(mutex_);
    for (const std::string& uri : subscriptions_) {
      if (changed(uri)) news.push_back(uri);
    }
    for (auto& [id, one] : listening_) {
      for (const std::string& uri : one.uris) {
        if (!changed(uri)) continue;
        if (one.has_begun) {
          tagged.push_back(updated(uri, id));
        } else {
          one.missed.insert(uri);
        }
      }
    }
  }
  for (const Json& message : tagged) (void)tell(message);
  for (const std::string& uri : news) tell_again(updated(uri));
}

void Session::tell_again(const Json& message) {
  if (tell(message)) return;
  const Json uri = message["params"].value("uri", Json());
  const std::lock_guard guard(mutex_);
  if (uri.is_string() && subscriptions_.contains(uri)) missed_.insert(uri);
}

void Session::set_listener(Send send) {
  std::set<std::string> missed;
  {
    const std::lock_guard guard(mutex_);
    listener_ = std::move(send);
    if (listener_) missed.swap(missed_);
  }
  for (const std::string& uri : missed) (void)tell(updated(uri));
}

bool Session::tell(const Json& message) {
  Send listener;
  {
    const std::lock_guard guard(mutex_);
    listener = listener_;
  }
  return listener && listener(message);
}

bool Session::begin(const Json& id, std::function<bool()> is_alive) {
  const std::lock_guard guard(mutex_);
  return running_.try_emplace(id.dump(), Running{std::move(is_alive)}).second;
}

void Session::end(const Json& id) {
  const std::lock_guard guard(mutex_);
  running_.erase(id.dump());
}

void Session::cancel(const Json& id) {
  const std::lock_guard guard(mutex_);
  const auto found = running_.find(id.dump());
  if (found != running_.end()) found->second.cancelled = true;
}

bool Session::was_cancelled(const Json& id) const {
  const std::lock_guard guard(mutex_);
  const auto found = running_.find(id.dump());
  return found != running_.end() && found->second.cancelled;
}

bool Session::is_cancelled(const Json& id) const {
  const std::lock_guard guard(mutex_);
  if (closed_) return true;
  const auto found = running_.find(id.dump());
  if (found == running_.end()) return false;
  const Running& request = found->second;
  return request.cancelled || (request.is_alive && !request.is_alive());
}

Result<Json> Session::ask(const Send& send, const std::string& method, Json params,
                          std::chrono::milliseconds timeout) {
  std::string id;
  {
    const std::lock_guard guard(mutex_);
    id = "holdfast-" + std::to_string(++asked_);
    awaited_[id] = std::nullopt;
  }
  const bool sent = send(request_of(id, method, std::move(params)));
  std::unique_lock lock(mutex_);
  const auto answered = [&] { return closed_ || awaited_[id].has_value(); };
  const bool in_time = sent && changed_.wait_for(lock, timeout, answered);
  const std::optional<Reply> reply = std::move(awaited_[id]);
  awaited_.erase(id);
  if (!sent || (!reply && closed_)) {
    return Status(StatusCode::kClosed, "the client is gone; it did not answer " + method);
  }
  if (!in_time || !reply) {
    return Status(StatusCode::kBusy, "the client did not answer " + method + " in time");
  }
  if (const RpcError* error = std::get_if<RpcError>(&*reply)) {
    return Status(StatusCode::kConditionFalse,
                  "the client refused " + method + ": " + error->message);
  }
  return std::get<Json>(*reply);
}

void Session::answer(const Message& response) {
  const std::lock_guard guard(mutex_);
  if (!response.id.is_string()) return;
  const auto found = awaited_.find(response.id.get<std::string>());
  if (found == awaited_.end()) return;
  found->second = response.reply;
  changed_.notify_all();
}

void Session::close() {
  std::map<std::string, std::function<void()>> due;
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    listener_ = nullptr;
    changed_.notify_all();
    due.swap(at_close_);
  }
  for (const auto& [topic, work] : due) work();
}

void Session::at_close(const std::string& topic, std::function<void()> work) {
  {
    const std::lock_guard guard(mutex_);
    if (!closed_) {
      at_close_.try_emplace(topic, std::move(work));
      return;
    }
  }
  work();
}

bool Session::closed() const {
  const std::lock_guard guard(mutex_);
  return closed_;
}

Peer::Peer(Session& session, Json request_id, PeerOptions options, Send send)
    : session_(session),
      request_id_(std::move(request_id)),
      options_(std::move(options)),
      send_(std::move(send)) {}

bool Peer::cancelled() const {
  return session_.is_cancelled(request_id_);
}

void Peer::notify(const std::string& method, Json params) {
  (void)send_(notification_of(method, std::move(params)));  // who is gone needs no news
}

void Peer::log(const std::string& level, const std::string& text) {
  const bool wanted = options_.is_stateless ? urgency(level) >= urgency(options_.log_level)
                                            : session_.wants_log(level);
  if (!wanted) return;
  notify("notifications/message", {{"level", level}, {"logger", "holdfast"}, {"data", text}});
}

void Peer::progress(double done, double total, const std::string& text) {
  if (options_.progress_token.is_null()) return;
  Json params = {{"progressToken", options_.progress_token}, {"progress", done}, {"total", total}};
  if (!text.empty()) params["message"] = text;
  notify("notifications/progress", std::move(params));
}

Result<Json> Peer::ask(const std::string& method, Json params) {
  if (options_.is_stateless) {
    return Status(StatusCode::kUnsupported,
                  "a server of this revision asks its client nothing: " + method);
  }
  return session_.ask(send_, method, std::move(params), kAskTimeout);
}

}  // namespace holdfast::mcp
