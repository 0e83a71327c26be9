#include "memory/artifact_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"
#include "memory/kv_rows.h"
#include "memory/link_rows.h"
#include "memory/metadata_index.h"

namespace holdfast::memory {
namespace {

enum HeadField : uint32_t {
  kNext = 1,
  kLatest = 2,
  kCount = 3,
  kHeadCreated = 4,
  kArchived = 5,
  kActor = 6,  // of the access list; the rights stand in the same order
  kRight = 7,
};
enum VersionField : uint32_t {
  kId = 1,
  kContent = 2,
  kMediaType = 3,
  kMetadata = 4,
  kBy = 5,
  kCreated = 6,
};
enum SignatureField : uint32_t { kBytes = 1, kSigner = 2, kSigned = 3 };

Status damaged_artifact() {
  return malformed("an entry of the artifacts");
}

std::string encode_head(const ArtifactHead& head) {
  FieldWriter fields;
  fields.number(kNext, head.next).number(kLatest, head.latest).number(kCount, head.count);
  fields.integer(kHeadCreated, head.created_us);
  if (head.archived_us != 0) fields.integer(kArchived, head.archived_us);
  std::string rights;
  for (const auto& [actor, right] : head.access) {
    fields.text(kActor, actor);
    rights.push_back(static_cast<char>(right));
  }
  if (!rights.empty()) fields.text(kRight, rights);
  return fields.bytes();
}

Result<ArtifactHead> decode_head(std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "an artifact"));
  ArtifactHead head;
  head.next = fields.number_or(kNext, 0);
  head.latest = fields.number_or(kLatest, 0);
  head.count = fields.number_or(kCount, 0);
  head.created_us = fields.integer_or(kHeadCreated, 0);
  head.archived_us = fields.integer_or(kArchived, 0);
  const std::vector<std::string> actors = fields.texts(kActor);
  const std::string rights = fields.text_or_empty(kRight);
  if (rights.size() != actors.size() || head.latest >= head.next) return damaged_artifact();
  for (size_t i = 0; i < actors.size(); ++i) {
    if (rights[i] < 1 || rights[i] > 3) return damaged_artifact();
    head.access[actors[i]] = static_cast<ArtifactRight>(rights[i]);
  }
  return head;
}

std::string encode_version(const ArtifactVersion& version, const Uuid& id) {
  FieldWriter fields;
  fields.text(kId, id.view()).text(kContent, encode_blob_ref(version.content));
  fields.text(kMediaType, version.media_type).text_if(kMetadata, version.metadata);
  if (!version.actor.empty()) fields.text(kBy, version.actor);
  return fields.integer(kCreated, version.created_us).bytes();
}

Result<ArtifactVersion> decode_version(const VersionName& name, std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(bytes, artifact_end(name.name, name.version)));
  ArtifactVersion version;
  version.name = name.name;
  version.version = name.version;
  const std::string id = fields.text_or_empty(kId);
  Uuid uuid;
  if (id.size() != uuid.bytes.size()) return damaged_artifact();
  std::copy(id.begin(), id.end(), reinterpret_cast<char*>(uuid.bytes.data()));
  version.id = uuid.to_text();
  HOLDFAST_ASSIGN(version.content, decode_blob_ref(fields.text_or_empty(kContent)));
  version.media_type = fields.text_or_empty(kMediaType);
  version.metadata = fields.text(kMetadata);
  version.actor = fields.text_or_empty(kBy);
  version.created_us = fields.integer_or(kCreated, 0);
  return version;
}

// `name` and nothing behind it, as an ordered string.
std::string ordered(std::string_view name) {
  std::string bytes;
  append_ordered_string(bytes, name);
  return bytes;
}

Status erase_range(search::KeyTarget& target, std::string_view prefix) {
  std::vector<std::string> keys;
  HOLDFAST_TRY(target.scan(search::prefix_range(prefix), [&](std::string_view key, auto) {
    keys.emplace_back(key);
    return true;
  }));
  for (const std::string& key : keys) HOLDFAST_TRY(target.del(key));
  return Status::ok();
}

}  // namespace

