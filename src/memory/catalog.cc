#include "memory/catalog.h"

#include "base/coding.h"
#include "base/utf8.h"
#include "memory/fields.h"
#include "memory/keys.h"

namespace holdfast::memory {
namespace {

constexpr uint8_t kFlagSpace = 1;  // was written to, not only made as a parent

struct Node {
  uint32_t id = 0;
  uint8_t flags = 0;
};

std::string catalog_key(char table) {
  return {static_cast<char>(KeyKind::kCatalog), table};
}

std::string node_prefix(uint32_t parent) {
  std::string key = catalog_key('c');
  append_big_endian(key, parent);
  return key;
}

Status damaged_catalog() {
  return malformed("an entry of the catalog of spaces");
}

std::string encode_node(const Node& node) {
  std::string bytes;
  append_varint(bytes, node.id);
  bytes.push_back(static_cast<char>(node.flags));
  return bytes;
}

Result<Node> decode_node(std::string_view bytes) {
  const auto id = take_varint(bytes);
  if (!id || *id == 0 || *id > UINT32_MAX || bytes.size() != 1) return damaged_catalog();
  return Node{static_cast<uint32_t>(*id), static_cast<uint8_t>(bytes[0])};
}

Result<std::optional<Node>> read_node(search::KeySource& source, const std::string& key) {
  HOLDFAST_ASSIGN(const std::optional<std::string> bytes, source.get(key));
  if (!bytes) return std::optional<Node>();
  HOLDFAST_ASSIGN(const Node node, decode_node(*bytes));
  return std::optional<Node>(node);
}

Result<uint32_t> next_space_id(search::KeyTarget& target) {
  const std::string key = catalog_key('n');
  HOLDFAST_ASSIGN(const std::optional<std::string> bytes, target.get(key));
  uint64_t id = 1;
  if (bytes) {
    std::string_view rest = *bytes;
    const auto stored = take_varint(rest);
    if (!stored || !rest.empty()) return damaged_catalog();
    id = *stored;
  }
  if (id >= UINT32_MAX) {
    return Status(StatusCode::kTooLarge, "the store has had 2^32 spaces; use another store");
  }
  std::string next;
  append_varint(next, id + 1);
  HOLDFAST_TRY(target.put(key, next));
  return static_cast<uint32_t>(id);
}

Status bad_segment(size_t number, std::string what) {
  return Status(StatusCode::kInvalidArgument,
                "segment " + std::to_string(number) + " of the space path " + std::move(what));
}

struct Child {
  std::string segment;
  Node node;
};

Result<std::vector<Child>> read_children(search::KeySource& source, uint32_t parent, size_t limit) {
  const std::string prefix = node_prefix(parent);
  std::vector<Child> children;
  Status damage;
  HOLDFAST_TRY(
      source.scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const auto node = decode_node(value);
        damage = node.status();
        if (!node) return false;
        children.push_back({std::string(key.substr(prefix.size())), *node});
        return children.size() < limit;
      }));
  HOLDFAST_TRY(damage);
  return children;
}

// Appends the spaces below `node`, whose path is `path`. The depth is that of a path: at most 8.
Status append_spaces(search::KeySource& source, uint32_t node, SpaceSegments& path, size_t limit,
                     std::vector<SpaceSegments>& out) {
  // Every child is a space or has one below it, so no more children than that are needed.
  HOLDFAST_ASSIGN(const std::vector<Child> children,
                  read_children(source, node, limit - out.size()));
  for (const Child& child : children) {
    if (out.size() >= limit) break;
    path.push_back(child.segment);
    if (child.node.flags & kFlagSpace) out.push_back(path);
    if (path.size() < kSpaceSegmentsMax) {
      HOLDFAST_TRY(append_spaces(source, child.node.id, path, limit, out));
    }
    path.pop_back();
  }
  return Status::ok();
}

}  // namespace

Status check_segments(const SpaceSegments& segments) {
  if (segments.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "a space path needs at least one segment, for example \"project/notes\"");
  }
  if (segments.size() > kSpaceSegmentsMax) {
    return Status(StatusCode::kInvalidArgument, "the space path has more than " +
                                                    std::to_string(kSpaceSegmentsMax) +
                                                    " segments; join some of them into one");
  }
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string& segment = segments[i];
    if (segment.empty()) {
      return bad_segment(i + 1, "is empty; remove the extra '/'");
    }
    if (segment.size() > kSpaceSegmentSizeMax) {
      return bad_segment(i + 1, "has " + std::to_string(segment.size()) + " bytes; at most " +
                                    std::to_string(kSpaceSegmentSizeMax) + " are allowed");
    }
    if (const auto bad = utf8_first_bad_byte(segment)) {
      return bad_segment(i + 1, "is not UTF-8 at byte " + std::to_string(*bad)).with_offset(*bad);
    }
  }
  return Status::ok();
}

Result<std::optional<uint32_t>> find_space(search::KeySource& source,
                                           const SpaceSegments& segments) {
  Node node;
  for (const std::string& segment : segments) {
    HOLDFAST_ASSIGN(const std::optional<Node> found,
                    read_node(source, node_prefix(node.id) + segment));
    if (!found) return std::optional<uint32_t>();
    node = *found;
  }
  if (!(node.flags & kFlagSpace)) return std::optional<uint32_t>();
  return std::optional<uint32_t>(node.id);
}

