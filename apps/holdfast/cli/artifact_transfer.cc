// artifact export, import: a directory with contents/<sha256> and manifest.jsonl, which has a line
// for each version. Access lists stay where they are: actors of another store are others.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/artifact_text.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/progress_line.h"

namespace holdfast::cli {
namespace {

constexpr const char* kFormat = "holdfast artifacts 1";
constexpr size_t kPieceSize = 1 << 20;

std::string content_path(const std::string& directory, const std::string& hash) {
  return directory + "/contents/" + hash;
}

struct Transferred {
  uint64_t versions = 0;
  uint64_t bytes = 0;
  uint64_t existed = 0;
};

void print_transferred(const Output& output, const char* verb, const Transferred& done) {
  if (output.json()) {
    output.print({{"versions", done.versions}, {"bytes", done.bytes}, {"existed", done.existed}});
    return;
  }
  output.line(counted(done.versions, "version") + " " + verb + " (" + size_text(done.bytes) +
              "), " + with_separators(done.existed) + " were there already");
}

// --- Export

struct ExportArguments {
  std::string actor, directory;
  std::vector<std::string> names;
};

class Exporter {
 public:
  Exporter(const Space& space, Snapshot& snapshot, const ExportArguments& arguments)
      : artifacts_(space.artifacts(snapshot).as(arguments.actor)),
        links_(space.links(snapshot)),
        directory_(arguments.directory) {}

  Status run(const std::vector<std::string>& names) {
    HOLDFAST_TRY(make_directory(directory_ + "/contents"));
    manifest_ = Json{{"format", kFormat}}.dump() + "\n";
    if (names.empty()) HOLDFAST_TRY(add_all());
    for (const std::string& name : names) HOLDFAST_TRY(add(name));
    // Last: what the manifest names is there.
    return write_file(directory_ + "/manifest.jsonl", manifest_);
  }
  const Transferred& done() const { return done_; }

 private:
  Status add_all() {
    ArtifactListOptions options{.with_archived = true};
    while (true) {
      HOLDFAST_ASSIGN(const auto page, artifacts_.list(options));
      for (const Artifact& artifact : page) HOLDFAST_TRY(add(artifact.name));
      if (page.size() < options.limit) return Status::ok();
      options.after = page.back().name;
    }
  }

  // All versions, the oldest first: parents within a name come before children.
  Status add(const std::string& name) {
    HOLDFAST_ASSIGN(const Artifact artifact, artifacts_.show(name));
    std::vector<ArtifactVersion> versions;
    while (true) {
      const uint64_t before = versions.empty() ? UINT64_MAX : versions.back().version;
      HOLDFAST_ASSIGN(const auto page, artifacts_.versions(name, 1000, before));
      versions.insert(versions.end(), page.begin(), page.end());
      if (page.size() < 1000) break;
    }
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
      HOLDFAST_TRY(add_version(artifact, *version));
    }
    return Status::ok();
  }

  Status add_version(const Artifact& artifact, const ArtifactVersion& version) {
    line_.show("versions", done_.versions, 0);
    Json line = json_of(version);
    line.erase("created");
    line["created_us"] = version.created_us;
    if (version.metadata) line["metadata"] = *version.metadata;  // byte for byte
    line["aliases"] = Json::array();
    for (const auto& [alias, number] : artifact.aliases) {
      if (number == version.version) line["aliases"].push_back(alias);
    }
    HOLDFAST_TRY(add_lineage(version, line));
    line["signatures"] = Json::array();
    HOLDFAST_ASSIGN(const auto signatures,
                    artifacts_.signatures(version.name, std::to_string(version.version)));
    for (const ArtifactSignature& signature : signatures) {
      Json json = json_of(signature);
      json.erase("signed");
      json["signed_us"] = signature.signed_us;
      line["signatures"].push_back(std::move(json));
    }
    manifest_ += line.dump() + "\n";
    return add_content(version);
  }

