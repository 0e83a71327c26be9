// What the public handles of blobs share: the store, and the files.
//
// Who: this room. Thread-safety: any thread; a NewBlob one at a time.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "blob/files.h"
#include "blob/records.h"
#include "holdfast/blob.h"
#include "store/engine.h"

namespace holdfast {

class Blobs::Impl {
 public:
  explicit Impl(std::shared_ptr<Store::Impl> store_in)
      : store(std::move(store_in)), files(store->context().os, store->context().path) {}

  const std::shared_ptr<Store::Impl> store;
  blob::Files files;
  std::atomic<bool> released{false};  // something, since collect_released()

  // Where the next collect() begins to look through the marks.
  std::mutex mutex;
  std::string next_mark;
};

// The upload's hold on its file. Destroyed, it brings the file to its place if a durable commit
// refers to it, and removes it if none can; what is between the two is left to the collector.
class NewBlob::Impl {
 public:
  Impl(std::shared_ptr<Blobs::Impl> owner_in, blob::HeldFile held_in, const BlobRef& ref_in,
       uint64_t stored_size)
      : owner(std::move(owner_in)),
        held(std::move(held_in)),
        ref(ref_in),
        presence{ref.size, stored_size, held.name.incarnation} {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const std::shared_ptr<Blobs::Impl> owner;
  const blob::HeldFile held;
  const BlobRef ref;
  const blob::Presence presence;
  bool offered = false;  // some transaction may have committed a presence that names the file
};

namespace blob {

// The presence of `hash` in `view`; nullopt: nobody refers to it.
Result<std::optional<Presence>> find_presence(Reader& view, const Hash& hash);

Status not_referenced(const BlobRef& ref);

Result<BlobWriter> make_writer(std::shared_ptr<Blobs::Impl> owner);
// REQUIRES: `view` holds `presence`.
Result<BlobReader> make_reader(Blobs::Impl& owner, const BlobRef& ref, const Presence& presence);

Status reference(Transaction& txn, NewBlob::Impl& blob, std::string_view referrer);
Status reference(Transaction& txn, const BlobRef& ref, std::string_view referrer);
Status release(Transaction& txn, const BlobRef& ref, std::string_view referrer);

Result<BlobCollection> collect(Blobs::Impl& owner, size_t limit);
// Collects a little, if something was released through `owner`: nobody has to ask for it. To be
// called behind the commit, and not from within a transaction.
void collect_released(Blobs::Impl& owner);

Result<std::vector<BlobEntry>> list(Reader& view, const BlobRef* after, size_t limit);
Result<BlobStats> stats(Reader& view);
Result<BlobCheck> check(Blobs::Impl& owner, Reader& view, bool contents);

}  // namespace blob
}  // namespace holdfast
