#include <algorithm>
#include <utility>

#include "base/time_text.h"
#include "cli/artifact_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

constexpr size_t kListDefault = 50;

Result<Json> put(const Artifacts& artifacts, const Json& arguments) {
  NewArtifact artifact;
  artifact.name = arguments["name"].get<std::string>();
  artifact.media_type = arguments.value(
      "media_type", arguments.contains("text") ? "text/plain" : artifact.media_type);
  if (arguments.contains("metadata")) artifact.metadata = arguments["metadata"].dump();
  artifact.parents = texts_of(arguments, "parents");
  artifact.aliases = texts_of(arguments, "aliases");
  artifact.made_by = text_of(arguments, "made_by").value_or("");
  if (arguments.contains("if_latest")) artifact.if_latest = arguments["if_latest"];
  HOLDFAST_ASSIGN(const std::string bytes, bytes_of(arguments));
  ArtifactWriter writer = artifacts.write();
  HOLDFAST_TRY(writer.append(bytes));
  HOLDFAST_ASSIGN(const ArtifactContent content, writer.finish());
  HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.put(artifact, content));
  return structured_result({{"version", cli::json_of(version)}});
}

// The `count` bytes from `offset` on, or those that there are.
Result<std::string> read_piece(ArtifactReader& reader, uint64_t offset, size_t count) {
  std::string piece(std::max<size_t>(count, 256u << 10), '\0');
  for (uint64_t left = offset; left > 0;) {
    HOLDFAST_ASSIGN(const size_t passed,
                    reader.read(piece.data(), std::min<uint64_t>(left, piece.size())));
    if (passed == 0) return std::string();
    left -= passed;
  }
  size_t filled = 0;
  while (filled < count) {
    HOLDFAST_ASSIGN(const size_t got, reader.read(piece.data() + filled, count - filled));
    if (got == 0) break;
    filled += got;
  }
  piece.resize(filled);
  return piece;
}

Result<Json> get(const Artifacts& artifacts, const ArtifactRef& ref, const Json& arguments) {
  HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.find(ref.name, ref.version));
  HOLDFAST_ASSIGN(ArtifactReader reader, artifacts.open(ref.name, std::to_string(version.version)));
  const uint64_t offset = arguments.value("offset", uint64_t{0});
  // Two bytes a token leave room for what JSON escapes and base64 adds.
  HOLDFAST_ASSIGN(std::string piece, read_piece(reader, offset, Budget(arguments).tokens() * 2));
  if (offset + piece.size() < reader.size()) drop_cut_character(piece);
  Json result = {{"version", cli::json_of(version)}};
  const uint64_t next = offset + piece.size();
  if (next < reader.size()) result["next"] = next;
  cli::set_bytes(result, "text", piece);
  return structured_result(std::move(result));
}

Result<Json> list(const Artifacts& artifacts, const Json& arguments) {
  const size_t limit = arguments.value("limit", kListDefault);
  HOLDFAST_ASSIGN(const auto found, artifacts.list({.prefix = arguments.value("prefix", ""),
                                                    .after = arguments.value("after", ""),
                                                    .limit = limit}));
  Budget budget(arguments);
  Json list = Json::array();
  for (const Artifact& artifact : found) {
    Json json = cli::json_of(artifact);
    if (!budget.spend(json)) break;
    list.push_back(std::move(json));
  }
  const bool more = list.size() < found.size() || found.size() == limit;
  return structured_result({{"artifacts", std::move(list)}, {"more", more}});
}

Result<Json> versions(const Artifacts& artifacts, const std::string& name, const Json& arguments) {
  HOLDFAST_ASSIGN(const Artifact artifact, artifacts.show(name));
  const size_t limit = arguments.value("limit", kListDefault);
  HOLDFAST_ASSIGN(const auto found,
                  artifacts.versions(name, limit, arguments.value("before", UINT64_MAX)));
  Budget budget(arguments);
  Json list = Json::array();
  for (const ArtifactVersion& version : found) {
    Json json = cli::json_of(version);
    if (!budget.spend(json)) break;
    list.push_back(std::move(json));
  }
  const bool more = list.size() < found.size() || found.size() == limit;
  return structured_result({{"artifacts", Json::array({cli::json_of(artifact)})},
                            {"versions", std::move(list)},
                            {"more", more}});
}

Result<Json> run(Memory& memory, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Artifacts artifacts = space.artifacts();
  if (action == "list") return list(artifacts, arguments);
  HOLDFAST_TRY(needs(arguments, "name"));
  if (action == "put") return put(artifacts, arguments);
  const ArtifactRef ref = parse_artifact_ref(arguments["name"].get<std::string>());
  if (action == "get") return get(artifacts, ref, arguments);
  if (action == "versions") return versions(artifacts, ref.name, arguments);
  if (action == "tag") {
    HOLDFAST_TRY(needs(arguments, "alias"));
    const auto alias = arguments["alias"].get<std::string>();
    HOLDFAST_TRY(artifacts.set_alias(ref.name, alias, ref.version));
    HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.find(ref.name, alias));
    return structured_result({{"version", cli::json_of(version)}});
  }
  HOLDFAST_TRY(artifacts.archive({&ref.name, 1}));
  return structured_result({{"archived", ref.name}});
}

}  // namespace

void add_artifact_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "artifact", .title = "Artifact"};
  tool.description =
      "Files that agents make for each other, such as reports, patches and data: put makes the "
      "next version under a name, and no version is ever changed. get reads one, in pieces: give "
      "next as offset to go on. tag lets an alias such as prod name a version; archive hides all "
      "of them.";
  tool.effect = Effect::kChanges;
  tool.input = object_schema({
      {"action", word_schema("What to do", {"put", "get", "list", "versions", "tag", "archive"}),
       true},
      {"name", text_schema("All but list: the name; get, tag: also name@3 or name@alias, else its "
                           "latest version")},
      {"text", text_schema("put: the content")},
      {"base64", text_schema("put: the content, where it is not text")},
      {"media_type", text_schema("put: text/plain for text if not given")},
      {"metadata", map_schema("put: any JSON object")},
      {"parents", list_schema("put: versions it is derived from, such as data@3",
                              {{"type", "string"}}, 0, kArtifactParentsMax)},
      {"aliases", list_schema("put: names of this version from now on", {{"type", "string"}}, 0,
                              kArtifactParentsMax)},
      {"made_by", text_schema("put: what made it, such as run/ID")},
      {"if_latest", integer_schema("put: only if this is the latest version; 0: only if there is "
                                   "none",
                                   0, int64_t{1} << 53)},
      {"offset", integer_schema("get: from this byte on", 0, int64_t{1} << 53)},
      {"alias", text_schema("tag: the alias")},
      {"prefix", text_schema("list: only names that begin so")},
      {"after", text_schema("list: only names behind this one")},
      {"before", integer_schema("versions: only below this one", 1, int64_t{1} << 53)},
      {"limit", integer_schema("list, versions: at most so many; 50 if not given", 1, 1000)},
      Budget::property(),
  });
  tool.output = object_schema({{"version", map_schema("put, get, tag: what is known of it")},
                               {"text", text_schema("get: its bytes, if they are text")},
                               {"text_base64", text_schema("get: if they are not")},
                               {"next", {{"type", "integer"}}},
                               {"artifacts", objects_schema()},
                               {"versions", objects_schema()},
                               {"more", {{"type", "boolean"}}},
                               {"archived", {{"type", "string"}}}});
  tool.run = [&memory](Peer&, const Json& arguments) { return run(memory, arguments); };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
