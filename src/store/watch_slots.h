// Watch slots: who waits for commits that touch a range of keys, and how it is woken.
//
// Whoever applies a batch marks the slots whose ranges it touches, before it publishes the root;
// whoever makes that root durable wakes the marked. So what a mark does not cover was not touched,
// and a watch need not read it. Commits are also waited for before they are applied: committers
// wake watches themselves, those of batched handles when the commit is in the log, the others when
// it is durable.
//
// Process- and thread-safety: any; a slot is written by its owner and marked by anybody.
// Invariants:
//   1. A root is published after every slot that its batch touches has been marked with its
//   version.
//   2. A new slot counts as touched by everything up to the tail it found: what was applied while
//      it was not looked at.
//   3. Ranges are kept in 48 bytes a side, wider than they are if need be: a waking may be in vain,
//      none is left out.
//   4. A waker that dies costs the timeout of the wait, never the commit.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "log/record.h"
#include "store/context.h"
#include "tree/erase_range.h"
#include "tree/tree.h"

namespace holdfast::store {

// Claims a slot. Errors: Busy (all are taken).
Result<uint32_t> claim_watch(const Context& context, std::string_view begin, std::string_view end,
                             bool sees_undurable);
void release_watch(const Context& context, uint32_t slot);

// To be called before the root of `version` is published; ranges and operations in key order.
void mark_watches(const Context& context, const std::vector<tree::KeyRange>& erased,
                  const std::vector<tree::Operation>& operations, uint64_t version);
// To be called after `durable_version` became durable.
void wake_watches(const Context& context, uint64_t durable_version);
// To be called after the commit of `version` was appended: wakes watches that see what is not
// durable.
void wake_undurable_watches(const Context& context, const log::PayloadBuilder& payload,
                            uint64_t version);
// To be called after it became durable, by who waited for that: wakes the others.
void wake_durable_watches(const Context& context, const log::PayloadBuilder& payload,
                          uint64_t version);

}  // namespace holdfast::store
