// Outbox: what is to be told to the world outside of the store, written in the transaction that
// decides it, and delivered afterwards by a relay.
//
// An entry is delivered at least once: whoever receives it can tell a repetition by its id (an
// Inbox does). One relay at a time works on an outbox, so entries arrive in the order in which they
// were added; when its process dies the next relay goes on at once. An entry that cannot be
// delivered holds up those behind it, until it becomes a dead letter after `attempts_max` attempts.
//
// Adding never conflicts. Thread-safety and errors: as of Kv (holdfast/kv.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kOutboxNameSizeMax = 100;         // bytes of UTF-8, at least 1
constexpr size_t kOutboxTopicSizeMax = 1000;       // bytes of UTF-8
constexpr size_t kOutboxPayloadSizeMax = 900'000;  // bytes, any
constexpr size_t kOutboxListMax = 10'000;

struct OutboxEntry {
  std::string id = {};  // UUIDv7
  std::string topic = {};
  std::string payload = {};
  int64_t added_us = 0;    // the commit's time
  uint32_t attempts = 0;   // that failed so far
  std::string error = {};  // of the last one
};

struct RelayOptions {
  size_t limit = 1000;  // entries at most, 1 to kOutboxListMax
  // Delivered entries that are removed in one commit. When the relay dies as many are repeated.
  size_t batch = 16;
  uint32_t attempts_max = 10;
  std::chrono::milliseconds backoff_first{1'000};  // then doubled
  std::chrono::milliseconds backoff_max{600'000};
  std::chrono::milliseconds lease{60'000};  // a relay that needs longer for a batch is replaced
  // For entries to come, when there are none, or none that is due.
  std::chrono::milliseconds wait{0};
};

struct RelayResult {
  uint64_t delivered = 0;
  uint64_t failed = 0;  // attempts
  uint64_t dead = 0;    // that became dead letters
};

struct OutboxStats {
  uint64_t waiting = 0;
  uint64_t dead = 0;
};

class Outbox {
 public:
  Outbox(std::shared_ptr<memory::Access> access, std::string name);  // see Space::outbox

  // The entry's id. In a transaction it is part of it. Errors: TooLarge, InvalidArgument.
  Result<std::string> add(std::string_view topic, std::string_view payload) const;

  // Delivers what is there, in order, until there is nothing more that is due. `deliver` is called
  // outside of any transaction. REQUIRES: not in a transaction.
  // Errors: Busy (another relay is at work), Fenced (this one took too long and was replaced).
  using Deliver = std::function<Status(const OutboxEntry&)>;
  Result<RelayResult> relay(const Deliver& deliver, const RelayOptions& options = {}) const;

  // Entries that wait, or dead ones, the oldest first.
  Result<std::vector<OutboxEntry>> waiting(size_t limit = 1000) const;
  Result<std::vector<OutboxEntry>> dead(size_t limit = 1000) const;
  Result<OutboxStats> stats() const;
  // A dead letter is added anew, under the same id. Errors: NotFound.
  Status requeue(std::string_view id) const;
  // Removes a dead letter. Errors: NotFound.
  Status remove_dead(std::string_view id) const;

 private:
  std::shared_ptr<memory::Access> access_;
  std::string name_;
};

}  // namespace holdfast
