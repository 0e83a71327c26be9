#include "mcp/updates.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/uuid.h"
#include "graph/graph_space.h"
#include "memory/keys.h"

namespace holdfast::mcp {
namespace {

using std::chrono::milliseconds;

// How long it takes to notice that somebody subscribed, that it is to stop, that a space came to
// be.
constexpr milliseconds kLook{200};

// Of the observation whose row has this key.
std::string id_of(const std::string& key, size_t prefix_size) {
  const std::string bytes = memory::complement(std::string_view(key).substr(prefix_size));
  Uuid id;
  if (bytes.size() != id.bytes.size()) return {};
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id.to_text();
}

}  // namespace

Topic observations_topic(Memory& memory) {
  return {[&memory] { return memory.observations_prefix(); }, "holdfast://recent",
          "holdfast://observation/"};
}

Topic graph_topic(Memory& memory) {
  return {[&memory] { return memory.graph_prefix(); }, graph::kGraphUri, ""};
}

Updates::Updates(Memory& memory, const Sessions& sessions, Topic topic)
    : memory_(memory), sessions_(sessions), topic_(std::move(topic)), thread_([this] { run(); }) {}

Updates::~Updates() {
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

bool Updates::anyone() const {
  const auto all = sessions_.all();
  return std::any_of(all.begin(), all.end(),
                     [](const auto& session) { return session->has_subscriptions(); });
}

void Updates::run() {
  while (!stop_) {
    if (anyone()) (void)watch();  // whatever failed, the next call tries again
    std::unique_lock lock(mutex_);
    stopping_.wait_for(lock, kLook, [this] { return stop_.load(); });
  }
}

Status Updates::watch() {
  HOLDFAST_ASSIGN(const auto prefix, topic_.prefix());
  if (!prefix) return Status::ok();  // nobody has written to the space yet
  HOLDFAST_ASSIGN(Watch watch, memory_.watch(KeyRange::prefix(*prefix)));
  tell({});  // of what happened before the watch was there
  while (!stop_ && anyone()) {
    HOLDFAST_ASSIGN(const WatchResult result, watch.wait(kLook));
    bool is_any = result.missed;  // and nobody knows which
    std::vector<std::string> uris;
    for (const WatchedCommit& commit : result.commits) {
      for (const WatchedKey& key : commit.keys) {
        is_any = is_any || key.is_range;
        if (key.is_range || topic_.each.empty()) continue;
        uris.push_back(topic_.each + id_of(key.key, prefix->size()));
      }
    }
    if (is_any) tell({});
    if (is_any || result.commits.empty()) continue;
    uris.push_back(topic_.whole);
    std::sort(uris.begin(), uris.end());
    uris.erase(std::unique(uris.begin(), uris.end()), uris.end());
    tell(uris);
  }
  return Status::ok();
}

void Updates::tell(const std::vector<std::string>& uris) const {
  const auto changed = [&](const std::string& uri) {
    const bool ours =
        uri == topic_.whole || (!topic_.each.empty() && uri.rfind(topic_.each, 0) == 0);
    if (!ours || uris.empty()) return ours;
    // Of an observation also the beginning of its id is a name.
    const auto at = std::lower_bound(uris.begin(), uris.end(), uri);
    return at != uris.end() && (*at == uri || (uri != topic_.whole && at->starts_with(uri)));
  };
  for (const auto& session : sessions_.all()) session->tell_updated(changed);
}

}  // namespace holdfast::mcp
