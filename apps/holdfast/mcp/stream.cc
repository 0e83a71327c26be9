#include "mcp/stream.h"

#include <algorithm>
#include <utility>

#include "mcp/session.h"

namespace holdfast::mcp {

bool Stream::push(const Json& message) {
  constexpr size_t kMessagesMax = kSubscriptionsMax + 1;  // and the acknowledgement
  const std::lock_guard guard(mutex_);
  if (closed_) return false;
  if (std::find(waiting_.begin(), waiting_.end(), message) != waiting_.end()) return true;
  if (waiting_.size() == kMessagesMax) return false;
  waiting_.push_back(message);
  changed_.notify_all();
  return true;
}

bool Stream::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return closed_ || !waiting_.empty(); });
  return !closed_;
}

std::optional<Json> Stream::first() const {
  const std::lock_guard guard(mutex_);
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.front());
}

void Stream::drop_first() {
  const std::lock_guard guard(mutex_);
  if (!closed_) waiting_.pop_front();
}

std::deque<Json> Stream::close() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
  return std::exchange(waiting_, {});
}

}  // namespace holdfast::mcp
