#include "base/time_text.h"
#include "cli/commands.h"

namespace holdfast::cli {
namespace {

struct SnapshotArguments {
  std::string action;
  std::string name;
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

Status list_snapshots(const Output& output, Store& store) {
  HOLDFAST_ASSIGN(const StoreStats stats, store.stats());
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
  return Status::ok();
}

Status snapshot(const Context& context, const SnapshotArguments& arguments) {
  const bool needs_name = arguments.action != "list";
  if (needs_name == arguments.name.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  needs_name ? "name the snapshot: holdfast snapshot " + arguments.action + " NAME"
                             : "list takes no name");
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  if (arguments.action == "list") return list_snapshots(context.output(), store);
  if (arguments.action == "create") {
    HOLDFAST_TRY(create_snapshot(context.output(), store, arguments.name));
  } else {
    HOLDFAST_TRY(store.drop_snapshot(arguments.name));
  }
  return store.close();
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
}

}  // namespace holdfast::cli
