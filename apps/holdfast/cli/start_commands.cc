#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "cli/commands.h"
#include "holdfast/spaces.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  std::string directory;
  std::string id;
  bool user = false;
};

// Where init makes the store: where --store or $HOLDFAST_STORE says, else in the project.
Result<StoreLocation> init_location(const Context& context, const InitArguments& arguments) {
  Surroundings surroundings = context.surroundings();
  if (arguments.user) {
    auto variable = surroundings.variable;
    surroundings.directory = "/";
    surroundings.variable = [variable](const char* name) {
      return std::string_view(name) == "HOLDFAST_STORE" ? std::nullopt : variable(name);
    };
    return resolve_store(surroundings, "");
  }
  bool named = !context.options().store.empty() ||
               (surroundings.variable("HOLDFAST_STORE") && arguments.directory.empty());
  if (named) return context.store_location();
  std::string directory = arguments.directory.empty() ? "." : arguments.directory;
  return resolve_store(surroundings, directory + "/" + kProjectStoreName);
}

bool is_in_project(const std::string& store_path) {
  return fs::path(store_path).filename() == kProjectStoreName;
}

// git must not take the store for source; its files are of this machine.
void write_ignore_file(const std::string& store_path) {
  if (!is_in_project(store_path)) return;
  std::ofstream(store_path + "/.gitignore") << "*\n";
}

Status write_id(const Context& context, const InitArguments& arguments) {
  HOLDFAST_TRY(check_segment(arguments.id));
  fs::path directory = fs::path(context.surroundings().directory) / arguments.directory;
  fs::path file = directory / kIdFileName;
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    return Status(StatusCode::kConditionFalse, "the project has an id file already")
        .with_path(file.string());
  }
  std::ofstream stream(file);
  stream << arguments.id << "\n";
  stream.close();
  if (stream) return Status::ok();
  return Status(StatusCode::kIoError, "cannot write the id file").with_path(file.string());
}

// The space of the project that init is asked for, whatever else says which space to use.
Result<SpaceName> project_space(const Context& context, const InitArguments& arguments) {
  Surroundings surroundings = context.surroundings();
  surroundings.directory =
      (fs::path(surroundings.directory) / arguments.directory).lexically_normal().string();
  surroundings.variable = [](const char*) { return std::nullopt; };
  return resolve_space(surroundings, "");
}

// Writes down what the project's space is called, where that moves with the project. A place that
// cannot be written to is no reason to have no store.
void keep_name(const SpaceName& space) {
  if (space.kept_by.empty()) return;
  std::ofstream file(space.kept_by);
  file << space.path.substr(std::string_view(kProjectSpaces).size()) << "\n";
  file.close();
  if (file) return;
  std::fprintf(stderr, "holdfast: cannot write %s: moved or renamed, the project has a new space\n",
               printable(space.kept_by).c_str());
}

// What the project has remembered under the name it had goes with it; true: there was something.
Result<bool> move_memory(Store& store, const std::string& from, const std::string& to) {
  if (from == to) return false;
  HOLDFAST_ASSIGN(const SpaceSegments old_path, parse_space_path(from));
  HOLDFAST_ASSIGN(const SpaceSegments new_path, parse_space_path(to));
  const Status renamed = Spaces(store).rename(old_path, new_path);
  const bool is_nothing_to_move =
      renamed.code() == StatusCode::kNotFound || renamed.code() == StatusCode::kConditionFalse;
  if (!renamed && !is_nothing_to_move) return renamed;
  return renamed.is_ok();
}

Status init(const Context& context, const InitArguments& arguments) {
  if (!arguments.id.empty()) HOLDFAST_TRY(check_segment(arguments.id));
  HOLDFAST_ASSIGN(StoreLocation location, init_location(context, arguments));
  HOLDFAST_ASSIGN(Store store, context.make_store(location.path));
  const bool created = store.recovery().created;
  if (created) write_ignore_file(location.path);
  HOLDFAST_ASSIGN(const SpaceName before, project_space(context, arguments));
  bool moved = false;
  if (!arguments.id.empty()) {
    HOLDFAST_TRY(write_id(context, arguments));
    HOLDFAST_ASSIGN(moved, move_memory(store, before.path, kProjectSpaces + arguments.id));
  } else if (location.origin == StoreOrigin::kUser || is_in_project(location.path)) {
    keep_name(before);
  }
  HOLDFAST_TRY(store.close());
  if (context.output().json()) {
    Json json = {{"store", location.path}, {"created", created}};
    if (moved) json["moved_from"] = before.path;
    context.output().print(json);
    return Status::ok();
  }
  context.output().line((created ? "Made the store " : "The store is there: ") + location.path);
  if (moved) {
    context.output().line("What was in " + printable(before.path) + " is in " + kProjectSpaces +
                          arguments.id + " now");
  }
  return Status::ok();
}

