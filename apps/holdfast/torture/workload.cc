#include "torture/workload.h"

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/crc32c.h"

namespace holdfast::torture {
namespace {

std::string padded(uint32_t number) {
  std::string digits = std::to_string(number);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

uint32_t size_of(uint64_t random) {
  uint64_t class_of_size = random % 100;
  uint64_t position = random / 100;
  if (class_of_size < 80) return static_cast<uint32_t>(kValueBytesMin + position % 290);
  if (class_of_size < 96) return static_cast<uint32_t>(300 + position % 3700);
  return static_cast<uint32_t>(4000 + position % 16480);  // with overflow pages
}

Status put_number(Transaction& transaction, const std::string& key, uint64_t number) {
  return transaction.put(key, number_text(number));
}

Result<uint64_t> get_number(Transaction& transaction, const std::string& key) {
  HOLDFAST_ASSIGN(auto text, transaction.get(key));
  std::optional<uint64_t> number = text ? read_number(*text) : std::nullopt;
  if (!number) {
    return Status(StatusCode::kCorruption, "\"" + key + "\" should be a number and is " +
                                               (text ? "\"" + *text + "\"" : "absent"));
  }
  return *number;
}

Status transfer(Transaction& transaction, const Operation& operation) {
  std::string from = account_key(operation.from);
  std::string to = account_key(operation.to);
  HOLDFAST_ASSIGN(uint64_t from_balance, get_number(transaction, from));
  HOLDFAST_ASSIGN(uint64_t to_balance, get_number(transaction, to));
  if (from_balance < operation.amount) return Status::ok();
  HOLDFAST_TRY(put_number(transaction, from, from_balance - operation.amount));
  return put_number(transaction, to, to_balance + operation.amount);
}

}  // namespace

uint64_t mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

Operation operation_of(uint64_t seed, uint32_t worker, uint64_t number) {
  Random random(mix(seed ^ mix(worker + 1)) ^ mix(number << 20));
  Operation operation;
  uint64_t kind = random.below(100);
  operation.size_bytes = size_of(random.next());
  if (kind < 45 || kind >= 90) {
    operation.kind = kind < 45 ? OperationKind::kPut : OperationKind::kDelete;
    operation.slot = static_cast<uint32_t>(random.below(kSlots));
  } else if (kind < 60) {
    operation.kind = OperationKind::kGroup;
    operation.slot = static_cast<uint32_t>(random.below(kGroups));
    operation.size_bytes = kValueBytesMin + operation.size_bytes % 500;
  } else {
    operation.kind = kind < 75 ? OperationKind::kIncrement : OperationKind::kTransfer;
    operation.slot = static_cast<uint32_t>(random.below(kReceipts));
    bool counter = operation.kind == OperationKind::kIncrement;
    operation.from = static_cast<uint32_t>(random.below(counter ? kCounters : kAccounts));
    operation.to =
        static_cast<uint32_t>((operation.from + 1 + random.below(kAccounts - 1)) % kAccounts);
    operation.amount = 1 + random.below(100);
    operation.size_bytes = kValueBytesMin;
  }
  return operation;
}

std::string slot_key(uint32_t worker, uint32_t slot) {
  return "p/" + padded(worker) + "/" + padded(slot);
}
std::string receipt_key(uint32_t worker, uint32_t slot) {
  return "r/" + padded(worker) + "/" + padded(slot);
}
std::string group_prefix(uint32_t worker, uint32_t group) {
  return "g/" + padded(worker) + "/" + padded(group) + "/";
}
std::string counter_key(uint32_t counter) {
  return "c/" + padded(counter);
}
std::string account_key(uint32_t account) {
  return "a/" + padded(account);
}

uint32_t group_size(uint32_t group) {
  return 2 + group % 15;
}

std::vector<std::string> group_keys(uint32_t worker, uint32_t group) {
  std::vector<std::string> keys;
  for (uint32_t i = 0; i < group_size(group); ++i) {
    keys.push_back(group_prefix(worker, group) + padded(i));
  }
  return keys;
}

// Two bytes of worker, four of number, a filling derived from them, four of checksum.
std::string make_value(std::string_view key, uint32_t worker, uint64_t number,
                       uint32_t size_bytes) {
  CHECK(size_bytes >= kValueBytesMin && worker < 0x10000 && number < 0x100000000);
  std::string value(size_bytes, '\0');
  store_le(value.data(), static_cast<uint16_t>(worker));
  store_le(value.data() + 2, static_cast<uint32_t>(number));
  size_t end = size_bytes - sizeof(uint32_t);
  uint64_t state = mix(number << 16 | worker);
  for (size_t i = 6; i < end; i += 8) {
    state = mix(state);
    std::memcpy(value.data() + i, &state, end - i < 8 ? end - i : 8);
  }
  store_le(value.data() + end, crc32c(std::string_view(value).substr(0, end), crc32c(key)));
  return value;
}

std::optional<Writer> read_value(std::string_view key, std::string_view value) {
  if (value.size() < kValueBytesMin) return std::nullopt;
  size_t end = value.size() - sizeof(uint32_t);
  uint32_t crc = load_le<uint32_t>(value.data() + end);
  if (crc != crc32c(value.substr(0, end), crc32c(key))) return std::nullopt;
  return Writer{load_le<uint16_t>(value.data()), load_le<uint32_t>(value.data() + 2)};
}

std::string number_text(uint64_t number) {
  return std::to_string(number);
}

std::optional<uint64_t> read_number(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status set_up(Store& store) {
  return store
      .update([](Transaction& transaction) -> Status {
        HOLDFAST_ASSIGN(const auto there, transaction.get(account_key(0)));
        if (there) return Status::ok();
        for (uint32_t i = 0; i < kAccounts; ++i) {
          HOLDFAST_TRY(put_number(transaction, account_key(i), kAccountBalance));
        }
        for (uint32_t i = 0; i < kCounters; ++i) {
          HOLDFAST_TRY(put_number(transaction, counter_key(i), 0));
        }
        return Status::ok();
      })
      .status();
}

Result<uint64_t> perform(Store& store, const Operation& operation, uint32_t worker,
                         uint64_t number) {
  std::string key = slot_key(worker, operation.slot);
  if (operation.kind == OperationKind::kPut) {
    return store.put(key, make_value(key, worker, number, operation.size_bytes));
  }
  if (operation.kind == OperationKind::kDelete) return store.del(key);
  return store.update([&](Transaction& transaction) -> Status {
    if (operation.kind == OperationKind::kGroup) {
      for (const std::string& member : group_keys(worker, operation.slot)) {
        HOLDFAST_TRY(
            transaction.put(member, make_value(member, worker, number, operation.size_bytes)));
      }
      return Status::ok();
    }
    if (operation.kind == OperationKind::kIncrement) {
      std::string counter = counter_key(operation.from);
      HOLDFAST_ASSIGN(uint64_t count, get_number(transaction, counter));
      HOLDFAST_TRY(put_number(transaction, counter, count + 1));
    } else {
      HOLDFAST_TRY(transfer(transaction, operation));
    }
    std::string receipt = receipt_key(worker, operation.slot);
    return transaction.put(receipt, make_value(receipt, worker, number, operation.size_bytes));
  });
}

}  // namespace holdfast::torture
