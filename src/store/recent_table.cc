#include "store/recent_table.h"

#include <bit>
#include <new>

namespace holdfast::store {

struct RecentTable::Node {
  std::string_view key;
  std::string_view value;
  uint64_t version = 0;
  bool is_deletion = false;
  Link next[1];  // as many as the node is high

  Node* follow(int level) const { return next[level].load(std::memory_order_acquire); }
};

RecentTable::RecentTable() : head_(make_node(kHeightMax)) {}

RecentTable::Node* RecentTable::make_node(int height) {
  const size_t size = sizeof(Node) + sizeof(Link) * static_cast<size_t>(height - 1);
  constexpr size_t kAlignment = alignof(Node);
  char* bytes = arena_.allocate(size + kAlignment - 1);
  bytes += -reinterpret_cast<uintptr_t>(bytes) & (kAlignment - 1);
  Node* node = new (bytes) Node();
  for (int level = 0; level < height; ++level) new (&node->next[level]) Link(nullptr);
  return node;
}

// One more level for one node in four.
int RecentTable::random_height() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const int height = 1 + std::countr_zero(random_ | 1ull << 62) / 2;
  return height < kHeightMax ? height : kHeightMax;
}

const RecentTable::Node* RecentTable::position(std::string_view key, uint64_t version,
                                               Node** before) const {
  Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1;; --level) {
    Node* next = node->follow(level);
    while (next != nullptr) {
      const int order = next->key.compare(key);
      if (order > 0 || (order == 0 && next->version <= version)) break;
      node = next;
      next = node->follow(level);
    }
    if (before != nullptr) before[level] = node;
    if (level == 0) return next;
  }
}

void RecentTable::add(std::string_view key, uint64_t version,
                      const std::optional<std::string_view>& value) {
  Node* before[kHeightMax];
  // A write of the same key and version goes in front of the one before it, and so hides it.
  position(key, version, before);
  const int height = random_height();
  for (int level = height_.load(std::memory_order_relaxed); level < height; ++level) {
    before[level] = head_;
  }
  if (height > height_.load(std::memory_order_relaxed)) {
    height_.store(height, std::memory_order_relaxed);
  }
  Node* node = make_node(height);
  node->key = arena_.copy(key);
  node->value = value ? arena_.copy(*value) : std::string_view();
  node->version = version;
  node->is_deletion = !value;
  for (int level = 0; level < height; ++level) {
    node->next[level].store(before[level]->follow(level), std::memory_order_relaxed);
    before[level]->next[level].store(node, std::memory_order_release);
  }
  bytes_ += sizeof(Node) + key.size() + node->value.size();
}

const RecentTable::Node* RecentTable::find(std::string_view key, uint64_t version) const {
  const Node* node = position(key, version, nullptr);
  return node != nullptr && node->key == key ? node : nullptr;
}

const RecentTable::Node* RecentTable::seek(std::string_view key, bool behind,
                                           uint64_t version) const {
  // Version 0 is behind every write of the key.
  const Node* node = position(key, behind ? 0 : ~0ull, nullptr);
  while (node != nullptr && (node->version > version || (behind && node->key == key))) {
    node = node->follow(0);
  }
  return node;
}

std::string_view RecentTable::key(const Node& node) {
  return node.key;
}
uint64_t RecentTable::version(const Node& node) {
  return node.version;
}
std::optional<std::string_view> RecentTable::value(const Node& node) {
  return node.is_deletion ? std::nullopt : std::optional(node.value);
}

}  // namespace holdfast::store
