#include "store/recent_table.h"

#include <bit>
#include <new>

namespace holdfast::store {

// Followed by its links, as many as the node is high, then key and value: a search that compares
// the key has all of it near.
struct RecentTable::Node {
  uint64_t version;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t height;
  bool is_deletion;

  Link* links() { return reinterpret_cast<Link*>(this + 1); }
  const Link* links() const { return reinterpret_cast<const Link*>(this + 1); }
  Node* follow(int level) const { return links()[level].load(std::memory_order_acquire); }
  char* bytes() { return reinterpret_cast<char*>(links() + height); }
  std::string_view key() const {
    return {reinterpret_cast<const char*>(links() + height), key_size};
  }
  std::string_view value() const { return {key().data() + key_size, value_size}; }
};

RecentTable::RecentTable() : head_(make_node(kHeightMax, {}, {})) {}

RecentTable::Node* RecentTable::make_node(int height, std::string_view key,
                                          std::string_view value) {
  const size_t links_size = sizeof(Link) * static_cast<size_t>(height);
  constexpr size_t kAlignment = alignof(Node);
  static_assert(sizeof(Node) % alignof(Link) == 0 && kAlignment >= alignof(Link));
  char* bytes =
      arena_.allocate(sizeof(Node) + links_size + key.size() + value.size() + kAlignment - 1);
  bytes += -reinterpret_cast<uintptr_t>(bytes) & (kAlignment - 1);
  Node* node = new (bytes) Node();
  node->key_size = static_cast<uint32_t>(key.size());
  node->value_size = static_cast<uint32_t>(value.size());
  node->height = static_cast<uint32_t>(height);
  for (int level = 0; level < height; ++level) new (&node->links()[level]) Link(nullptr);
  key.copy(node->bytes(), key.size());
  value.copy(node->bytes() + key.size(), value.size());
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
  const Node* behind = nullptr;  // known to lie behind: the levels below often meet it again
  for (int level = height_.load(std::memory_order_relaxed) - 1;; --level) {
    Node* next = node->follow(level);
    while (next != behind) {
      const int order = next->key().compare(key);
      if (order > 0 || (order == 0 && next->version <= version)) break;
      node = next;
      next = node->follow(level);
    }
    behind = next;
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
  Node* node = make_node(height, key, value.value_or(std::string_view()));
  node->version = version;
  node->is_deletion = !value;
  for (int level = 0; level < height; ++level) {
    node->links()[level].store(before[level]->follow(level), std::memory_order_relaxed);
    before[level]->links()[level].store(node, std::memory_order_release);
  }
  bytes_ += sizeof(Node) + key.size() + node->value_size;
}

const RecentTable::Node* RecentTable::find(std::string_view key, uint64_t version) const {
  const Node* node = position(key, version, nullptr);
  return node != nullptr && node->key() == key ? node : nullptr;
}

const RecentTable::Node* RecentTable::seek(std::string_view key, bool behind,
                                           uint64_t version) const {
  // Version 0 is behind every write of the key.
  const Node* node = position(key, behind ? 0 : ~0ull, nullptr);
  while (node != nullptr && (node->version > version || (behind && node->key() == key))) {
    node = node->follow(0);
  }
  return node;
}

std::string_view RecentTable::key(const Node& node) {
  return node.key();
}
uint64_t RecentTable::version(const Node& node) {
  return node.version;
}
std::optional<std::string_view> RecentTable::value(const Node& node) {
  return node.is_deletion ? std::nullopt : std::optional(node.value());
}

}  // namespace holdfast::store
