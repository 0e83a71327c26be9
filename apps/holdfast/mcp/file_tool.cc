#include <utility>

#include "base/time_text.h"
#include "files/file_edits.h"
#include "files/file_tree.h"
#include "files/transfer.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/work_tools.h"
#include "process/unix_time.h"

namespace holdfast::mcp {
namespace {

using files::FileTree;
using files::Node;
using files::NodeType;

Json json_of(const Node& node) {
  Json json = {{"path", "/" + node.path},
               {"type", files::node_type_name(node.type)},
               {"changed", time_text(node.changed_us)}};
  if (node.type == NodeType::kFile) json["size"] = node.size;
  if (node.type == NodeType::kLink) json["target"] = node.target;
  return json;
}

Result<Json> list(Store& store, const Space& space, const std::string& path,
                  const Json& arguments) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  const FileTree tree(space.kv(snapshot));
  HOLDFAST_ASSIGN(const auto nodes, tree.list(path, arguments.value("recursive", false)));
  HOLDFAST_ASSIGN(const std::string after, files::checked_path(arguments.value("after", "")));
  Budget budget(arguments);
  Json entries = Json::array();
  bool more = false;
  for (const Node& node : nodes) {
    if (!after.empty() && node.path <= after) continue;
    Json json = json_of(node);
    more = !budget.spend(json);
    if (more) break;
    entries.push_back(std::move(json));
  }
  return structured_result({{"entries", std::move(entries)}, {"more", more}});
}

Result<Json> read(Store& store, const Space& space, const std::string& path,
                  const Json& arguments) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  const Kv kv = space.kv(snapshot);
  const FileTree tree(kv);
  HOLDFAST_ASSIGN(const std::string resolved, files::resolved_path(tree, path));
  HOLDFAST_ASSIGN(const Node node, tree.get(resolved));
  const uint64_t offset = arguments.value("offset", uint64_t{0});
  std::string piece;
  // Two bytes a token leave room for what JSON escapes and base64 adds.
  HOLDFAST_TRY(files::read_part(kv, resolved, offset, Budget(arguments).tokens() * 2,
                                [&](std::string_view bytes) {
                                  piece += bytes;
                                  return Status::ok();
                                }));
  if (offset + piece.size() < node.size) drop_cut_character(piece);
  Json result = {{"path", "/" + resolved}, {"size", node.size}};
  if (offset + piece.size() < node.size) result["next"] = offset + piece.size();
  cli::set_bytes(result, "text", piece);
  return structured_result(std::move(result));
}

// write and append.
Result<Json> write(Store& store, const Space& space, const std::string& path,
                   const Json& arguments) {
  HOLDFAST_ASSIGN(const std::string bytes, bytes_of(arguments));
  const bool appends = arguments["action"] == "append";
  uint64_t size = 0;
  HOLDFAST_TRY(files::edit_file(store, space, path, [&](std::string& content) {
    if (!appends) content.clear();
    content += bytes;
    size = content.size();
    return Status::ok();
  }));
  return structured_result({{"path", "/" + path}, {"size", size}});
}

Result<Json> change(Store& store, const Space& space, const std::string& path,
                    const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  if (action == "remove") {
    HOLDFAST_TRY(
        files::remove_tree(store, space, path, arguments.value("recursive", false), [](uint64_t) {
        }).status());
    return structured_result({{"path", "/" + path}});
  }
  HOLDFAST_TRY(needs(arguments, "to"));
  HOLDFAST_ASSIGN(const std::string to, files::checked_path(arguments["to"].get<std::string>()));
  if (action == "copy") {
    HOLDFAST_TRY(files::copy_file(store, space, path, to));
    return structured_result({{"path", "/" + to}});
  }
  const auto move = [&](Transaction& transaction) {
    return FileTree(space.kv(transaction)).rename(path, to, process::unix_us());
  };
  HOLDFAST_TRY(store.update(move).status());
  return structured_result({{"path", "/" + to}});
}

Result<Json> run(Store& store, const Space& space, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  if (action != "list") HOLDFAST_TRY(needs(arguments, "path"));
  HOLDFAST_ASSIGN(const std::string path, files::checked_path(arguments.value("path", "")));
  if (action == "list") return list(store, space, path, arguments);
  if (action == "read") return read(store, space, path, arguments);
  if (action == "write" || action == "append") return write(store, space, path, arguments);
  return change(store, space, path, arguments);
}

}  // namespace

void add_file_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "file", .title = "File"};
  tool.description =
      "Files and folders that all agents of this project share, such as plans and notes; not those "
      "of the disk. read gives pieces: give next as offset to go on. write and append make the "
      "file and its folders.";
  tool.effect = Effect::kDestroys;
  const std::vector<std::string> actions = {"list", "read", "write", "append",
                                            "move", "copy", "remove"};
  tool.input = object_schema({
      {"action", word_schema("What to do", actions), true},
      {"path", text_schema("Such as /plans/monday.md; list: of a folder, the root if not given")},
      {"to", text_schema("move, copy: the new path")},
      {"text", text_schema("write, append: the content")},
      {"base64", text_schema("write, append: the content, where it is not text")},
      {"recursive", flag_schema("list, remove: with all that is below")},
      {"offset", integer_schema("read: from this byte on", 0, int64_t{1} << 53)},
      {"after", text_schema("list: only paths behind this one")},
      Budget::property(),
  });
  tool.output = object_schema({
      {"path", text_schema("All but list: of what is there now, or was")},
      {"entries", objects_schema("list: by their paths")},
      {"more", flag_schema("list: go on with after")},
      {"text", text_schema("read: its bytes, if they are text")},
      {"text_base64", text_schema("read: if they are not")},
      {"next", count_schema("read: go on with offset")},
      {"size", count_schema("read, write, append: bytes of the file")},
  });
  tool.run = [&memory](Peer&, const Json& arguments) -> Result<Json> {
    Json result;
    HOLDFAST_TRY(memory.with_files([&](Store& store, const Space& space) -> Status {
      HOLDFAST_ASSIGN(result, run(store, space, arguments));
      return Status::ok();
    }));
    return result;
  };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
