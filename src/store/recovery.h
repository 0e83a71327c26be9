// Recovery: the cold start. Builds the control block anew from what is on the disk: the newest
// checkpoint, and the log behind it.
//
// Who: open, holding the attach lock exclusively while no process is attached.
// Invariants:
//   1. Accepted history is never modified; what is cut at its end is declared void by the header
//      of a new segment in a new epoch.
//   2. The page cache is not believed: what was accepted is written to new pages, and these are
//      checkpointed, before anybody may read it. The log is not written again in place: a power
//      cut in the middle of that could tear what is durable.
//   3. It can die anywhere and be started again: it only writes free pages, a new segment, the
//      meta slot of the older checkpoint, and a control block that is not yet initialized.
//   4. Versions are those that the log holds.
//   5. Going back to the older checkpoint overwrites nothing that the damaged newer one reaches.
#pragma once

#include "holdfast/store.h"
#include "store/context.h"
#include "store/superblock.h"

namespace holdfast::store {

// Fills a zero control block. `context` has its files, maps and page source; the control map is
// of a fresh file. On success the block is complete but for `initialized`, and the handle is
// attached. `from_older`: the newest checkpoint's tree proved to be damaged. Errors: Corruption
// (with the place), NoSpace, Os's.
Status recover(Context& context, const Superblock& superblock, bool from_older,
               RecoveryReport& report);

}  // namespace holdfast::store
