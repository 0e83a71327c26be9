#include "memory/artifact_work.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "memory/link_rows.h"
#include "memory/text_check.h"

namespace holdfast::memory {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// '@' separates name and version in texts; in front it is part of the name.
Status check_part(std::string_view what, std::string_view text, size_t size_max) {
  HOLDFAST_TRY(check_plain_name(what, text, size_max));
  if (text.find('@', 1) == text.npos) return Status::ok();
  return invalid(std::string(what) +
                 " has an '@' behind its first character; it stands between "
                 "name and version, so leave it out");
}

Status check_metadata(const std::string& metadata) {
  HOLDFAST_TRY(check_text("the metadata", metadata, kArtifactMetadataSizeMax));
  if (const auto bad = json_first_bad_byte(metadata)) {
    return invalid("the metadata is not JSON at byte " + std::to_string(*bad)).with_offset(*bad);
  }
  if (json_canonical(metadata).front() == '{') return Status::ok();
  return invalid("the metadata must be a JSON object, such as {\"branch\":\"main\"}");
}

std::string_view name_of(ArtifactRight right) {
  return right == ArtifactRight::read ? "read" : right == ArtifactRight::write ? "write" : "manage";
}

Status no_version(std::string_view name, std::string_view version) {
  return Status(StatusCode::kNotFound, "artifact " + std::string(name) + " has no version " +
                                           std::string(version) +
                                           "; see which it has: `holdfast artifact show`");
}

Link link_between(std::string_view from, std::string_view type, std::string_view to,
                  int64_t now_us) {
  Link link;
  link.from = from;
  link.type = type;
  link.to = to;
  link.created_us = link.changed_us = now_us;
  return link;
}

}  // namespace

Status check_artifact_name(std::string_view name) {
  return check_part("an artifact's name", name, kArtifactNameSizeMax);
}

Status check_artifact_alias(std::string_view alias) {
  HOLDFAST_TRY(check_part("an alias", alias, kArtifactAliasSizeMax));
  if (alias == kArtifactLatest) return invalid("\"latest\" names the newest version by itself");
  if (!is_number(alias)) return Status::ok();
  return invalid("the alias " + std::string(alias) +
                 " is a number, which names a version; put a "
                 "letter in front");
}

Status check_artifact_actor(std::string_view actor) {
  return check_plain_name("an actor", actor, kArtifactActorSizeMax);
}

Status no_artifact(std::string_view name) {
  return Status(StatusCode::kNotFound, "there is no artifact " + std::string(name));
}

Status check_new_artifact(const NewArtifact& artifact, const ArtifactContent& content) {
  HOLDFAST_TRY(check_artifact_name(artifact.name));
  HOLDFAST_TRY(check_name("the media type", artifact.media_type, kArtifactMediaTypeSizeMax));
  if (artifact.metadata) HOLDFAST_TRY(check_metadata(*artifact.metadata));
  for (const std::string& alias : artifact.aliases) HOLDFAST_TRY(check_artifact_alias(alias));
  if (!artifact.made_by.empty()) HOLDFAST_TRY(check_link_end(artifact.made_by));
  if (artifact.parents.size() > kArtifactParentsMax) {
    return Status(StatusCode::kTooLarge, "a version has at most " +
                                             std::to_string(kArtifactParentsMax) +
                                             " parents; link it to the others yourself");
  }
  if (content.bytes() == nullptr || content.bytes()->size() <= kArtifactInlineMax) {
    return Status::ok();
  }
  return Status(StatusCode::kTooLarge, "the content has " +
                                           std::to_string(content.bytes()->size()) +
                                           " bytes; write it as a stream (Artifacts::write)");
}

bool ArtifactWork::may(const ArtifactHead& head, ArtifactRight right) const {
  if (actor_.empty() || head.access.empty()) return true;
  auto entry = head.access.find(std::string(actor_));
  if (entry == head.access.end()) entry = head.access.find(std::string(kArtifactAnybody));
  return entry != head.access.end() && entry->second >= right;
}

Status ArtifactWork::check_right(std::string_view name, const ArtifactHead& head,
                                 ArtifactRight right) const {
  if (may(head, right)) return Status::ok();
  return Status(StatusCode::kPermissionDenied,
                std::string(actor_) + " may not " + std::string(name_of(right)) + " artifact " +
                    std::string(name) + "; ask one who manages it for a grant");
}

