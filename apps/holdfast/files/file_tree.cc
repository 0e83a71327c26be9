#include "files/file_tree.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace holdfast::files {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNodes = "node/";
constexpr std::string_view kContents = "content/";
constexpr std::string_view kTypeNames[] = {"file", "folder", "link"};

// Of "a/b/c" and "b": "a/b" and "c".
std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash);
}

// What the keys of the nodes in `folder` begin with, and of those anywhere below it: no part of a
// path is empty, so "//" stands between folder and name only.
std::string keys_in(const std::string& folder) {
  return std::string(kNodes) + folder + "//";
}
std::string keys_below(const std::string& folder) {
  return std::string(kNodes) + (folder.empty() ? "" : folder + "/");
}

std::string node_key(const std::string& path) {
  const std::string folder = folder_of(path);
  return keys_in(folder) + path.substr(folder.empty() ? 0 : folder.size() + 1);
}

std::string path_of(std::string key) {
  key.erase(0, kNodes.size());
  const size_t between = key.find("//");
  return key.erase(between, between == 0 ? 2 : 1);
}

Status refused(const std::string& path, const std::string& why) {
  return Status(StatusCode::kConditionFalse, "/" + path + " " + why);
}

std::string text_of(const Node& node) {
  Json json = {
      {"type", node_type_name(node.type)}, {"mode", node.mode}, {"changed_us", node.changed_us}};
  if (node.type == NodeType::kFile) {
    json["size"] = node.size;
    json["content"] = node.content;
  }
  if (node.type == NodeType::kLink) json["target"] = node.target;
  return json.dump();
}

Result<Node> node_of(const std::string& path, const std::string& text) {
  Node node{.path = path};
  try {
    const Json json = Json::parse(text);
    const auto type = json.at("type").get<std::string>();
    const auto* const found = std::find(std::begin(kTypeNames), std::end(kTypeNames), type);
    if (found == std::end(kTypeNames)) {
      return Status(StatusCode::kUnsupported, "/" + path + " is of a type that is not known here");
    }
    node.type = static_cast<NodeType>(found - std::begin(kTypeNames));
    node.mode = json.at("mode").get<uint32_t>();
    node.changed_us = json.at("changed_us").get<int64_t>();
    node.size = json.value("size", uint64_t{0});
    node.target = json.value("target", "");
    node.content = json.value("content", "");
  } catch (const Json::exception& error) {
    return Status(StatusCode::kCorruption,
                  "the node of /" + path + " is malformed: " + error.what());
  }
  return node;
}

// What a move of so many nodes came to.
Status moved(const Status& status, size_t nodes) {
  if (status.code() != StatusCode::kTooLarge) return status;
  return Status(StatusCode::kTooLarge, std::to_string(nodes) +
                                           " files and folders are too many to move in one "
                                           "commit; move the folders in it one by one");
}

Node root() {
  return {.type = NodeType::kFolder, .mode = 0755};
}

}  // namespace

std::string_view node_type_name(NodeType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

namespace {

// What is put here should fit on a disk again.
Status check_names(const std::string& path) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end - begin > kNameSizeMax) {
      return Status(StatusCode::kTooLarge,
                    "a name in a path has at most " + std::to_string(kNameSizeMax) + " bytes");
    }
    begin = end + 1;
  }
  return Status::ok();
}

}  // namespace

Result<std::string> checked_path(const std::string& path) {
  const auto bad = [](const std::string& why) {
    return Status(StatusCode::kInvalidArgument, "not a path: " + why);
  };
  if (!utf8_valid(path) || path.find('\0') != path.npos) return bad("it is not plain UTF-8");
  if (path.find("//") != path.npos) return bad("a part of it is empty");
  std::string checked = path.starts_with('/') ? path.substr(1) : path;
  if (checked.ends_with('/')) checked.pop_back();
  if (checked.size() > kPathSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "a path has at most " + std::to_string(kPathSizeMax) + " bytes");
  }
  for (size_t begin = 0; !checked.empty() && begin <= checked.size();) {
    const size_t end = std::min(checked.find('/', begin), checked.size());
    const std::string part = checked.substr(begin, end - begin);
    if (part == "." || part == "..") return bad("\"" + part + "\" is not resolved here");
    begin = end + 1;
  }
  return checked;
}

std::string FileTree::content_key(const Node& node) {
  return std::string(kContents) + node.content;
}

Result<std::optional<Node>> FileTree::find(const std::string& path) const {
  if (path.empty()) return std::optional(root());
  HOLDFAST_ASSIGN(const auto text, kv_.get(node_key(path)));
  if (!text) return std::optional<Node>();
  HOLDFAST_ASSIGN(Node node, node_of(path, *text));
  return std::optional(std::move(node));
}

Result<Node> FileTree::get(const std::string& path) const {
  HOLDFAST_ASSIGN(auto node, find(path));
  if (node) return std::move(*node);
  return Status(StatusCode::kNotFound, "there is no /" + path);
}

