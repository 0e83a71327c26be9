// fs: files and folders of a space.
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "base/time_text.h"
#include "cli/input.h"
#include "cli/progress_line.h"
#include "cli/shown_time.h"
#include "cli/tree_commands.h"
#include "files/file_edits.h"
#include "files/file_tree.h"
#include "files/transfer.h"
#include "process/unix_time.h"

namespace holdfast::cli {
namespace {

using files::FileTree;
using files::Node;
using files::NodeType;
using files::TransferReport;

struct FsArguments {
  std::string path;
  std::string other;
  bool deep = false;
  bool dry_run = false;
  bool append = false;
  std::optional<uint64_t> offset = {};
  std::optional<uint64_t> size = {};
  std::optional<std::string> text = {};
};

// An open store and the space of its files.
struct Opened {
  Store store;
  Space files;
};

Result<Opened> open_files(const Context& context, IfAbsent if_absent) {
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Space files, files::files_space(space));
  return Opened{std::move(store), std::move(files)};
}

std::string mode_text(const Node& node) {
  std::string text = node.type == NodeType::kFolder ? "d"
                     : node.type == NodeType::kLink ? "l"
                                                    : "-";
  for (int bit = 8; bit >= 0; --bit) text += (node.mode >> bit & 1) != 0 ? "xwr"[bit % 3] : '-';
  return text;
}

Json json_of(const Node& node) {
  Json json = {
      {"path", "/" + node.path}, {"type", files::node_type_name(node.type)}, {"mode", node.mode}};
  if (node.changed_us != 0) json["changed"] = time_text(node.changed_us);  // 0: of the root
  if (node.type == NodeType::kFile) json["size"] = node.size;
  if (node.type == NodeType::kLink) json["target"] = node.target;
  return json;
}

void print_nodes(const Output& output, const std::vector<Node>& nodes) {
  Table table({"mode", "size", "changed", "path"});
  for (const Node& node : nodes) {
    if (output.json()) {
      output.print(json_of(node));
      continue;
    }
    const std::string end = node.type == NodeType::kFolder ? "/"
                            : node.type == NodeType::kLink ? " -> " + node.target
                                                           : "";
    const std::string size = node.type == NodeType::kFile ? size_text(node.size) : "";
    table.add(
        {mode_text(node), size, shown_time(node.changed_us), printable("/" + node.path + end)});
  }
  if (!table.empty()) table.print(output);
}

Status ls(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
  const FileTree tree(opened.files.kv(snapshot));
  HOLDFAST_ASSIGN(const auto nodes, tree.list(path, arguments.deep));
  print_nodes(context.output(), nodes);
  return Status::ok();
}

Status cat(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
  const auto print = [&](std::string_view piece) {
    context.output().raw(piece);
    return Status::ok();
  };
  return files::read_part(opened.files.kv(snapshot), path, arguments.offset.value_or(0),
                          arguments.size.value_or(UINT64_MAX), print);
}

Status stat(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
  const FileTree tree(opened.files.kv(snapshot));
  HOLDFAST_ASSIGN(const Node node, tree.get(path));
  Json json = json_of(node);
  if (node.type == NodeType::kLink) {
    HOLDFAST_ASSIGN(const std::string resolved, files::resolved_path(tree, path));
    json["leads_to"] = "/" + resolved;
  }
  if (node.type == NodeType::kFolder) {
    HOLDFAST_ASSIGN(const files::TreeTotals totals, files::totals_of(tree, path));
    json["files"] = totals.files;
    json["folders"] = totals.folders;
    json["links"] = totals.links;
    json["bytes"] = totals.bytes;
  }
  const Output& output = context.output();
  if (output.json()) {
    output.print(json);
    return Status::ok();
  }
  Facts facts;
  for (const auto& [name, value] : json.items()) {
    facts.add(name, name == "mode"                      ? mode_text(node)
                    : name == "size" || name == "bytes" ? size_text(value.get<uint64_t>())
                    : value.is_string()                 ? printable(value.get<std::string>())
                                                        : value.dump());
  }
  facts.print(output);
  return Status::ok();
}

void say(const Output& output, const TransferReport& report, const char* what) {
  if (output.json()) {
    output.print({{"files", report.files},
                  {"folders", report.folders},
                  {"bytes", report.bytes},
                  {"unchanged", report.unchanged},
                  {"skipped", report.skipped}});
    return;
  }
  std::string text = counted(report.files, "file") + ", " + size_text(report.bytes) + " " + what;
  if (report.unchanged > 0) text += "; " + with_separators(report.unchanged) + " unchanged";
  output.line(text);
  if (report.skipped == 0) return;
  output.line(with_separators(report.skipped) +
              " skipped (no file, folder or link, or not called in UTF-8), the first is " +
              printable(report.first_skipped));
}

// Shows how far a transfer is.
files::Progress files_shown_on(ProgressLine& line) {
  return [&line](const TransferReport& so_far) { line.show("files", so_far.files, 0); };
}

Status put(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.other));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kCreateForUser));
  TransferReport report;
  if (arguments.path == "-") {
    const Node node{.path = path, .changed_us = process::unix_us()};
    HOLDFAST_TRY(
        files::write_file(opened.store, opened.files, node, [&](files::NewContent& content) {
          return read_pieces("-", "", [&](std::string_view piece) {
            report.bytes += piece.size();
            return content.append(piece);
          });
        }));
    report.files = 1;
  } else {
    ProgressLine line;
    HOLDFAST_ASSIGN(report, files::bring_in(opened.store, opened.files, arguments.path, path,
                                            files_shown_on(line)));
  }
  if (report.skipped > 0 && report.files + report.folders == 0) {
    return Status(StatusCode::kInvalidArgument,
                  printable(report.first_skipped) +
                      " is no file, folder or link, or what it is called or leads to is not UTF-8");
  }
  say(context.output(), report, "put");
  return opened.store.close();
}

