// ArtifactWork: what the calls of Artifacts have in common, within one transaction or view: who may
// do what, and which version is meant.
//
// Who: artifact*.cc. Thread-safety: that of the given source or target.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "memory/artifact_rows.h"

namespace holdfast::memory {

// Errors: InvalidArgument, TooLarge.
Status check_artifact_name(std::string_view name);
Status check_artifact_alias(std::string_view alias);
Status check_artifact_actor(std::string_view actor);
Status no_artifact(std::string_view name);
// Of the facts that a put gives.
Status check_new_artifact(const NewArtifact& artifact, const ArtifactContent& content);

class ArtifactWork {
 public:
  ArtifactWork(Access& access, std::string_view actor, uint32_t space_id)
      : rows_(access, space_id), space_id_(space_id), actor_(actor) {}

  const ArtifactRows& rows() const { return rows_; }
  uint32_t space_id() const { return space_id_; }

  bool may(const ArtifactHead& head, ArtifactRight right) const;
  // Whether lists have it.
  bool shows(const ArtifactHead& head, bool with_archived) const {
    return (head.archived_us == 0 || with_archived) && may(head, ArtifactRight::read);
  }
  // Errors: PermissionDenied.
  Status check_right(std::string_view name, const ArtifactHead& head, ArtifactRight right) const;
  // The head of one that is there and with which the actor may do so. Errors: NotFound,
  // PermissionDenied.
  Result<ArtifactHead> require(search::KeySource& source, std::string_view name,
                               ArtifactRight right) const;
  // The same for a version, by its number or an alias.
  Result<ArtifactVersion> require_version(search::KeySource& source, std::string_view name,
                                          std::string_view version, ArtifactRight right) const;

  // Everything that a put asks for; nothing is written. Parents are then those versions.
  struct Planned {
    std::vector<VersionName> parents;
  };
  Result<Planned> plan(search::KeySource& source, const NewArtifact& artifact) const;
  // Makes `version`, whose name, number and the like are those of the head that it then has: the
  // next one, or the given one if that is not less.
  Status add(search::KeyTarget& target, const NewArtifact& artifact, const Planned& planned,
             const ArtifactContent& content, ArtifactVersion& version) const;

 private:
  const ArtifactRows rows_;
  const uint32_t space_id_;
  std::string_view actor_;
};

// Runs `work` on the artifacts of a space that is there. Errors: NotFound (it is not).
template <typename Work>
Status read_artifacts(Access& access, std::string_view actor, std::string_view name,
                      const Work& work) {
  bool found_space = false;
  HOLDFAST_TRY(access.read([&](search::KeySource& source, uint32_t space_id) -> Status {
    found_space = true;
    return work(source, ArtifactWork(access, actor, space_id));
  }));
  return found_space ? Status::ok() : no_artifact(name);
}
template <typename Work>
Status change_artifacts(Access& access, std::string_view actor, std::string_view name,
                        const Work& work) {
  bool found_space = false;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    found_space = true;
    return work(target, ArtifactWork(access, actor, space_id));
  }));
  return found_space ? Status::ok() : no_artifact(name);
}

}  // namespace holdfast::memory
