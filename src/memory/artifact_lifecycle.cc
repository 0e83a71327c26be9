// What becomes of artifacts: aliases, uses, archive, removal, and who may do what with them.
#include <algorithm>
#include <set>

#include "memory/artifact_work.h"
#include "memory/link_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::ArtifactHead;
using memory::ArtifactWork;

constexpr uint64_t kRemovedMax = 10'000;  // versions of one commit

Status check_names(std::span<const std::string> names) {
  for (const std::string& name : names) HOLDFAST_TRY(memory::check_artifact_name(name));
  if (names.size() > kArtifactBatchMax) {
    return Status(StatusCode::kTooLarge, "at most " + std::to_string(kArtifactBatchMax) +
                                             " artifacts can be named at once");
  }
  std::set<std::string_view> distinct(names.begin(), names.end());
  if (distinct.size() == names.size()) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "an artifact is named twice; name it once");
}

// The heads of all, which the actor may manage.
Result<std::vector<ArtifactHead>> require_all(const ArtifactWork& work, search::KeySource& source,
                                              std::span<const std::string> names) {
  std::vector<ArtifactHead> heads;
  for (const std::string& name : names) {
    HOLDFAST_ASSIGN(heads.emplace_back(), work.require(source, name, ArtifactRight::manage));
  }
  return heads;
}

Status set_archived(memory::Access& access, std::string_view actor,
                    std::span<const std::string> names, bool is_archived) {
  HOLDFAST_TRY(check_names(names));
  if (names.empty()) return Status::ok();
  const int64_t now_us = access.now_us();
  return memory::change_artifacts(
      access, actor, names.front(),
      [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(std::vector<ArtifactHead> heads, require_all(work, target, names));
        for (size_t i = 0; i < names.size(); ++i) {
          if ((heads[i].archived_us != 0) == is_archived) continue;
          heads[i].archived_us = is_archived ? now_us : 0;
          HOLDFAST_TRY(work.rows().write_head(target, names[i], heads[i]));
        }
        return Status::ok();
      });
}

Status erase_artifact(const ArtifactWork& work, search::KeyTarget& target,
                      const std::string& name) {
  HOLDFAST_ASSIGN(const auto versions,
                  work.rows().versions(target, name, UINT64_MAX, kRemovedMax + 1));
  for (const ArtifactVersion& version : versions) HOLDFAST_TRY(work.rows().erase(target, version));
  HOLDFAST_ASSIGN(const auto aliases, work.rows().aliases(target, name));
  for (const auto& [alias, number] : aliases) {
    HOLDFAST_TRY(work.rows().erase_alias(target, name, alias));
  }
  return work.rows().erase_head(target, name);
}

bool has_manager(const ArtifactHead& head) {
  return std::any_of(head.access.begin(), head.access.end(),
                     [](const auto& entry) { return entry.second == ArtifactRight::manage; });
}

}  // namespace

// --- Aliases and uses

Status Artifacts::set_alias(std::string_view name, std::string_view alias,
                            std::string_view version) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_artifact_alias(alias));
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const ArtifactVersion found,
                        work.require_version(target, name, version, ArtifactRight::write));
        return work.rows().write_alias(target, name, alias, found.version);
      });
}

Status Artifacts::remove_alias(std::string_view name, std::string_view alias) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_artifact_alias(alias));
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_TRY(work.require(target, name, ArtifactRight::write).status());
        HOLDFAST_ASSIGN(const auto there, work.rows().alias(target, name, alias));
        if (there) return work.rows().erase_alias(target, name, alias);
        return Status(StatusCode::kNotFound,
                      "artifact " + std::string(name) + " has no alias " + std::string(alias));
      });
}

Status Artifacts::add_use(std::string_view name, std::string_view version,
                          std::string_view user) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_link_end(user));
  const int64_t now_us = access_->now_us();
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const ArtifactVersion found,
                        work.require_version(target, name, version, ArtifactRight::read));
        HOLDFAST_TRY(memory::check_link_end_exists(target, work.space_id(), user));
        Link link;
        link.from = user;
        link.type = memory::kLinkUses;
        link.to = artifact_end(found.name, found.version);
        if (link.from == link.to) {
          return Status(StatusCode::kInvalidArgument, link.to + " cannot use itself");
        }
        const memory::LinkRows links(work.space_id());
        HOLDFAST_ASSIGN(const auto there, links.read(target, {link.from, link.type, link.to}));
        if (there) return Status::ok();
        link.created_us = link.changed_us = now_us;
        return links.write(target, link);
      });
}

// --- Archive and removal

Status Artifacts::archive(std::span<const std::string> names) const {
  return set_archived(*access_, actor_, names, true);
}

Status Artifacts::unarchive(std::span<const std::string> names) const {
  return set_archived(*access_, actor_, names, false);
}

