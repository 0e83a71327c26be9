#include "store/pins.h"

#include <algorithm>

#include "store/named.h"

namespace holdfast::store {

Pins::~Pins() {
  give_up();
}

void Pins::give_up() {
  const std::lock_guard lock(mutex_);
  if (const uint32_t spare = spare_.exchange(kNoSlot); spare != kNoSlot) idle_.push_back(spare);
  for (const uint32_t slot : idle_) context_.control().readers[slot].owner.store(0);
  idle_.clear();
}

void Pins::abandon() {
  spare_ = kNoSlot;
  idle_.clear();
}

Result<uint32_t> Pins::claim() {
  if (const uint32_t spare = spare_.exchange(kNoSlot, std::memory_order_acquire);
      spare != kNoSlot) {
    return spare;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      const uint32_t slot = idle_.back();
      idle_.pop_back();
      return slot;
    }
  }
  ControlBlock& control = context_.control();
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (uint32_t slot = 0; slot < kReaderSlots; ++slot) {
      uint32_t owner = control.readers[slot].owner.load();
      if (owner != 0) continue;
      // Counted first: a reclaim that looks at fewer slots must not miss this one.
      uint32_t used = control.reader_slots_used.load();
      while (used <= slot && !control.reader_slots_used.compare_exchange(used, slot + 1)) {
      }
      if (control.readers[slot].owner.compare_exchange(owner, context_.attachment->owner())) {
        return slot;
      }
    }
    context_.attachment->clear_dead_readers();
  }
  return Status(StatusCode::kBusy, "all " + std::to_string(kReaderSlots) +
                                       " reader slots of the store are taken; close snapshots "
                                       "and transactions and try again");
}

void Pins::admit_new_pages() const {
  const AllocationLine& allocation = context_.control().allocation;
  context_.pages->set_page_count(
      static_cast<uint32_t>(allocation.file_pages.load(std::memory_order_relaxed)));
}

Result<Pins::Pinned> Pins::pin(RootChoice choice, bool keep_log) {
  HOLDFAST_ASSIGN(const uint32_t index, claim());
  ControlBlock& control = context_.control();
  ReaderSlot& slot = control.readers[index];
  while (true) {
    const PublishedRoot root =
        choice == RootChoice::kDurable ? read_durable_root(control) : read_latest_root(control);
    slot.lsn.store(keep_log ? root.lsn : 0, std::memory_order_relaxed);
    slot.pin.store(root.version + 1, std::memory_order_seq_cst);
    const uint64_t floor = control.allocation.reclaim_floor.load(std::memory_order_seq_cst);
    if (root.version < floor) continue;
    if (Status status = context_.sound(); !status) {
      unpin(index);
      return status;
    }
    admit_new_pages();
    return Pinned{index, root};
  }
}

Result<std::optional<Pins::Pinned>> Pins::pin_named(const PublishedRoot& root) {
  HOLDFAST_ASSIGN(const uint32_t index, claim());
  ControlBlock& control = context_.control();
  ReaderSlot& slot = control.readers[index];
  slot.lsn.store(0, std::memory_order_relaxed);
  slot.pin.store(root.version + 1, std::memory_order_seq_cst);
  // Whoever misses this pin has read the named ones before, and seen the name's.
  if (!is_named(control, root.version)) {
    unpin(index);
    return std::optional<Pinned>();
  }
  admit_new_pages();
  return std::optional<Pinned>({index, root});
}

Result<uint32_t> Pins::claim_log() {
  return claim();
}

void Pins::keep_log(uint32_t slot, log::Lsn lsn) {
  context_.control().readers[slot].lsn.store(lsn);
}

void Pins::unpin(uint32_t slot) {
  ReaderSlot& reader = context_.control().readers[slot];
  reader.pin.store(0);
  if (reader.lsn.load(std::memory_order_relaxed) != 0) reader.lsn.store(0);
  uint32_t none = kNoSlot;
  if (spare_.compare_exchange_strong(none, slot, std::memory_order_release)) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(slot);
}

}  // namespace holdfast::store