// --- Names

std::string ArtifactRows::suffix(const VersionName& name) {
  std::string bytes = ordered(name.name);
  append_ordered_u64(bytes, name.version);
  return bytes;
}

Result<VersionName> ArtifactRows::parse_suffix(std::string_view suffix) {
  auto name = take_ordered_string(suffix);
  const auto version = take_ordered_u64(suffix);
  if (!name || !version || !suffix.empty()) return damaged_artifact();
  return VersionName{std::move(*name), *version};
}

std::string ArtifactRows::media_prefix(std::string_view media_type) const {
  return label_prefix(KeyKind::kArtifactIndex, space_id_, "media", media_type);
}

std::string ArtifactRows::member_prefix(
    const std::pair<const std::string, std::string>& member) const {
  return memory::member_prefix(KeyKind::kArtifactIndex, space_id_, member);
}

std::string ArtifactRows::reference_prefix(const BlobRef& content) const {
  return space_key(KeyKind::kArtifactReference, space_id_,
                   {content.hash.data(), content.hash.size()});
}

// Two labels with one hash are one entry.
std::vector<std::string> ArtifactRows::index_keys(const ArtifactVersion& version) const {
  const std::string end = suffix({version.name, version.version});
  std::vector<std::string> keys{media_prefix(version.media_type) + end};
  if (version.metadata) {
    for (const auto& member : indexed_members(*version.metadata)) {
      keys.push_back(member_prefix(member) + end);
    }
  }
  return keys;
}

// --- Heads

Result<std::optional<ArtifactHead>> ArtifactRows::head(search::KeySource& source,
                                                       std::string_view name) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_key(KeyKind::kArtifact, space_id_, name)));
  if (!bytes) return std::optional<ArtifactHead>();
  HOLDFAST_ASSIGN(ArtifactHead head, decode_head(*bytes));
  return std::optional(std::move(head));
}

Status ArtifactRows::write_head(search::KeyTarget& target, std::string_view name,
                                const ArtifactHead& head) const {
  return target.put(space_key(KeyKind::kArtifact, space_id_, name), encode_head(head));
}

Status ArtifactRows::erase_head(search::KeyTarget& target, std::string_view name) const {
  return target.del(space_key(KeyKind::kArtifact, space_id_, name));
}

Status ArtifactRows::heads(search::KeySource& source, std::string_view prefix,
                           std::string_view after, const VisitHead& visit) const {
  const std::string space = space_prefix(KeyKind::kArtifact, space_id_);
  KeyRange range = search::prefix_range(space + std::string(prefix));
  if (!after.empty()) range.begin = std::max(range.begin, space + std::string(after) + '\0');
  if (range.begin >= range.end) return Status::ok();
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    auto head = decode_head(value);
    damage = head.status();
    return head && visit(std::string(key.substr(space.size())), std::move(*head));
  }));
  return damage;
}

// --- Versions

std::string ArtifactRows::version_key(const VersionName& name) const {
  std::string key = space_key(KeyKind::kArtifactVersion, space_id_, ordered(name.name));
  append_ordered_u64(key, ~name.version);
  return key;
}

Result<std::optional<ArtifactVersion>> ArtifactRows::version(search::KeySource& source,
                                                             const VersionName& name) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(version_key(name)));
  if (!bytes) return std::optional<ArtifactVersion>();
  HOLDFAST_ASSIGN(ArtifactVersion version, decode_version(name, *bytes));
  return std::optional(std::move(version));
}

Result<std::vector<ArtifactVersion>> ArtifactRows::versions(search::KeySource& source,
                                                            std::string_view name, uint64_t before,
                                                            size_t limit) const {
  std::vector<ArtifactVersion> versions;
  const std::string prefix = space_key(KeyKind::kArtifactVersion, space_id_, ordered(name));
  KeyRange range = search::prefix_range(prefix);
  range.begin = version_key({std::string(name), before}) + '\0';
  Status damage;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(prefix.size());
    const auto number = take_ordered_u64(key);
    auto version =
        number ? decode_version({std::string(name), ~*number}, value) : damaged_artifact();
    damage = version.status();
    if (version) versions.push_back(std::move(*version));
    return damage.is_ok() && versions.size() < limit;
  }));
  HOLDFAST_TRY(damage);
  return versions;
}

