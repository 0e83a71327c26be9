// Events: streams that processes append to and read in one order. Numbers have no gaps, and each
// event is chained by hash to the one before.
//
// Appending never conflicts, however many processes append at once: an event is put under its
// commit's version, and its number is its place in the order of the commits. So a number is known
// when the commit is, and never changes. What a stream has let go of (retain) keeps its numbers.
//
// The chain: hash(n) = SHA-256(hash(n - 1), n as 8 bytes with the little end first, the event as
// stored). Every 256 events somebody who appends or consumes seals the chain: writes down hash(n).
// verify() computes the hashes anew and compares them with all seals; who keeps a seal elsewhere
// can have it compared too.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). Names are UTF-8. In a transaction its own
// appends are not seen: they have no numbers yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kStreamNameSizeMax = 200;       // bytes, at least 1
constexpr size_t kEventTypeSizeMax = 200;        // bytes
constexpr size_t kEventSourceSizeMax = 1000;     // bytes
constexpr size_t kEventDataSizeMax = 900'000;    // bytes; any bytes, may be empty
constexpr size_t kEventReadMax = 10'000;         // events at once
constexpr size_t kEventReadBytesMax = 4u << 20;  // a page ends behind the event that passes it
constexpr size_t kConsumerNameSizeMax = 200;     // bytes, at least 1
constexpr size_t kEventTrimMax = 10'000;         // events that one trim lets go of at most

struct NewEvent {
  std::string type = {};  // such as "tool.called"
  std::string data = {};
  std::string source = {};  // who or what it comes from
};

struct Event {
  uint64_t number = 0;   // 1: the first of the stream
  std::string id = {};   // UUIDv7
  uint64_t version = 0;  // of the commit
  int64_t time_us = 0;   // of the commit; never falls along a stream
  std::string type = {};
  std::string data = {};
  std::string source = {};
};

struct EventReadOptions {
  uint64_t from = 1;      // the first number that is wanted
  size_t limit = 1000;    // 1 to kEventReadMax
  std::string type = {};  // only these; empty: all
  uint64_t before = 0;    // only those with smaller numbers; 0: all
};

struct EventPage {
  std::vector<Event> events = {};
  uint64_t next = 1;    // go on with `from` = next: behind the last one looked at
  uint64_t missed = 0;  // how many from `from` on the stream has let go of
};

struct StreamInfo {
  std::string name = {};
  uint64_t first = 1;   // the oldest number that is kept
  uint64_t next = 1;    // the number that the next event gets; next - first are there
  uint64_t sealed = 0;  // the number of the newest seal
  uint64_t consumers = 0;
};

// What retain() keeps; for everybody, stored in the space. Zero: no limit.
struct StreamRetention {
  std::chrono::milliseconds age{0};
  uint64_t count = 0;
  // What a consumer has not read is kept nevertheless.
  bool keep_unread = true;
};

// A place in the chain, to be kept elsewhere and compared by verify() later.
struct StreamSeal {
  uint64_t number = 0;    // of the last event it covers
  std::string hash = {};  // 64 hexadecimal digits
};

struct StreamVerification {
  uint64_t events = 0;
  uint64_t seals = 0;    // that were compared
  StreamSeal head = {};  // hash up to the last event
};

struct ConsumerInfo {
  std::string name = {};
  uint64_t next = 1;    // the number that it reads next
  uint64_t behind = 0;  // events that are there for it
  int64_t moved_us = 0;
};

// Follows a stream. Thread-safety: one thread at a time. Keeps its store open.
class EventTail {
 public:
  class Impl;
  explicit EventTail(std::unique_ptr<Impl> impl);  // see EventStream::tail
  EventTail(EventTail&&) noexcept;
  EventTail& operator=(EventTail&&) noexcept;
  ~EventTail();

  // The next events, as soon as there is one, or none when `timeout` has passed. Moves on behind
  // them. Errors: InvalidArgument (limit).
  Result<EventPage> wait(std::chrono::milliseconds timeout, size_t limit = 1000);
  uint64_t next() const;

 private:
  std::unique_ptr<Impl> impl_;
};

class EventStream {
 public:
  EventStream(std::shared_ptr<memory::Access> access, std::string name);  // see Events::stream

  // The event's id. Errors: TooLarge, InvalidArgument (type or source not UTF-8).
  Result<std::string> append(const NewEvent& event) const;
  // All or none in one commit, in this order, nothing in between.
  Result<std::vector<std::string>> append_all(std::span<const NewEvent> events) const;
  // The number of the first event that the commit of this version appended (Store::update and
  // Transaction::commit return the version). Errors: NotFound.
  Result<uint64_t> first_of(uint64_t version) const;

  // Errors: InvalidArgument (limit; `from` beyond the end).
  Result<EventPage> read(const EventReadOptions& options = {}) const;
  // Waits for events from number `from` on; 0: for those that come from now on.
  // Errors: InvalidArgument (`from` beyond the end).
  Result<EventTail> tail(uint64_t from = 0) const;
  Result<StreamInfo> info() const;

  // Reads on from the consumer's cursor and moves it, in one commit: in a transaction of the caller
  // that also does what the events ask for, each event is dealt with exactly once, whoever dies.
  // Two transactions of one consumer conflict. A consumer begins to exist, at the first event kept,
  // when it first consumes something. Errors: InvalidArgument (limit, name).
  Result<EventPage> consume(std::string_view consumer, size_t limit = 1000) const;
  // The consumer reads on from number `next`; makes the consumer. Errors: InvalidArgument (beyond
  // the end, or no longer kept).
  Status seek(std::string_view consumer, uint64_t next) const;
  // In order of their names.
  Result<std::vector<ConsumerInfo>> consumers() const;
  // Errors: NotFound.
  Status remove_consumer(std::string_view consumer) const;

  // From now on; who appends lets go of old events in small steps. Errors: InvalidArgument.
  Status retain(const StreamRetention& retention) const;
  Result<StreamRetention> retention() const;
  // Lets go of at most `limit` events that need not be kept; how many. Errors: Corruption (the
  // chain does not match a seal: nothing is removed), InvalidArgument (limit).
  Result<uint64_t> trim(size_t limit = 1000) const;

  // Seals up to the last event. Errors: NotFound (the stream is empty).
  Result<StreamSeal> seal() const;
  // Computes the chain over all events that are kept. `expected`: one that seal() or verify()
  // returned before. Errors: Corruption (an event was changed, removed or added; the message says
  // between which numbers), InvalidArgument (`expected` is no longer kept, or beyond the end).
  Result<StreamVerification> verify(const std::optional<StreamSeal>& expected = {}) const;

  // Removes the stream with its consumers and retention. It begins anew with number 1.
  Status remove() const;

 private:
  std::shared_ptr<memory::Access> access_;
  std::string name_;
};

// The streams of a space. A stream begins to exist with its first event.
class Events {
 public:
  explicit Events(std::shared_ptr<memory::Access> access);  // see Space::events

  EventStream stream(std::string_view name) const;
  // Those that exist, in order of their names, behind `after`. Errors: InvalidArgument (limit).
  Result<std::vector<StreamInfo>> list(std::string_view after = {}, size_t limit = 1000) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