Status Artifacts::remove(std::span<const std::string> names) const {
  HOLDFAST_TRY(check_names(names));
  if (names.empty()) return Status::ok();
  return memory::change_artifacts(
      *access_, actor_, names.front(),
      [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(const std::vector<ArtifactHead> heads, require_all(work, target, names));
        uint64_t versions = 0;
        for (const ArtifactHead& head : heads) versions += head.count;
        if (versions > kRemovedMax) {
          return Status(StatusCode::kTooLarge,
                        "these artifacts have " + std::to_string(versions) +
                            " versions, too many for one commit; prune them first");
        }
        for (const std::string& name : names) HOLDFAST_TRY(erase_artifact(work, target, name));
        return Status::ok();
      });
}

Status Artifacts::remove_version(std::string_view name, uint64_t version) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(ArtifactHead head, work.require(target, name, ArtifactRight::manage));
        HOLDFAST_ASSIGN(
            const ArtifactVersion found,
            work.require_version(target, name, std::to_string(version), ArtifactRight::manage));
        HOLDFAST_ASSIGN(const auto aliases, work.rows().aliases(target, name));
        for (const auto& [alias, number] : aliases) {
          if (number != version) continue;
          return Status(StatusCode::kConditionFalse, "alias " + alias + " names version " +
                                                         std::to_string(version) +
                                                         "; move or remove it first");
        }
        if (head.count == 1) {
          return Status(StatusCode::kConditionFalse, "this is the only version of artifact " +
                                                         std::string(name) +
                                                         "; remove the artifact instead");
        }
        HOLDFAST_ASSIGN(const auto newest, work.rows().versions(target, name, UINT64_MAX, 2));
        if (head.latest == version) head.latest = newest.back().version;
        --head.count;
        HOLDFAST_TRY(work.rows().erase(target, found));
        return work.rows().write_head(target, name, head);
      });
}

Result<uint64_t> Artifacts::prune(std::string_view name, uint64_t keep) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  if (keep == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "keep at least the latest version, or remove the artifact");
  }
  uint64_t removed = 0;
  HOLDFAST_TRY(memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        removed = 0;
        HOLDFAST_ASSIGN(ArtifactHead head, work.require(target, name, ArtifactRight::manage));
        if (head.count <= keep) return Status::ok();
        HOLDFAST_ASSIGN(const auto aliases, work.rows().aliases(target, name));
        std::set<uint64_t> named;
        for (const auto& [alias, number] : aliases) named.insert(number);
        const auto wanted = static_cast<size_t>(
            std::min<uint64_t>(head.count, keep + named.size() + kArtifactBatchMax));
        HOLDFAST_ASSIGN(const auto versions,
                        work.rows().versions(target, name, UINT64_MAX, wanted));
        for (size_t i = keep; i < versions.size() && removed < kArtifactBatchMax; ++i) {
          if (named.contains(versions[i].version)) continue;
          HOLDFAST_TRY(work.rows().erase(target, versions[i]));
          ++removed;
        }
        head.count -= removed;
        return removed == 0 ? Status::ok() : work.rows().write_head(target, name, head);
      }));
  return removed;
}

// --- Access

Status Artifacts::grant(std::string_view name, std::string_view actor, ArtifactRight right) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_artifact_actor(actor));
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(ArtifactHead head, work.require(target, name, ArtifactRight::manage));
        if (head.access.empty() && !actor_.empty()) head.access[actor_] = ArtifactRight::manage;
        const bool had_manager = has_manager(head);
        head.access[std::string(actor)] = right;
        if (had_manager && !has_manager(head)) {
          return Status(StatusCode::kConditionFalse, "nobody else manages artifact " +
                                                         std::string(name) +
                                                         "; grant that to another first");
        }
        if (head.access.size() > kArtifactActorsMax) {
          return Status(StatusCode::kTooLarge, "an access list has at most " +
                                                   std::to_string(kArtifactActorsMax) +
                                                   " actors; give a group of them one name");
        }
        return work.rows().write_head(target, name, head);
      });
}

Status Artifacts::revoke(std::string_view name, std::string_view actor) const {
  HOLDFAST_TRY(memory::check_artifact_name(name));
  HOLDFAST_TRY(memory::check_artifact_actor(actor));
  return memory::change_artifacts(
      *access_, actor_, name, [&](search::KeyTarget& target, const ArtifactWork& work) -> Status {
        HOLDFAST_ASSIGN(ArtifactHead head, work.require(target, name, ArtifactRight::manage));
        const bool had_manager = has_manager(head);
        if (head.access.erase(std::string(actor)) == 0) {
          return Status(StatusCode::kNotFound, std::string(actor) +
                                                   " has no entry in the access "
                                                   "list of artifact " +
                                                   std::string(name));
        }
        if (!head.access.empty() && had_manager && !has_manager(head)) {
          return Status(StatusCode::kConditionFalse, "nobody else manages artifact " +
                                                         std::string(name) +
                                                         "; grant that to another first");
        }
        return work.rows().write_head(target, name, head);
      });
}

}  // namespace holdfast