Status ArtifactRows::add(search::KeyTarget& target, const ArtifactVersion& version,
                         const ArtifactContent& content) const {
  const VersionName name{version.name, version.version};
  const auto id = Uuid::parse(version.id);
  if (!id) return damaged_artifact();
  HOLDFAST_TRY(add_content(target, name, content));
  HOLDFAST_TRY(target.put(version_key(name), encode_version(version, *id)));
  for (const std::string& index : index_keys(version)) HOLDFAST_TRY(target.put(index, {}));
  return target.put(space_key(KeyKind::kArtifactId, space_id_, id->view()), suffix(name));
}

Status ArtifactRows::erase(search::KeyTarget& target, const ArtifactVersion& version) const {
  const VersionName name{version.name, version.version};
  const auto id = Uuid::parse(version.id);
  if (!id) return damaged_artifact();
  HOLDFAST_TRY(
      erase_links(target, space_id_, artifact_end(version.name, version.version)).status());
  HOLDFAST_TRY(drop_content(target, name, version.content));
  for (const std::string& index : index_keys(version)) HOLDFAST_TRY(target.del(index));
  HOLDFAST_TRY(erase_range(target, key(KeyKind::kArtifactSignature, name)));
  HOLDFAST_TRY(target.del(space_key(KeyKind::kArtifactId, space_id_, id->view())));
  return target.del(version_key(name));
}

Result<std::optional<VersionName>> ArtifactRows::find_id(search::KeySource& source,
                                                         const Uuid& id) const {
  HOLDFAST_ASSIGN(const auto bytes,
                  source.get(space_key(KeyKind::kArtifactId, space_id_, id.view())));
  if (!bytes) return std::optional<VersionName>();
  HOLDFAST_ASSIGN(VersionName name, parse_suffix(*bytes));
  return std::optional(std::move(name));
}

// --- Contents

Status ArtifactRows::add_content(search::KeyTarget& target, const VersionName& name,
                                 const ArtifactContent& content) const {
  if (content.blob() != nullptr) {
    if (access_.blobs() == nullptr) return no_blobs();
    const std::string entry = key(KeyKind::kArtifactBlob, name);
    HOLDFAST_TRY(access_.blobs()->reference(target, *content.blob(), entry));
    HOLDFAST_TRY(target.put(entry, encode_blob_ref(content.ref())));
  } else {
    const auto& hash = content.ref().hash;
    const std::string row =
        space_key(KeyKind::kArtifactContent, space_id_, {hash.data(), hash.size()});
    HOLDFAST_ASSIGN(const auto there, target.get(row));
    if (!there) HOLDFAST_TRY(target.put(row, *content.bytes()));
  }
  return target.put(reference_prefix(content.ref()) + suffix(name), {});
}

Status ArtifactRows::drop_content(search::KeyTarget& target, const VersionName& name,
                                  const BlobRef& content) const {
  HOLDFAST_TRY(target.del(reference_prefix(content) + suffix(name)));
  const std::string entry = key(KeyKind::kArtifactBlob, name);
  HOLDFAST_ASSIGN(const auto is_blob, target.get(entry));
  if (is_blob) {
    if (access_.blobs() == nullptr) return no_blobs();
    HOLDFAST_TRY(access_.blobs()->release(target, content, entry));
    HOLDFAST_TRY(target.del(entry));
  }
  bool is_needed = false;
  HOLDFAST_TRY(target.scan(search::prefix_range(reference_prefix(content)), [&](auto, auto) {
    is_needed = true;
    return false;
  }));
  if (is_needed) return Status::ok();
  return target.del(
      space_key(KeyKind::kArtifactContent, space_id_, {content.hash.data(), content.hash.size()}));
}

