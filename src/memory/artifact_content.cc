// What artifacts are made of, on its way in; and how they are named.
#include "blob/sha256.h"
#include "holdfast/artifact.h"
#include "memory/access.h"
#include "memory/kv_rows.h"

namespace holdfast {

std::string artifact_end(std::string_view name, uint64_t version) {
  return std::string("artifact/").append(name).append("@").append(std::to_string(version));
}

ArtifactRef parse_artifact_ref(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == text.npos || at == 0) return {.name = std::string(text)};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

ArtifactContent::ArtifactContent(std::string bytes)
    : ref_{blob::sha256(bytes), bytes.size()}, bytes_(std::move(bytes)) {}

ArtifactContent::ArtifactContent(NewBlob blob) : ref_(blob.ref()), blob_(std::move(blob)) {}

ArtifactWriter::ArtifactWriter(std::shared_ptr<memory::Access> access)
    : access_(std::move(access)) {}

Status ArtifactWriter::append(std::string_view bytes) {
  if (!blob_ && bytes_.size() + bytes.size() <= kArtifactInlineMax) {
    bytes_.append(bytes);
    return Status::ok();
  }
  if (!blob_) {
    if (access_->blobs() == nullptr) return memory::no_blobs();
    HOLDFAST_ASSIGN(BlobWriter blob, access_->blobs()->write());
    blob_.emplace(std::move(blob));
    HOLDFAST_TRY(blob_->append(bytes_));
    bytes_.clear();
  }
  return blob_->append(bytes);
}

Result<ArtifactContent> ArtifactWriter::finish() {
  if (!blob_) return ArtifactContent(std::move(bytes_));
  HOLDFAST_ASSIGN(NewBlob blob, blob_->finish());
  return ArtifactContent(std::move(blob));
}

bool ArtifactVerification::is_trusted() const {
  for (const VerifiedSignature& signature : signatures) {
    if (signature.is_valid && !signature.trusted_as.empty()) return true;
  }
  return false;
}

}  // namespace holdfast
