#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"
#include "cli/shown_time.h"

namespace holdfast::cli {
namespace {

struct Named {
  std::string kind, name;
};

Json json_of(const Definition& definition) {
  Json json = {{"kind", definition.kind},
               {"name", definition.name},
               {"version", definition.version},
               {"published", definition.is_published},
               {"body", definition.body}};
  if (!definition.note.empty()) json["note"] = definition.note;
  if (!definition.by.empty()) json["by"] = definition.by;
  json["created"] = time_text(definition.created_us);
  return json;
}

Json json_of(const Publication& publication) {
  Json json = {{"number", publication.number},
               {"version", publication.version},
               {"rollback", publication.is_rollback}};
  if (!publication.by.empty()) json["by"] = publication.by;
  if (!publication.note.empty()) json["note"] = publication.note;
  json["published"] = time_text(publication.published_us);
  return json;
}

struct PutArguments {
  NewDefinition definition;
  std::optional<std::string> body;
  std::string file;
};

Status put(const Context& context, const PutArguments& arguments) {
  NewDefinition definition = arguments.definition;
  HOLDFAST_ASSIGN(definition.body, read_value(arguments.body, arguments.file));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Definition added, space.registry().put(definition));
  if (context.output().json()) {
    context.output().print(json_of(added));
  } else {
    context.output().line("version " + std::to_string(added.version) +
                          (added.is_published ? ", published" : ", a draft"));
  }
  return store.close();
}

struct GetArguments : Named {
  std::optional<uint64_t> version;
  bool counts = false;
};

Status get(const Context& context, const GetArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Registry registry = space.registry();
  const auto& [kind, name] = static_cast<const Named&>(arguments);
  if (arguments.counts && arguments.version) {
    HOLDFAST_TRY(registry.count_use(kind, name, *arguments.version));
  }
  HOLDFAST_ASSIGN(const Definition definition, arguments.version
                                                   ? registry.get(kind, name, *arguments.version)
                                               : arguments.counts ? registry.take(kind, name)
                                                                  : registry.get(kind, name));
  if (context.output().json()) {
    context.output().print(json_of(definition));
  } else {
    context.output().raw(definition.body);
    if (context.output().terminal()) context.output().raw("\n");
  }
  return store.close();
}

Status list(const Context& context, const RegistryListOptions& options) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto entries, space.registry().list(options));
  Table table({"kind", "name", "published", "latest", "changed"});
  for (const RegistryEntry& entry : entries) {
    if (context.output().json()) {
      context.output().print({{"kind", entry.kind},
                              {"name", entry.name},
                              {"published", entry.published},
                              {"latest", entry.latest},
                              {"publications", entry.publications},
                              {"changed", time_text(entry.changed_us)}});
      continue;
    }
    table.add({one_line(entry.kind, 30), one_line(entry.name, 60),
               entry.published == 0 ? "-" : std::to_string(entry.published),
               std::to_string(entry.latest), shown_time(entry.changed_us)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status versions(const Context& context, const Named& named) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  const Registry registry = space.registry(snapshot);
  HOLDFAST_ASSIGN(const auto found, registry.versions(named.kind, named.name));
  HOLDFAST_ASSIGN(auto uses, registry.uses(named.kind, named.name));
  Table table({"version", "uses", "made", "by", "note"});
  for (const Definition& definition : found) {
    const uint64_t count = uses[definition.version];
    if (context.output().json()) {
      Json json = json_of(definition);
      json["uses"] = count;
      context.output().print(json);
      continue;
    }
    table.add({std::to_string(definition.version) + (definition.is_published ? " published" : ""),
               with_separators(count), shown_time(definition.created_us),
               one_line(definition.by, 30), one_line(definition.note, 60)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status history(const Context& context, const Named& named) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto found, space.registry().publications(named.kind, named.name));
  Table table({"published", "version", "by", "note"});
  for (const Publication& publication : found) {
    if (context.output().json()) {
      context.output().print(json_of(publication));
      continue;
    }
    table.add({shown_time(publication.published_us),
               std::to_string(publication.version) + (publication.is_rollback ? " again" : ""),
               one_line(publication.by, 30), one_line(publication.note, 60)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

struct RemoveArguments : Named {
  bool dry_run = false;
};

struct PublishArguments : Named {
  uint64_t version = 0;
  PublishOptions options;
};

// With a version: publish; without: roll back.
Status publish(const Context& context, const PublishArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Registry registry = space.registry();
  const auto& [kind, name] = static_cast<const Named&>(arguments);
  HOLDFAST_ASSIGN(const Publication made,
                  arguments.version == 0
                      ? registry.rollback(kind, name, arguments.options)
                      : registry.publish(kind, name, arguments.version, arguments.options));
  if (context.output().json()) {
    context.output().print(json_of(made));
  } else {
    context.output().line("version " + std::to_string(made.version) + " is published");
  }
  return store.close();
}

using Change = Status (Registry::*)(std::string_view kind, std::string_view name) const;

Status change(const Context& context, const Named& named, Change work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY((space.registry().*work)(named.kind, named.name));
  return store.close();
}

// --- The command line

CLI::App* add_named(CLI::App* command, Named& named) {
  command->add_option("kind", named.kind, "Such as agent, tool or template")->required();
  command->add_option("name", named.name, "Of the definition")->required();
  return command;
}

void add_putting(Commands& commands, CLI::App* family) {
  auto added = arguments_of<PutArguments>();
  CLI::App* command = commands.add_to(
      family, "put", "Add a version of a definition; a draft, unless --publish",
      "holdfast registry put agent reviewer --file reviewer.md --note \"shorter\" --publish",
      [added](const Context& context) { return put(context, *added); });
  command->add_option("kind", added->definition.kind, "Such as agent, tool or template")
      ->required();
  command->add_option("name", added->definition.name, "Of the definition")->required();
  command->add_option("body", added->body, "The definition; - for stdin");
  command->add_option("--file", added->file, "Take it from this file");
  command->add_option("--note", added->definition.note, "What is new");
  command->add_option("--by", added->definition.by, "Who wrote it");
  command->add_option("--if-latest", added->definition.if_latest,
                      "Only if this version is the latest; 0: only if there is none");
  command->add_flag("--publish", added->definition.publish, "Publish it in the same commit");

  auto got = arguments_of<GetArguments>();
  command = add_named(commands.add_to(family, "get", "Print the published version, or another one",
                                      "holdfast registry get agent reviewer --count\n"
                                      "  holdfast registry get agent reviewer --version 3",
                                      [got](const Context& context) { return get(context, *got); }),
                      *got);
  command->add_option("--version", got->version, "This one, published or not");
  command->add_flag("--count", got->counts, "Count the use");
}

void add_looking(Commands& commands, CLI::App* family) {
  auto options = arguments_of<RegistryListOptions>();
  CLI::App* command =
      commands.add_to(family, "ls", "List what is registered", "holdfast registry ls --kind agent",
                      [options](const Context& context) { return list(context, *options); });
  command->add_option("--kind", options->kind, "Only of this kind");
  command->add_option("--prefix", options->prefix, "With --kind: only names that begin so");
  command->add_option("--limit", options->limit, "At most so many")->capture_default_str();

  auto of_versions = arguments_of<Named>();
  add_named(commands.add_to(
                family, "versions", "List the versions with their uses, newest first",
                "holdfast registry versions agent reviewer",
                [of_versions](const Context& context) { return versions(context, *of_versions); }),
            *of_versions);
  auto of_history = arguments_of<Named>();
  add_named(commands.add_to(
                family, "history", "List the publications, newest first",
                "holdfast registry history agent reviewer",
                [of_history](const Context& context) { return history(context, *of_history); }),
            *of_history);
}

void add_publishing(Commands& commands, CLI::App* family) {
  const auto add_options = [](CLI::App* command, PublishOptions& options) {
    command->add_option("--by", options.by, "Who does it");
    command->add_option("--note", options.note, "Why");
    command->add_option("--if-published", options.if_published,
                        "Only if this version is published; 0: only if none is");
  };
  auto published = arguments_of<PublishArguments>();
  CLI::App* command = add_named(
      commands.add_to(family, "publish", "Let a version be the one that everybody gets",
                      "holdfast registry publish agent reviewer 4 --by ann",
                      [published](const Context& context) { return publish(context, *published); }),
      *published);
  command->add_option("version", published->version, "Its number")->required()->check(above_zero());
  add_options(command, published->options);

  auto back = arguments_of<PublishArguments>();
  add_options(
      add_named(commands.add_to(family, "rollback",
                                "Publish what was published before; again: before that",
                                "holdfast registry rollback agent reviewer --note \"too long\"",
                                [back](const Context& context) { return publish(context, *back); }),
                *back),
      back->options);

  auto unpublished = arguments_of<Named>();
  add_named(commands.add_to(family, "unpublish", "Let no version be published",
                            "holdfast registry unpublish agent reviewer",
                            [unpublished](const Context& context) {
                              return change(context, *unpublished, &Registry::unpublish);
                            }),
            *unpublished);
  auto removed = arguments_of<RemoveArguments>();
  command = add_named(
      commands.add_to(family, "rm", "Remove a definition with all versions and counts",
                      "holdfast registry rm agent reviewer --dry-run",
                      [removed](const Context& context) {
                        return removed->dry_run ? versions(context, *removed)
                                                : change(context, *removed, &Registry::remove);
                      }),
      *removed);
  add_dry_run(command, removed->dry_run);
}

}  // namespace

void add_registry_commands(Commands& commands) {
  CLI::App* family =
      commands.add_family(kGroupArtifacts, "registry",
                          "Agents, tools and templates: versions, of which one is published",
                          "holdfast registry put agent reviewer --file reviewer.md --publish\n"
                          "  holdfast registry get agent reviewer");
  add_putting(commands, family);
  add_looking(commands, family);
  add_publishing(commands, family);
}

}  // namespace holdfast::cli
