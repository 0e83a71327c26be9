// RecentTable: writes of the newest commits in memory: by key, newest version first, and in order.
//
// A key is found through a hash table. What is in order is a skip list, in which writes are linked
// when somebody first asks for an order: most of them never are, and that costs far more than the
// rest.
//
// Thread-safety: one writer at a time; any number of readers beside it, without a lock but for
// linking. No write is changed or removed once it is there.
// Invariants:
//   1. A node is complete before a pointer to it is stored with release order; who finds it sees
//      all of it.
//   2. A reader that asks for versions up to v does not see what is added behind v.
//   3. An index that is outgrown stays as it was: it has every write of the versions before.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

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
  // The newest write up to `version` of the first key that is not below `key` and has one.
  const Node* seek(std::string_view key, uint64_t version) const;
  // The same of the first key above that of `node`, which was found for the same `version`.
  const Node* next(const Node& node, uint64_t version) const;

  static std::string_view key(const Node& node);
  static uint64_t version(const Node& node);
  static std::optional<std::string_view> value(const Node& node);

 private:
  static constexpr int kHeightMax = 12;
  using Link = std::atomic<Node*>;

  // Each key's newest write, where its hash says or behind.
  struct Index {
    explicit Index(size_t size) : mask(size - 1), slots(new Link[size]()) {}
    const size_t mask;  // the size is a power of two
    const std::unique_ptr<Link[]> slots;
  };

  Node* make_node(int height, std::string_view key, std::string_view value);
  int random_height();
  uint64_t hash(std::string_view key) const;
  // The slot of `key`, or the empty one where it would be.
  static Link& slot_of(const Index& index, std::string_view key, uint64_t hash);
  void make_room();
  // The last node before (key, version) at each level.
  const Node* position(std::string_view key, uint64_t version, Node** before) const;
  void put_in_order() const;
  void link(Node* node) const;

  tree::Arena arena_;
  uint64_t bytes_ = 0;

  std::atomic<const Index*> index_;
  std::vector<std::unique_ptr<const Index>> indexes_;  // readers may still be in the outgrown ones
  size_t key_count_ = 0;

  Node* head_;
  Node* added_last_;
  mutable std::mutex ordering_;             // for linking
  mutable std::atomic<Node*> linked_last_;  // of those added in turn
  mutable std::atomic<int> height_{1};
  uint64_t random_ = 0x9e3779b97f4a7c15;
};

}  // namespace holdfast::store
