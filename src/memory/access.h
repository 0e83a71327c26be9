// Access: how a handle (Kv, Observations) reaches its space: by itself, in a transaction of the
// caller, at a snapshot, or in a map (tests).
//
// Who: memory/ only. Thread-safety: Access by itself from any thread; the others with what they
//   are bound to.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/uuid.h"
#include "holdfast/blob.h"
#include "holdfast/store.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// The identity of a new observation. Stamps of one store handle ascend.
struct Stamp {
  Uuid id;
  int64_t created_us = 0;  // in the millisecond of `id`
};

// Blobs, in the transaction or view that a work was given.
class BlobAccess {
 public:
  virtual ~BlobAccess() = default;
  virtual Result<BlobWriter> write() = 0;
  virtual Status reference(search::KeyTarget& target, const NewBlob& blob,
                           std::string_view referrer) = 0;
  virtual Status release(search::KeyTarget& target, const BlobRef& ref,
                         std::string_view referrer) = 0;
  virtual Result<BlobReader> open(search::KeySource& source, const BlobRef& ref) = 0;
};

class Access {
 public:
  using ReadWork = std::function<Status(search::KeySource& source, uint32_t space_id)>;
  using TreeWork = std::function<Status(search::KeySource& source, uint32_t space_id,
                                        std::string_view space_path)>;
  using WriteWork = std::function<Status(search::KeyTarget& target, uint32_t space_id)>;

  virtual ~Access() = default;

  // Runs `work` on one consistent view; does not run it when the space does not exist.
  virtual Status read(const ReadWork& work) = 0;
  // The same for the space and every sub-space of it, all on one view. Errors: TooLarge (there are
  // over kSpaceTreeMax).
  virtual Status read_tree(const TreeWork&) {
    return Status(StatusCode::kUnsupported, "sub-spaces cannot be read here");
  }
  // Runs `work` in a transaction; makes the space if needed. `work` may run several times, each
  // time from the start, and must have no effect but on the target and what it sets anew.
  virtual Status write(const WriteWork& work) = 0;
  // The same, but does not run `work` when the space does not exist: for removing.
  virtual Status write_existing(const WriteWork& work) = 0;

  // Whether every write() is a commit of its own, not part of the caller's transaction.
  virtual bool is_own_commit() const { return false; }

  // By how many threads a call may do what takes long, its own counted.
  virtual size_t threads_max() const { return 1; }

  // null where there are none: in a map.
  virtual BlobAccess* blobs() { return nullptr; }

  virtual Stamp next_stamp() = 0;
  // Microseconds since 1970, UTC. Differs between machines and can jump: deadlines only.
  virtual int64_t now_us() = 0;
  // Returns after a while in which the space may have changed, or at once with false where the
  // caller's own transaction or snapshot keeps it from ever seeing a change.
  virtual bool pause() = 0;
  // Store::watch, by which to wait longer than a pause. Errors: Unsupported (where pause() returns
  // false), Busy (there are too many): pause() then.
  virtual Result<Watch> watch(const KeyRange&, uint64_t) {
    return Status(StatusCode::kUnsupported, "there is nothing to watch here");
  }
  // Store::handle_id and Store::handle_alive.
  virtual HandleId handle_id() = 0;
  virtual bool handle_alive(const HandleId& id) = 0;
  virtual std::string_view space_path() const = 0;

  // `observations` were written; where `is_time`, or as upkeep.h says, has `work` done with the
  // same space. REQUIRES: is_own_commit().
  using UpkeepWork = std::function<void(Access& access, size_t observations)>;
  virtual void keep_up(size_t observations, bool is_time, const UpkeepWork& work) {
    if (is_time) work(*this, observations);
  }
};

}  // namespace holdfast::memory
