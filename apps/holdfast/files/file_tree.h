// Files and folders in a space, as agents use them: a node for each path, contents apart, so that a
// rename moves no content. Kept in the key-values of a sub-space:
//
//   node/<folder>//<name>   JSON; the nodes in a folder stand together, and so do all below it
//   content/<random name>   bytes, a blob if they are many
//
// Thread-safety: that of the Kv handle.
// Conflicts: changes below different folders do not conflict.
// Invariants (with a handle of a transaction, each call is all or nothing):
//   1. Every parent of a node is a folder.
//   2. A path has no empty part, no "." and no "..": nothing leads out of the tree.
//   3. A content belongs to one node, and goes with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/space.h"

namespace holdfast::files {

constexpr size_t kPathSizeMax = 900;  // bytes
constexpr size_t kNameSizeMax = 255;  // of each part: as file systems have it
// Nodes that one commit removes: far below what a transaction may write, and not long under its
// lock.
constexpr size_t kRemovedAtOnce = 10'000;
// Contents up to this size are kept in the tree of the store, larger ones as blobs.
constexpr size_t kInlineSizeMax = 64 * 1024;

enum class NodeType : uint8_t { kFile, kFolder, kLink };

struct Node {
  std::string path = {};  // from the root, without a slash at either end; empty: the root
  NodeType type = NodeType::kFile;
  uint32_t mode = 0644;      // permission bits
  int64_t changed_us = 0;    // of a file that came in: the time it had there
  uint64_t size = 0;         // bytes of a file
  std::string target = {};   // of a link
  std::string content = {};  // names the content of a file
};

// The path as it is kept: without slashes at the ends. Errors: InvalidArgument, TooLarge.
Result<std::string> checked_path(const std::string& path);

std::string_view node_type_name(NodeType type);

class FileTree {
 public:
  explicit FileTree(Kv kv) : kv_(std::move(kv)) {}

  // nullopt: nothing is there.
  Result<std::optional<Node>> find(const std::string& path) const;
  // Errors: NotFound.
  Result<Node> get(const std::string& path) const;
  // What is in a folder, by path; with `deep` at any depth. A file or link: itself. Errors:
  // NotFound.
  Result<std::vector<Node>> list(const std::string& path, bool deep) const;

  // Makes a folder and those above it. Errors: ConditionFalse: one of them is a file.
  Status make_folders(const std::string& path, int64_t now_us) const;
  // Puts a file or link, with the folders above it, in the place of what was there; or a folder,
  // whose permissions and time change if it is there. Errors: ConditionFalse: a folder is in the
  // place of a file, or the reverse, or one of those above is none.
  Status put(const Node& node, int64_t now_us) const;
  // A folder goes with what is in it. Errors: NotFound; ConditionFalse: the target is there, or
  // inside of what moves; TooLarge: a path would become too long, or the folder holds more than a
  // transaction takes (some 100,000).
  Status rename(const std::string& from, const std::string& to, int64_t now_us) const;
  // What a removal takes, by path: the root stays. Errors: NotFound; ConditionFalse: a folder that
  // is not empty, without `deep`.
  Result<std::vector<Node>> doomed(const std::string& path, bool deep) const;
  // Removes the last `limit` of them, so that no parent goes before its children; true: that was
  // all. Errors: those of doomed().
  Result<bool> remove(const std::string& path, bool deep, size_t limit = kRemovedAtOnce) const;

  static std::string content_key(const Node& node);

 private:
  Status write(const Node& node) const;
  Status erase(const Node& node) const;

  Kv kv_;
};

// The sub-space of `space` that holds its files.
Result<Space> files_space(const Space& space);

// A content on its way into a tree: what is appended is either small, or goes into a blob.
class NewContent {
 public:
  explicit NewContent(Kv kv) : kv_(std::move(kv)) {}

  Status append(std::string_view bytes);
  // Once, behind the last append().
  Status finish();
  uint64_t size() const { return size_; }
  // In the transaction that puts `node`, whose `content` is this name.
  Status put(const Kv& kv, const Node& node) const;

 private:
  Kv kv_;
  uint64_t size_ = 0;
  std::string bytes_;
  std::optional<BlobWriter> writer_;
  std::optional<NewBlob> blob_;
};

}  // namespace holdfast::files
