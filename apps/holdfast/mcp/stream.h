// Stream: what waits to be written to the stream of a GET, or of subscriptions/listen: that
// something has changed, which need not be said twice.
//
// Thread-safety: push() and close() from any thread; the others belong to who writes the stream.
// Invariant: what waits is handed to one only: to the writer, or to who closes first.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "mcp/message.h"

namespace holdfast::mcp {

class Stream {
 public:
  // False: it is closed, or more waits than a client can have subscribed to.
  bool push(const Json& message);
  // Waits for something to say, at most so long. False: it is closed.
  bool wait(std::chrono::milliseconds timeout);
  // It stays until drop_first(). nullopt: nothing waits, or it is closed.
  std::optional<Json> first() const;
  // To be called when it was said. Nothing happens if it was closed meanwhile.
  void drop_first();
  // Returns what was not said.
  std::deque<Json> close();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> waiting_;  // closed: empty
  bool closed_ = false;
};

}  // namespace holdfast::mcp