Status whoami(const Context& context) {
  HOLDFAST_ASSIGN(StoreLocation store, context.store_location());
  HOLDFAST_ASSIGN(SpaceName space, context.space_name());
  HOLDFAST_TRY(parse_space_path(space.path).status());  // what every other command would refuse
  bool exists = fs::is_directory(store.path) && holds_something(store.path);
  std::string actor = context.store_options().actor;
  if (context.output().json()) {
    context.output().print({{"store", store.path},
                            {"store_reason", store.reason},
                            {"store_exists", exists},
                            {"space", space.path},
                            {"space_reason", space.reason},
                            {"space_kept", space.kept_by.empty()},
                            {"actor", actor}});
    return Status::ok();
  }
  Facts facts;
  facts.add("store", store.path);
  facts.add("", "by " + store.reason + (exists ? "" : "; nothing there yet"));
  facts.add("space", space.path);
  facts.add("", "by " + space.reason);
  const bool is_user = store.origin == StoreOrigin::kUser;
  if (!space.kept_by.empty() && (is_user || store.origin == StoreOrigin::kProject)) {
    const std::string where = is_user ? "--user" : fs::path(store.path).parent_path().string();
    facts.add("", "moved or renamed it would be another; to keep it: holdfast init " + where);
  }
  facts.add("actor", actor);
  facts.print(context.output());
  return Status::ok();
}

// What the disk gives for it: the control block is mostly a hole.
uint64_t directory_bytes(const std::string& path) {
  uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entries(path, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    struct stat info = {};
    if (::lstat(entries->path().c_str(), &info) != 0) continue;
    if (S_ISREG(info.st_mode)) bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  }
  return bytes;
}

Json json_of(const RecoveryReport& report) {
  return {{"transactions_applied", report.transactions_applied},
          {"writes_applied", report.writes_applied},
          {"deletes_applied", report.deletes_applied},
          {"transactions_discarded", report.transactions_discarded},
          {"orphaned_entries", report.orphaned_entries},
          {"bytes_discarded", report.bytes_discarded},
          {"version", report.version},
          {"duration_us", report.duration_us},
          {"warnings", report.warnings}};
}

void add_recovery(Facts& facts, const RecoveryReport& report) {
  facts.add("recovered", with_separators(report.transactions_applied) + " transactions (" +
                             with_separators(report.writes_applied) + " writes, " +
                             with_separators(report.deletes_applied) + " deletes) in " +
                             fixed(static_cast<double>(report.duration_us) / 1000, 1) + " ms");
  if (report.transactions_discarded + report.orphaned_entries + report.bytes_discarded > 0) {
    facts.add("discarded", with_separators(report.transactions_discarded) + " transactions, " +
                               with_separators(report.orphaned_entries) + " orphaned entries, " +
                               size_text(report.bytes_discarded));
  }
  for (const std::string& warning : report.warnings) facts.add("warning", warning);
}

Status status(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(StoreStats stats, store.stats());
  HOLDFAST_ASSIGN(uint64_t observations, space.observations().count());
  uint64_t bytes = directory_bytes(store.path());
  const RecoveryReport& recovery = store.recovery();
  if (context.output().json()) {
    Json json = {{"store", store.path()},        {"space", space.path()},
                 {"version", stats.version},     {"durable_version", stats.durable_version},
                 {"processes", stats.processes}, {"observations", observations},
                 {"size_bytes", bytes},          {"cold", recovery.cold}};
    if (recovery.cold) json["recovery"] = json_of(recovery);
    context.output().print(json);
    return Status::ok();
  }
  Facts facts;
  facts.add("store", store.path());
  facts.add("space", space.path());
  facts.add("version", with_separators(stats.version) +
                           " (durable: " + with_separators(stats.durable_version) + ")");
  facts.add("processes", with_separators(stats.processes) + " (this one included)");
  facts.add("observations", with_separators(observations) + " in this space");
  facts.add("size", size_text(bytes));
  if (recovery.cold) add_recovery(facts, recovery);
  facts.print(context.output());
  return Status::ok();
}

}  // namespace

void add_start_commands(Commands& commands) {
  auto arguments = arguments_of<InitArguments>();
  CLI::App* command = commands.add(
      kGroupStart, "init", "Make a store: .holdfast/ in this directory, or where --store says",
      "holdfast init\n  holdfast init --id my-project\n  holdfast init --store /srv/memory",
      [arguments](const Context& context) { return init(context, *arguments); });
  command->add_option("directory", arguments->directory, "The project, if not this directory");
  command->add_option("--id", arguments->id,
                      "Write .holdfast-id: the project's space has this name, also in clones that "
                      "get the file; what it had under another is moved");
  command->add_flag("--user", arguments->user, "Make the store in the user's data directory");
  commands.add(kGroupStart, "whoami", "Print which store and space commands use here, and why",
               "holdfast whoami", whoami);
  commands.add(kGroupStart, "status", "Print the state of the store", "holdfast status --json",
               status);
}

}  // namespace holdfast::cli