Result<ArtifactReader> ArtifactRows::open(search::KeySource& source,
                                          const ArtifactVersion& version) const {
  const BlobRef& content = version.content;
  HOLDFAST_ASSIGN(auto bytes, source.get(space_key(KeyKind::kArtifactContent, space_id_,
                                                   {content.hash.data(), content.hash.size()})));
  if (bytes) return ArtifactReader(std::move(*bytes));
  if (access_.blobs() == nullptr) return no_blobs();
  HOLDFAST_ASSIGN(BlobReader blob, access_.blobs()->open(source, content));
  return ArtifactReader(std::move(blob));
}

// --- Aliases

Result<std::optional<uint64_t>> ArtifactRows::alias(search::KeySource& source,
                                                    std::string_view name,
                                                    std::string_view alias) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(space_key(KeyKind::kArtifactAlias, space_id_,
                                                         ordered(name).append(alias))));
  if (!bytes) return std::optional<uint64_t>();
  const auto version = decode_number(*bytes);
  if (!version) return damaged_artifact();
  return std::optional(static_cast<uint64_t>(*version));
}

Result<std::map<std::string, uint64_t, std::less<>>> ArtifactRows::aliases(
    search::KeySource& source, std::string_view name) const {
  std::map<std::string, uint64_t, std::less<>> aliases;
  const std::string prefix = space_key(KeyKind::kArtifactAlias, space_id_, ordered(name));
  Status damage;
  HOLDFAST_TRY(
      source.scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const auto version = decode_number(value);
        if (!version) damage = damaged_artifact();
        aliases.emplace(key.substr(prefix.size()), static_cast<uint64_t>(version.value_or(0)));
        return damage.is_ok();
      }));
  HOLDFAST_TRY(damage);
  return aliases;
}

Status ArtifactRows::write_alias(search::KeyTarget& target, std::string_view name,
                                 std::string_view alias, uint64_t version) const {
  return target.put(space_key(KeyKind::kArtifactAlias, space_id_, ordered(name).append(alias)),
                    encode_number(static_cast<int64_t>(version)));
}

Status ArtifactRows::erase_alias(search::KeyTarget& target, std::string_view name,
                                 std::string_view alias) const {
  return target.del(space_key(KeyKind::kArtifactAlias, space_id_, ordered(name).append(alias)));
}

// --- Signatures

Result<std::vector<ArtifactSignature>> ArtifactRows::signatures(search::KeySource& source,
                                                                const VersionName& name) const {
  std::vector<ArtifactSignature> signatures;
  const std::string prefix = key(KeyKind::kArtifactSignature, name);
  Status damage;
  HOLDFAST_TRY(source.scan(
      search::prefix_range(prefix), [&](std::string_view row_key, std::string_view value) {
        row_key.remove_prefix(prefix.size());
        const auto fields = FieldReader::parse(value, "a signature");
        damage = fields.status();
        if (!fields) return false;
        ArtifactSignature signature;
        const std::string bytes = fields->text_or_empty(kBytes);
        if (row_key.size() != signature.key.size() || bytes.size() != signature.signature.size()) {
          damage = damaged_artifact();
          return false;
        }
        std::copy(row_key.begin(), row_key.end(), reinterpret_cast<char*>(signature.key.data()));
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(signature.signature.data()));
        signature.signer = fields->text_or_empty(kSigner);
        signature.signed_us = fields->integer_or(kSigned, 0);
        signatures.push_back(std::move(signature));
        return true;
      }));
  HOLDFAST_TRY(damage);
  return signatures;
}

Status ArtifactRows::write_signature(search::KeyTarget& target, const VersionName& name,
                                     const ArtifactSignature& signature) const {
  FieldWriter fields;
  fields.text(kBytes, {reinterpret_cast<const char*>(signature.signature.data()),
                       signature.signature.size()});
  if (!signature.signer.empty()) fields.text(kSigner, signature.signer);
  fields.integer(kSigned, signature.signed_us);
  const std::string_view public_key(reinterpret_cast<const char*>(signature.key.data()),
                                    signature.key.size());
  return target.put(key(KeyKind::kArtifactSignature, name).append(public_key), fields.bytes());
}

}  // namespace holdfast::memory