  Status add_lineage(const ArtifactVersion& version, Json& line) {
    line["parents"] = Json::array();
    HOLDFAST_ASSIGN(const auto links, links_.of(artifact_end(version.name, version.version)));
    constexpr std::string_view kArtifactEnd = "artifact/";
    for (const Link& link : links) {
      if (link.type == "made by") line["made_by"] = link.to;
      if (link.type != "derived from" || !link.to.starts_with(kArtifactEnd)) continue;
      const ArtifactRef ref = parse_artifact_ref(link.to.substr(kArtifactEnd.size()));
      const auto parent = artifacts_.find(ref.name, ref.version);
      if (parent) line["parents"].push_back(parent->id);
    }
    return Status::ok();
  }

  Status add_content(const ArtifactVersion& version) {
    const std::string path = content_path(directory_, blob_hash_text(version.content));
    std::error_code error;
    ++done_.versions;
    if (std::filesystem::file_size(path, error) == version.content.size && !error) {
      ++done_.existed;
      return Status::ok();
    }
    HOLDFAST_ASSIGN(ArtifactReader reader,
                    artifacts_.open(version.name, std::to_string(version.version)));
    done_.bytes += version.content.size;
    return write_file(reader, path);
  }

  Artifacts artifacts_;
  Links links_;
  std::string directory_;
  std::string manifest_;
  Transferred done_;
  ProgressLine line_;
};

Status export_all(const Context& context, const ExportArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  Transferred done;
  {
    Exporter exporter(space, snapshot, arguments);
    HOLDFAST_TRY(exporter.run(arguments.names));
    done = exporter.done();
  }
  print_transferred(context.output(), "exported", done);
  return Status::ok();
}

// --- Import

Status bad_manifest(size_t line, const std::string& why) {
  return Status(StatusCode::kCorruption, "line " + std::to_string(line) + " of manifest.jsonl " +
                                             why + "; export the artifacts again");
}

struct ManifestEntry {
  ImportedArtifact imported;
  std::string hash;
  uint64_t size = 0;
};

Result<ArtifactSignature> parse_exported(const Json& json) {
  ArtifactSignature signature;
  HOLDFAST_ASSIGN(signature.key, parse_public_key(json.at("key").get<std::string>()));
  HOLDFAST_ASSIGN(signature.signature, parse_signature(json.at("signature").get<std::string>()));
  signature.signer = json.value("signer", "");
  signature.signed_us = json.at("signed_us").get<int64_t>();
  return signature;
}

Result<ManifestEntry> parse_entry(const Json& line) {
  ManifestEntry entry;
  ImportedArtifact& imported = entry.imported;
  imported.artifact.name = line.at("name").get<std::string>();
  imported.artifact.media_type = line.at("media_type").get<std::string>();
  if (line.contains("metadata")) {
    imported.artifact.metadata = line.at("metadata").get<std::string>();
  }
  imported.artifact.made_by = line.value("made_by", "");
  imported.artifact.aliases = line.at("aliases").get<std::vector<std::string>>();
  imported.id = line.at("id").get<std::string>();
  imported.version = line.at("version").get<uint64_t>();
  imported.created_us = line.at("created_us").get<int64_t>();
  imported.actor = line.value("actor", "");
  imported.parent_ids = line.at("parents").get<std::vector<std::string>>();
  for (const Json& signature : line.at("signatures")) {
    HOLDFAST_ASSIGN(imported.signatures.emplace_back(), parse_exported(signature));
  }
  entry.hash = line.at("sha256").get<std::string>();
  entry.size = line.at("size").get<uint64_t>();
  // The hash is part of a path.
  if (entry.hash.size() != 64 ||
      entry.hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Status(StatusCode::kInvalidArgument, "has no SHA-256");
  }
  return entry;
}

Result<std::vector<ManifestEntry>> read_manifest(const std::string& directory) {
  HOLDFAST_ASSIGN(const std::string text, read_file(directory + "/manifest.jsonl"));
  std::istringstream lines(text);
  std::vector<ManifestEntry> entries;
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    try {
      const Json json = Json::parse(line);
      if (number == 1) {
        if (json.value("format", "") == kFormat) continue;
        return Status(StatusCode::kUnsupported,
                      "this is not an export of artifacts that this program can read")
            .with_path(directory);
      }
      auto entry = parse_entry(json);
      if (!entry) return bad_manifest(number, std::string(entry.status().message()));
      entries.push_back(std::move(*entry));
    } catch (const Json::exception& error) {
      return bad_manifest(number, std::string("is malformed: ") + error.what());
    }
  }
  return entries;
}

