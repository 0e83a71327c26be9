// dump_control: the control block, as far as this build knows its layout.
#include <algorithm>
#include <string>

#include "care/dump_format.h"
#include "care/store_files.h"
#include "store/attachment.h"
#include "store/context.h"
#include "store/published.h"

namespace holdfast::care {
namespace {

using store::ControlBlock;

const char* name_of(store::EngineState state) {
  switch (state) {
    case store::EngineState::kRunning:
      return "running";
    case store::EngineState::kVoiding:
      return "voiding";
    case store::EngineState::kReadOnly:
      return "read-only";
  }
  return "unknown";
}

const char* name_of(store::IntentState state) {
  switch (state) {
    case store::IntentState::kIdle:
      return "idle";
    case store::IntentState::kPublishing:
      return "publishing";
    case store::IntentState::kReclaiming:
      return "reclaiming";
  }
  return "unknown";
}

class ControlDump {
 public:
  ControlDump(StoreFiles& files, const RowSink& sink)
      : files_(files), control_(*files.control()), sink_(sink) {}

  Status dump() {
    HOLDFAST_TRY(header());
    HOLDFAST_TRY(locks());
    HOLDFAST_TRY(log());
    HOLDFAST_TRY(roots());
    HOLDFAST_TRY(allocation());
    HOLDFAST_TRY(checkpoint());
    HOLDFAST_TRY(counters());
    HOLDFAST_TRY(processes());
    return readers();
  }

 private:
  Status header();
  Status locks();
  Status lock(const char* name, const store::LockLine& line);
  Status log();
  Status root(const char* name, const store::PublishedRoot& root);
  Status roots();
  Status allocation();
  Status checkpoint();
  Status counters();
  Status processes();
  Status readers();
  std::string liveness(uint32_t slot) {
    const auto alive = files_.alive(slot);
    return !alive ? "not known" : *alive ? "alive" : "dead";
  }

