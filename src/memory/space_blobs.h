// SpaceBlobs: the blobs of a store, for a handle whose works run on its snapshots and transactions.
//
// Who: space.cc. Thread-safety: any thread.
#pragma once

#include "blob/blobs_impl.h"
#include "memory/access.h"
#include "search/store_keyspace.h"

namespace holdfast::memory {

class SpaceBlobs final : public BlobAccess {
 public:
  explicit SpaceBlobs(std::shared_ptr<Store::Impl> store)
      : impl_(std::make_shared<Blobs::Impl>(std::move(store))), blobs_(impl_) {}

  // Behind a commit: what it released need not be asked for to be collected.
  void collect_released() { blob::collect_released(*impl_); }

  Result<BlobWriter> write() override { return blobs_.write(); }
  Status reference(search::KeyTarget& target, const NewBlob& blob,
                   std::string_view referrer) override {
    return blobs_.reference(transaction_of(target), blob, referrer);
  }
  Status release(search::KeyTarget& target, const BlobRef& ref,
                 std::string_view referrer) override {
    return blobs_.release(transaction_of(target), ref, referrer);
  }
  Result<BlobReader> open(search::KeySource& source, const BlobRef& ref) override {
    if (auto* view = dynamic_cast<search::ReaderSource*>(&source)) {
      return blobs_.open(view->reader(), ref);
    }
    return blobs_.open(dynamic_cast<search::TransactionTarget&>(source).transaction(), ref);
  }

 private:
  static Transaction& transaction_of(search::KeyTarget& target) {
    return dynamic_cast<search::TransactionTarget&>(target).transaction();
  }
  const std::shared_ptr<Blobs::Impl> impl_;
  const Blobs blobs_;
};

}  // namespace holdfast::memory
