// Held: what this server holds for its clients (claims, leased jobs), by the name it told them.
// What one session has, another neither finds nor keeps; clients without sessions share what they
// have.
//
// Thread-safety: all methods from any thread.
// Invariant: what has expired is let go of before it is more than what has not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "process/unix_time.h"

namespace holdfast::mcp {

template <typename Thing>
class Held {
 public:
  // `owner`: a session; nullptr: whoever has none.
  void keep(const void* owner, const std::string& name, Thing thing, int64_t expires_us) {
    const std::lock_guard guard(mutex_);
    if (things_.size() >= sweep_at_) {
      const int64_t now_us = process::unix_us();
      std::erase_if(things_, [&](const auto& one) { return one.second.expires_us < now_us; });
      sweep_at_ = std::max(kSweptMin, 2 * things_.size());
    }
    things_.insert_or_assign({owner, name}, Entry{std::move(thing), expires_us});
  }
  std::optional<Thing> find(const void* owner, const std::string& name) const {
    const std::lock_guard guard(mutex_);
    const auto found = things_.find({owner, name});
    if (found == things_.end()) return std::nullopt;
    return found->second.thing;
  }
  void drop(const void* owner, const std::string& name) {
    const std::lock_guard guard(mutex_);
    things_.erase({owner, name});
  }
  // All that the owner has, which it has no longer.
  std::vector<Thing> take_all(const void* owner) {
    const std::lock_guard guard(mutex_);
    std::vector<Thing> taken;
    for (auto one = things_.lower_bound({owner, ""}); one != things_.end();) {
      if (one->first.first != owner) break;
      taken.push_back(std::move(one->second.thing));
      one = things_.erase(one);
    }
    return taken;
  }

  size_t size() const {
    const std::lock_guard guard(mutex_);
    return things_.size();
  }

 private:
  struct Entry {
    Thing thing;
    int64_t expires_us;
  };
  static constexpr size_t kSweptMin = 1'000;

  mutable std::mutex mutex_;
  std::map<std::pair<const void*, std::string>, Entry> things_;
  size_t sweep_at_ = kSweptMin;
};

}  // namespace holdfast::mcp
