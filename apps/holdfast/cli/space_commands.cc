#include <cstdio>
#include <utility>

#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "holdfast/spaces.h"

namespace holdfast::cli {
namespace {

constexpr const char* kPathHelp = "Path, such as team/agent";
constexpr const char* kSubSpacesHelp = "Its sub-spaces, too";

struct SpaceArguments {
  std::string path;
  std::string to;
  uint64_t id = 0;
  size_t limit = 1000;
  bool sub_spaces = false;
  bool dry_run = false;

  SubSpaces which() const { return sub_spaces ? SubSpaces::include : SubSpaces::refuse; }
};

Result<SpaceSegments> optional_path(const std::string& path) {
  return path.empty() ? Result<SpaceSegments>(SpaceSegments()) : parse_space_path(path);
}

Status list(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments below, optional_path(arguments.path));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  HOLDFAST_ASSIGN(const auto spaces,
                  list_spaces(snapshot, {.below = below, .limit = arguments.limit}));
  for (const SpaceSegments& segments : spaces) {
    const std::string path = space_path_text(segments);
    if (context.output().json()) {
      context.output().print(Json{{"space", path}, {"segments", segments}});
    } else {
      context.output().line(printable(path));
    }
  }
  if (spaces.size() == arguments.limit && !context.output().json()) {
    std::fprintf(stderr, "holdfast: there may be more; raise --limit, or name a path\n");
  }
  return Status::ok();
}

Status stats(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments segments, parse_space_path(arguments.path));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const SpaceStats stats, Spaces(store).stats(segments, arguments.sub_spaces));
  const Json json = {{"space", space_path_text(segments)},
                     {"spaces", stats.spaces},
                     {"keys", stats.keys},
                     {"bytes", stats.bytes},
                     {"values", stats.values},
                     {"counters", stats.counters},
                     {"observations", stats.observations},
                     {"blob_bytes", stats.blob_bytes},
                     {"history_bytes", stats.history_bytes}};
  if (context.output().json()) {
    context.output().print(json);
    return Status::ok();
  }
  Facts facts;
  for (const auto& [name, value] : json.items()) {
    facts.add(name, value.is_string() ? printable(value.get<std::string>())
                                      : with_separators(value.get<uint64_t>()));
  }
  facts.print(context.output());
  return Status::ok();
}

void set_limit(Json& json, const char* name, uint64_t limit) {
  if (limit > 0) json[name] = limit;
}

Json json_of(const SpaceSegments& segments, const SpaceUsage& usage) {
  Json json = {{"space", space_path_text(segments)},
               {"observations", usage.observations},
               {"observation_bytes", usage.observation_bytes}};
  if (usage.values) json["values"] = *usage.values;
  if (usage.value_bytes) json["value_bytes"] = *usage.value_bytes;
  set_limit(json, "observations_max", usage.limits.observations);
  set_limit(json, "observation_bytes_max", usage.limits.observation_bytes);
  set_limit(json, "values_max", usage.limits.values);
  set_limit(json, "value_bytes_max", usage.limits.value_bytes);
  return json;
}

// "12 of 100", where there is a limit.
std::string figure_text(std::optional<uint64_t> held, uint64_t limit) {
  if (!held) return "-";
  return with_separators(*held) + (limit > 0 ? " of " + with_separators(limit) : "");
}

// Of one space, or of all below a path.
Status usage(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments path, optional_path(arguments.path));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  std::vector<SpaceSegments> spaces;
  if (path.empty() || arguments.sub_spaces) {
    HOLDFAST_ASSIGN(spaces, list_spaces(snapshot, {.below = path, .limit = arguments.limit}));
  }
  if (!path.empty()) spaces.insert(spaces.begin(), path);
  Table table({"space", "observations", "bytes", "values", "bytes"});
  for (const SpaceSegments& segments : spaces) {
    HOLDFAST_ASSIGN(const SpaceUsage usage, Spaces(store).usage(segments));
    if (context.output().json()) {
      context.output().print(json_of(segments, usage));
      continue;
    }
    const SpaceLimits& limits = usage.limits;
    table.add({one_line(space_path_text(segments), 60),
               figure_text(usage.observations, limits.observations),
               figure_text(usage.observation_bytes, limits.observation_bytes),
               figure_text(usage.values, limits.values),
               figure_text(usage.value_bytes, limits.value_bytes)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

struct LimitArguments {
  std::string path;
  std::optional<uint64_t> observations, observation_bytes, values, value_bytes;
};

// Runs `work` and closes the store, so that what was done is reported only when it lasts.
Status change(const Context& context, const std::function<Status(const Spaces&)>& work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_TRY(work(Spaces(store)));
  return store.close();
}

Status rename(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments from, parse_space_path(arguments.path));
  HOLDFAST_ASSIGN(const SpaceSegments to, parse_space_path(arguments.to));
  return change(context, [&](const Spaces& spaces) { return spaces.rename(from, to); });
}

// As a step into the trash, which is refused alike and, of a large space, is far less work.
Status check_removal(const Context& context, const SpaceSegments& segments, SubSpaces sub_spaces) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
  return Spaces(store).trash(transaction, segments, sub_spaces).status();
}

Status remove(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments segments, parse_space_path(arguments.path));
  if (arguments.dry_run) {
    HOLDFAST_TRY(check_removal(context, segments, arguments.which()));
    return stats(context, arguments);
  }
  return change(context,
                [&](const Spaces& spaces) { return spaces.remove(segments, arguments.which()); });
}

