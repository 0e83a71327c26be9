#include "cli/artifact_text.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"

namespace holdfast::cli {
namespace {

constexpr size_t kPieceSize = 1 << 20;

struct PutArguments {
  std::string actor;
  NewArtifact artifact;
  std::optional<std::string> value;
  std::string file, metadata;
};

Status put(const Context& context, const PutArguments& arguments) {
  NewArtifact artifact = arguments.artifact;
  artifact.metadata = optional_text(arguments.metadata);
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Artifacts artifacts = space.artifacts().as(arguments.actor);
  ArtifactWriter writer = artifacts.write();
  HOLDFAST_TRY(read_pieces(arguments.value, arguments.file,
                           [&](std::string_view piece) { return writer.append(piece); }));
  HOLDFAST_ASSIGN(const ArtifactContent content, writer.finish());
  HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.put(artifact, content));
  if (context.output().json()) {
    context.output().print(json_of(version));
  } else {
    context.output().line(version.name + "@" + std::to_string(version.version));
  }
  return store.close();
}

struct NamedArguments {
  std::string actor, artifact, to;
};

Status get(const Context& context, const NamedArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  const Artifacts artifacts = space.artifacts().as(arguments.actor);
  HOLDFAST_ASSIGN(ArtifactReader reader, artifacts.open(ref.name, ref.version));
  if (!arguments.to.empty()) return write_file(reader, arguments.to);
  std::string piece(kPieceSize, '\0');
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(piece.data(), piece.size()));
    if (count == 0) return Status::ok();
    context.output().raw({piece.data(), count});
  }
}

struct ListArguments {
  std::string actor, media_type, where;
  std::vector<std::string> metadata;
  ArtifactListOptions options;
  bool latest_only = false;
};

Status query(const Context& context, const Artifacts& artifacts, const ListArguments& arguments) {
  ArtifactQuery query;
  for (const std::string& text : arguments.metadata) {
    HOLDFAST_ASSIGN(query.metadata.emplace_back(), parse_member(text));
  }
  query.where = arguments.where;
  query.media_type = arguments.media_type;
  query.prefix = arguments.options.prefix;
  query.latest_only = arguments.latest_only;
  query.with_archived = arguments.options.with_archived;
  query.limit = arguments.options.limit;
  HOLDFAST_ASSIGN(const auto versions, artifacts.query(query));
  print_versions(context.output(), versions);
  return Status::ok();
}

