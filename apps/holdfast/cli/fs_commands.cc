// fs: files and folders of a space.
#include <cstdio>
#include <utility>

#include "base/time_text.h"
#include "cli/input.h"
#include "cli/progress_line.h"
#include "cli/shown_time.h"
#include "cli/tree_commands.h"
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
  Json json = {{"path", "/" + node.path},
               {"type", files::node_type_name(node.type)},
               {"mode", node.mode},
               {"changed", time_text(node.changed_us)}};
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
  return files::read_file(opened.files.kv(snapshot), path, [&](std::string_view piece) {
    context.output().raw(piece);
    return Status::ok();
  });
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
  std::string text = with_separators(report.files) + (report.files == 1 ? " file, " : " files, ") +
                     size_text(report.bytes) + " " + what;
  if (report.unchanged > 0) text += "; " + with_separators(report.unchanged) + " unchanged";
  output.line(text);
  if (report.skipped == 0) return;
  output.line(with_separators(report.skipped) + " skipped, the first is " +
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
  CLI::App* list = add("ls", "List a folder", "holdfast fs ls /plans --recursive", ls);
  list->add_option("path", arguments->path, "Its path; the root if not given");
  list->add_flag("-r,--recursive", arguments->deep, "And all below");
  add("cat", "Print a file", "holdfast fs cat /plans/notes.md", cat)
      ->add_option("path", arguments->path, "Its path")
      ->required();
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

}  // namespace holdfast::cli