Status trash(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments segments, parse_space_path(arguments.path));
  return change(context, [&](const Spaces& spaces) -> Status {
    HOLDFAST_ASSIGN(const uint64_t id, spaces.trash(segments, arguments.which()));
    if (context.output().json()) {
      context.output().print(Json{{"space", space_path_text(segments)}, {"id", id}});
    } else {
      context.output().line("In the trash as " + std::to_string(id) + ": holdfast space restore " +
                            std::to_string(id));
    }
    return Status::ok();
  });
}

Status trashed(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto spaces, Spaces(store).trashed(arguments.limit));
  Table table({"id", "trashed", "space"});
  for (const TrashedSpace& space : spaces) {
    const std::string path = space_path_text(space.segments);
    if (context.output().json()) {
      context.output().print(
          Json{{"id", space.id}, {"space", path}, {"trashed_us", space.trashed_us}});
    } else {
      table.add({std::to_string(space.id), time_text(static_cast<int64_t>(space.trashed_us)),
                 one_line(path, 120)});
    }
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status restore(const Context& context, const SpaceArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments to, optional_path(arguments.to));
  return change(context, [&](const Spaces& spaces) { return spaces.restore(arguments.id, to); });
}

// What `purge` would take.
Status show_trashed(const Context& context, uint64_t id) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto spaces, Spaces(store).trashed(kSpaceTrashListMax));
  for (const TrashedSpace& space : spaces) {
    if (space.id != id) continue;
    const std::string path = space_path_text(space.segments);
    if (context.output().json()) {
      context.output().print(Json{{"id", id}, {"space", path}});
    } else {
      context.output().line(printable(path) + " would go");
    }
    return Status::ok();
  }
  return Status(StatusCode::kNotFound, "nothing lies in the trash as " + std::to_string(id));
}

Status purge(const Context& context, const SpaceArguments& arguments) {
  if (arguments.dry_run) return show_trashed(context, arguments.id);
  return change(context, [&](const Spaces& spaces) { return spaces.purge(arguments.id); });
}

// What is not named stays as it is.
Status limit(const Context& context, const LimitArguments& arguments) {
  HOLDFAST_ASSIGN(const SpaceSegments segments, parse_space_path(arguments.path));
  return change(context, [&](const Spaces& spaces) -> Status {
    HOLDFAST_ASSIGN(const SpaceUsage usage, spaces.usage(segments));
    SpaceLimits limits = usage.limits;
    limits.observations = arguments.observations.value_or(limits.observations);
    limits.observation_bytes = arguments.observation_bytes.value_or(limits.observation_bytes);
    limits.values = arguments.values.value_or(limits.values);
    limits.value_bytes = arguments.value_bytes.value_or(limits.value_bytes);
    return spaces.limit(segments, limits);
  });
}

