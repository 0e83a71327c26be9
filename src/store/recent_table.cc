#include "store/recent_table.h"

#include <bit>
#include <new>

#include "base/hash.h"

namespace holdfast::store {
namespace {

constexpr size_t kFirstIndexSize = 64;
// Older writes of a key that are passed one by one: most keys have few.
constexpr int kStepsMax = 8;

}  // namespace

// Followed by its links, as many as the node is high, then key and value: a search that compares
// the key has all of it near.
struct RecentTable::Node {
  uint64_t version;
  Node* older;      // the write of the same key before
  Link added_next;  // the write of any key behind
  uint64_t hash;
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

RecentTable::RecentTable() : head_(make_node(kHeightMax, {}, {})) {
  added_last_ = head_;
  linked_last_ = head_;
  indexes_.push_back(std::make_unique<const Index>(kFirstIndexSize));
  index_ = indexes_.back().get();
}

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

// Where the table lies makes the hashes of each process others: nobody can choose keys that meet.
uint64_t RecentTable::hash(std::string_view key) const {
  return hash_of(key, reinterpret_cast<uintptr_t>(this));
}

RecentTable::Link& RecentTable::slot_of(const Index& index, std::string_view key, uint64_t hash) {
  for (size_t i = hash & index.mask;; i = (i + 1) & index.mask) {
    const Node* node = index.slots[i].load(std::memory_order_acquire);
    if (node == nullptr || (node->hash == hash && node->key() == key)) return index.slots[i];
  }
}

// An index is at most half full.
void RecentTable::make_room() {
  const Index& full = *indexes_.back();
  const size_t size = full.mask + 1;
  if (2 * (key_count_ + 1) <= size) return;
  auto larger = std::make_unique<const Index>(4 * size);
  for (size_t i = 0; i < size; ++i) {
    Node* const node = full.slots[i].load(std::memory_order_relaxed);
    if (node == nullptr) continue;
    slot_of(*larger, node->key(), node->hash).store(node, std::memory_order_relaxed);
  }
  index_.store(larger.get(), std::memory_order_release);
  indexes_.push_back(std::move(larger));
}

void RecentTable::add(std::string_view key, uint64_t version,
                      const std::optional<std::string_view>& value) {
  make_room();
  Node* const node = make_node(random_height(), key, value.value_or(std::string_view()));
  node->version = version;
  node->is_deletion = !value;
  node->hash = hash(key);
  Link& slot = slot_of(*indexes_.back(), key, node->hash);
  node->older = slot.load(std::memory_order_relaxed);
  if (node->older == nullptr) ++key_count_;
  slot.store(node, std::memory_order_release);
  added_last_->added_next.store(node, std::memory_order_release);
  added_last_ = node;
  bytes_ += sizeof(Node) + key.size() + node->value_size;
}

const RecentTable::Node* RecentTable::find(std::string_view key, uint64_t version) const {
  const Index& index = *index_.load(std::memory_order_acquire);
  const Node* node = slot_of(index, key, hash(key)).load(std::memory_order_acquire);
  while (node != nullptr && node->version > version) node = node->older;
  return node;
}

void RecentTable::link(Node* node) const {
  Node* before[kHeightMax];
  // A write of the same key and version goes in front of the one before it, and so hides it.
  position(node->key(), node->version, before);
  const int height = static_cast<int>(node->height);
  for (int level = height_.load(std::memory_order_relaxed); level < height; ++level) {
    before[level] = head_;
  }
  if (height > height_.load(std::memory_order_relaxed)) {
    height_.store(height, std::memory_order_relaxed);
  }
  for (int level = 0; level < height; ++level) {
    node->links()[level].store(before[level]->follow(level), std::memory_order_relaxed);
    before[level]->links()[level].store(node, std::memory_order_release);
  }
}

void RecentTable::put_in_order() const {
  const auto next = [this] {
    return linked_last_.load(std::memory_order_acquire)->added_next.load(std::memory_order_acquire);
  };
  if (next() == nullptr) return;
  const std::lock_guard lock(ordering_);
  while (Node* const node = next()) {
    link(node);
    linked_last_.store(node, std::memory_order_release);
  }
}

const RecentTable::Node* RecentTable::seek(std::string_view key, uint64_t version) const {
  put_in_order();
  const Node* node = position(key, ~0ull, nullptr);
  while (node != nullptr && node->version > version) node = node->follow(0);
  return node;
}

// Who found a node has put all writes up to his version in order.
const RecentTable::Node* RecentTable::next(const Node& node, uint64_t version) const {
  const std::string_view key = node.key();
  const Node* next = node.follow(0);
  for (int steps = 0; next != nullptr && next->key() == key; ++steps) {
    // Version 0 is behind every write of a key that is written all the time.
    next = steps < kStepsMax ? next->follow(0) : position(key, 0, nullptr);
  }
  while (next != nullptr && next->version > version) next = next->follow(0);
  return next;
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
