// WriteSet: what a transaction will write, folded per key, and how its own reads see it.
//
// Thread-safety: as the transaction that owns it.
// Invariants:
//   1. Applying what build() makes gives what own reads have shown, but for the stamps.
//   2. A put that awaits its stamp stands under the key that the greatest version would give.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "log/record.h"
#include "store/number.h"
#include "store/range_set.h"

namespace holdfast::store {

// What will become of one key.
struct Write {
  std::optional<std::string> value;   // nullopt: deleted, or, with `changes`, unknown
  std::optional<log::Stamp> stamp;    // of a stamped put
  std::vector<NumberChange> changes;  // of a number that is not read
  bool is_blind() const { return !changes.empty(); }
};

class WriteSet {
 public:
  using Writes = std::map<std::string, Write, std::less<>>;

  // Errors: TooLarge (the sum), InvalidArgument (a change of a value that is no number).
  Status put(std::string_view key, std::string_view value);
  Status del(std::string_view key);
  // `key` and `value` hold room for the stamp.
  Status put_stamped(std::string key, std::string value, const log::Stamp& stamp);
  Status change_number(std::string_view key, const NumberChange& change);
  // Deletes [begin, end), own writes too; an empty end: to the last key.
  Status erase(std::string_view begin, std::string_view end);

  bool empty() const { return writes_.empty() && erased_.empty(); }
  const Writes& writes() const { return writes_; }
  // Deleted before `writes` are made.
  const RangeSet& erased() const { return erased_; }
  // The value that `key` gets over `base`, what the tree has. For keys in writes().
  static std::optional<std::string> value_over(const Write& write,
                                               std::optional<std::string_view> base);
  // Moves whenever a key comes to writes() or leaves it.
  uint64_t generation() const { return generation_; }

  void build(log::PayloadBuilder& payload) const;

 private:
  Result<Write*> entry(std::string_view key, uint64_t size);
  Status room_for(uint64_t bytes, bool is_new) const;

  Writes writes_;
  RangeSet erased_;
  uint64_t bytes_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace holdfast::store
