// Artifacts: named, versioned contents of any size, such as reports, patches, models and builds.
//
//   ArtifactWriter writer = space.artifacts().write();       // any size, in any pieces
//   ... writer.append(bytes) ...
//   ArtifactContent content = *writer.finish();
//   space.artifacts(txn).put({.name = "report", .parents = {"data@3"}}, content);
//
// Every put makes a version: 1, 2, 3 and so on, in one order for all processes; a number is never
// given twice while the artifact is there. A version is named by its number or by an alias;
// "latest" is always the greatest there is. A content that several versions have, of whatever name,
// is kept once, and goes in the commit that removes the last of them.
//
// Lineage: a version is an end of links (artifact_end), in the same commit: "derived from" its
// parents, "made by" whatever made it, and whatever "uses" it. holdfast/link.h walks them.
//
// Access: a handle that says who acts (as()) is held to the artifact's access list; one without is
// the space's own, and may do all. An artifact without a list is everybody's. The list is kept by
// this interface: it keeps agents that name themselves out of each other's work, and does not keep
// a secret from a program that opens the store's files.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). PermissionDenied: the access list says no.
// NotFound names what is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/blob.h"
#include "holdfast/kv.h"
#include "holdfast/signature.h"
#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

// Bytes of UTF-8, at least 1, without a zero byte and, behind the first character, without '@'.
constexpr size_t kArtifactNameSizeMax = 300;
constexpr size_t kArtifactAliasSizeMax = 100;  // the same; not digits alone
constexpr size_t kArtifactMetadataSizeMax = 64 << 10;
constexpr size_t kArtifactMediaTypeSizeMax = 200;
constexpr size_t kArtifactActorSizeMax = 200;
constexpr size_t kArtifactActorsMax = 200;         // of one access list
constexpr size_t kArtifactParentsMax = 64;         // of one version
constexpr size_t kArtifactBatchMax = 1000;         // artifacts of one call
constexpr size_t kArtifactListMax = 10'000;        // entries of one page
constexpr size_t kArtifactInlineMax = 64 << 10;    // larger contents are blobs
constexpr size_t kArtifactGetSizeMax = 16u << 20;  // read at once
constexpr size_t kArtifactSignaturesMax = 64;      // of one version
constexpr std::string_view kArtifactLatest = "latest";
constexpr std::string_view kArtifactAnybody = "*";  // in an access list

// The end of links that stands for a version: "artifact/<name>@<version>".
std::string artifact_end(std::string_view name, uint64_t version);

// "name@version", "name@alias", or "name", which is its latest.
struct ArtifactRef {
  std::string name = {};
  std::string version = std::string(kArtifactLatest);
};
ArtifactRef parse_artifact_ref(std::string_view text);

// A content that is whole. A large one is on the disk already and goes when this handle does, if
// no version has it by then.
class ArtifactContent {
 public:
  explicit ArtifactContent(std::string bytes);
  explicit ArtifactContent(NewBlob blob);
  const BlobRef& ref() const { return ref_; }
  const std::string* bytes() const { return blob_ ? nullptr : &bytes_; }
  const NewBlob* blob() const { return blob_ ? &*blob_ : nullptr; }

 private:
  BlobRef ref_;
  std::string bytes_;
  std::optional<NewBlob> blob_;
};

// Takes a content in pieces, in bounded memory.
class ArtifactWriter {
 public:
  explicit ArtifactWriter(std::shared_ptr<memory::Access> access);
  // Errors: those of BlobWriter::append; Unsupported (more than kArtifactInlineMax bytes where
  // there are only keys).
  Status append(std::string_view bytes);
  // REQUIRES: no call after it.
  Result<ArtifactContent> finish();

 private:
  std::shared_ptr<memory::Access> access_;
  std::string bytes_;
  std::optional<BlobWriter> blob_;
};

// Small or large, as a stream, as of when it was opened.
using ArtifactReader = KvReader;