Status get(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
  TransferReport report;
  {
    ProgressLine line;
    HOLDFAST_ASSIGN(report, files::take_out(opened.files.kv(snapshot), path, arguments.other,
                                            files_shown_on(line)));
  }
  say(context.output(), report, "written");
  return Status::ok();
}

Status mv(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string from, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(const std::string to, files::checked_path(arguments.other));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  const auto move = [&](Transaction& transaction) {
    return FileTree(opened.files.kv(transaction)).rename(from, to, process::unix_us());
  };
  HOLDFAST_TRY(opened.store.update(move).status());
  return opened.store.close();
}

// A change of the tree in one commit.
Status change(const Context& context, IfAbsent if_absent,
              const std::function<Status(const FileTree& tree)>& work) {
  HOLDFAST_ASSIGN(Opened opened, open_files(context, if_absent));
  const auto run = [&](Transaction& transaction) {
    return work(FileTree(opened.files.kv(transaction)));
  };
  HOLDFAST_TRY(opened.store.update(run).status());
  return opened.store.close();
}

Status make_folder(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  return change(context, IfAbsent::kCreateForUser,
                [&](const FileTree& tree) { return tree.make_folders(path, process::unix_us()); });
}

Status make_link(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.other));
  return change(context, IfAbsent::kCreateForUser, [&](const FileTree& tree) -> Status {
    HOLDFAST_ASSIGN(const auto before, tree.find(path));
    if (before) return Status(StatusCode::kConditionFalse, "/" + path + " is there already");
    const int64_t now_us = process::unix_us();
    return tree.put({.path = path,
                     .type = NodeType::kLink,
                     .mode = 0777,
                     .changed_us = now_us,
                     .target = arguments.path},
                    now_us);
  });
}

Status copy(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string from, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(const std::string to, files::checked_path(arguments.other));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  HOLDFAST_TRY(files::copy_file(opened.store, opened.files, from, to));
  return opened.store.close();
}

Status edit(const Context& context, const FsArguments& arguments, IfAbsent if_absent,
            const std::function<Status(std::string& content)>& work) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, if_absent));
  HOLDFAST_TRY(files::edit_file(opened.store, opened.files, path, work));
  return opened.store.close();
}

Status write(const Context& context, const FsArguments& arguments) {
  if (arguments.append && arguments.offset) {
    return Status(StatusCode::kInvalidArgument, "give --append or --offset, not both");
  }
  const uint64_t offset = arguments.offset.value_or(0);
  if (offset > files::kEditedSizeMax) {
    return Status(StatusCode::kTooLarge, "--offset is beyond " + size_text(files::kEditedSizeMax) +
                                             ", the most that is written in place");
  }
  HOLDFAST_ASSIGN(const std::string bytes, read_value(arguments.text.value_or("-"), ""));
  return edit(context, arguments, IfAbsent::kCreateForUser, [&](std::string& content) {
    if (!arguments.append && !arguments.offset) content.clear();
    const size_t begin = arguments.append ? content.size() : offset;
    content.resize(std::max(content.size(), begin + bytes.size()));
    content.replace(begin, bytes.size(), bytes);
    return Status::ok();
  });
}

Status truncate(const Context& context, const FsArguments& arguments) {
  const uint64_t size = arguments.size.value_or(0);
  return edit(context, arguments, IfAbsent::kRefuse, [&](std::string& content) {
    if (size <= files::kEditedSizeMax) content.resize(size);
    return size <= files::kEditedSizeMax
               ? Status::ok()
               : Status(StatusCode::kTooLarge,
                        "a file is cut or filled to at most " + size_text(files::kEditedSizeMax));
  });
}

Status rm(const Context& context, const FsArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.path));
  HOLDFAST_ASSIGN(Opened opened, open_files(context, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(Snapshot snapshot, opened.store.snapshot());
    HOLDFAST_ASSIGN(const auto doomed,
                    FileTree(opened.files.kv(snapshot)).doomed(path, arguments.deep));
    print_nodes(context.output(), doomed);
    return Status::ok();
  }
  {
    ProgressLine line;
    const auto show = [&line](uint64_t commits) {
      line.show("files and folders", commits * files::kRemovedAtOnce, 0);
    };
    HOLDFAST_TRY(
        files::remove_tree(opened.store, opened.files, path, arguments.deep, show).status());
  }
  return opened.store.close();
}

