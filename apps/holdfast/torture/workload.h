// What the torture writers write: operations derived from (seed, worker, number) alone, so that a
// verifier can tell from the ledger what must be in the store, and values that carry their key's,
// writer's and number's checksum, so that the wrong content under the right key is seen.
//
// Keys: p/<worker>/<slot> puts and deletes; g/<worker>/<group>/<member> groups of keys that always
// have the same number; c/<i> counters; a/<i> accounts; r/<worker>/<slot> receipts, written in the
// same transaction as an increment or a transfer. Only its worker writes under its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/store.h"

namespace holdfast::torture {

constexpr uint32_t kCounters = 4;
constexpr uint32_t kAccounts = 64;
constexpr uint64_t kAccountBalance = 1000;
constexpr uint32_t kSlots = 1024;    // of puts, for each worker
constexpr uint32_t kGroups = 16;     // for each worker
constexpr uint32_t kReceipts = 256;  // for each worker

// splitmix64: a well mixed function of its argument.
uint64_t mix(uint64_t value);

// A small generator for choices that need no reproduction across processes.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return mix(state_++); }
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

enum class OperationKind : uint8_t { kPut, kDelete, kGroup, kIncrement, kTransfer };

struct Operation {
  OperationKind kind = OperationKind::kPut;
  uint32_t slot = 0;        // of put, delete, group or receipt
  uint32_t size_bytes = 0;  // of each value
  uint32_t from = 0;        // counter, or account
  uint32_t to = 0;
  uint64_t amount = 0;
};

Operation operation_of(uint64_t seed, uint32_t worker, uint64_t number);

std::string slot_key(uint32_t worker, uint32_t slot);
std::string receipt_key(uint32_t worker, uint32_t slot);
std::string group_prefix(uint32_t worker, uint32_t group);
std::string counter_key(uint32_t counter);
std::string account_key(uint32_t account);
// The number of keys of a group never changes.
uint32_t group_size(uint32_t group);
std::vector<std::string> group_keys(uint32_t worker, uint32_t group);

constexpr uint32_t kValueBytesMin = 10;
// `size_bytes` bytes that only this key, worker and number have. REQUIRES: size_bytes >= 10.
std::string make_value(std::string_view key, uint32_t worker, uint64_t number, uint32_t size_bytes);
// Who wrote a value, or nullopt when any byte of it is not what was written under this key.
struct Writer {
  uint32_t worker = 0;
  uint64_t number = 0;
};
std::optional<Writer> read_value(std::string_view key, std::string_view value);

// Numbers in counters and accounts.
std::string number_text(uint64_t number);
std::optional<uint64_t> read_number(std::string_view text);

// Accounts with their balance and counters of 0, in one commit, unless they are there.
Status set_up(Store& store);
// Runs the operation; returns the commit's version.
Result<uint64_t> perform(Store& store, const Operation& operation, uint32_t worker,
                         uint64_t number);

}  // namespace holdfast::torture
