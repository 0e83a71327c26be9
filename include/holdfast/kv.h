// Kv: named values of a space.
//
// Thread-safety: a handle without a transaction may be used from any thread; one made for a
//   transaction or snapshot belongs to that object's thread and must not outlive it.
// Errors of every call: those of the store (Busy, IoError, Corruption, NoSpace ...); of a handle
//   made for a snapshot, writes return ReadOnly. In a transaction nothing is visible to others
//   before its commit.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kKvKeySizeMax = 1000;        // bytes, at least 1; any bytes
constexpr size_t kKvValueSizeMax = 1u << 20;  // bytes; any bytes, may be empty
constexpr size_t kKvListLimitMax = 100'000;

struct KvEntry {
  std::string key;
  std::string value;
};

struct KvListOptions {
  std::string prefix = {};  // only keys that begin with these bytes
  std::string after = {};   // only keys greater than this one: the last of the page before
  size_t limit = 1000;      // 1 to kKvListLimitMax
  bool keys_only = false;   // leave the values empty
};

class Kv {
 public:
  explicit Kv(std::shared_ptr<memory::Access> access);  // see Space::kv

  // The value, or nullopt. Errors: InvalidArgument (key empty or too long).
  Result<std::optional<std::string>> get(std::string_view key) const;
  // Sets the value. Errors: InvalidArgument (key), TooLarge (value).
  Status put(std::string_view key, std::string_view value) const;
  // Removes the key; success if there is none.
  Status del(std::string_view key) const;
  // Entries in bytewise order of their keys. Errors: InvalidArgument (limit).
  Result<std::vector<KvEntry>> list(const KvListOptions& options = {}) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