struct ImportArguments {
  std::string actor, directory;
};

// Nothing is written when it is there already: running it again goes on where it was.
Status import_one(const Artifacts& artifacts, const std::string& directory,
                  const ManifestEntry& entry, Transferred& done) {
  const auto there = artifacts.find_id(entry.imported.id);
  if (there) {
    ++done.existed;
    return Status::ok();
  }
  if (there.status().code() != StatusCode::kNotFound) return there.status();
  const std::string path = content_path(directory, entry.hash);
  ArtifactWriter writer = artifacts.write();
  HOLDFAST_TRY(read_pieces(std::nullopt, path,
                           [&](std::string_view piece) { return writer.append(piece); }));
  HOLDFAST_ASSIGN(const ArtifactContent content, writer.finish());
  if (blob_hash_text(content.ref()) != entry.hash || content.ref().size != entry.size) {
    return Status(StatusCode::kCorruption, "the file is not what its name says; export it again")
        .with_path(path);
  }
  HOLDFAST_ASSIGN(const ImportResult result, artifacts.import(entry.imported, content));
  ++(result.existed ? done.existed : done.versions);
  done.bytes += entry.size;
  return Status::ok();
}

Status import_all(const Context& context, const ImportArguments& arguments) {
  HOLDFAST_ASSIGN(std::vector<ManifestEntry> entries, read_manifest(arguments.directory));
  // Parents were put before their children, whatever their names.
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.imported.created_us < b.imported.created_us;
  });
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Artifacts artifacts = space.artifacts().as(arguments.actor);
  Transferred done;
  {
    ProgressLine line;
    for (const ManifestEntry& entry : entries) {
      line.show("versions", done.versions + done.existed, entries.size());
      HOLDFAST_TRY(import_one(artifacts, arguments.directory, entry, done));
    }
  }
  print_transferred(context.output(), "imported", done);
  return store.close();
}

}  // namespace

Status write_file(ArtifactReader& reader, const std::string& path) {
  HOLDFAST_ASSIGN(NewFile file, NewFile::make(path));
  std::string piece(kPieceSize, '\0');
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(piece.data(), piece.size()));
    if (count == 0) return file.commit();
    HOLDFAST_TRY(file.append({piece.data(), count}));
  }
}

void add_transfer_commands(Commands& commands, CLI::App* family) {
  auto exported = arguments_of<ExportArguments>();
  CLI::App* command = commands.add_to(
      family, "export", "Write artifacts, with all versions, into a directory",
      "holdfast artifact export outgoing report plan\n  holdfast artifact export everything",
      [exported](const Context& context) { return export_all(context, *exported); });
  command->add_option("directory", exported->directory, "Made if it is not there")->required();
  command->add_option("names", exported->names, "Artifacts; else all");
  add_actor(command, exported->actor);

  auto imported = arguments_of<ImportArguments>();
  command = commands.add_to(
      family, "import", "Take in what export wrote; what is there already stays as it is",
      "holdfast artifact import outgoing",
      [imported](const Context& context) { return import_all(context, *imported); });
  command->add_option("directory", imported->directory, "That export wrote")->required();
  add_actor(command, imported->actor);
}

}  // namespace holdfast::cli