struct NewArtifact {
  std::string name = {};
  std::string media_type = "application/octet-stream";
  std::optional<std::string> metadata = {};  // a JSON object
  std::vector<std::string> parents = {};     // "data@3", "data": versions it is derived from
  std::string made_by = {};                  // an end of a link, such as "run/<id>"
  std::vector<std::string> aliases = {};     // that name this version from now on
  // Only if the latest version has this number; 0: only if there is no such artifact.
  std::optional<uint64_t> if_latest = {};
};

struct ArtifactVersion {
  std::string name = {};
  uint64_t version = 0;
  std::string id = {};  // UUIDv7; stays when it is moved to another store
  BlobRef content = {};
  std::string media_type = {};
  std::optional<std::string> metadata = {};
  std::string actor = {};  // who put it; empty: nobody was named
  int64_t created_us = 0;  // since 1970, UTC
};

enum class ArtifactRight : uint8_t {
  read = 1,    // see, open, verify
  write = 2,   // and put versions, set aliases, sign
  manage = 3,  // and archive, remove, grant
};

struct Artifact {
  std::string name = {};
  ArtifactVersion latest = {};
  uint64_t versions = 0;
  int64_t created_us = 0;
  int64_t archived_us = 0;                                    // 0: it is not archived
  std::map<std::string, ArtifactRight> access = {};           // by actor; empty: everybody's
  std::map<std::string, uint64_t, std::less<>> aliases = {};  // own ones; only show() gives them
};

// A member of the metadata's object and its value as JSON: {"branch", "\"main\""}.
using MetadataMember = std::pair<std::string, std::string>;

struct ArtifactListOptions {
  std::string prefix = {};     // only names that begin so
  std::string after = {};      // the last of the page before
  bool with_archived = false;  // they are left out
  size_t limit = 1000;         // 1 to kArtifactListMax
};

// All of it must hold. A member of the metadata, the media type and the content have an index, by
// which a page is found; without any of them all versions of names with the prefix are read.
struct ArtifactQuery {
  std::vector<MetadataMember> metadata = {};
  std::string media_type = {};
  std::optional<BlobRef> content = {};
  std::string where = {};    // a filter (docs/filters.md): "size > 1000 AND metadata.green = true"
  std::string prefix = {};   // of the name
  bool latest_only = false;  // not what a later version replaced
  bool with_archived = false;
  // The last of the page before.
  std::optional<std::pair<std::string, uint64_t>> after = {};
  size_t limit = 1000;  // 1 to kArtifactListMax
};

struct ArtifactSignature {
  PublicKey key = {};
  Signature signature = {};
  std::string signer = {};  // what the signer called itself; means nothing without the key
  int64_t signed_us = 0;
};

// What verify() found of one signature.
struct VerifiedSignature {
  ArtifactSignature signature = {};
  bool is_valid = false;        // it is of this content and these facts, by this key
  std::string trusted_as = {};  // the user's name of the key; empty: the user named no such key
};
struct ArtifactVerification {
  ArtifactVersion version = {};
  std::vector<VerifiedSignature> signatures = {};
  // Whether a key that the user named has validly signed.
  bool is_trusted() const;
};

// A version that comes from another store.
struct ImportedArtifact {
  NewArtifact artifact = {};  // of it not `parents`
  std::string id = {};
  uint64_t version = 0;  // kept, if no version here has it or a greater one
  int64_t created_us = 0;
  std::string actor = {};
  std::vector<std::string> parent_ids = {};  // those that are here are linked to
  std::vector<ArtifactSignature> signatures = {};
};
struct ImportResult {
  ArtifactVersion version = {};
  bool existed = false;  // nothing was written
};

class Artifacts {
 public:
  explicit Artifacts(std::shared_ptr<memory::Access> access, std::string actor = {});
  // The same for one who acts: held to access lists, and recorded with what it puts.
  Artifacts as(std::string_view actor) const;

  ArtifactWriter write() const;
  // Errors: InvalidArgument (name, alias, media type, metadata, a parent given twice), TooLarge,
  // NotFound (a parent), ConditionFalse (if_latest; the artifact is archived).
  Result<ArtifactVersion> put(const NewArtifact& artifact, const ArtifactContent& content) const;
  // Of a content that is at hand.
  Result<ArtifactVersion> put(const NewArtifact& artifact, std::string_view bytes) const;
  // Several in one commit, in this order, or none. Conditions are of what was there before.
  using Put = std::pair<NewArtifact, ArtifactContent>;
  Result<std::vector<ArtifactVersion>> put_all(std::span<const Put> puts) const;

