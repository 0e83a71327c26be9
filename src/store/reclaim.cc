#include "store/reclaim.h"

#include <algorithm>

#include "store/apply.h"
#include "store/checkpoint.h"
#include "store/intent.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kRoutineEntriesMax = 4096;

bool needed(const RetiredRun& run, const std::vector<uint64_t>& pins) {
  const auto pin = std::lower_bound(pins.begin(), pins.end(), run.birth);
  return pin != pins.end() && *pin < run.death;
}

// Looks through what earlier calls had to hold on to. Skipped while the pins are the same.
Status reclaim_held(const Context& context, const std::vector<uint64_t>& pins) {
  AllocationLine& line = context.control().allocation;
  const uint64_t count = line.held_count.load();
  if (count == 0) return Status::ok();
  uint64_t stamp = 0x9e3779b97f4a7c15;
  for (const uint64_t pin : pins) stamp = (stamp ^ pin) * 0x100000001b3;
  if (stamp == line.held_stamp.load()) return Status::ok();
  ReclaimPlan plan;
  plan.retired_head = line.retired_head.load();
  plan.held_replaced = true;
  const uint64_t buffer = line.held_buffer.load();
  for (uint64_t i = 0; i < count; ++i) {
    const RetiredRun run = load_held(context, buffer, i);
    if (needed(run, pins)) {
      plan.held.push_back(run);
    } else if (plan.freed.size() < kExtentCapacity) {
      plan.freed.push_back({run.pgno, run.count});
    } else {
      plan.held.push_back(run);  // more than one plan can describe: next time
    }
  }
  HOLDFAST_TRY(carry_out(context, plan));
  line.held_stamp.store(stamp);
  return Status::ok();
}

Status reclaim_retired(const Context& context, const std::vector<uint64_t>& pins, uint64_t floor,
                       uint64_t entries_max) {
  AllocationLine& line = context.control().allocation;
  ReclaimPlan plan;
  const uint64_t head = line.retired_head.load();
  const uint64_t tail = line.retired_tail.load();
  uint64_t index = head;
  for (; index < tail && index - head < entries_max; ++index) {
    const RetiredRun run = load_retired(context, index);
    if (run.count == 0) continue;
    if (run.death > floor) break;  // entries are in the order of their deaths
    if (needed(run, pins)) {
      plan.held.push_back(run);
    } else {
      plan.freed.push_back({run.pgno, run.count});
    }
  }
  if (index == head) return Status::ok();
  plan.retired_head = index;
  // What is held now was not looked at under the pins that the stamp stands for.
  if (!plan.held.empty()) line.held_stamp.store(0);
  return carry_out(context, plan);
}

void add_named_pins(const ControlBlock& control, std::vector<uint64_t>& pins) {
  const uint32_t used =
      std::min(control.named.pins_used.load(std::memory_order_seq_cst), kNamedPins);
  for (uint32_t i = 0; i < used; ++i) {
    const uint64_t pin = control.named.pins[i].load(std::memory_order_seq_cst);
    if (pin != 0) pins.push_back(pin - 1);
  }
}

void add_reader_pins(const ControlBlock& control, std::vector<uint64_t>& pins) {
  // Ordered behind the floor like the pins themselves: a slot is counted before it is pinned.
  const uint32_t used =
      std::min(control.reader_slots_used.load(std::memory_order_seq_cst), kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    const uint64_t pin = control.readers[i].pin.load(std::memory_order_seq_cst);
    if (pin != 0) pins.push_back(pin - 1);
  }
}

}  // namespace

Result<uint64_t> oldest_readable(const Context& context, const Deadline& deadline) {
  ControlBlock& control = context.control();
  context.attachment->clear_dead_readers();
  // A version that is being named has no pin of its own yet.
  HOLDFAST_TRY(lock_checkpoint(context, deadline));
  const LockGuard checkpoint_guard(context.locks->checkpoint);
  HOLDFAST_TRY(lock_apply(context, deadline));
  const ApplyGuard guard(context);
  const uint64_t floor = read_durable_root(control).version;
  control.allocation.reclaim_floor.store(floor, std::memory_order_seq_cst);
  std::vector<uint64_t> pins = {floor};
  add_named_pins(control, pins);
  add_reader_pins(control, pins);
  return *std::min_element(pins.begin(), pins.end());
}

std::vector<uint64_t> pinned_versions(const ControlBlock& control) {
  std::vector<uint64_t> pins;
  const auto add = [&](uint64_t pin) {
    if (pin != 0) pins.push_back(pin - 1);
  };
  // In the order in which pins are handed on: a checkpoint gives its version a name, and readers
  // pin what is named. Whoever is missed in one place is seen in the next.
  add(control.checkpoint.pending_pin.load(std::memory_order_seq_cst));
  add(control.checkpoint.last_pin.load(std::memory_order_seq_cst));
  add(control.checkpoint.prev_pin.load(std::memory_order_seq_cst));
  add_named_pins(control, pins);
  add_reader_pins(control, pins);
  std::sort(pins.begin(), pins.end());
  return pins;
}

Status reclaim(const Context& context, ReclaimEffort effort) {
  ControlBlock& control = context.control();
  const uint64_t floor = read_durable_root(control).version;
  control.allocation.reclaim_floor.store(floor, std::memory_order_seq_cst);
  if (effort == ReclaimEffort::kThorough) context.attachment->clear_dead_readers();
  const std::vector<uint64_t> pins = pinned_versions(control);
  const uint64_t entries_max =
      effort == ReclaimEffort::kThorough ? kExtentCapacity : kRoutineEntriesMax;
  HOLDFAST_TRY(reclaim_retired(context, pins, floor, entries_max));
  if (effort == ReclaimEffort::kRoutine) return Status::ok();
  return reclaim_held(context, pins);
}

}  // namespace holdfast::store
