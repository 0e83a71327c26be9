#include <chrono>
#include <cstdio>

#include "base/time_text.h"
#include "cli/dry_run.h"
#include "cli/store_place.h"
#include "memory/catalog.h"
#include "memory/keys.h"
#include "search/store_keyspace.h"

namespace holdfast::cli {
namespace {

struct SnapshotArguments {
  std::string action;
  std::string name;
  bool dry_run = false;
};

Json json_of(const NamedSnapshot& snapshot) {
  Json json;
  set_bytes(json, "name", snapshot.name);
  json["version"] = snapshot.version;
  json["commit_time_us"] = snapshot.commit_time_us;
  json["created_us"] = snapshot.created_us;
  json["pages_held"] = snapshot.pages_held;
  return json;
}

Status create_snapshot(const Output& output, Store& store, const std::string& name) {
  HOLDFAST_ASSIGN(const NamedSnapshot snapshot, store.create_snapshot(name));
  if (output.json()) {
    output.print(json_of(snapshot));
  } else {
    output.line("Version " + with_separators(snapshot.version) + " is \"" + printable(name) + "\"");
  }
  return Status::ok();
}

void print_snapshots(const Output& output, const StoreStats& stats) {
  Table table({"name", "version", "created", "holds back"});
  for (const NamedSnapshot& snapshot : stats.snapshots) {
    if (output.json()) {
      output.print(json_of(snapshot));
    } else {
      table.add({one_line(snapshot.name, 64), with_separators(snapshot.version),
                 time_text(static_cast<int64_t>(snapshot.created_us)),
                 size_text(snapshot.pages_held * stats.page_size_bytes)});
    }
  }
  if (!table.empty()) table.print(output);
}

Status show_snapshot(const Output& output, StoreStats stats, const std::string& name) {
  std::erase_if(stats.snapshots, [&](const NamedSnapshot& one) { return one.name != name; });
  if (stats.snapshots.empty()) {
    return Status(StatusCode::kNotFound, "there is no snapshot \"" + one_line(name, 64) + "\"");
  }
  print_snapshots(output, stats);
  return Status::ok();
}

Status snapshot(const Context& context, const SnapshotArguments& arguments) {
  const bool needs_name = arguments.action != "list";
  if (needs_name == arguments.name.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  needs_name ? "name the snapshot: holdfast snapshot " + arguments.action + " NAME"
                             : "list takes no name");
  }
  if (arguments.dry_run && arguments.action != "drop") {
    return Status(StatusCode::kInvalidArgument,
                  "--dry-run is for drop, which takes something away");
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  if (arguments.action == "list" || arguments.dry_run) {
    HOLDFAST_ASSIGN(const StoreStats stats, store.stats());
    if (arguments.dry_run) return show_snapshot(context.output(), stats, arguments.name);
    print_snapshots(context.output(), stats);
    return Status::ok();
  }
  if (arguments.action == "create") {
    HOLDFAST_TRY(create_snapshot(context.output(), store, arguments.name));
  } else {
    HOLDFAST_TRY(store.drop_snapshot(arguments.name));
  }
  return store.close();
}

struct WatchArguments {
  std::string prefix;
  std::optional<uint64_t> since;
  double seconds = 0;
};

// The keys of `space` that begin with `prefix`.
Result<KeyRange> keys_of(Store& store, const Space& space, const std::string& prefix) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  search::ReaderSource source(snapshot);
  HOLDFAST_ASSIGN(const auto id, memory::find_space(source, space.segments()));
  if (!id) {
    return Status(StatusCode::kNotFound,
                  "there is nothing in space " + space.path() + " yet; put a key first");
  }
  return KeyRange::prefix(memory::space_key(memory::KeyKind::kKv, *id, prefix));
}

void print_commit(const Output& output, const WatchedCommit& commit, size_t key_offset) {
  for (const WatchedKey& key : commit.keys) {
    const std::string_view name = std::string_view(key.key).substr(key_offset);
    const char* change = key.is_range ? "del-range" : key.deleted ? "del" : "put";
    if (output.json()) {
      Json json = {{"version", commit.version}, {"time_us", commit.time_us}};
      set_bytes(json, "actor", commit.actor);
      json["change"] = change;
      set_bytes(json, "key", name);
      output.print(json);
    } else {
      output.line(std::to_string(commit.version) + "  " +
                  time_text(static_cast<int64_t>(commit.time_us)) + "  " + change + "  " +
                  printable(name));
    }
  }
}

Status watch(const Context& context, const WatchArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const KeyRange range, keys_of(store, space, arguments.prefix));
  HOLDFAST_ASSIGN(Watch watch, store.watch(range, arguments.since));
  const size_t key_offset = range.begin.size() - arguments.prefix.size();
  const StoreWait wait(store, arguments.seconds);
  while (true) {
    HOLDFAST_ASSIGN(const std::chrono::milliseconds time, wait.next());
    HOLDFAST_ASSIGN(const WatchResult result, watch.wait(time));
    if (result.missed && context.output().json()) {
      context.output().print(Json{{"missed", true}, {"cursor", result.cursor}});
    } else if (result.missed) {
      context.output().line("commits up to version " + std::to_string(result.cursor) +
                            " were missed: the log no longer has them; list the keys anew");
    }
    for (const WatchedCommit& commit : result.commits) {
      print_commit(context.output(), commit, key_offset);
    }
    // A line is there when it has happened, whoever reads.
    if (std::fflush(stdout) != 0) return Status(StatusCode::kIoError, "cannot write to stdout");
    if (result.commits.empty() && !result.missed && wait.is_over()) return Status::ok();
  }
}

}  // namespace

void add_view_commands(Commands& commands) {
  auto arguments = arguments_of<SnapshotArguments>();
  CLI::App* command = commands.add(
      kGroupCare, "snapshot",
      "Give the newest version a name under which it can be read until it is dropped",
      "holdfast snapshot create before-migration\n  holdfast get greeting --at-snapshot "
      "before-migration\n  holdfast snapshot list\n  holdfast snapshot drop before-migration",
      [arguments](const Context& context) { return snapshot(context, *arguments); });
  command->add_option("action", arguments->action, "create, list or drop")
      ->required()
      ->check(CLI::IsMember({"create", "list", "drop"}));
  command->add_option("name", arguments->name, "1 to 64 bytes");
  add_dry_run(command, arguments->dry_run);

  auto watched = arguments_of<WatchArguments>();
  command = commands.add(kGroupKeyValue, "watch",
                         "Print a line for each key that is put or removed, until interrupted",
                         "holdfast watch --prefix queue/\n  holdfast watch --since 1200 --json",
                         [watched](const Context& context) { return watch(context, *watched); });
  command->add_option("--prefix", watched->prefix, "Only keys that begin so");
  command->add_option("--since", watched->since,
                      "Begin with the commits behind this version, if the log still has them");
  as_duration(command->add_option("--for", watched->seconds, "End after so long"))
      ->check(above_zero());
}

}  // namespace holdfast::cli