Result<ArtifactHead> ArtifactWork::require(search::KeySource& source, std::string_view name,
                                           ArtifactRight right) const {
  HOLDFAST_ASSIGN(auto head, rows_.head(source, name));
  if (!head) return no_artifact(name);
  HOLDFAST_TRY(check_right(name, *head, right));
  return std::move(*head);
}

Result<ArtifactVersion> ArtifactWork::require_version(search::KeySource& source,
                                                      std::string_view name,
                                                      std::string_view version,
                                                      ArtifactRight right) const {
  HOLDFAST_ASSIGN(const ArtifactHead head, require(source, name, right));
  uint64_t number = head.latest;
  if (is_number(version)) {
    const auto end = std::from_chars(version.data(), version.data() + version.size(), number).ec;
    if (end != std::errc()) return no_version(name, version);
  } else if (version != kArtifactLatest) {
    HOLDFAST_ASSIGN(const auto alias, rows_.alias(source, name, version));
    if (!alias) return no_version(name, version);
    number = *alias;
  }
  HOLDFAST_ASSIGN(auto found, rows_.version(source, {std::string(name), number}));
  if (!found) return no_version(name, version);
  return std::move(*found);
}

Result<ArtifactWork::Planned> ArtifactWork::plan(search::KeySource& source,
                                                 const NewArtifact& artifact) const {
  HOLDFAST_ASSIGN(const auto head, rows_.head(source, artifact.name));
  if (head) HOLDFAST_TRY(check_right(artifact.name, *head, ArtifactRight::write));
  if (head && head->archived_us != 0) {
    return Status(StatusCode::kConditionFalse,
                  "artifact " + artifact.name + " is archived; unarchive it first");
  }
  const uint64_t latest = head ? head->latest : 0;
  if (artifact.if_latest && *artifact.if_latest != latest) {
    return Status(StatusCode::kConditionFalse, "the latest version of artifact " + artifact.name +
                                                   " is " + std::to_string(latest) + ", not " +
                                                   std::to_string(*artifact.if_latest) +
                                                   "; look at it and decide anew")
        .with_version(latest);
  }
  Planned planned;
  std::set<std::string> ends;
  for (const std::string& parent : artifact.parents) {
    const ArtifactRef ref = parse_artifact_ref(parent);
    HOLDFAST_ASSIGN(const ArtifactVersion found,
                    require_version(source, ref.name, ref.version, ArtifactRight::read));
    if (!ends.insert(artifact_end(found.name, found.version)).second) {
      return invalid("parent " + parent + " is given twice; give it once");
    }
    planned.parents.push_back({found.name, found.version});
  }
  if (!artifact.made_by.empty()) {
    HOLDFAST_TRY(check_link_end_exists(source, space_id_, artifact.made_by));
  }
  return planned;
}

Status ArtifactWork::add(search::KeyTarget& target, const NewArtifact& artifact,
                         const Planned& planned, const ArtifactContent& content,
                         ArtifactVersion& version) const {
  HOLDFAST_ASSIGN(auto there, rows_.head(target, artifact.name));
  ArtifactHead head = there.value_or(ArtifactHead{.created_us = version.created_us});
  version.name = artifact.name;
  version.version = std::max(version.version, head.next);
  version.content = content.ref();
  version.media_type = artifact.media_type;
  version.metadata = artifact.metadata;
  head.latest = version.version;
  head.next = version.version + 1;
  ++head.count;
  HOLDFAST_TRY(rows_.write_head(target, version.name, head));
  HOLDFAST_TRY(rows_.add(target, version, content));
  for (const std::string& alias : artifact.aliases) {
    HOLDFAST_TRY(rows_.write_alias(target, version.name, alias, version.version));
  }
  const LinkRows links(space_id_);
  const std::string end = artifact_end(version.name, version.version);
  for (const VersionName& parent : planned.parents) {
    HOLDFAST_TRY(links.write(
        target, link_between(end, kLinkDerived, artifact_end(parent.name, parent.version),
                             version.created_us)));
  }
  if (artifact.made_by.empty()) return Status::ok();
  return links.write(target, link_between(end, kLinkMadeBy, artifact.made_by, version.created_us));
}

}  // namespace holdfast::memory