void add_limits(Commands& commands, CLI::App* family) {
  auto of_usage = arguments_of<SpaceArguments>();
  CLI::App* command =
      commands.add_to(family, "usage", "What spaces hold by their counters, and what they may hold",
                      "holdfast space usage\n  holdfast space usage team/agent",
                      [of_usage](const Context& context) { return usage(context, *of_usage); });
  command->add_option("path", of_usage->path, "Of this space (else of all)");
  command->add_flag("--sub-spaces", of_usage->sub_spaces, kSubSpacesHelp);
  command->add_option("--limit", of_usage->limit, "At most so many spaces")
      ->check(CLI::Range(size_t{1}, size_t{100'000}))
      ->capture_default_str();

  auto of_limit = arguments_of<LimitArguments>();
  command = commands.add_to(
      family, "limit", "Say what a space may hold, and count it anew",
      "holdfast space limit team/agent --observations 10000 --value-bytes 100000000",
      [of_limit](const Context& context) { return limit(context, *of_limit); });
  command->add_option("path", of_limit->path, kPathHelp)->required();
  command->add_option("--observations", of_limit->observations, "So many; 0: any number");
  command->add_option("--observation-bytes", of_limit->observation_bytes,
                      "Bytes of their contents, titles and metadata; 0: any");
  command->add_option("--values", of_limit->values, "So many key-values; 0: any number");
  command->add_option("--value-bytes", of_limit->value_bytes, "Bytes of the values; 0: any");
}

void add_reading(Commands& commands, CLI::App* family) {
  auto of_list = arguments_of<SpaceArguments>();
  CLI::App* command =
      commands.add_to(family, "list", "List the spaces of the store", "holdfast space list team",
                      [of_list](const Context& context) { return list(context, *of_list); });
  command->add_option("below", of_list->path, "Only sub-spaces of this path");
  command->add_option("--limit", of_list->limit, "At most so many")
      ->check(CLI::Range(size_t{1}, size_t{100'000}))
      ->capture_default_str();

  auto of_stats = arguments_of<SpaceArguments>();
  command = commands.add_to(
      family, "stats", "Count what a space holds", "holdfast space stats team --sub-spaces",
      [of_stats](const Context& context) { return stats(context, *of_stats); });
  command->add_option("path", of_stats->path, kPathHelp)->required();
  command->add_flag("--sub-spaces", of_stats->sub_spaces, kSubSpacesHelp);

  auto of_trashed = arguments_of<SpaceArguments>();
  command = commands.add_to(
      family, "trashed", "List what lies in the trash", "holdfast space trashed",
      [of_trashed](const Context& context) { return trashed(context, *of_trashed); });
  command->add_option("--limit", of_trashed->limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kSpaceTrashListMax))
      ->capture_default_str();
}

void add_changing(Commands& commands, CLI::App* family) {
  auto of_rename = arguments_of<SpaceArguments>();
  CLI::App* command =
      commands.add_to(family, "rename", "Give a space, with its sub-spaces, another path",
                      "holdfast space rename team/old team/new",
                      [of_rename](const Context& context) { return rename(context, *of_rename); });
  command->add_option("path", of_rename->path, kPathHelp)->required();
  command->add_option("to", of_rename->to, "Its new path")->required();

  const auto add_taking = [&](const char* name, const char* purpose, const char* example,
                              Status (*action)(const Context&, const SpaceArguments&)) {
    auto arguments = arguments_of<SpaceArguments>();
    CLI::App* taking = commands.add_to(
        family, name, purpose, example,
        [arguments, action](const Context& context) { return action(context, *arguments); });
    taking->add_option("path", arguments->path, kPathHelp)->required();
    taking->add_flag("--sub-spaces", arguments->sub_spaces, kSubSpacesHelp);
    return std::pair(taking, arguments);
  };
  add_taking("trash", "Put a space into the trash, whence it can come back",
             "holdfast space trash team/old --sub-spaces", trash);
  const auto [deleting, doomed] =
      add_taking("delete", "Delete a space with all it holds, for good",
                 "holdfast space delete team/old --sub-spaces --dry-run", remove);
  add_dry_run(deleting, doomed->dry_run);

  auto of_restore = arguments_of<SpaceArguments>();
  command = commands.add_to(
      family, "restore", "Bring a space back from the trash",
      "holdfast space restore 17\n  holdfast space restore 17 --to team/again",
      [of_restore](const Context& context) { return restore(context, *of_restore); });
  command->add_option("id", of_restore->id, "Its id in the trash")->required();
  command->add_option("--to", of_restore->to, "Another path than it had");

  auto of_purge = arguments_of<SpaceArguments>();
  command = commands.add_to(family, "purge", "Delete what lies in the trash under an id, for good",
                            "holdfast space purge 17", [of_purge](const Context& context) {
                              return purge(context, *of_purge);
                            });
  command->add_option("id", of_purge->id, "Its id in the trash")->required();
  add_dry_run(command, of_purge->dry_run);
}

}  // namespace

void add_space_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupCare, "space", "List, limit, rename, trash, restore and delete spaces",
      "holdfast space list\n  holdfast space rename team/old team/new");
  add_reading(commands, family);
  add_limits(commands, family);
  add_changing(commands, family);
}

}  // namespace holdfast::cli
