#include "files/file_edits.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "process/random_name.h"
#include "process/unix_time.h"

namespace holdfast::files {
namespace {

Status no_file(const std::string& path) {
  return Status(StatusCode::kConditionFalse, "/" + path + " is no file");
}

// The parts of `path` in front of `parts`.
void prepend_parts(const std::string& path, std::deque<std::string>& parts) {
  std::vector<std::string> found;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) found.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.insert(parts.begin(), found.begin(), found.end());
}

void leave_last(std::string& path) {
  const size_t slash = path.rfind('/');
  path.erase(slash == path.npos ? 0 : slash);
}

// The content of a node that `kv` may see in a transaction. Errors: TooLarge.
Result<std::string> content_of(const Kv& kv, const Node& node) {
  if (node.size > kEditedSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "/" + node.path + " has " + std::to_string(node.size) +
                      " bytes, of which at most " + std::to_string(kEditedSizeMax) +
                      " are changed in place; get the file and put it instead");
  }
  HOLDFAST_ASSIGN(auto reader, kv.open(FileTree::content_key(node)));
  std::string content(reader ? reader->size() : 0, '\0');
  for (size_t filled = 0; filled < content.size();) {
    HOLDFAST_ASSIGN(const size_t count,
                    reader->read(content.data() + filled, content.size() - filled));
    if (count == 0) break;
    filled += count;
  }
  return content;
}

// Puts `node` with this content, in a transaction. What is large goes into a blob before.
Status put_content(Transaction& transaction, const Space& files, Node node,
                   std::string_view content) {
  NewContent written(files.kv());
  HOLDFAST_TRY(written.append(content));
  HOLDFAST_TRY(written.finish());
  node.size = written.size();
  node.content = process::random_name();
  const Kv kv = files.kv(transaction);
  HOLDFAST_TRY(FileTree(kv).put(node, process::unix_us()));
  return written.put(kv, node);
}

}  // namespace

Result<std::string> resolved_path(const FileTree& tree, const std::string& path) {
  std::string at;
  std::deque<std::string> parts;
  prepend_parts(path, parts);
  for (size_t links = 0; !parts.empty();) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      leave_last(at);
      continue;
    }
    const std::string next = at.empty() ? part : at + "/" + part;
    HOLDFAST_ASSIGN(const auto node, tree.find(next));
    if (!node || node->type != NodeType::kLink) {
      if (node && node->type == NodeType::kFile && !parts.empty()) {
        return Status(StatusCode::kConditionFalse, "/" + next + " is no folder");
      }
      at = next;
      continue;
    }
    if (++links > kLinksMax) {
      return Status(StatusCode::kConditionFalse, "/" + path + " leads from link to link");
    }
    if (node->target.starts_with('/')) at.clear();
    prepend_parts(node->target, parts);
  }
  return checked_path(at);
}

Status read_part(const Kv& files, const std::string& path, uint64_t offset, uint64_t size,
                 const std::function<Status(std::string_view piece)>& take) {
  constexpr size_t kPieceSize = 1u << 20;
  const FileTree tree(files);
  HOLDFAST_ASSIGN(const std::string resolved, resolved_path(tree, path));
  HOLDFAST_ASSIGN(const Node node, tree.get(resolved));
  if (node.type != NodeType::kFile) return no_file(resolved);
  HOLDFAST_ASSIGN(auto reader, files.open(FileTree::content_key(node)));
  if (!reader) {
    return Status(StatusCode::kCorruption, "the content of /" + resolved + " is missing");
  }
  std::string piece(kPieceSize, '\0');
  for (uint64_t left = size; left > 0;) {
    const uint64_t wanted = std::min<uint64_t>(offset > 0 ? offset : left, piece.size());
    HOLDFAST_ASSIGN(const size_t count, reader->read(piece.data(), wanted));
    if (count == 0) break;
    if (offset > 0) {
      offset -= count;
      continue;
    }
    left -= count;
    HOLDFAST_TRY(take({piece.data(), count}));
  }
  return Status::ok();
}

Status edit_file(Store& store, const Space& files, const std::string& path,
                 const std::function<Status(std::string& content)>& change) {
  const auto edit = [&](Transaction& transaction) -> Status {
    const Kv kv = files.kv(transaction);
    const FileTree tree(kv);
    HOLDFAST_ASSIGN(const std::string resolved, resolved_path(tree, path));
    HOLDFAST_ASSIGN(auto node, tree.find(resolved));
    std::string content;
    if (node && node->type != NodeType::kFile) return no_file(resolved);
    if (node) {
      HOLDFAST_ASSIGN(content, content_of(kv, *node));
    }
    HOLDFAST_TRY(change(content));
    if (content.size() > kEditedSizeMax) {
      return Status(StatusCode::kTooLarge, "/" + resolved + " would have more than " +
                                               std::to_string(kEditedSizeMax) +
                                               " bytes; put the file instead");
    }
    Node changed = node ? std::move(*node) : Node{.path = resolved};
    changed.changed_us = process::unix_us();
    return put_content(transaction, files, std::move(changed), content);
  };
  return store.update(edit).status();
}

Status copy_file(Store& store, const Space& files, const std::string& from, const std::string& to) {
  const auto copy = [&](Transaction& transaction) -> Status {
    const Kv kv = files.kv(transaction);
    const FileTree tree(kv);
    HOLDFAST_ASSIGN(const std::string source, resolved_path(tree, from));
    HOLDFAST_ASSIGN(const std::string target, resolved_path(tree, to));
    HOLDFAST_ASSIGN(Node node, tree.get(source));
    if (node.type != NodeType::kFile) return no_file(source);
    if (source == target) {
      return Status(StatusCode::kConditionFalse, "/" + source + " is copied onto itself");
    }
    HOLDFAST_ASSIGN(const std::string content, content_of(kv, node));
    node.path = target;
    return put_content(transaction, files, std::move(node), content);
  };
  return store.update(copy).status();
}

Result<TreeTotals> totals_of(const FileTree& tree, const std::string& path) {
  HOLDFAST_ASSIGN(const auto nodes, tree.list(path, true));
  TreeTotals totals;
  for (const Node& node : nodes) {
    ++(node.type == NodeType::kFile     ? totals.files
       : node.type == NodeType::kFolder ? totals.folders
                                        : totals.links);
    totals.bytes += node.size;
  }
  return totals;
}

}  // namespace holdfast::files