  // In all of these `version` is a number or an alias.
  Result<ArtifactVersion> find(std::string_view name,
                               std::string_view version = kArtifactLatest) const;
  // Errors: InvalidArgument (not an id).
  Result<ArtifactVersion> find_id(std::string_view id) const;
  Result<ArtifactReader> open(std::string_view name,
                              std::string_view version = kArtifactLatest) const;
  // Checked by the checksums of the store; the content's hash is checked by verify(), and by open()
  // and reading to the end. Errors: also TooLarge (kArtifactGetSizeMax; open() it).
  Result<std::string> get(std::string_view name, std::string_view version = kArtifactLatest) const;

  Result<Artifact> show(std::string_view name) const;
  // By name. Of what the actor may not read nothing is listed or found.
  Result<std::vector<Artifact>> list(const ArtifactListOptions& options = {}) const;
  // Newest first, below `before`.
  Result<std::vector<ArtifactVersion>> versions(std::string_view name, size_t limit = 1000,
                                                uint64_t before = UINT64_MAX) const;
  // By name and number. Errors: InvalidArgument (nothing is asked for; the filter; a value that is
  // not JSON), TooLarge (the filter).
  Result<std::vector<ArtifactVersion>> query(const ArtifactQuery& query) const;

  // The alias names this version from now on.
  Status set_alias(std::string_view name, std::string_view alias, std::string_view version) const;
  Status remove_alias(std::string_view name, std::string_view alias) const;
  // `user`, an end of a link such as "run/<id>", uses this version; see artifact_end.
  Status add_use(std::string_view name, std::string_view version, std::string_view user) const;

  // Archived ones are read as before; no version is added, and no list or query shows them unless
  // asked. All of them in one commit, or none; what is archived already stays so.
  Status archive(std::span<const std::string> names) const;
  Status unarchive(std::span<const std::string> names) const;
  // Removes them with all versions, aliases, signatures and links, in one commit or not at all.
  // Errors: TooLarge (too much for one commit: prune() first).
  Status remove(std::span<const std::string> names) const;
  // Removes one version. Errors: ConditionFalse (own aliases name it; it is the only one).
  Status remove_version(std::string_view name, uint64_t version) const;
  // Removes the oldest versions but for the newest `keep` (1 or more) and those with aliases, at
  // most kArtifactBatchMax in one commit; how many.
  Result<uint64_t> prune(std::string_view name, uint64_t keep) const;

  // The first grant makes the list; if an actor gives it, that actor may manage from then on, too.
  // kArtifactAnybody is whoever is not in the list.
  Status grant(std::string_view name, std::string_view actor, ArtifactRight right) const;
  // The last one of those who manage stays: ConditionFalse. The last entry of all may go, and with
  // it the list.
  Status revoke(std::string_view name, std::string_view actor) const;

  // Signs the content and what is said of it: name, id, size, media type and metadata. Signing
  // again with the same key replaces. Errors: TooLarge (kArtifactSignaturesMax).
  Status sign(std::string_view name, std::string_view version, const SigningKey& key,
              std::string_view signer = {}) const;
  Result<std::vector<ArtifactSignature>> signatures(std::string_view name,
                                                    std::string_view version) const;
  // Reads the whole content and checks it and all signatures. Errors: Corruption (the content is
  // not what was put).
  Result<ArtifactVerification> verify(std::string_view name, std::string_view version,
                                      std::span<const TrustedKey> trusted) const;

  // Puts what another store holds; what is here already (by id) stays as it is. Aliases that are
  // here stay, too. Errors: those of put, InvalidArgument (id).
  Result<ImportResult> import(const ImportedArtifact& imported,
                              const ArtifactContent& content) const;

 private:
  std::shared_ptr<memory::Access> access_;
  std::string actor_;
};

}  // namespace holdfast
