// Attachment: this handle's slot among the processes of a store, and the proof that others live.
//
// A slot is alive as long as an open-file-description lock on its byte of the LOCK file is held;
// the kernel releases it however the process ends, and in every PID namespace alike. Pids are
// recorded for messages and never decide anything.
//
// Thread-safety: any thread. Process-safety: that is what it is for.
// Invariants:
//   1. A lock word names slot and generation; a slot's generation changes at each attach, so a
//      reused slot never resurrects a dead owner.
//   2. Liveness is only ever decided by probing the byte lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "holdfast/status.h"
#include "os/os.h"
#include "store/control.h"
#include "store/deadline.h"

namespace holdfast::store {

// gen:20 | slot:10 | reserved:1 | waiters:1
constexpr uint32_t kWaitersBit = 1;
constexpr uint32_t make_owner(uint32_t generation, uint32_t slot) {
  return generation << 12 | slot << 2;
}
constexpr uint32_t owner_slot(uint32_t word) {
  return word >> 2 & 0x3ff;
}
constexpr uint32_t owner_generation(uint32_t word) {
  return word >> 12;
}
constexpr uint32_t kGenerationMask = 0xfffff;

class Attachment {
 public:
  // Claims a free slot. `lock_file` is an open description of LOCK of this handle's own; nullptr
  // when nobody else can be attached (exclusive.h): then there is nobody to lock out or to probe.
  // Errors: Busy (all slots are taken), Os's.
  static Result<std::unique_ptr<Attachment>> attach(os::Os& os, os::File* lock_file,
                                                    ControlBlock& control);
  ~Attachment();
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  // Gives the slot up: from now on this handle counts as ended. Locks must not be taken any more.
  void detach();
  uint32_t owner() const { return owner_; }
  // Says for messages in which pid namespace this process is. Not at attaching: to find out costs a
  // fifth of opening a store, which a process that commits once and ends can do without.
  void identify();
  // Whether the owner a lock word names has ended. False when the kernel cannot tell.
  bool owner_dead(uint32_t word) const;
  // "pid 4711, state S" of the owner a lock word names.
  std::string describe(uint32_t word) const;
  // Slots whose process lives, this one included.
  uint32_t processes_alive() const;
  // Clears reader slots whose owners have ended, so that what they pinned can be reclaimed.
  void clear_dead_readers();

 private:
  Attachment(os::Os& os, os::File* lock_file, ControlBlock& control, uint32_t slot, uint32_t owner);
  // Whether the process of another's slot lives; nullopt when the kernel cannot tell.
  std::optional<bool> alive(uint32_t slot) const;

  os::Os& os_;
  os::File* const lock_file_;
  ControlBlock& control_;
  const uint32_t slot_;
  const uint32_t owner_;
  std::atomic<bool> detached_{false};
  std::atomic<bool> identified_{false};
};

}  // namespace holdfast::store
