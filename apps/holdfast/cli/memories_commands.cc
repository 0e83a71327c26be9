// memories: for people, the files that models keep with the memory tool, and what was done to them.
#include <algorithm>
#include <utility>

#include "cli/input.h"
#include "cli/shown_time.h"
#include "cli/tree_commands.h"
#include "memory_tool/memory_log.h"
#include "memory_tool/memory_path.h"

namespace holdfast::cli {
namespace {

using memory_tool::MemoryChange;
using memory_tool::MemoryLog;

struct MemoriesArguments {
  std::string path = "/memories";
  std::string at = {};
  std::optional<uint64_t> number = {};
  size_t limit = 50;
};

struct OpenedMemories {
  Store store;
  Space files;
};

Result<OpenedMemories> open_memories(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Space files, memory_tool::memories_space(space));
  return OpenedMemories{std::move(store), std::move(files)};
}

// "/memories/a", or "a" for short.
Result<std::string> below_memories(const std::string& path) {
  const bool is_whole = path == "/memories" || path.starts_with("/memories/");
  return memory_tool::relative_path(is_whole ? path : "/memories/" + path);
}

void add_row(const KvEntry& entry, const Output& output, Table& table) {
  const bool is_folder = entry.key.ends_with('/');
  const auto changed_us = static_cast<int64_t>(entry.time_us);
  if (!output.json()) {
    table.add({is_folder ? "" : size_text(entry.size), shown_time(changed_us),
               printable("/memories/" + entry.key)});
    return;
  }
  const std::string shown = entry.key.substr(0, entry.key.size() - (is_folder ? 1 : 0));
  Json json = {{"path", "/memories/" + shown}, {"type", is_folder ? "folder" : "file"}};
  if (!is_folder) json["size"] = entry.size;
  json["version"] = entry.version;
  json["changed"] = time_text(changed_us);
  output.print(json);
}

Status ls(const Context& context, const MemoriesArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, below_memories(arguments.path));
  HOLDFAST_ASSIGN(const AsOf as_of, parse_at_option(arguments.at));
  HOLDFAST_ASSIGN(OpenedMemories opened, open_memories(context));
  HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
  KvListOptions options{.keys_only = true, .as_of = as_of};
  options.prefix = path.empty() ? "" : path + "/";
  options.after = options.prefix;
  const Output& output = context.output();
  Table table({"size", "changed", "path"});
  bool is_any = path.empty();
  HOLDFAST_TRY(opened.files.kv(snapshot).for_each(options, [&](const KvEntry& entry) {
    is_any = true;
    add_row(entry, output, table);
    return Status::ok();
  }));
  if (!is_any) {
    return Status(StatusCode::kNotFound, "there is no folder /memories/" + printable(path) +
                                             (arguments.at.empty() ? "" : " as of then"));
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

Status cat(const Context& context, const MemoriesArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, below_memories(arguments.path));
  HOLDFAST_ASSIGN(const AsOf as_of, parse_at_option(arguments.at));
  if (path.empty()) return Status(StatusCode::kInvalidArgument, "/memories is a folder");
  HOLDFAST_ASSIGN(OpenedMemories opened, open_memories(context));
  HOLDFAST_ASSIGN(const auto content, opened.files.kv().get_at(path, as_of));
  if (!content) {
    return Status(StatusCode::kNotFound, "there is no file /memories/" + printable(path) +
                                             (arguments.at.empty() ? "" : " as of then"));
  }
  context.output().raw(*content);
  return Status::ok();
}

Json json_of(const MemoryChange& change) {
  Json json = {{"number", change.number},
               {"version", change.version},
               {"time_us", change.time_us},
               {"command", change.command},
               {"path", change.path}};
  if (!change.to.empty()) json["to"] = change.to;
  if (change.undoes > 0) json["undoes"] = change.undoes;
  json["undone"] = change.undone;
  return json;
}

std::string what_of(const MemoryChange& change) {
  return change.undoes > 0 ? "undo " + std::to_string(change.undoes) : change.command;
}

// Whether a change is one of `path`, or of something below it.
bool concerns(const MemoryChange& change, const std::string& path) {
  const auto is_below = [&path](const std::string& shown) {
    const auto relative = memory_tool::relative_path(shown);
    return relative && (path.empty() || *relative == path || relative->starts_with(path + "/"));
  };
  return is_below(change.path) || (!change.to.empty() && is_below(change.to));
}

Status history(const Context& context, const MemoriesArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, below_memories(arguments.path));
  HOLDFAST_ASSIGN(OpenedMemories opened, open_memories(context));
  HOLDFAST_ASSIGN(const auto changes, MemoryLog(opened.files).changes());
  const Output& output = context.output();
  Table table({"number", "version", "time", "command", "undone", "path"});
  size_t shown = 0;
  for (const MemoryChange& change : changes) {
    if (!concerns(change, path)) continue;
    if (shown++ == arguments.limit) break;
    if (output.json()) {
      output.print(json_of(change));
      continue;
    }
    const std::string to = change.to.empty() ? "" : " -> " + change.to;
    table.add({std::to_string(change.number), std::to_string(change.version),
               shown_time(change.time_us), what_of(change), change.undone ? "yes" : "",
               printable(change.path + to)});
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

Status undo(const Context& context, const MemoriesArguments& arguments) {
  HOLDFAST_ASSIGN(OpenedMemories opened, open_memories(context));
  const MemoryLog log(opened.files);
  HOLDFAST_ASSIGN(const MemoryChange undone, log.undo(opened.store, arguments.number));
  const Output& output = context.output();
  if (output.json()) {
    output.print({{"undone", undone.number}, {"command", undone.command}, {"path", undone.path}});
  } else {
    output.line("Undone: " + std::to_string(undone.number) + ", " + what_of(undone) + " " +
                printable(undone.path));
  }
  return opened.store.close();
}

}  // namespace

void add_memories_commands(Commands& commands) {
  auto arguments = arguments_of<MemoriesArguments>();
  CLI::App* family =
      commands.add_family(kGroupAgents, "memories",
                          "The files that models keep with the memory tool, and what they were",
                          "holdfast memories ls\n  holdfast memories undo");
  const auto add = [&](const char* name, const char* purpose, const char* example,
                       Status (*action)(const Context&, const MemoriesArguments&)) {
    return commands.add_to(
        family, name, purpose, example,
        [arguments, action](const Context& context) { return action(context, *arguments); });
  };
  const char* const at = "As it was at this version or time";
  CLI::App* list = add("ls", "List files and folders, at any depth",
                       "holdfast memories ls\n  holdfast memories ls /memories/plans", ls);
  list->add_option("path", arguments->path, "Only what is in this folder");
  list->add_option("--at", arguments->at, at)->type_name("VERSION|TIME");
  CLI::App* print = add("cat", "Print a file",
                        "holdfast memories cat /memories/notes.md\n  "
                        "holdfast memories cat /memories/notes.md --at 2026-01-31T09:05:00Z",
                        cat);
  print->add_option("path", arguments->path, "Its path")->required();
  print->add_option("--at", arguments->at, at)->type_name("VERSION|TIME");
  CLI::App* past =
      add("history", "List what was done, newest first; kept for 30 days",
          "holdfast memories history\n  holdfast memories history /memories/notes.md", history);
  past->add_option("path", arguments->path, "Only to this file, or in this folder");
  past->add_option("--limit", arguments->limit, "At most so many")
      ->check(CLI::Range(size_t{1}, size_t{10'000}))
      ->capture_default_str();
  add("undo", "Take back what one command of a model did; the undoing can be undone, too",
      "holdfast memories undo\n  holdfast memories undo 17", undo)
      ->add_option("number", arguments->number,
                   "Which, as history lists them; else the newest that was not undone");
}

}  // namespace holdfast::cli
