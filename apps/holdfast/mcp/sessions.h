// Sessions: the clients that are served now, each under a name that cannot be guessed.
//
// Thread-safety: all methods from any thread.
// Invariant: there are at most kSessionsMax; beyond it, who was silent longest is let go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mcp/session.h"

namespace holdfast::mcp {

constexpr size_t kSessionsMax = 1'000;

class Sessions {
 public:
  // A new one, and its name.
  std::pair<std::string, std::shared_ptr<Session>> create();
  // nullptr: there is none of this name.
  std::shared_ptr<Session> find(const std::string& name);
  // False: there is none.
  bool remove(const std::string& name);
  std::vector<std::shared_ptr<Session>> all() const;
  void close_all();

 private:
  struct Entry {
    std::shared_ptr<Session> session;
    uint64_t used = 0;  // on a clock that ticks with each use
  };

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  uint64_t uses_ = 0;
};

}  // namespace holdfast::mcp
