#include "base/hex.h"
#include "blob/blobs_impl.h"
#include "holdfast/store.h"

namespace holdfast {
namespace {

// What each write() looks at for others: garbage is removed at the pace at which it can be made.
constexpr size_t kCollectedAtWrite = 8;

}  // namespace

std::string blob_hash_text(const BlobRef& ref) {
  return hex_text({ref.hash.data(), ref.hash.size()});
}

Blobs Store::blobs() {
  return Blobs(std::make_shared<Blobs::Impl>(impl_));
}

Blobs::Blobs(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<BlobWriter> Blobs::write() const {
  HOLDFAST_TRY(impl_->store->usable());
  // Whatever becomes of that: it is not the caller's work.
  (void)blob::collect(*impl_, kCollectedAtWrite);
  return blob::make_writer(impl_);
}

Result<NewBlob> Blobs::write(std::string_view content) const {
  HOLDFAST_ASSIGN(BlobWriter writer, write());
  HOLDFAST_TRY(writer.append(content));
  return writer.finish();
}

Status Blobs::reference(Transaction& txn, const NewBlob& blob, std::string_view referrer) const {
  HOLDFAST_TRY(impl_->store->usable());
  if (blob.impl_->owner->store->context().store_id != impl_->store->context().store_id) {
    return Status(StatusCode::kInvalidArgument,
                  "the blob was written to another store; write it to this one");
  }
  return blob::reference(txn, *blob.impl_, referrer);
}

Status Blobs::reference(Transaction& txn, const BlobRef& ref, std::string_view referrer) const {
  return blob::reference(txn, ref, referrer);
}

Status Blobs::release(Transaction& txn, const BlobRef& ref, std::string_view referrer) const {
  impl_->released = true;
  return blob::release(txn, ref, referrer);
}

Result<BlobReader> Blobs::open(Reader& view, const BlobRef& ref) const {
  HOLDFAST_TRY(impl_->store->usable());
  HOLDFAST_ASSIGN(const auto presence, blob::find_presence(view, ref.hash));
  if (!presence || presence->size != ref.size) return blob::not_referenced(ref);
  return blob::make_reader(*impl_, ref, *presence);
}

Result<std::vector<BlobEntry>> Blobs::list(Reader& view, const BlobRef* after, size_t limit) const {
  return blob::list(view, after, limit);
}

Result<BlobStats> Blobs::stats(Reader& view) const {
  return blob::stats(view);
}

Result<BlobCheck> Blobs::check(Reader& view, bool contents) const {
  HOLDFAST_TRY(impl_->store->usable());
  return blob::check(*impl_, view, contents);
}

Result<BlobCollection> Blobs::collect(size_t limit) const {
  HOLDFAST_TRY(impl_->store->usable());
  return blob::collect(*impl_, limit);
}

}  // namespace holdfast
