// Invariants of records.h 1 and 2 are kept here: each transaction reads the presence that it relies
// on, so two that could break them together conflict.
#include "blob/blobs_impl.h"

namespace holdfast::blob {
namespace {

Status check_referrer(std::string_view referrer) {
  if (!referrer.empty() && referrer.size() <= kBlobReferrerSizeMax) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "a referrer must be 1 to " + std::to_string(kBlobReferrerSizeMax) +
                    " bytes long; this one has " + std::to_string(referrer.size()));
}

std::string short_text(const BlobRef& ref) {
  return blob_hash_text(ref).substr(0, 12);
}

// Makes the upload's file the one that holds the content.
Status introduce(Transaction& txn, NewBlob::Impl& blob) {
  // It may have been referenced and released since. As long as its handle lives it is not removed.
  const std::string mark = mark_key(blob.held.name);
  HOLDFAST_ASSIGN(const auto marked, txn.get(mark));
  if (marked) {
    HOLDFAST_ASSIGN(const Mark found, decode_mark(*marked));
    if (found.state == MarkState::kDoomed) {
      return Status(StatusCode::kConflict,
                    "blob " + short_text(blob.ref) + " is being removed; write it again");
    }
    HOLDFAST_TRY(txn.del(mark));
  }
  blob.offered = true;
  return txn.put(presence_key(blob.ref.hash), encode(blob.presence));
}

Status check_size(const BlobRef& ref, const Presence& presence) {
  if (presence.size == ref.size) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "blob " + short_text(ref) + " has " + std::to_string(presence.size) +
                    " bytes, the reference says " + std::to_string(ref.size));
}

}  // namespace

Status not_referenced(const BlobRef& ref) {
  return Status(StatusCode::kNotFound, "nothing refers to blob " + short_text(ref) +
                                           ", so it is not kept; write it again");
}

Result<std::optional<Presence>> find_presence(Reader& view, const Hash& hash) {
  HOLDFAST_ASSIGN(const auto bytes, view.get(presence_key(hash)));
  if (!bytes) return std::optional<Presence>();
  HOLDFAST_ASSIGN(const Presence presence, decode_presence(*bytes));
  return std::optional(presence);
}

Status reference(Transaction& txn, NewBlob::Impl& blob, std::string_view referrer) {
  HOLDFAST_TRY(check_referrer(referrer));
  HOLDFAST_ASSIGN(const auto presence, find_presence(txn, blob.ref.hash));
  if (!presence) HOLDFAST_TRY(introduce(txn, blob));
  return txn.put(reference_key(blob.ref.hash, referrer), referrer);
}

Status reference(Transaction& txn, const BlobRef& ref, std::string_view referrer) {
  HOLDFAST_TRY(check_referrer(referrer));
  HOLDFAST_ASSIGN(const auto presence, find_presence(txn, ref.hash));
  if (!presence) return not_referenced(ref);
  HOLDFAST_TRY(check_size(ref, *presence));
  return txn.put(reference_key(ref.hash, referrer), referrer);
}

Status release(Transaction& txn, const BlobRef& ref, std::string_view referrer) {
  HOLDFAST_TRY(check_referrer(referrer));
  const std::string key = reference_key(ref.hash, referrer);
  HOLDFAST_ASSIGN(const auto existing, txn.get(key));
  if (!existing) {
    return Status(StatusCode::kNotFound,
                  "blob " + short_text(ref) + " has no such referrer; was it released already?");
  }
  HOLDFAST_TRY(txn.del(key));
  Cursor others = txn.scan(KeyRange::prefix(reference_prefix(ref.hash)));
  HOLDFAST_TRY(others.status());
  if (others.valid()) return Status::ok();
  HOLDFAST_ASSIGN(const auto presence, find_presence(txn, ref.hash));
  if (!presence) {
    return Status(
        StatusCode::kCorruption,
        "blob " + short_text(ref) + " is referenced and not present; run `holdfast check`");
  }
  HOLDFAST_TRY(txn.del(presence_key(ref.hash)));
  return txn.put(mark_key({ref.hash, presence->incarnation}),
                 encode(Mark{MarkState::kDead, 0, presence->stored_size}));
}

}  // namespace holdfast::blob
