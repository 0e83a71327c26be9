#include "store/watch_slots.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "store/published.h"
#include "store/waiters.h"

namespace holdfast::store {
namespace {

constexpr size_t kKeySize = kWatchKeyWords * 8;

struct SlotRange {
  std::array<char, kKeySize> begin_bytes;
  std::array<char, kKeySize> end_bytes;
  std::string_view begin;
  std::string_view end;  // empty: to the last key

  bool contains(std::string_view key) const { return key >= begin && (end.empty() || key < end); }
};

void store_words(Shared<uint64_t> (&words)[kWatchKeyWords], std::string_view bytes) {
  uint64_t values[kWatchKeyWords] = {};
  std::memcpy(values, bytes.data(), std::min(bytes.size(), sizeof(values)));
  for (uint32_t i = 0; i < kWatchKeyWords; ++i) {
    words[i].store(values[i], std::memory_order_relaxed);
  }
}

void load_words(const Shared<uint64_t> (&words)[kWatchKeyWords],
                std::array<char, kKeySize>& bytes) {
  for (uint32_t i = 0; i < kWatchKeyWords; ++i) {
    const uint64_t value = words[i].load(std::memory_order_relaxed);
    std::memcpy(bytes.data() + i * 8, &value, 8);
  }
}

// A slot that changes hands meanwhile gives any range: its new owner then counts as touched.
void load_range(const WatchSlot& slot, SlotRange& range) {
  load_words(slot.begin, range.begin_bytes);
  load_words(slot.end, range.end_bytes);
  const uint32_t sizes = slot.sizes.load(std::memory_order_relaxed);
  range.begin = {range.begin_bytes.data(), std::min<size_t>(sizes & 0xffff, kKeySize)};
  range.end = {range.end_bytes.data(), std::min<size_t>(sizes >> 16, kKeySize)};
}

bool overlaps(const SlotRange& range, const std::vector<tree::KeyRange>& erased) {
  return std::any_of(erased.begin(), erased.end(), [&](const tree::KeyRange& other) {
    return (range.end.empty() || other.begin < range.end) &&
           (other.end.empty() || range.begin < other.end);
  });
}

// The shortest end that is not below `end` and fits.
std::string fitting_end(std::string_view end) {
  if (end.size() <= kKeySize) return std::string(end);
  return KeyRange::prefix(end.substr(0, kKeySize)).end;
}

void mark(WatchSlot& slot, uint64_t version) {
  uint64_t marked = slot.marked.load();
  while (marked < version && !slot.marked.compare_exchange(marked, version)) {
  }
}

// Who arms looks afterwards, so it sees what an earlier call is about. Disarming comes first:
// behind the count it could disarm one that has seen the count and is about to sleep, for good.
void wake(const Context& context, WatchSlot& slot) {
  const bool is_armed = slot.armed.exchange(0) != 0;
  slot.changes.fetch_add(1);
  if (is_armed) context.os.futex_wake(slot.changes, kEverybody);
}

uint32_t slots_used(const ControlBlock& control) {
  return std::min(control.watches.slots_used.load(std::memory_order_seq_cst), kWatchSlots);
}

void clear_dead(const Context& context) {
  ControlBlock& control = context.control();
  const uint32_t used = slots_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    WatchSlot& slot = control.watch_slots[i];
    uint32_t owner = slot.owner.load();
    if (owner == 0 || !context.attachment->owner_dead(owner)) continue;
    // One's own first: whoever else clears it must not end what a new owner has begun.
    if (!slot.owner.compare_exchange(owner, context.attachment->owner())) continue;
    release_watch(context, i);
  }
}

}  // namespace

Result<uint32_t> claim_watch(const Context& context, std::string_view begin, std::string_view end,
                             bool sees_undurable) {
  ControlBlock& control = context.control();
  clear_dead(context);
  for (uint32_t i = 0; i < kWatchSlots; ++i) {
    WatchSlot& slot = control.watch_slots[i];
    uint32_t owner = slot.owner.load();
    if (owner != 0) continue;
    uint32_t used = control.watches.slots_used.load();
    while (used <= i && !control.watches.slots_used.compare_exchange(used, i + 1)) {
    }
    if (!slot.owner.compare_exchange(owner, context.attachment->owner())) continue;
    const std::string last = fitting_end(end);
    const std::string_view first = begin.substr(0, kKeySize);
    store_words(slot.begin, first);
    store_words(slot.end, last);
    slot.sizes.store(static_cast<uint32_t>(first.size() | last.size() << 16));
    slot.sees_undurable.store(sees_undurable ? 1 : 0);
    slot.armed.store(0);
    slot.active.store(1, std::memory_order_seq_cst);
    mark(slot, read_tail(control.tail).version);
    return i;
  }
  return Status(StatusCode::kBusy, "all " + std::to_string(kWatchSlots) +
                                       " watch slots of the store are taken; close watches and "
                                       "try again");
}

void release_watch(const Context& context, uint32_t index) {
  WatchSlot& slot = context.control().watch_slots[index];
  slot.active.store(0);
  slot.owner.store(0);
}

void mark_watches(const Context& context, const std::vector<tree::KeyRange>& erased,
                  const std::vector<tree::Operation>& operations, uint64_t version) {
  ControlBlock& control = context.control();
  const uint32_t used = slots_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    WatchSlot& slot = control.watch_slots[i];
    if (slot.active.load(std::memory_order_seq_cst) == 0) continue;
    SlotRange range;
    load_range(slot, range);
    const auto first = std::lower_bound(
        operations.begin(), operations.end(), range.begin,
        [](const tree::Operation& operation, std::string_view key) { return operation.key < key; });
    const bool touched = first != operations.end() && range.contains(first->key);
    if (touched || overlaps(range, erased)) mark(slot, version);
  }
}

void wake_watches(const Context& context, uint64_t durable_version) {
  ControlBlock& control = context.control();
  const uint32_t used = slots_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    WatchSlot& slot = control.watch_slots[i];
    if (slot.active.load(std::memory_order_seq_cst) == 0) continue;
    uint64_t woken = slot.woken.load();
    // A mark beyond what is durable may stand for an earlier one, too.
    if (slot.marked.load(std::memory_order_seq_cst) <= woken || woken >= durable_version) continue;
    if (slot.woken.compare_exchange(woken, durable_version)) wake(context, slot);
  }
}

namespace {

// Wakes those that wait for what the payload writes, of the one kind or the other.
void wake_touched(const Context& context, const log::PayloadBuilder& payload, uint64_t version,
                  bool undurable) {
  ControlBlock& control = context.control();
  const uint32_t used = slots_used(control);
  for (uint32_t i = 0; i < used; ++i) {
    WatchSlot& slot = control.watch_slots[i];
    if (slot.active.load(std::memory_order_seq_cst) == 0) continue;
    if ((slot.sees_undurable.load() != 0) != undurable) continue;
    SlotRange range;
    load_range(slot, range);
    log::PayloadReader reader(payload.payload());
    while (const auto operation = reader.next()) {
      if (!log::writes_into(*operation, version, range.begin, range.end)) continue;
      mark(slot, version);
      wake(context, slot);
      break;
    }
  }
}

}  // namespace

void wake_undurable_watches(const Context& context, const log::PayloadBuilder& payload,
                            uint64_t version) {
  wake_touched(context, payload, version, true);
}

void wake_durable_watches(const Context& context, const log::PayloadBuilder& payload,
                          uint64_t version) {
  wake_touched(context, payload, version, false);
}

}  // namespace holdfast::store
