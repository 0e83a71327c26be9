// RecentTable: writes of the newest commits in memory, by key, newest version first: a skip list.
//
// Thread-safety: one writer at a time; any number of readers beside it, without a lock. Nothing is
// changed or removed once it is linked.
// Invariants:
//   1. A node is complete before a pointer to it is stored with release order; who finds it sees
//      all of it.
//   2. A reader that asks for versions up to v does not see what is added behind v.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tree/arena.h"

namespace holdfast::store {

class RecentTable {
 public:
  struct Node;

  RecentTable();
  RecentTable(const RecentTable&) = delete;
  RecentTable& operator=(const RecentTable&) = delete;

  // Copies key and value; no value means deletion. REQUIRES: versions do not go down; a key is
  // added once per version at most, or the last addition counts.
  void add(std::string_view key, uint64_t version, const std::optional<std::string_view>& value);
  uint64_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

  // The newest write of `key` up to `version`, or nullptr.
  const Node* find(std::string_view key, uint64_t version) const;
  // The newest write up to `version` of the first key that is not below `key` (with `behind`: that
  // is above it) and has one.
  const Node* seek(std::string_view key, bool behind, uint64_t version) const;

  static std::string_view key(const Node& node);
  static uint64_t version(const Node& node);
  static std::optional<std::string_view> value(const Node& node);

 private:
  static constexpr int kHeightMax = 12;
  using Link = std::atomic<Node*>;

  Node* make_node(int height, std::string_view key, std::string_view value);
  int random_height();
  // The last node before (key, version) at each level.
  const Node* position(std::string_view key, uint64_t version, Node** before) const;

  tree::Arena arena_;
  Node* head_;
  std::atomic<int> height_{1};
  uint64_t random_ = 0x9e3779b97f4a7c15;
  uint64_t bytes_ = 0;
};

}  // namespace holdfast::store
