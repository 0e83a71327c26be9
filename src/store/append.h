// Append: the first stage of a commit. Under COMMIT, in about a microsecond: validate what came
// last, write one record at the log's tail, move the tail. The record in the log is the commit
// point; sync (sync.h) and apply (apply.h) follow in whatever process gets to it.
//
// Process- and thread-safety: any.
// Invariants:
//   1. A record is committed if and only if it is whole in the log.
//   2. Nothing is written before it is known that the pages to apply it can be had (headroom.h).
//   3. COMMIT is never held across a sync, except where no segment was prepared in time.
#pragma once

#include "log/record.h"
#include "store/context.h"
#include "store/published.h"
#include "store/read_set.h"

namespace holdfast::store {

struct Appended {
  uint64_t version = 0;
  uint32_t epoch = 0;
  log::Lsn lsn_end = 0;
  uint64_t size_bytes = 0;  // of the record
};

// Appends the transaction. `reads` is validated from `snapshot` on, unless empty.
// Errors: Conflict, TooOld, Busy, NoSpace, ReadOnly, IoError; nothing is committed then.
Result<Appended> append(const Context& context, log::PayloadBuilder& payload, const ReadSet& reads,
                        log::Position snapshot, const Deadline& deadline);

// Appends a note that carries `durable_lsn`, if the log is idle behind it and nobody commits.
void append_note(const Context& context, log::Lsn durable_lsn);

// Takes COMMIT and repairs what a dead holder left. Errors: Busy, Os's; not held then.
Status lock_commit(const Context& context, const Deadline& deadline);

// Accepts what a dead holder of COMMIT wrote but did not publish. REQUIRES: COMMIT held.
Status repair_tail(const Context& context);

// Prepares future segments until one (with `eager`, two) stands ready behind the tail. Returns
// at once when another process is at it. Errors: NoSpace, IoError.
Status prepare_segments(const Context& context, bool eager);

// An error for states that refuse writes; ok when running.
Status writable(const Context& context);

}  // namespace holdfast::store