Status list(const Context& context, const ListArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Artifacts artifacts = space.artifacts().as(arguments.actor);
  if (!arguments.where.empty() || !arguments.metadata.empty() || !arguments.media_type.empty()) {
    return query(context, artifacts, arguments);
  }
  HOLDFAST_ASSIGN(const auto listed, artifacts.list(arguments.options));
  Table table({"artifact", "versions", "size", "type", "put"});
  for (const Artifact& artifact : listed) {
    if (context.output().json()) {
      context.output().print(json_of(artifact));
      continue;
    }
    const ArtifactVersion& latest = artifact.latest;
    table.add({one_line(artifact.name, 60) + "@" + std::to_string(latest.version),
               with_separators(artifact.versions), size_text(latest.content.size),
               one_line(latest.media_type, 40), shown_time(latest.created_us)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status show(const Context& context, const NamedArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  const Artifacts artifacts = space.artifacts(snapshot).as(arguments.actor);
  HOLDFAST_ASSIGN(const Artifact artifact, artifacts.show(ref.name));
  HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.find(ref.name, ref.version));
  HOLDFAST_ASSIGN(const auto signatures, artifacts.signatures(ref.name, ref.version));
  HOLDFAST_ASSIGN(const auto links,
                  space.links(snapshot).of(artifact_end(version.name, version.version),
                                           {.filter = {.direction = LinkDirection::both}}));
  print_artifact(context.output(), artifact, version, signatures, links);
  return Status::ok();
}

struct VersionsArguments {
  std::string actor, name;
  size_t limit = 1000;
  std::optional<uint64_t> before;
};

Status versions(const Context& context, const VersionsArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto found, space.artifacts()
                                        .as(arguments.actor)
                                        .versions(arguments.name, arguments.limit,
                                                  arguments.before.value_or(UINT64_MAX)));
  print_versions(context.output(), found);
  return Status::ok();
}

struct ChangeArguments {
  std::string actor, artifact, other;
  std::vector<std::string> artifacts;
  bool undo = false;
  uint64_t keep = 0;
  bool dry_run = false;
};

// What changes something and prints nothing.
using Change = std::function<Status(const Artifacts&, const ChangeArguments&)>;

Status change(const Context& context, const ChangeArguments& arguments, const Change& work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(work(space.artifacts().as(arguments.actor), arguments));
  return store.close();
}

Status set_alias(const Artifacts& artifacts, const ChangeArguments& arguments) {
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  return arguments.undo ? artifacts.remove_alias(ref.name, arguments.other)
                        : artifacts.set_alias(ref.name, arguments.other, ref.version);
}

Status add_use(const Artifacts& artifacts, const ChangeArguments& arguments) {
  const ArtifactRef ref = parse_artifact_ref(arguments.artifact);
  return artifacts.add_use(ref.name, ref.version, arguments.other);
}

Status archive(const Artifacts& artifacts, const ChangeArguments& arguments) {
  return arguments.undo ? artifacts.unarchive(arguments.artifacts)
                        : artifacts.archive(arguments.artifacts);
}

// A name alone is the whole artifact, all of which go in one commit; with a number one version.
Status remove(const Artifacts& artifacts, const ChangeArguments& arguments) {
  std::vector<std::string> whole;
  std::vector<ArtifactRef> versions;
  for (const std::string& text : arguments.artifacts) {
    const ArtifactRef ref = parse_artifact_ref(text);
    if (ref.name == text) {
      whole.push_back(ref.name);
    } else {
      versions.push_back(ref);
    }
  }
  HOLDFAST_TRY(artifacts.remove(whole));
  for (const ArtifactRef& ref : versions) {
    HOLDFAST_ASSIGN(const ArtifactVersion version, artifacts.find(ref.name, ref.version));
    HOLDFAST_TRY(artifacts.remove_version(version.name, version.version));
  }
  return Status::ok();
}

// What `remove` would take.
Status list_doomed(const Context& context, const ChangeArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Artifacts artifacts = space.artifacts().as(arguments.actor);
  HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
  HOLDFAST_TRY(remove(space.artifacts(transaction).as(arguments.actor), arguments));
  Table table({"artifact", "versions"});
  for (const std::string& text : arguments.artifacts) {
    const ArtifactRef ref = parse_artifact_ref(text);
    uint64_t versions = 1;
    if (ref.name == text) {
      HOLDFAST_ASSIGN(const Artifact artifact, artifacts.show(ref.name));
      versions = artifact.versions;
    } else {
      HOLDFAST_TRY(artifacts.find(ref.name, ref.version).status());
    }
    if (context.output().json()) {
      context.output().print({{"artifact", text}, {"versions", versions}});
    } else {
      table.add({one_line(text, 60), with_separators(versions)});
    }
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

// How many.
Result<uint64_t> prune_all(const Artifacts& artifacts, const ChangeArguments& arguments) {
  const Artifacts own = artifacts.as(arguments.actor);
  uint64_t removed = 0;
  while (true) {
    HOLDFAST_ASSIGN(const uint64_t some, own.prune(arguments.artifact, arguments.keep));
    if (some == 0) return removed;
    removed += some;
  }
}

Status prune(const Context& context, const ChangeArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const uint64_t removed,
                  removed_by(store, arguments.dry_run, [&](auto&... transaction) {
                    return prune_all(space.artifacts(transaction...), arguments);
                  }));
  print_removed(context.output(), removed, "version", "versions", arguments.dry_run);
  return store.close();
}

struct GrantArguments {
  std::string actor, name, to;
  ArtifactRight right = ArtifactRight::read;
};

const std::map<std::string, ArtifactRight> kRights = {{"read", ArtifactRight::read},
                                                      {"write", ArtifactRight::write},
                                                      {"manage", ArtifactRight::manage}};

Status grant(const Context& context, const GrantArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(
      space.artifacts().as(arguments.actor).grant(arguments.name, arguments.to, arguments.right));
  return store.close();
}

// --- The command line

CLI::App* named(CLI::App* command, std::string& artifact) {
  command->add_option("artifact", artifact, "NAME, NAME@VERSION or NAME@ALIAS")->required();
  return command;
}

void add_put(Commands& commands, CLI::App* family) {
  auto arguments = arguments_of<PutArguments>();
  CLI::App* command = commands.add_to(
      family, "put", "Put a new version; prints NAME@VERSION",
      "holdfast artifact put report --file report.pdf --type application/pdf --alias final\n"
      "  make | holdfast artifact put build-log - --parent sources@7 --made-by run/42\n"
      "  holdfast artifact put plan \"step one\" --metadata '{\"branch\":\"main\"}'",
      [arguments](const Context& context) { return put(context, *arguments); });
  NewArtifact& artifact = arguments->artifact;
  command->add_option("name", artifact.name, "Of the artifact")->required();
  command->add_option("content", arguments->value, "The content; - for stdin");
  command->add_option("--file", arguments->file, "Take it from this file");
  command->add_option("--type", artifact.media_type, "Media type")->capture_default_str();
  command->add_option("--metadata", arguments->metadata, "A JSON object");
  command->add_option("--parent", artifact.parents, "NAME@VERSION that it is derived from")
      ->allow_extra_args(false);
  command->add_option("--made-by", artifact.made_by, "What made it, such as run/42");
  command->add_option("--alias", artifact.aliases, "That names this version from now on")
      ->allow_extra_args(false);
  command->add_option("--if-latest", artifact.if_latest,
                      "Only if this version is the latest; 0: only if there is none");
  add_actor(command, arguments->actor);
}

void add_reading(Commands& commands, CLI::App* family) {
  auto got = arguments_of<NamedArguments>();
  CLI::App* command =
      named(commands.add_to(family, "get", "Print the content, or write it to a file",
                            "holdfast artifact get report@final --to report.pdf",
                            [got](const Context& context) { return get(context, *got); }),
            got->artifact);
  command->add_option("--to", got->to, "Write it to this file; whole or not at all");
  add_actor(command, got->actor);

  auto listed = arguments_of<ListArguments>();
  command =
      commands.add_to(family, "ls", "List artifacts, or the versions that have a type or metadata",
                      "holdfast artifact ls --prefix build/\n"
                      "  holdfast artifact ls --metadata branch=main --latest\n"
                      "  holdfast artifact ls --where 'size > 1000 AND metadata.green = true'",
                      [listed](const Context& context) { return list(context, *listed); });
  command->add_option("--prefix", listed->options.prefix, "Only names that begin so");
  command->add_option("--after", listed->options.after, "Only names greater than this");
  command->add_option("--where", listed->where, "Only versions that this filter lets pass");
  command->add_option("--metadata", listed->metadata, "Only versions with this member: branch=main")
      ->allow_extra_args(false);
  command->add_option("--type", listed->media_type, "Only versions of this media type");
  command->add_flag("--latest", listed->latest_only, "Of versions only the latest");
  command->add_flag("--archived", listed->options.with_archived, "Archived ones, too");
  command->add_option("--limit", listed->options.limit, "At most so many")->capture_default_str();
  add_actor(command, listed->actor);

  auto shown = arguments_of<NamedArguments>();
  command = named(
      commands.add_to(family, "show", "Print what is known: versions, aliases, lineage, signatures",
                      "holdfast artifact show report@2 --json",
                      [shown](const Context& context) { return show(context, *shown); }),
      shown->artifact);
  add_actor(command, shown->actor);

  auto all = arguments_of<VersionsArguments>();
  command = commands.add_to(family, "versions", "List the versions, newest first",
                            "holdfast artifact versions report --limit 10",
                            [all](const Context& context) { return versions(context, *all); });
  command->add_option("name", all->name, "Of the artifact")->required();
  command->add_option("--limit", all->limit, "At most so many")->capture_default_str();
  command->add_option("--before", all->before, "Only versions below this number");
  add_actor(command, all->actor);
}

// A command that runs `work` and prints nothing.
CLI::App* add_change(Commands& commands, CLI::App* family,
                     const std::shared_ptr<ChangeArguments>& arguments, const std::string& name,
                     const std::string& purpose, const std::string& example, const Change& work) {
  CLI::App* command = commands.add_to(
      family, name, purpose, example,
      [arguments, work](const Context& context) { return change(context, *arguments, work); });
  add_actor(command, arguments->actor);
  return command;
}

void add_lifecycle(Commands& commands, CLI::App* family) {
  auto alias = arguments_of<ChangeArguments>();
  CLI::App* command = named(
      add_change(commands, family, alias, "alias", "Let a name of your own stand for a version",
                 "holdfast artifact alias report@2 final", set_alias),
      alias->artifact);
  command->alias("tag");
  command->add_option("alias", alias->other, "Not digits alone")->required();
  command->add_flag("--remove", alias->undo, "Take it away");

  auto use = arguments_of<ChangeArguments>();
  named(add_change(commands, family, use, "use", "Note that something uses a version",
                   "holdfast artifact use model@prod run/42", add_use),
        use->artifact)
      ->add_option("user", use->other, "An end of a link, such as run/42")
      ->required();

  auto archived = arguments_of<ChangeArguments>();
  command = add_change(commands, family, archived, "archive",
                       "Out of lists, closed to new versions, still there to be read",
                       "holdfast artifact archive report plan\n"
                       "  holdfast artifact archive report --undo",
                       archive);
  command->add_option("names", archived->artifacts, "All of them, or none")->required();
  command->add_flag("--undo", archived->undo, "Take them out of the archive");

  auto removed = arguments_of<ChangeArguments>();
  command =
      commands.add_to(family, "rm", "Remove artifacts, or single versions",
                      "holdfast artifact rm report plan --dry-run\n  holdfast artifact rm report@2",
                      [removed](const Context& context) {
                        return removed->dry_run ? list_doomed(context, *removed)
                                                : change(context, *removed, remove);
                      });
  command
      ->add_option("artifacts", removed->artifacts,
                   "NAME: with all versions; NAME@VERSION: that one")
      ->required();
  add_dry_run(command, removed->dry_run);
  add_actor(command, removed->actor);

  auto pruned = arguments_of<ChangeArguments>();
  command = commands.add_to(family, "prune",
                            "Remove old versions; those with aliases and the newest stay",
                            "holdfast artifact prune build-log --keep 10 --dry-run",
                            [pruned](const Context& context) { return prune(context, *pruned); });
  command->add_option("name", pruned->artifact, "Of the artifact")->required();
  command->add_option("--keep", pruned->keep, "So many of the newest stay")->required();
  add_dry_run(command, pruned->dry_run);
  add_actor(command, pruned->actor);
}

void add_access(Commands& commands, CLI::App* family) {
  auto granted = arguments_of<GrantArguments>();
  CLI::App* command =
      commands.add_to(family, "grant", "Say who may read, write or manage an artifact",
                      "holdfast artifact grant plan bob write --actor ann\n"
                      "  holdfast artifact grant plan '*' read --actor ann",
                      [granted](const Context& context) { return grant(context, *granted); });
  command->add_option("name", granted->name, "Of the artifact")->required();
  command->add_option("to", granted->to, "The actor; * for everybody else")->required();
  command->add_option("right", granted->right, "read, write or manage")
      ->required()
      ->transform(CLI::CheckedTransformer(kRights));
  add_actor(command, granted->actor);

  auto revoked = arguments_of<ChangeArguments>();
  command = add_change(commands, family, revoked, "revoke", "Take an actor off the access list",
                       "holdfast artifact revoke plan bob --actor ann",
                       [](const Artifacts& artifacts, const ChangeArguments& arguments) {
                         return artifacts.revoke(arguments.artifact, arguments.other);
                       });
  command->add_option("name", revoked->artifact, "Of the artifact")->required();
  command->add_option("from", revoked->other, "The actor")->required();
}

}  // namespace

void add_artifact_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupArtifacts, "artifact",
      "Named, versioned contents of any size, with lineage, signatures and access lists",
      "holdfast artifact put report --file report.pdf\n  holdfast artifact get report@1");
  add_put(commands, family);
  add_reading(commands, family);
  add_lifecycle(commands, family);
  add_access(commands, family);
  add_signing_commands(commands, family);
  add_transfer_commands(commands, family);
}

}  // namespace holdfast::cli
