// The keys and rows of an outbox.
//
// | key (n: name as an ordered string) | value                                                 |
// |------------------------------------|-------------------------------------------------------|
// | 08 31 space n version:u64 id:16    | entry: u64 time of the commit, topic, payload         |
// | 08 32 space n                      | who relays: id, handle, until when                    |
// | 08 33 space n id:16                | entry that failed: attempts, error, when it is due    |
// | 08 34 space n id:16                | dead letter: topic, payload, attempts, error, times   |
// | 08 35 space n counter:u8           | number: entries that wait; dead letters               |
//
// Who: outbox.cc, relay.cc. Thread-safety: that of the given source or target.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "holdfast/outbox.h"
#include "holdfast/store.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

struct OutboxRow {
  std::string key;  // where it stands
  Uuid id;
  OutboxEntry entry;
  int64_t due_us = 0;  // 0: at once
};

struct Relay {
  std::string id = {};
  HandleId handle = {};
  int64_t expires_us = 0;
};

class OutboxRows {
 public:
  enum class Counter : uint8_t { kWaiting, kDead };

  OutboxRows(uint32_t space_id, std::string_view name);

  std::string entry_prefix() const { return key(KeyKind::kOutboxEntry, {}); }
  std::string relay_key() const { return key(KeyKind::kOutboxRelay, {}); }
  std::string failed_key(const Uuid& id) const { return key(KeyKind::kOutboxFailed, id.view()); }
  std::string dead_prefix() const { return key(KeyKind::kOutboxDead, {}); }
  std::string dead_key(const Uuid& id) const { return key(KeyKind::kOutboxDead, id.view()); }

  Status add(search::KeyTarget& target, const Uuid& id, std::string_view topic,
             std::string_view payload) const;
  // The first entries, without being remembered; own additions of the transaction are left out.
  Result<std::vector<OutboxRow>> first(search::KeySource& source, size_t limit) const;
  Status erase(search::KeyTarget& target, const OutboxRow& row) const;
  Status fail(search::KeyTarget& target, const OutboxRow& row) const;
  Status bury(search::KeyTarget& target, const OutboxRow& row) const;
  Result<std::vector<OutboxEntry>> dead(search::KeySource& source, size_t limit) const;
  Result<std::optional<OutboxEntry>> find_dead(search::KeySource& source, const Uuid& id) const;
  Status erase_dead(search::KeyTarget& target, const Uuid& id) const;

  Result<std::optional<Relay>> read_relay(search::KeySource& source) const;
  Status write_relay(search::KeyTarget& target, const Relay& relay) const;
  Result<uint64_t> counted(search::KeySource& source, Counter counter) const;

 private:
  std::string key(KeyKind kind, std::string_view rest) const;
  Status count(search::KeyTarget& target, Counter counter, int64_t by) const;

  uint32_t space_id_;
  std::string ordered_;
};

}  // namespace holdfast::memory
