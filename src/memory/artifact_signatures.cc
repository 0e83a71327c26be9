// Signatures of artifacts, and moving artifacts between stores with what was signed.
#include <algorithm>

#include "blob/sha256.h"
#include "memory/artifact_work.h"
#include "memory/json_canonical.h"
#include "memory/link_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::ArtifactWork;
using memory::VersionName;

// What is signed. Not the number, which another store may give anew; every text in quotes, so that
// no two versions have one statement.
std::string statement_of(const ArtifactVersion& version) {
  std::string text = "holdfast artifact 1\n";
  text += "name " + memory::json_quoted(version.name) + "\n";
  text += "id " + version.id + "\n";
  text += "sha256 " + blob_hash_text(version.content) + "\n";
  text += "size " + std::to_string(version.content.size) + "\n";
  text += "media-type " + memory::json_quoted(version.media_type) + "\n";
  text += "metadata " + (version.metadata ? memory::json_canonical(*version.metadata) : "none");
  return text + "\n";
}

Status too_many_signatures() {
  return Status(StatusCode::kTooLarge,
                "a version has at most " + std::to_string(kArtifactSignaturesMax) + " signatures");
}

// Reads all of it.
Status check_content(ArtifactReader& reader, const BlobRef& expected) {
  constexpr size_t kPieceSize = 256 << 10;
  std::string piece(kPieceSize, '\0');
  blob::Sha256 hash;
  uint64_t size = 0;
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(piece.data(), piece.size()));
    if (count == 0) break;
    hash.update({piece.data(), count});
    size += count;
  }
  if (BlobRef{hash.finish(), size} == expected) return Status::ok();
  return Status(StatusCode::kCorruption, "the content is not the one with hash " +
                                             blob_hash_text(expected) + "; run `holdfast check`");
}

Status check_imported(const ImportedArtifact& imported) {
  if (!imported.actor.empty()) HOLDFAST_TRY(memory::check_artifact_actor(imported.actor));
  if (imported.signatures.size() > kArtifactSignaturesMax) return too_many_signatures();
  for (const ArtifactSignature& signature : imported.signatures) {
    HOLDFAST_TRY(memory::check_text("signer", signature.signer, kArtifactActorSizeMax));
  }
  // UINT64_MAX could have no successor.
  if (imported.version >= UINT64_MAX >> 1) {
    return Status(StatusCode::kInvalidArgument,
                  "no version has the number " + std::to_string(imported.version));
  }
  return Status::ok();
}

Result<Uuid> parse_version_id(std::string_view text) {
  if (const auto id = Uuid::parse(text)) return *id;
  return Status(StatusCode::kInvalidArgument,
                "\"" + std::string(text) + "\" is not a version's id; ids have 36 characters");
}

// Those parents that are here.
Result<std::vector<VersionName>> find_parents(const ArtifactWork& work, search::KeySource& source,
                                              const std::vector<std::string>& ids) {
  std::vector<VersionName> parents;
  for (const std::string& text : ids) {
    HOLDFAST_ASSIGN(const Uuid id, parse_version_id(text));
    HOLDFAST_ASSIGN(auto parent, work.rows().find_id(source, id));
    if (parent) parents.push_back(std::move(*parent));
  }
  return parents;
}

}  // namespace

Status Artifacts::sign(std::string_view name, std::string_view version, const SigningKey& key,
                       std::string_view signer) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_text("signer", signer, kArtifactActorSizeMax));
  ArtifactSignature signature;
  signature.key = public_key_of(key);
  signature.signer = signer;
  signature.signed_us = access_->now_us();
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const ArtifactVersion found,
                        work.require_version(target, name, version, ArtifactRight::write));
        const VersionName signed_name{found.name, found.version};
        HOLDFAST_ASSIGN(const auto there, work.rows().signatures(target, signed_name));
        const bool replaces = std::any_of(there.begin(), there.end(), [&](const auto& other) {
          return other.key == signature.key;
        });
        if (!replaces && there.size() >= kArtifactSignaturesMax) return too_many_signatures();
        signature.signature = sign_text(key, statement_of(found));
        return work.rows().write_signature(target, signed_name, signature);
      });
}