  StoreFiles& files_;
  const ControlBlock& control_;
  const RowSink& sink_;
};

Status ControlDump::header() {
  const store::ControlHeader& header = control_.header;
  Row row("control");
  row.add("path", files_.path() + "/shm").add("this_boot", files_.control_of_this_boot());
  row.add("this_data", files_.control_of_this_data()).add("in_use", files_.in_use());
  row.add("boot_id",
          hexadecimal(header.boot_id[0].load(), 16) + hexadecimal(header.boot_id[1].load(), 16));
  row.add("page_size", 1u << (header.page_shift.load() & 31));
  row.add("segment_capacity_max", header.segment_capacity_max.load());
  HOLDFAST_TRY(sink_(row));
  Row state("state");
  state.add("state", name_of(store::engine_state(control_)));
  state.add("epoch", control_.state.epoch.load());
  state.add("prepared_segment", control_.state.prepared_segment.load());
  return sink_(state.add("voided_epoch", control_.state.voided_epoch.load()));
}

Status ControlDump::lock(const char* name, const store::LockLine& line) {
  const uint32_t word = line.word.load();
  Row row("lock");
  row.add("lock", name).add("held", word != 0).add("holders_died", line.holders_died.load());
  if (word == 0) return sink_(row);
  const uint32_t slot = store::owner_slot(word);
  row.add("waiters", (word & store::kWaitersBit) != 0).add("slot", slot);
  if (slot >= store::kProcessSlots) return sink_(row.add("holder", "nobody: to be repaired"));
  const bool same = control_.processes[slot].generation.load() == store::owner_generation(word);
  row.add("generation", store::owner_generation(word));
  row.add("liveness", same ? liveness(slot) : "dead");
  return sink_(row.add("holder", same ? files_.describe_slot(slot) : "a process that has ended"));
}

Status ControlDump::locks() {
  HOLDFAST_TRY(lock("commit", control_.commit_lock));
  HOLDFAST_TRY(lock("apply", control_.apply_lock));
  HOLDFAST_TRY(lock("sync", control_.sync_lock));
  HOLDFAST_TRY(lock("checkpoint", control_.checkpoint_lock));
  HOLDFAST_TRY(lock("prepare", control_.prepare_lock));
  return lock("turn", control_.turn_lock);
}

Status ControlDump::log() {
  const store::Tail tail = store::read_tail(control_.tail);
  Row row("tail");
  add_lsn(row, "lsn", tail.lsn);
  row.add("version", tail.version);
  add_time(row, "time", tail.time_us);
  add_lsn(row, "last_lsn", tail.last_lsn);
  row.add("prev_crc", hexadecimal(tail.prev_crc, 8)).add("epoch", tail.epoch);
  HOLDFAST_TRY(sink_(row.add("pages_needed", tail.pages_needed)));
  const store::SyncedLine& line = control_.synced;
  Row synced("synced");
  add_lsn(synced, "lsn", line.lsn.load());
  const uint64_t version = line.version.load();
  synced.add("version", version).add("unsynced", tail.version - std::min(tail.version, version));
  synced.add("inflight_version", line.inflight_version.load());
  synced.add("generation", line.generation.load()).add("running", line.running.load());
  return sink_(synced);
}

Status ControlDump::root(const char* name, const store::PublishedRoot& root) {
  Row row("root");
  row.add("root", name).add("sequence", root.sequence).add("version", root.version);
  add_lsn(row, "lsn", root.lsn);
  row.add("page", root.root.page.pgno).add("crc", hexadecimal(root.root.page.crc, 8));
  return sink_(row.add("height", root.root.height).add("epoch", root.epoch));
}

Status ControlDump::roots() {
  HOLDFAST_TRY(root("latest", store::read_latest_root(control_)));
  HOLDFAST_TRY(root("durable", store::read_durable_root(control_)));
  const uint32_t epoch = control_.state.epoch.load();
  for (uint32_t ago = 0; ago < std::min(epoch, store::kEpochEnds); ++ago) {
    const uint64_t end = control_.epoch_end_version[(epoch - ago) % store::kEpochEnds].load();
    if (end == 0) continue;
    HOLDFAST_TRY(sink_(Row("epoch").add("epoch", epoch - ago).add("end_version", end)));
  }
  return Status::ok();
}

Status ControlDump::allocation() {
  const store::AllocationLine& line = control_.allocation;
  Row row("allocation");
  row.add("file_pages", line.file_pages.load()).add("free_pages", line.free_pages.load());
  row.add("retired_pages", line.retired_pages.load()).add("leaked_pages", line.leaked_pages.load());
  row.add("hint", line.hint.load()).add("retired_head", line.retired_head.load());
  row.add("retired_tail", line.retired_tail.load()).add("held_count", line.held_count.load());
  row.add("reclaim_floor", line.reclaim_floor.load());
  row.add("promised_needed", line.promised_needed.load());
  row.add("bitmap_backed_bytes", line.bitmap_backed.load());
  row.add("retired_backed_bytes", line.retired_backed.load());
  HOLDFAST_TRY(sink_(row));
  const store::IntentLine& intent = control_.intent;
  const auto state = static_cast<store::IntentState>(intent.state.load());
  Row decided("intent");
  decided.add("state", name_of(state));
  if (state != store::IntentState::kIdle) decided.add("extents", intent.extent_count.load());
  if (state == store::IntentState::kPublishing) {
    decided.add("version", store::load_root(intent.root).version);
  }
  return sink_(decided);
}

Status ControlDump::checkpoint() {
  const store::CheckpointLine& line = control_.checkpoint;
  Row row("checkpoint");
  row.add("number", line.number.load());
  const auto pin = [&](const char* name, uint64_t value) {
    if (value != 0) row.add(name, value - 1);
  };
  pin("version", line.last_pin.load());
  add_lsn(row, "lsn", line.last_lsn.load());
  pin("older_version", line.prev_pin.load());
  add_lsn(row, "older_lsn", line.prev_lsn.load());
  row.add("pending", line.pending_chosen.load() != 0);
  pin("pending_version", line.pending_pin.load());
  return sink_(row);
}

Status ControlDump::counters() {
  const store::CounterLine& line = control_.counters;
  Row row("counters");
  row.add("commits", line.commits.load()).add("conflicts", line.conflicts.load());
  row.add("syncs", line.syncs.load()).add("applies", line.applies.load());
  return sink_(row.add("voids", line.voids.load()).add("checkpoints", line.checkpoints.load()));
}

Status ControlDump::processes() {
  for (uint32_t slot = 0; slot < store::kProcessSlots; ++slot) {
    const store::ProcessSlot& line = control_.processes[slot];
    if (line.attached.load() == 0) continue;
    Row row("process");
    row.add("slot", slot).add("generation", line.generation.load()).add("pid", line.pid.load());
    row.add("liveness", liveness(slot)).add("process", files_.describe_slot(slot));
    row.add("pid_namespace", line.pid_namespace_inode.load());
    add_time(row, "attached", line.attached_us.load());
    HOLDFAST_TRY(sink_(row));
  }
  return Status::ok();
}

Status ControlDump::readers() {
  const uint64_t latest = store::read_latest_root(control_).version;
  const uint32_t used = std::min(control_.reader_slots_used.load(), store::kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    const store::ReaderSlot& reader = control_.readers[i];
    const uint64_t pin = reader.pin.load();
    if (pin == 0) continue;
    const uint32_t owner = reader.owner.load();
    const uint32_t slot = store::owner_slot(owner);
    Row row("reader");
    row.add("reader", i).add("version", pin - 1);
    row.add("versions_behind", latest - std::min(latest, pin - 1));
    if (const uint64_t lsn = reader.lsn.load(); lsn != 0) add_lsn(row, "lsn", lsn);
    row.add("slot", slot).add("liveness", liveness(slot));
    HOLDFAST_TRY(sink_(row.add("process", files_.describe_slot(slot))));
  }
  return Status::ok();
}

}  // namespace

Status dump_control(os::Os& os, const std::string& path, const RowSink& sink) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  if (files->control() == nullptr) {
    return Status(StatusCode::kNotFound,
                  "the control block cannot be read: " + files->control_problem())
        .with_path(path + "/shm");
  }
  return ControlDump(*files, sink).dump();
}

}  // namespace holdfast::care
