#include "memory/artifact_work.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::ArtifactHead;
using memory::ArtifactWork;

Result<std::vector<ArtifactVersion>> put_now(memory::Access& access, std::string_view actor,
                                             std::span<const Artifacts::Put> puts) {
  for (const auto& [artifact, content] : puts) {
    HOLDFAST_TRY(memory::check_new_artifact(artifact, content));
  }
  std::vector<memory::Stamp> stamps(puts.size());
  for (memory::Stamp& stamp : stamps) stamp = access.next_stamp();
  std::vector<ArtifactVersion> versions;
  HOLDFAST_TRY(access.write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const ArtifactWork work(access, actor, space_id);
    // All are checked before any is written: the caller's transaction may go on after a refusal.
    std::vector<ArtifactWork::Planned> planned(puts.size());
    for (size_t i = 0; i < puts.size(); ++i) {
      HOLDFAST_ASSIGN(planned[i], work.plan(target, puts[i].first));
    }
    versions.assign(puts.size(), {});
    for (size_t i = 0; i < puts.size(); ++i) {
      versions[i].id = stamps[i].id.to_text();
      versions[i].created_us = stamps[i].created_us;
      versions[i].actor = actor;
      HOLDFAST_TRY(work.add(target, puts[i].first, planned[i], puts[i].second, versions[i]));
    }
    return Status::ok();
  }));
  return versions;
}

Artifact shown(std::string name, ArtifactHead&& head, ArtifactVersion&& latest) {
  Artifact artifact;
  artifact.name = std::move(name);
  artifact.latest = std::move(latest);
  artifact.versions = head.count;
  artifact.created_us = head.created_us;
  artifact.archived_us = head.archived_us;
  artifact.access = std::move(head.access);
  return artifact;
}

Status lost_latest(std::string_view name) {
  return Status(StatusCode::kCorruption, "the latest version of artifact " + std::string(name) +
                                             " is missing; run `holdfast check`");
}

}  // namespace

Artifacts::Artifacts(std::shared_ptr<memory::Access> access, std::string actor)
    : access_(std::move(access)), actor_(std::move(actor)) {}

Artifacts Artifacts::as(std::string_view actor) const {
  return Artifacts(access_, std::string(actor));
}

ArtifactWriter Artifacts::write() const {
  return ArtifactWriter(access_);
}

// --- Putting

Result<ArtifactVersion> Artifacts::put(const NewArtifact& artifact,
                                       const ArtifactContent& content) const {
  const Put one(artifact, content);
  HOLDFAST_ASSIGN(auto versions, put_all(std::span(&one, 1)));
  return std::move(versions.front());
}

Result<ArtifactVersion> Artifacts::put(const NewArtifact& artifact, std::string_view bytes) const {
  ArtifactWriter writer = write();
  HOLDFAST_TRY(writer.append(bytes));
  HOLDFAST_ASSIGN(const ArtifactContent content, writer.finish());
  return put(artifact, content);
}

Result<std::vector<ArtifactVersion>> Artifacts::put_all(std::span<const Put> puts) const {
  if (!actor_.empty()) HOLDFAST_TRY(memory::check_artifact_actor(actor_));
  if (puts.empty()) return std::vector<ArtifactVersion>();
  if (puts.size() <= kArtifactBatchMax) return put_now(*access_, actor_, puts);
  return Status(StatusCode::kTooLarge, "at most " + std::to_string(kArtifactBatchMax) +
                                           " artifacts can be put at once; put them in parts");
}

// --- Reading

Result<ArtifactVersion> Artifacts::find(std::string_view name, std::string_view version) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  ArtifactVersion found;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(found, work.require_version(source, name, version, ArtifactRight::read));
        return Status::ok();
      }));
  return found;
}

Result<ArtifactReader> Artifacts::open(std::string_view name, std::string_view version) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  std::optional<ArtifactReader> reader;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const ArtifactVersion found,
                        work.require_version(source, name, version, ArtifactRight::read));
        HOLDFAST_ASSIGN(ArtifactReader opened, work.rows().open(source, found));
        reader.emplace(std::move(opened));
        return Status::ok();
      }));
  return std::move(*reader);
}

Result<std::string> Artifacts::get(std::string_view name, std::string_view version) const {
  HOLDFAST_ASSIGN(ArtifactReader reader, this->open(name, version));
  if (reader.size() > kArtifactGetSizeMax) {
    return Status(StatusCode::kTooLarge, "the content has " + std::to_string(reader.size()) +
                                             " bytes; read it as a stream (Artifacts::open)");
  }
  return reader.whole();
}

Result<Artifact> Artifacts::show(std::string_view name) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  Artifact artifact;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(ArtifactHead head, work.require(source, name, ArtifactRight::read));
        HOLDFAST_ASSIGN(auto latest, work.rows().version(source, {std::string(name), head.latest}));
        if (!latest) return lost_latest(name);
        artifact = shown(std::string(name), std::move(head), std::move(*latest));
        HOLDFAST_ASSIGN(artifact.aliases, work.rows().aliases(source, name));
        return Status::ok();
      }));
  return artifact;
}

Result<std::vector<Artifact>> Artifacts::list(const ArtifactListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kArtifactListMax));
  std::vector<Artifact> artifacts;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const ArtifactWork work(*access_, actor_, space_id);
    std::vector<std::pair<std::string, ArtifactHead>> heads;
    HOLDFAST_TRY(work.rows().heads(source, options.prefix, options.after,
                                   [&](std::string&& name, ArtifactHead&& head) {
                                     if (work.shows(head, options.with_archived))
                                       heads.emplace_back(std::move(name), head);
                                     return heads.size() < options.limit;
                                   }));
    artifacts.clear();
    for (auto& [name, head] : heads) {
      HOLDFAST_ASSIGN(auto latest, work.rows().version(source, {name, head.latest}));
      if (!latest) return lost_latest(name);
      artifacts.push_back(shown(std::move(name), std::move(head), std::move(*latest)));
    }
    return Status::ok();
  }));
  return artifacts;
}

Result<std::vector<ArtifactVersion>> Artifacts::versions(std::string_view name, size_t limit,
                                                         uint64_t before) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_limit(limit, kArtifactListMax));
  std::vector<ArtifactVersion> versions;
  HOLDFAST_TRY(memory::read_artifacts(
      *access_, actor_, name, [&](search::KeySource& source, const ArtifactWork& work) -> Status {
        HOLDFAST_TRY(work.require(source, name, ArtifactRight::read).status());
        HOLDFAST_ASSIGN(versions, work.rows().versions(source, name, before, limit));
        return Status::ok();
      }));
  return versions;
}

}  // namespace holdfast
