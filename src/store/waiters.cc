#include "store/waiters.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kWaitIntervalUs = 5'000;

WaitLine& line_of(ControlBlock& control, uint64_t generation) {
  return control.waits[generation % kWaitLines];
}

void wake(const Context& context, WaitLine& line, uint32_t count) {
  if (line.sleepers.load(std::memory_order_seq_cst) != 0) {
    context.os.futex_wake(line.changes, count);
  }
}

}  // namespace

WaitTicket take_ticket(const ControlBlock& control, uint64_t version) {
  const SyncedLine& synced = control.synced;
  while (true) {
    const uint64_t completed = synced.generation.load(std::memory_order_seq_cst);
    const uint64_t covered = synced.version.load();
    uint64_t generation = completed;
    if (version > covered) {
      // When no sync runs, or one has only its lock to give back, the next one covers it.
      const bool runs = synced.running.load(std::memory_order_seq_cst) == completed + 1;
      generation += runs && version > synced.inflight_version.load() ? 2 : 1;
    }
    const auto line = static_cast<uint32_t>(generation % kWaitLines);
    const uint32_t seen = control.waits[line].changes.load(std::memory_order_seq_cst);
    // A sync that ended meanwhile has woken, but not on this line.
    if (synced.generation.load(std::memory_order_seq_cst) == completed) return {line, seen};
  }
}

bool sleep_on(const Context& context, const WaitTicket& ticket, const Deadline& deadline) {
  WaitLine& line = context.control().waits[ticket.line];
  line.sleepers.fetch_add(1);
  const auto result =
      context.os.futex_wait(line.changes, ticket.seen, deadline.wait_us(kWaitIntervalUs));
  line.sleepers.fetch_add(~0u);
  return result == os::WaitResult::kTimedOut;
}

void note_sync_begun(const Context& context, uint64_t version) {
  ControlBlock& control = context.control();
  control.synced.inflight_version.store(version, std::memory_order_seq_cst);
  control.synced.running.store(control.synced.generation.load() + 1, std::memory_order_seq_cst);
  // Who was about to wait for the sync after this one may be covered by this one.
  line_of(control, control.synced.generation.load() + 2).changes.fetch_add(1);
}

void note_sync_ended(const Context& context) {
  ControlBlock& control = context.control();
  control.synced.generation.store(control.synced.generation.load() + 1, std::memory_order_seq_cst);
  for (WaitLine& line : control.waits) line.changes.fetch_add(1);
}

void wake_covered(const Context& context) {
  ControlBlock& control = context.control();
  // Counted up when the sync ended.
  wake(context, line_of(control, control.synced.generation.load()), kEverybody);
}

void wake_synced(const Context& context) {
  ControlBlock& control = context.control();
  const uint64_t generation = control.synced.generation.load();
  // Also the line before: its commits may have waited for this apply.
  for (const uint64_t covered : {generation, generation + kWaitLines - 1}) {
    WaitLine& line = line_of(control, covered);
    line.changes.fetch_add(1);
    wake(context, line, kEverybody);
  }
}

void wake_next_leader(const Context& context) {
  ControlBlock& control = context.control();
  WaitLine& line = line_of(control, control.synced.generation.load() + 1);
  line.changes.fetch_add(1);
  wake(context, line, 1);
}

void wake_all(const Context& context) {
  for (WaitLine& line : context.control().waits) {
    line.changes.fetch_add(1);
    wake(context, line, kEverybody);
  }
}

}  // namespace holdfast::store
