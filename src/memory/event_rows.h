// The keys and rows of an event stream, and how its events get their numbers.
//
// | key (n: name as an ordered string) | value                                                 |
// |------------------------------------|-------------------------------------------------------|
// | 08 10 space n version:u64 id:16    | event: u64 time of the commit, row                    |
// | 08 11 space n ~number:u64          | seal: the mark of the event with this number          |
// | 08 12 space n                      | floor: the mark of the last event that was let go of  |
// | 08 13 space n consumer             | the mark (no hash) of the last event it has read      |
// | 08 14 space n                      | retention                                             |
//
// Who: events.cc, event_chain.cc, event_tail.cc. Thread-safety: that of the given source.
// Invariants:
//   1. An event's key holds its commit's version, so whoever reads at version v sees every event up
//      to v that there will ever be: its number, how many there are up to it, never changes.
//   2. So a seal is a function of its number: who writes it first, and how often, makes no
//      difference; and events may be read without being remembered by the transaction.
//   3. Seals lie above the floor: who writes one has read the floor.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "blob/sha256.h"
#include "holdfast/event.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

constexpr uint64_t kSealInterval = 256;

// An event's place in its stream; number 0: before the first.
struct Mark {
  uint64_t number = 0;
  uint64_t version = 0;
  Uuid id = {};
  blob::Hash hash = {};  // of the chain up to it
};

// An event as it lies in the store. Views hold for the visit.
struct StoredEvent {
  uint64_t number = 0;
  uint64_t version = 0;
  Uuid id = {};
  std::string_view bytes;  // the value

  int64_t time_us() const;
  Mark mark() const { return {number, version, id, {}}; }
};

blob::Hash chain_hash(const blob::Hash& before, uint64_t number, std::string_view bytes);
std::string encode_event(const NewEvent& event);
Result<Event> decode_event(const StoredEvent& stored, std::string_view stream);

class EventRows {
 public:
  EventRows(uint32_t space_id, std::string_view stream);

  KeyRange events() const { return search::prefix_range(key(KeyKind::kEvent, {})); }
  std::string event_prefix() const { return key(KeyKind::kEvent, {}); }
  std::string event_key(uint64_t version, const Uuid& id) const;
  std::string seal_key(uint64_t number) const;
  std::string floor_key() const { return key(KeyKind::kEventFloor, {}); }
  std::string consumer_prefix() const { return key(KeyKind::kEventConsumer, {}); }
  std::string consumer_key(std::string_view name) const { return consumer_prefix().append(name); }
  std::string retention_key() const { return key(KeyKind::kEventRetention, {}); }
  // Every key of the stream, kind by kind.
  std::vector<KeyRange> all() const;

  // Mark and time of writing. Errors: Corruption.
  struct MarkRow {
    Mark mark;
    int64_t written_us = 0;
  };
  static std::string encode_mark(const Mark& mark, int64_t written_us = 0);
  Result<MarkRow> decode_mark(std::string_view bytes) const;

  Result<Mark> floor(search::KeySource& source) const;       // remembered
  Result<Mark> peek_floor(search::KeySource& source) const;  // not
  // The greatest mark with a hash, floor included, whose number is not greater.
  Result<Mark> seal_at(search::KeySource& source, uint64_t number_max) const;
  // The same by version: less than `version`.
  Result<Mark> seal_before(search::KeySource& source, uint64_t version) const;
  // Seals behind `number`, up to `number_max`, ascending.
  Result<std::vector<Mark>> seals(search::KeySource& source, uint64_t number,
                                  uint64_t number_max) const;

  // Events behind `from` in order; own appends of the transaction are left out. False ends it.
  using Visit = std::function<bool(const StoredEvent&)>;
  Status walk(search::KeySource& source, const Mark& from, const Visit& visit) const;
  // The mark (without hash) of the event with this number, or of the last one.
  Result<Mark> find(search::KeySource& source, uint64_t number) const;
  Result<Mark> last(search::KeySource& source) const;

  Result<StreamRetention> read_retention(search::KeySource& source) const;
  static std::string encode_retention(const StreamRetention& retention);

  const std::string& stream() const { return stream_; }

 private:
  std::string key(KeyKind kind, std::string_view rest) const;
  Result<Mark> mark_in(const std::optional<std::string>& bytes) const;

  uint32_t space_id_;
  std::string stream_;
  std::string ordered_;
};

}  // namespace holdfast::memory
