// Change: what one operation of the log does to one key, and how several of them fold into one.
//
// Who: batch.h, replay.h. Stateless.
// Invariant: the effect is that of the changes one by one, in their order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "log/record.h"
#include "tree/arena.h"
#include "tree/tree.h"

namespace holdfast::store {

struct Change {
  std::string_view key;
  std::string_view value;   // of kPut
  int64_t operand;          // of kAdd and kMax
  uint64_t order;           // in the log
  log::OperationKind kind;  // kPut, kDelete, kAdd or kMax
};

// `operation` as a change. The stamp of a stamped put is written into its key and value, which must
// lie in bytes of the caller's own. REQUIRES: no deletion of a range.
Change change_of(const log::Operation& operation, uint64_t order, uint64_t version,
                 uint64_t time_us);

// The net effect of `changes`, all of one key and in order; nullopt: none. `is_absent`: the key is
// known to have no value before them; else the tree of `root` is asked where that matters, which
// is only where a number was changed that they do not write as a whole. A value that had to be
// computed goes to `values`. Errors: Corruption.
Result<std::optional<tree::Operation>> net_effect(std::span<const Change> changes, bool is_absent,
                                                  const tree::PageSource& pages,
                                                  const tree::Root& root, tree::Arena& values);

}  // namespace holdfast::store
