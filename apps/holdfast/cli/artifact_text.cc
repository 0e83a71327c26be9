#include "cli/artifact_text.h"

#include "base/hex.h"
#include "base/time_text.h"
#include "cli/shown_time.h"

namespace holdfast::cli {
namespace {

const char* right_text(ArtifactRight right) {
  return right == ArtifactRight::read ? "read" : right == ArtifactRight::write ? "write" : "manage";
}

Json aliases_json(const Artifact& artifact) {
  Json aliases = Json::object();
  for (const auto& [alias, number] : artifact.aliases) aliases[alias] = number;
  return aliases;
}

Json access_json(const Artifact& artifact) {
  Json access = Json::object();
  for (const auto& [actor, right] : artifact.access) access[actor] = right_text(right);
  return access;
}

}  // namespace

Json json_of(const ArtifactVersion& version) {
  Json json = {{"name", version.name},
               {"version", version.version},
               {"id", version.id},
               {"sha256", blob_hash_text(version.content)},
               {"size", version.content.size},
               {"media_type", version.media_type}};
  if (version.metadata) {
    // A surrogate that stands alone is JSON, and nothing that this parser takes: then as a text.
    Json metadata = Json::parse(*version.metadata, nullptr, /*allow_exceptions=*/false);
    json["metadata"] = metadata.is_discarded() ? Json(*version.metadata) : std::move(metadata);
  }
  if (!version.actor.empty()) json["actor"] = version.actor;
  json["created"] = time_text(version.created_us);
  return json;
}

Json json_of(const Artifact& artifact) {
  Json json = {{"name", artifact.name}, {"versions", artifact.versions}};
  json["latest"] = json_of(artifact.latest);
  json["created"] = time_text(artifact.created_us);
  if (artifact.archived_us != 0) json["archived"] = time_text(artifact.archived_us);
  if (!artifact.access.empty()) json["access"] = access_json(artifact);
  return json;
}

Json json_of(const ArtifactSignature& signature) {
  Json json = {{"key", hex_text({reinterpret_cast<const char*>(signature.key.data()),
                                 signature.key.size()})},
               {"signature", hex_text({reinterpret_cast<const char*>(signature.signature.data()),
                                       signature.signature.size()})}};
  if (!signature.signer.empty()) json["signer"] = signature.signer;
  json["signed"] = time_text(signature.signed_us);
  return json;
}

void print_versions(const Output& output, std::span<const ArtifactVersion> versions) {
  Table table({"version", "size", "type", "put", "metadata"});
  for (const ArtifactVersion& version : versions) {
    if (output.json()) {
      output.print(json_of(version));
      continue;
    }
    table.add({one_line(version.name, 60) + "@" + std::to_string(version.version),
               size_text(version.content.size), one_line(version.media_type, 40),
               shown_time(version.created_us), one_line(version.metadata.value_or(""), 60)});
  }
  if (!table.empty()) table.print(output);
}

void print_artifact(const Output& output, const Artifact& artifact, const ArtifactVersion& version,
                    std::span<const ArtifactSignature> signatures, std::span<const Link> links) {
  if (output.json()) {
    Json json = json_of(artifact);
    json["aliases"] = aliases_json(artifact);
    json["shown"] = json_of(version);
    json["signatures"] = Json::array();
    for (const ArtifactSignature& signature : signatures) {
      json["signatures"].push_back(json_of(signature));
    }
    json["links"] = Json::array();
    for (const Link& link : links) {
      json["links"].push_back({{"from", link.from}, {"type", link.type}, {"to", link.to}});
    }
    output.print(json);
    return;
  }
  Facts facts;
  facts.add("artifact", one_line(version.name, 100) + "@" + std::to_string(version.version));
  facts.add("versions", with_separators(artifact.versions) + ", latest " +
                            std::to_string(artifact.latest.version));
  for (const auto& [alias, number] : artifact.aliases) {
    facts.add("alias", one_line(alias, 60) + " is " + std::to_string(number));
  }
  facts.add("size", with_separators(version.content.size) + " bytes");
  facts.add("sha256", blob_hash_text(version.content));
  facts.add("type", one_line(version.media_type, 60));
  if (version.metadata) facts.add("metadata", one_line(*version.metadata, 200));
  facts.add("id", version.id);
  facts.add("put", shown_time(version.created_us) +
                       (version.actor.empty() ? "" : " by " + one_line(version.actor, 60)));
  if (artifact.archived_us != 0) facts.add("archived", shown_time(artifact.archived_us));
  for (const auto& [actor, right] : artifact.access) {
    facts.add("access", one_line(actor, 60) + " may " + right_text(right));
  }
  for (const ArtifactSignature& signature : signatures) {
    facts.add("signature",
              json_of(signature)["key"].get<std::string>() + " " + one_line(signature.signer, 60));
  }
  for (const Link& link : links) {
    facts.add("link", one_line(link.from, 60) + " " + one_line(link.type, 30) + " " +
                          one_line(link.to, 60));
  }
  facts.print(output);
}

void add_actor(CLI::App* command, std::string& actor) {
  command->add_option("--actor", actor, "Who acts: held to the access list; else you may do all");
}

}  // namespace holdfast::cli