Result<std::vector<ArtifactSignature>> Artifacts::signatures(std::string_view name,
                                                             std::string_view version) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  std::vector<ArtifactSignature> signatures;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const ArtifactVersion found,
                        work.require_version(source, name, version, ArtifactRight::read));
        HOLDFAST_ASSIGN(signatures, work.rows().signatures(source, {found.name, found.version}));
        return Status::ok();
      }));
  return signatures;
}

Result<ArtifactVerification> Artifacts::verify(std::string_view name, std::string_view version,
                                               std::span<const TrustedKey> trusted) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  ArtifactVerification verification;
  std::vector<ArtifactSignature> signatures;
  std::optional<ArtifactReader> reader;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(verification.version,
                        work.require_version(source, name, version, ArtifactRight::read));
        const ArtifactVersion& found = verification.version;
        HOLDFAST_ASSIGN(signatures, work.rows().signatures(source, {found.name, found.version}));
        HOLDFAST_ASSIGN(ArtifactReader opened, work.rows().open(source, found));
        reader.emplace(std::move(opened));
        return Status::ok();
      }));
  HOLDFAST_TRY(check_content(*reader, verification.version.content));
  const std::string statement = statement_of(verification.version);
  for (ArtifactSignature& signature : signatures) {
    VerifiedSignature verified;
    verified.is_valid = is_signature_of(signature.signature, statement, signature.key);
    for (const TrustedKey& key : trusted) {
      if (key.key == signature.key) verified.trusted_as = key.name;
    }
    verified.signature = std::move(signature);
    verification.signatures.push_back(std::move(verified));
  }
  return verification;
}

Result<ArtifactVersion> Artifacts::find_id(std::string_view text) const {
  HOLDFAST_ASSIGN(const Uuid id, parse_version_id(text));
  ArtifactVersion found;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, text, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const auto there, work.rows().find_id(source, id));
        if (!there) return memory::no_artifact(text);
        HOLDFAST_ASSIGN(found,
                        work.require_version(source, there->name, std::to_string(there->version),
                                             ArtifactRight::read));
        return Status::ok();
      }));
  return found;
}

Result<ImportResult> Artifacts::import(const ImportedArtifact& imported,
                                       const ArtifactContent& content) const {
  NewArtifact artifact = imported.artifact;
  artifact.parents.clear();
  HOLDFAST_TRY(memory::check_new_artifact(artifact, content));
  HOLDFAST_TRY(check_imported(imported));
  HOLDFAST_ASSIGN(const Uuid id, parse_version_id(imported.id));
  ImportResult result;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const ArtifactWork work(*access_, actor_, space_id);
    result = {};
    HOLDFAST_ASSIGN(const auto there, work.rows().find_id(target, id));
    if (there) {
      result.existed = true;
      HOLDFAST_ASSIGN(result.version,
                      work.require_version(target, there->name, std::to_string(there->version),
                                           ArtifactRight::read));
      return Status::ok();
    }
    HOLDFAST_ASSIGN(ArtifactWork::Planned planned, work.plan(target, artifact));
    HOLDFAST_ASSIGN(planned.parents, find_parents(work, target, imported.parent_ids));
    HOLDFAST_ASSIGN(const auto aliases, work.rows().aliases(target, artifact.name));
    NewArtifact added = artifact;
    std::erase_if(added.aliases, [&](const std::string& alias) { return aliases.contains(alias); });
    ArtifactVersion& version = result.version;
    version.version = imported.version;
    version.id = id.to_text();
    version.created_us = imported.created_us;
    version.actor = imported.actor;
    HOLDFAST_TRY(work.add(target, added, planned, content, version));
    for (const ArtifactSignature& signature : imported.signatures) {
      HOLDFAST_TRY(work.rows().write_signature(target, {version.name, version.version}, signature));
    }
    return Status::ok();
  }));
  return result;
}

}  // namespace holdfast