Result<std::vector<Node>> FileTree::list(const std::string& path, bool deep) const {
  HOLDFAST_ASSIGN(Node top, get(path));
  std::vector<Node> nodes;
  if (top.type != NodeType::kFolder) {
    nodes.push_back(std::move(top));
    return nodes;
  }
  const KvListOptions options{.prefix = deep ? keys_below(path) : keys_in(path), .limit = 10'000};
  HOLDFAST_TRY(kv_.for_each(options, [&](const KvEntry& entry) -> Status {
    HOLDFAST_ASSIGN(nodes.emplace_back(), node_of(path_of(entry.key), entry.value));
    return Status::ok();
  }));
  std::sort(nodes.begin(), nodes.end(),
            [](const Node& a, const Node& b) { return a.path < b.path; });
  return nodes;
}

Status FileTree::write(const Node& node) const {
  return kv_.put(node_key(node.path), text_of(node));
}

Status FileTree::erase(const Node& node) const {
  HOLDFAST_TRY(kv_.del(node_key(node.path)));
  return node.type == NodeType::kFile ? kv_.del(content_key(node)) : Status::ok();
}

Status FileTree::make_folders(const std::string& path, int64_t now_us) const {
  for (std::string at = path; !at.empty(); at = folder_of(at)) {
    HOLDFAST_ASSIGN(const auto node, find(at));
    if (node && node->type == NodeType::kFolder) return Status::ok();
    if (node) return refused(at, "is no folder");
    HOLDFAST_TRY(
        write({.path = at, .type = NodeType::kFolder, .mode = 0755, .changed_us = now_us}));
  }
  return Status::ok();
}

Status FileTree::put(const Node& node, int64_t now_us) const {
  if (node.path.empty()) return refused("", "is the root");
  HOLDFAST_TRY(check_names(node.path));
  HOLDFAST_ASSIGN(const auto before, find(node.path));
  const bool is_folder = node.type == NodeType::kFolder;
  if (before && (before->type == NodeType::kFolder) != is_folder) {
    return refused(node.path, is_folder ? "is no folder" : "is a folder");
  }
  HOLDFAST_TRY(make_folders(folder_of(node.path), now_us));
  const bool content_goes = before && before->type == NodeType::kFile;
  if (content_goes && before->content != node.content) HOLDFAST_TRY(erase(*before));
  return write(node);
}

Status FileTree::rename(const std::string& from, const std::string& to, int64_t now_us) const {
  HOLDFAST_ASSIGN(const Node top, get(from));
  if (from.empty() || to.empty()) return refused("", "is the root and stays where it is");
  if (to == from || to.starts_with(from + "/")) return refused(to, "is inside of what moves");
  HOLDFAST_TRY(check_names(to));
  HOLDFAST_ASSIGN(const auto there, find(to));
  if (there) return refused(to, "is there already");
  HOLDFAST_TRY(make_folders(folder_of(to), now_us));
  std::vector<Node> nodes;
  if (top.type == NodeType::kFolder) {
    HOLDFAST_ASSIGN(nodes, list(from, true));
  }
  nodes.push_back(top);
  for (Node& node : nodes) {
    const std::string before = node_key(node.path);
    node.path = to + node.path.substr(from.size());
    HOLDFAST_TRY(checked_path(node.path).status());
    HOLDFAST_TRY(moved(kv_.del(before), nodes.size()));
    HOLDFAST_TRY(moved(write(node), nodes.size()));
  }
  return Status::ok();
}

Result<std::vector<Node>> FileTree::doomed(const std::string& path, bool deep) const {
  HOLDFAST_ASSIGN(Node top, get(path));
  std::vector<Node> nodes;
  if (top.type == NodeType::kFolder) {
    HOLDFAST_ASSIGN(nodes, list(path, true));
    if (!nodes.empty() && !deep) return refused(path, "is a folder that is not empty");
  }
  if (!path.empty()) nodes.insert(nodes.begin(), std::move(top));
  return nodes;
}

Result<bool> FileTree::remove(const std::string& path, bool deep, size_t limit) const {
  HOLDFAST_ASSIGN(const std::vector<Node> nodes, doomed(path, deep));
  const size_t kept = nodes.size() - std::min(limit, nodes.size());
  for (size_t i = kept; i < nodes.size(); ++i) HOLDFAST_TRY(erase(nodes[i]));
  return kept == 0;
}

Result<Space> files_space(const Space& space) {
  return space.child("holdfast:files");
}

Status NewContent::append(std::string_view bytes) {
  size_ += bytes.size();
  if (!writer_ && bytes_.size() + bytes.size() <= kInlineSizeMax) {
    bytes_ += bytes;
    return Status::ok();
  }
  if (!writer_) {
    HOLDFAST_ASSIGN(BlobWriter writer, kv_.write());
    writer_.emplace(std::move(writer));
    HOLDFAST_TRY(writer_->append(bytes_));
    bytes_.clear();
  }
  return writer_->append(bytes);
}

Status NewContent::finish() {
  if (!writer_) return Status::ok();
  HOLDFAST_ASSIGN(NewBlob blob, writer_->finish());
  blob_.emplace(std::move(blob));
  writer_.reset();
  return Status::ok();
}

Status NewContent::put(const Kv& kv, const Node& node) const {
  const std::string key = FileTree::content_key(node);
  return blob_ ? kv.put(key, *blob_) : kv.put(key, bytes_);
}

}  // namespace holdfast::files
