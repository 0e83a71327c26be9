// Collector: removes the files of blobs that nobody needs. Why it never removes one that somebody
// needs, and why nothing is left for ever:
//
//   1. release() of the last reference deletes the presence and leaves a mark, in one commit. From
//      then on only snapshots of older versions can come to the file, and the handle of its upload.
//   2. A mark in a durable version v died at or before v. Once no snapshot reads a version before
//      v, and none can come to, only that handle is left; it holds the file's lock.
//   3. Whoever gets the lock dooms the mark in a durable commit that has read it. No transaction
//      that brought the file back can be in the log before it without a conflict, not even one
//      whose writer died with it half published; and none can follow: the handle is gone.
//   4. Only then, and after a last look at pages that are verified again (fresh_view.h), the file
//   is
//      removed, its directory synced, and the mark deleted. Whoever dies in between leaves the mark
//      for the next.
//   5. A file in new/ whose lock is free and that no presence names is an orphan: it gets a doomed
//      mark in a durable commit that has read this, for the same reason as in 3. One that a durable
//      version names is moved to its place.
//   6. A file in tmp/ whose lock is free was never told of: it is simply removed.
//
// Who: this room. Any number of collectors at once, in any processes: the files' locks sort them.
#pragma once

#include <map>
#include <vector>

#include "blob/blobs_impl.h"

namespace holdfast::blob {

class Collector {
 public:
  Collector(Blobs::Impl& owner, size_t limit) : owner_(owner), limit_(limit) {}
  Result<BlobCollection> run();

 private:
  struct Candidate {
    FileName name;
    Mark mark;
    bool taken = false;  // the file's lock is held, or there is no file
  };

  // Locks what lies in new/ and nobody holds.
  Status hold_new();
  // Reads marks of a durable version into `candidates_`, from where the last call ended.
  Status read_marks();
  // Takes the files of marks that no snapshot sees.
  Status take_unseen();
  // Dooms, and notes what was seen, in one transaction. Sets `doomed_`.
  Status decide();
  Status decide_orphans(Transaction& txn);
  Status decide_marked(Transaction& txn);
  Status remove_doomed();
  // Takes from `doomed_` what a durable version, read anew, does not call doomed.
  Status look_again();
  Status place_named();

  Blobs::Impl& owner_;
  const size_t limit_;
  std::map<FileName, HeldFile> held_;
  std::vector<Candidate> candidates_;
  uint64_t marks_version_ = 0;           // that `candidates_` were read at
  std::map<FileName, uint64_t> doomed_;  // and their files' bytes
  BlobCollection report_;
};

}  // namespace holdfast::blob
