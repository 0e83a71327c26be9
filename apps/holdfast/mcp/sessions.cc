#include "mcp/sessions.h"

#include <algorithm>
#include <utility>

#include "process/random_name.h"

namespace holdfast::mcp {

std::pair<std::string, std::shared_ptr<Session>> Sessions::create() {
  std::string name = process::random_name();
  auto session = std::make_shared<Session>();
  std::shared_ptr<Session> left;  // closed without the lock: that writes to the store
  {
    const std::lock_guard guard(mutex_);
    if (entries_.size() >= kSessionsMax) {
      const auto silent = std::min_element(
          entries_.begin(), entries_.end(),
          [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
      left = std::move(silent->second.session);
      entries_.erase(silent);
    }
    entries_[name] = {session, ++uses_};
  }
  if (left) left->close();
  return {std::move(name), std::move(session)};
}

std::shared_ptr<Session> Sessions::find(const std::string& name) {
  const std::lock_guard guard(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.session;
}

bool Sessions::remove(const std::string& name) {
  std::shared_ptr<Session> left;
  {
    const std::lock_guard guard(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return false;
    left = std::move(found->second.session);
    entries_.erase(found);
  }
  left->close();
  return true;
}

std::vector<std::shared_ptr<Session>> Sessions::all() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::shared_ptr<Session>> sessions;
  for (const auto& [name, entry] : entries_) sessions.push_back(entry.session);
  return sessions;
}

void Sessions::close_all() {
  for (const auto& session : all()) session->close();
}

}  // namespace holdfast::mcp
