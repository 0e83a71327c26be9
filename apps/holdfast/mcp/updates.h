// Updates: tells the clients that subscribed to a resource when a commit of any process changed it.
//
// Thread-safety: a thread of its own between construction and destruction.
// Invariants:
//   1. Nothing is opened or watched before a client subscribes.
//   2. An update that may have been missed is told: a client rather reads once too often.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mcp/memory.h"
#include "mcp/sessions.h"

namespace holdfast::mcp {

// Which rows are watched, and which resources change with them.
struct Topic {
  // What the rows' keys begin with; nullopt: there are none yet.
  std::function<Result<std::optional<std::string>>()> prefix;
  std::string whole;  // the URI of what any row changes
  std::string each;   // the URI of an observation's row begins so; empty: rows have none
};
// `memory` must outlive what is returned.
Topic observations_topic(Memory& memory);
Topic graph_topic(Memory& memory);

class Updates {
 public:
  // Both must outlive it.
  Updates(Memory& memory, const Sessions& sessions, Topic topic);
  Updates(const Updates&) = delete;
  Updates& operator=(const Updates&) = delete;
  ~Updates();

 private:
  void run();
  // Watches the rows until something fails or it is to stop.
  Status watch();
  bool anyone() const;
  // Tells who subscribed to what of `uris`; an empty list: to anything of the topic.
  void tell(const std::vector<std::string>& uris) const;

  Memory& memory_;
  const Sessions& sessions_;
  const Topic topic_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace holdfast::mcp
