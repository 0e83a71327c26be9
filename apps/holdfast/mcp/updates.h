// Updates: tells the clients that subscribed to a resource when a commit of any process changed it.
//
// Thread-safety: a thread of its own between construction and destruction.
// Invariants:
//   1. Nothing is opened or watched before a client subscribes.
//   2. An update that may have been missed is told: a client rather reads once too often.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "mcp/memory.h"
#include "mcp/sessions.h"

namespace holdfast::mcp {

class Updates {
 public:
  // Both must outlive it.
  Updates(Memory& memory, const Sessions& sessions);
  Updates(const Updates&) = delete;
  Updates& operator=(const Updates&) = delete;
  ~Updates();

 private:
  void run();
  // Watches the observations until something fails or it is to stop.
  Status watch();
  bool anyone() const;
  // Tells who subscribed to what of `uris`; an empty list: to any observation.
  void tell(const std::vector<std::string>& uris) const;

  Memory& memory_;
  const Sessions& sessions_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace holdfast::mcp
