// Held: what this server holds for its clients (claims, leased jobs), by the name it told them.
//
// Thread-safety: all methods from any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace holdfast::mcp {

template <typename Thing>
class Held {
 public:
  void keep(const std::string& name, Thing thing) {
    const std::lock_guard guard(mutex_);
    things_.insert_or_assign(name, std::move(thing));
  }
  std::optional<Thing> find(const std::string& name) const {
    const std::lock_guard guard(mutex_);
    const auto found = things_.find(name);
    if (found == things_.end()) return std::nullopt;
    return found->second;
  }
  void drop(const std::string& name) {
    const std::lock_guard guard(mutex_);
    things_.erase(name);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Thing> things_;
};

}  // namespace holdfast::mcp
