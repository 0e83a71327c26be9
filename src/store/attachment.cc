#include "store/attachment.h"

#include <algorithm>

namespace holdfast::store {

Result<std::unique_ptr<Attachment>> Attachment::attach(os::Os& os, os::File* lock_file,
                                                       ControlBlock& control) {
  const uint32_t pid = os.process_id();
  // Neighbouring pids start at different slots, so that a crowd does not probe the same bytes.
  const uint32_t first = pid * 7u % kProcessSlots;
  for (uint32_t i = 0; i < kProcessSlots; ++i) {
    const uint32_t slot = (first + i) % kProcessSlots;
    if (lock_file != nullptr) {
      HOLDFAST_ASSIGN(const bool locked,
                      lock_file->lock_try(liveness_byte(slot), os::LockKind::kExclusive));
      if (!locked) continue;
    }
    ProcessSlot& line = control.processes[slot];
    uint32_t generation = (line.generation.load() + 1) & kGenerationMask;
    if (generation == 0) generation = 1;
    line.generation.store(generation);
    line.pid.store(pid);
    line.start_ticks.store(0);
    line.pid_namespace_inode.store(0);
    line.attached_us.store(os.wall_time_us());
    line.attached.store(1);
    return std::unique_ptr<Attachment>(
        new Attachment(os, lock_file, control, slot, make_owner(generation, slot)));
  }
  return Status(StatusCode::kBusy, "all " + std::to_string(kProcessSlots) +
                                       " process slots of the store are taken; close some "
                                       "handles and try again");
}

Attachment::Attachment(os::Os& os, os::File* lock_file, ControlBlock& control, uint32_t slot,
                       uint32_t owner)
    : os_(os), lock_file_(lock_file), control_(control), slot_(slot), owner_(owner) {}

Attachment::~Attachment() {
  detach();
}

void Attachment::detach() {
  if (detached_.exchange(true)) return;
  // A forked child must not announce the end of its parent; the lock file is closed there.
  control_.processes[slot_].attached.store(0);
  if (lock_file_ != nullptr) (void)lock_file_->unlock(liveness_byte(slot_));
}

void Attachment::identify() {
  if (identified_.load(std::memory_order_relaxed) || identified_.exchange(true)) return;
  const os::ProcessIdentity process = os_.process();
  ProcessSlot& line = control_.processes[slot_];
  line.start_ticks.store(process.start_ticks);
  line.pid_namespace_inode.store(process.pid_namespace_inode);
}

std::optional<bool> Attachment::alive(uint32_t slot) const {
  if (lock_file_ == nullptr) return false;
  const auto held = lock_file_->lock_held_by_other(liveness_byte(slot), 1);
  return held ? std::optional(*held) : std::nullopt;
}

bool Attachment::owner_dead(uint32_t word) const {
  const uint32_t slot = owner_slot(word);
  if (slot >= kProcessSlots) return true;
  if (control_.processes[slot].generation.load() != owner_generation(word)) return true;
  if (slot == slot_ && !detached_) return false;  // another thread of this handle
  return !alive(slot).value_or(true);
}

std::string Attachment::describe(uint32_t word) const {
  const uint32_t slot = owner_slot(word);
  if (slot >= kProcessSlots) return "an unknown process";
  const ProcessSlot& line = control_.processes[slot];
  os::ProcessIdentity process;
  process.pid = static_cast<uint32_t>(line.pid.load());
  process.start_ticks = line.start_ticks.load();
  process.pid_namespace_inode = line.pid_namespace_inode.load();
  return os_.describe_process(process);
}

uint32_t Attachment::processes_alive() const {
  uint32_t count = 0;
  for (uint32_t slot = 0; slot < kProcessSlots; ++slot) {
    if (control_.processes[slot].attached.load() == 0) continue;
    if (slot == slot_ || alive(slot).value_or(false)) ++count;
  }
  return count;
}

void Attachment::clear_dead_readers() {
  const uint32_t used = std::min(control_.reader_slots_used.load(), kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    ReaderSlot& reader = control_.readers[i];
    uint32_t owner = reader.owner.load();
    if (owner == 0 || !owner_dead(owner)) continue;
    // Taken over before it is cleared: two cleaners must not free a slot that a third has got.
    if (!reader.owner.compare_exchange(owner, owner_)) continue;
    reader.pin.store(0);
    reader.lsn.store(0);
    reader.owner.store(0);
  }
}

}  // namespace holdfast::store