Result<uint32_t> ensure_space(search::KeyTarget& target, const SpaceSegments& segments) {
  Node node;
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string key = node_prefix(node.id) + segments[i];
    const bool is_last = i + 1 == segments.size();
    HOLDFAST_ASSIGN(std::optional<Node> found, read_node(target, key));
    const bool is_new = !found;
    if (is_new) {
      HOLDFAST_ASSIGN(const uint32_t id, next_space_id(target));
      found = Node{id, 0};
    }
    const bool becomes_space = is_last && !(found->flags & kFlagSpace);
    if (becomes_space) found->flags |= kFlagSpace;
    if (is_new || becomes_space) HOLDFAST_TRY(target.put(key, encode_node(*found)));
    node = *found;
  }
  return node.id;
}

Result<uint64_t> catalog_epoch(search::KeySource& source) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(catalog_key('e')));
  return bytes ? static_cast<uint64_t>(decode_number(*bytes).value_or(0)) : 0;
}

KeyRange children_range(uint32_t id) {
  return search::prefix_range(node_prefix(id));
}

Result<bool> has_children(search::KeySource& source, uint32_t id) {
  HOLDFAST_ASSIGN(const std::vector<Child> children, read_children(source, id, 1));
  return !children.empty();
}

Result<std::vector<uint32_t>> subtree_ids(search::KeySource& source, uint32_t id) {
  std::vector<uint32_t> ids{id};
  for (size_t next = 0; next < ids.size(); ++next) {
    HOLDFAST_ASSIGN(const std::vector<Child> children,
                    read_children(source, ids[next], UINT32_MAX));
    for (const Child& child : children) ids.push_back(child.node.id);
  }
  return ids;
}

Result<size_t> subtree_depth(search::KeySource& source, uint32_t id) {
  std::vector<uint32_t> level{id};
  for (size_t depth = 0;; ++depth) {
    std::vector<uint32_t> below;
    for (const uint32_t node : level) {
      HOLDFAST_ASSIGN(const std::vector<Child> children, read_children(source, node, UINT32_MAX));
      for (const Child& child : children) below.push_back(child.node.id);
    }
    if (below.empty()) return depth;
    level = std::move(below);
  }
}

Result<SpaceNode> require_node(search::KeySource& source, const SpaceSegments& segments) {
  Node node;
  for (const std::string& segment : segments) {
    HOLDFAST_ASSIGN(const std::optional<Node> found,
                    read_node(source, node_prefix(node.id) + segment));
    if (!found) {
      return Status(StatusCode::kNotFound, "there is no space " + space_path_text(segments));
    }
    node = *found;
  }
  return SpaceNode{node.id, (node.flags & kFlagSpace) != 0};
}

Result<SpaceNode> detach_node(search::KeyTarget& target, const SpaceSegments& segments) {
  HOLDFAST_ASSIGN(const SpaceNode node, require_node(target, segments));
  SpaceSegments parent = segments;
  while (!parent.empty()) {
    const std::string segment = parent.back();
    parent.pop_back();
    HOLDFAST_ASSIGN(const SpaceNode above, require_node(target, parent));
    HOLDFAST_TRY(target.del(node_prefix(above.id) + segment));
    HOLDFAST_ASSIGN(const bool needed, has_children(target, above.id));
    if (needed || above.is_space) break;
  }
  HOLDFAST_ASSIGN(const uint64_t epoch, catalog_epoch(target));
  HOLDFAST_TRY(target.put(catalog_key('e'), encode_number(static_cast<int64_t>(epoch + 1))));
  return node;
}

Status attach_node(search::KeyTarget& target, const SpaceSegments& segments,
                   const SpaceNode& node) {
  Node parent;
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string key = node_prefix(parent.id) + segments[i];
    HOLDFAST_ASSIGN(std::optional<Node> found, read_node(target, key));
    if (i + 1 == segments.size()) {
      if (found) {
        return Status(
            StatusCode::kConditionFalse,
            "there is something at " + space_path_text(segments) + " already; name another path");
      }
      const auto flags = static_cast<uint8_t>(node.is_space ? kFlagSpace : 0);
      return target.put(key, encode_node({node.id, flags}));
    }
    if (!found) {
      HOLDFAST_ASSIGN(const uint32_t id, next_space_id(target));
      found = Node{id, 0};
      HOLDFAST_TRY(target.put(key, encode_node(*found)));
    }
    parent = *found;
  }
  return Status::ok();
}

Status for_each_space(search::KeySource& source, const SpaceSegments& top,
                      const VisitSpace& visit) {
  HOLDFAST_ASSIGN(auto spaces, list_spaces_below(source, top, kSpaceTreeMax + 1));
  if (spaces.size() > kSpaceTreeMax) {
    return Status(StatusCode::kTooLarge, "space " + space_path_text(top) + " has more than " +
                                             std::to_string(kSpaceTreeMax) +
                                             " sub-spaces; ask one that lies deeper");
  }
  spaces.insert(spaces.begin(), top);
  for (const SpaceSegments& segments : spaces) {
    HOLDFAST_ASSIGN(const auto id, find_space(source, segments));
    if (id) HOLDFAST_TRY(visit(*id, segments));
  }
  return Status::ok();
}

Result<std::vector<SpaceSegments>> list_spaces_below(search::KeySource& source,
                                                     const SpaceSegments& below, size_t limit) {
  std::vector<SpaceSegments> spaces;
  Node node;
  for (const std::string& segment : below) {
    HOLDFAST_ASSIGN(const std::optional<Node> found,
                    read_node(source, node_prefix(node.id) + segment));
    if (!found) return spaces;
    node = *found;
  }
  SpaceSegments path = below;
  HOLDFAST_TRY(append_spaces(source, node.id, path, limit, spaces));
  return spaces;
}

}  // namespace holdfast::memory
