#include "tree/partition.h"

#include "base/check.h"

namespace holdfast::tree {
namespace {

std::string_view key_of(const LeafEntry& entry) {
  return entry.key;
}
std::string_view key_of(const ChildEntry& child) {
  return child.separator;
}
uint32_t fixed_size(const LeafEntry& entry) {
  return entry.body_size();
}
uint32_t fixed_size(const ChildEntry&) {
  return sizeof(ChildCell);
}

template <typename Entry>
constexpr bool kFirstKeyDropped = std::is_same_v<Entry, ChildEntry>;

// Fills each page until the next entry does not fit.
template <typename Entry>
std::vector<uint32_t> fill_up(std::span<const Entry> entries, uint32_t page_size) {
  std::vector<uint32_t> ends;
  PageMeter meter(kFirstKeyDropped<Entry>);
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const std::string_view key = key_of(entries[i]);
    const uint32_t fixed = fixed_size(entries[i]);
    if (meter.count() > 0 && meter.size_with(key, fixed) > page_size) {
      ends.push_back(i);
      meter.clear();
    }
    meter.add(key, fixed);
    CHECK(meter.size() <= page_size);
  }
  ends.push_back(static_cast<uint32_t>(entries.size()));
  return ends;
}

// `page_count` pages of about equal bytes; more pages when that does not work out.
template <typename Entry>
std::vector<uint32_t> fill_evenly(std::span<const Entry> entries, size_t page_count,
                                  uint32_t page_size) {
  const uint32_t shared =
      common_prefix(key_of(entries[kFirstKeyDropped<Entry> ? 1 : 0]), key_of(entries.back()));
  const auto cost = [&](const Entry& entry) {
    const auto key = static_cast<uint32_t>(key_of(entry).size());
    return uint64_t{sizeof(Slot)} + fixed_size(entry) + (key > shared ? key - shared : 0);
  };
  uint64_t remaining = 0;
  for (const Entry& entry : entries) remaining += cost(entry);
  std::vector<uint32_t> ends;
  PageMeter meter(kFirstKeyDropped<Entry>);
  uint64_t taken = 0;
  uint64_t target = remaining / page_count;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const uint64_t next = cost(entries[i]);
    const bool reached = ends.size() + 1 < page_count && taken + next / 2 >= target;
    if (meter.count() > 0 &&
        (reached || meter.size_with(key_of(entries[i]), fixed_size(entries[i])) > page_size)) {
      ends.push_back(i);
      meter.clear();
      remaining -= taken;
      taken = 0;
      target = remaining / (ends.size() < page_count ? page_count - ends.size() : 1);
    }
    meter.add(key_of(entries[i]), fixed_size(entries[i]));
    taken += next;
  }
  ends.push_back(static_cast<uint32_t>(entries.size()));
  return ends;
}

template <typename Entry>
std::vector<uint32_t> divide(std::span<const Entry> entries, Fill fill, uint32_t page_size) {
  CHECK(!entries.empty());
  std::vector<uint32_t> greedy = fill_up(entries, page_size);
  if (greedy.size() == 1 || fill == Fill::kAppend) return greedy;
  std::vector<uint32_t> even = fill_evenly(entries, greedy.size(), page_size);
  return even.size() == greedy.size() ? even : greedy;
}

}  // namespace

std::vector<uint32_t> partition(std::span<const LeafEntry> entries, Fill fill, uint32_t page_size) {
  return divide(entries, fill, page_size);
}

std::vector<uint32_t> partition(std::span<const ChildEntry> children, Fill fill,
                                uint32_t page_size) {
  return divide(children, fill, page_size);
}

}  // namespace holdfast::tree