// Adds a command of the family.
using Add = std::function<CLI::App*(const char* name, const char* purpose, const char* example,
                                    Status (*action)(const Context&, const FsArguments&))>;

void add_reading(const Add& add, FsArguments* arguments) {
  CLI::App* list = add("ls", "List a folder", "holdfast fs ls /plans --recursive", ls);
  list->add_option("path", arguments->path, "Its path; the root if not given");
  list->add_flag("-r,--recursive", arguments->deep, "And all below");
  CLI::App* print = add("cat", "Print a file, or a part of it",
                        "holdfast fs cat /plans/notes.md\n  "
                        "holdfast fs cat /data.bin --offset 4096 --size 512",
                        cat);
  print->add_option("path", arguments->path, "Its path")->required();
  print->add_option("--offset", arguments->offset, "From this byte on");
  print->add_option("--size", arguments->size, "At most so many bytes");
  add("stat", "Print what is known of a file, folder or link", "holdfast fs stat /plans", stat)
      ->add_option("path", arguments->path, "Its path; the root if not given");
  CLI::App* in = add("put", "Bring a file or a whole folder in",
                     "holdfast fs put notes.md /plans/notes.md\n  holdfast fs put src /src\n"
                     "  date | holdfast fs put - /now",
                     put);
  in->add_option("source", arguments->path, "Of this machine; - reads stdin")->required();
  in->add_option("path", arguments->other, "Where it goes")->required();
  CLI::App* out =
      add("get", "Write a file or a whole folder out", "holdfast fs get /plans /tmp/plans", get);
  out->add_option("path", arguments->path, "Its path")->required();
  out->add_option("target", arguments->other, "Where it goes on this machine")->required();
}

void add_editing(const Add& add, FsArguments* arguments) {
  CLI::App* written = add("write", "Give a file a text, or write into it; one commit",
                          "holdfast fs write /plans/monday.md \"1. stop the clock\"\n  "
                          "date | holdfast fs write /log --append",
                          write);
  written->add_option("path", arguments->path, "Its path; it is made if it is not there")
      ->required();
  written->add_option("text", arguments->text, "The text; - (as if not given) reads stdin");
  written->add_flag("--append", arguments->append, "Behind what is there");
  written->add_option("--offset", arguments->offset,
                      "From this byte on; what is there behind it stays");
  CLI::App* cut = add("truncate", "Cut a file, or fill it with zeros, to a size",
                      "holdfast fs truncate /log 0", truncate);
  cut->add_option("path", arguments->path, "Its path; it is made if it is not there")->required();
  cut->add_option("size", arguments->size, "Bytes")->required();
}

void add_moving(const Add& add, FsArguments* arguments) {
  CLI::App* copied =
      add("cp", "Copy a file", "holdfast fs cp /plans/monday.md /plans/tuesday.md", copy);
  copied->add_option("from", arguments->path, "Its path")->required();
  copied->add_option("to", arguments->other, "Where; a file there is replaced")->required();
  add("mkdir", "Make a folder, and those above it", "holdfast fs mkdir /plans/old", make_folder)
      ->add_option("path", arguments->path, "Its path")
      ->required();
  CLI::App* linked =
      add("ln", "Make a symbolic link", "holdfast fs ln monday.md /plans/today.md", make_link);
  linked
      ->add_option("target", arguments->path,
                   "Where it leads, from the folder it is in, or from the root on")
      ->required();
  linked->add_option("path", arguments->other, "Its path, where nothing is yet")->required();
  CLI::App* move = add("mv", "Rename a file or a folder with all that is in it, in one commit",
                       "holdfast fs mv /plans /archive/plans", mv);
  move->add_option("from", arguments->path, "Its path")->required();
  move->add_option("to", arguments->other, "Its new path, where nothing is yet")->required();
  CLI::App* remove = add("rm", "Remove a file or a folder; up to 10,000 of them in one commit",
                         "holdfast fs rm -r /archive --dry-run", rm);
  remove->add_option("path", arguments->path, "Its path")->required();
  remove->add_flag("-r,--recursive", arguments->deep, "A folder with what is in it");
  remove->add_flag("--dry-run", arguments->dry_run, "Only list what would go");
}

}  // namespace

void add_fs_commands(Commands& commands) {
  auto arguments = arguments_of<FsArguments>();
  CLI::App* family = commands.add_family(kGroupAgents, "fs",
                                         "Files and folders that all agents of a project share",
                                         "holdfast fs put notes.md /plans/notes.md");
  const auto add = [&](const char* name, const char* purpose, const char* example,
                       Status (*action)(const Context&, const FsArguments&)) {
    return commands.add_to(
        family, name, purpose, example,
        [arguments, action](const Context& context) { return action(context, *arguments); });
  };
  add_reading(add, arguments.get());
  add_editing(add, arguments.get());
  add_moving(add, arguments.get());
}

}  // namespace holdfast::cli
