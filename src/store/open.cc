#include "store/open.h"

#include <algorithm>
#include <cstring>

#include "log/reader.h"
#include "os/reserve.h"
#include "store/create.h"
#include "store/exclusive.h"
#include "store/inquiry.h"
#include "store/published.h"
#include "store/recovery.h"
#include "store/superblock.h"
#include "store/sync.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kAttachPauseUsMin = 500;
constexpr uint64_t kAttachPauseUsMax = 8'000;
constexpr uint64_t kControlFixedSize = kBitmapRegion.offset;

Status not_a_store(const std::string& path, const std::string& what) {
  return Status(StatusCode::kNotAStore, what).with_path(path);
}

// Someone holds a liveness byte: the store is in use.
Result<bool> in_use(Context& context) {
  return context.lock_file->lock_held_by_other(liveness_byte(0), kProcessSlots);
}

template <size_t N>
bool equal(const std::array<char, 16>& bytes, const Shared<uint64_t> (&words)[N]) {
  static_assert(N == 2);
  uint64_t expected[2];
  std::memcpy(expected, bytes.data(), sizeof(expected));
  return words[0].load() == expected[0] && words[1].load() == expected[1];
}

void assign(Shared<uint64_t> (&words)[2], const std::array<char, 16>& bytes) {
  uint64_t values[2];
  std::memcpy(values, bytes.data(), sizeof(values));
  words[0].store(values[0]);
  words[1].store(values[1]);
}

enum class ControlState : uint8_t {
  kValid,
  kAbsent,
  kOtherLayout,
  kOtherBoot,
  kOtherStore,
  kOtherLock
};

bool any_attached(const ControlBlock& control) {
  for (const ProcessSlot& slot : control.processes) {
    if (slot.attached.load(std::memory_order_relaxed) != 0) return true;
  }
  return false;
}

Result<ControlState> inspect_control(Context& context) {
  auto file = context.os.open(context.control_path(), os::OpenMode::kReadWrite);
  if (!file) {
    if (file.status().code() == StatusCode::kNotFound) return ControlState::kAbsent;
    return file.status();
  }
  HOLDFAST_ASSIGN(const os::FileInfo info, (*file)->info());
  if (info.size_bytes != kControlFileSize) return ControlState::kAbsent;
  HOLDFAST_ASSIGN(auto map, (*file)->map(kControlFileSize, os::MapAccess::kReadWrite));
  const auto& control = *reinterpret_cast<const ControlBlock*>(map->data());
  const ControlHeader& header = control.header;
  if (header.initialized.load() != 1) return ControlState::kAbsent;
  if (header.magic.load() != kControlMagic || header.layout.load() != kControlLayout) {
    return ControlState::kOtherLayout;
  }
  if (!equal(context.os.boot_id(), header.boot_id)) return ControlState::kOtherBoot;
  if (!are_sizes(header.page_shift.load(), header.segment_capacity_max.load())) {
    return ControlState::kOtherStore;
  }
  HOLDFAST_ASSIGN(const os::FileInfo data, context.data_file->info());
  if (header.data_device.load() != data.device || header.data_inode.load() != data.inode) {
    return ControlState::kOtherStore;
  }
  // Nobody's liveness can be seen through another LOCK: what the slots say must do.
  HOLDFAST_ASSIGN(const os::FileInfo lock, context.lock_file->info());
  if (header.lock_inode.load() != lock.inode) {
    return any_attached(control) ? ControlState::kOtherLock : ControlState::kOtherStore;
  }
  std::memcpy(context.store_id.data(), &header.store_id, context.store_id.size());
  context.page_shift = header.page_shift.load();
  context.segment_capacity_max = header.segment_capacity_max.load();
  context.control_file = std::move(*file);
  context.control_map = std::move(map);
  return ControlState::kValid;
}

Status read_data(Context& context) {
  // As below: less address space bounds the store's size.
  constexpr uint64_t kSizeMin = 64u << 20;
  for (uint64_t size = context.os.map_size_max(); size >= kSizeMin; size /= 2) {
    const uint64_t pages_max = std::min<uint64_t>(size >> context.page_shift, kPagesMax);
    context.pages = tree::PageSource::reading(*context.data_file, context.page_shift,
                                              static_cast<uint32_t>(pages_max));
    if (context.pages != nullptr) return Status::ok();
  }
  return Status(StatusCode::kIoError,
                "no address space is left for the pages of the store; raise its limit (ulimit -v)")
      .with_path(context.data_path());
}

Status map_data(Context& context) {
  context.segments = std::make_unique<log::SegmentFiles>(context.os, context.log_path(),
                                                         context.segment_capacity_max);
  if (!context.trusted) return read_data(context);
  // Address space may be limited (ulimit -v): a smaller mapping bounds the store's size instead.
  constexpr uint64_t kSizeMin = 64u << 20;
  uint64_t size = context.os.map_size_max();
  auto map = context.data_file->map(size, os::MapAccess::kRead);
  while (!map && size > kSizeMin) {
    size /= 2;
    map = context.data_file->map(size, os::MapAccess::kRead);
  }
  if (!map) return map.status();
  context.data_map = std::move(*map);
  const uint64_t pages_max = std::min<uint64_t>(size >> context.page_shift, kPagesMax);
  context.pages = std::make_unique<tree::PageSource>(context.data_map->data(), context.page_shift,
                                                     static_cast<uint32_t>(pages_max));
  context.pages->set_losses(context.os.losses());
  context.pages->read_first(*context.data_file, context.os.read_first_bytes_max());
  return Status::ok();
}

// Whether the files know more than the control block, as when somebody brought back an older copy
// of it: a later checkpoint, or log behind its tail. REQUIRES: nobody died while he wrote these.
bool is_outdated(Context& context, const Tail& tail, log::Window& window) {
  const ControlBlock& control = context.control();
  Superblock superblock;
  superblock.store_id = context.store_id;
  superblock.page_shift = context.page_shift;
  for (int slot = 0; slot < 2; ++slot) {
    const auto meta = read_meta(*context.data_file, superblock, slot);
    if (!meta || (*meta && (*meta)->number > control.checkpoint.number.load())) return true;
  }
  if (control.commit_lock.word.load() != 0) return false;  // its next holder looks for more
  const log::Position position = tail.position();
  const auto record = window.record(log::lsn_offset(tail.lsn), ~0ull, &position);
  if (!record || (*record && (*record)->header.version >= tail.version)) return true;
  const auto next = context.segments->open(log::lsn_segment(tail.lsn) + 1);
  return next && (*next)->started(context.store_id) && (*next)->header().prev_end_lsn == tail.lsn &&
         (*next)->header().epoch >= tail.epoch;
}

// With nobody attached, is the control block still a true picture of the files? Not if the disk
// failed, if who checkpoints or asks the disk died (it may have been told that it failed), or if
// somebody replaced or cut the log or the data, or the control block itself.
bool control_trustworthy(Context& context) {
  const ControlBlock& control = context.control();
  const uint64_t data_size = control.allocation.file_pages.load() << context.page_shift;
  const auto data = context.data_file->info();
  if (!data || data->size_bytes < data_size) return false;
  if (engine_state(control) == EngineState::kReadOnly) return false;
  // Without a boot id (no /proc) nothing tells this boot from the last one.
  if (context.os.boot_id() == std::array<char, 16>{}) return false;
  if (control.checkpoint_lock.word.load() != 0) return false;
  if (any_inquirer(control)) return false;
  const Tail tail = read_tail(control.tail);
  auto segment = context.segments->open(log::lsn_segment(tail.lsn));
  if (!segment || !(*segment)->started(context.store_id) || !(*segment)->whole()) return false;
  if (!verify_range(context, control.synced.lsn.load(), tail.lsn)) return false;
  log::Window window;
  window.enter(*segment);
  if (is_outdated(context, tail, window)) return false;
  if (tail.last_lsn == 0 || log::lsn_segment(tail.last_lsn) != log::lsn_segment(tail.lsn)) {
    return true;
  }
  const auto record =
      window.record(log::lsn_offset(tail.last_lsn), log::lsn_offset(tail.lsn), nullptr);
  return record && *record && (*record)->header.header_crc == tail.prev_crc;
}

// REQUIRES: the files are mapped.
Status join(Context& context) {
  context.pages->set_page_count(
      static_cast<uint32_t>(context.control().allocation.file_pages.load()));
  HOLDFAST_ASSIGN(context.attachment,
                  Attachment::attach(context.os, context.attach_file(), context.control()));
  context.locks = std::make_unique<Locks>(context.os, *context.attachment, context.control());
  return Status::ok();
}

Status make_control(Context& context) {
  if (context.exclusive) {
    HOLDFAST_ASSIGN(context.control_map, os::map_private(kControlFileSize));
    return Status::ok();
  }
  // A new inode: whatever still maps the old file cannot reach this one.
  const std::string path = context.control_path() + ".new";
  if (const Status status = context.os.remove(path);
      !status && status.code() != StatusCode::kNotFound) {
    return status;
  }
  HOLDFAST_ASSIGN(context.control_file, context.os.open(path, os::OpenMode::kCreate));
  HOLDFAST_TRY(context.control_file->truncate(kControlFileSize));
  HOLDFAST_TRY(context.control_file->allocate(0, kControlFixedSize));
  HOLDFAST_ASSIGN(context.control_map,
                  context.control_file->map(kControlFileSize, os::MapAccess::kReadWrite));
  return context.os.rename(path, context.control_path());
}

// REQUIRES: the attach lock held exclusively, nobody attached.
Status start_cold(Context& context, bool from_older, RecoveryReport& report) {
  HOLDFAST_ASSIGN(const Superblock superblock,
                  read_superblock(*context.data_file, context.data_path()));
  context.store_id = superblock.store_id;
  context.page_shift = superblock.page_shift;
  context.segment_capacity_max = superblock.segment_capacity_max;
  HOLDFAST_TRY(make_control(context));
  HOLDFAST_TRY(sync_entries(context.os, context.path));
  HOLDFAST_TRY(map_data(context));
  HOLDFAST_TRY(recover(context, superblock, from_older, report));
  ControlHeader& header = context.control().header;
  HOLDFAST_ASSIGN(const os::FileInfo data, context.data_file->info());
  header.magic.store(kControlMagic);
  header.layout.store(kControlLayout);
  assign(header.boot_id, context.os.boot_id());
  assign(header.store_id, context.store_id);
  header.data_device.store(data.device);
  header.data_inode.store(data.inode);
  HOLDFAST_ASSIGN(const os::FileInfo lock, context.lock_file->info());
  header.lock_inode.store(lock.inode);
  uint64_t incarnation = 0;
  context.os.random_bytes(reinterpret_cast<char*>(&incarnation), sizeof(incarnation));
  header.incarnation.store(incarnation);
  header.page_shift.store(context.page_shift);
  header.segment_capacity_max.store(static_cast<uint32_t>(context.segment_capacity_max));
  header.initialized.store(1);
  return Status::ok();
}

// One attempt, with nothing left of it unless it succeeds.
Status try_cold(Context& context, bool from_older, RecoveryReport& report) {
  const RecoveryReport before = report;
  Status status = start_cold(context, from_older, report);
  if (!status) {
    context.locks.reset();
    context.attachment.reset();
    report = before;
  }
  return status;
}

// After a disk error the page cache may show bytes that are not on the disk, and the disk's again
// once they are evicted, in the middle of reading. What is damaged stays so when read again: then
// the checkpoint before it and a longer replay give the same store, if they are still there.
Status start_cold_patiently(Context& context, RecoveryReport& report) {
  constexpr int kAttempts = 3;
  Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = try_cold(context, false, report);
    if (status.code() != StatusCode::kCorruption) return status;
  }
  const Status fallback = try_cold(context, true, report);
  if (fallback) {
    report.warnings.insert(report.warnings.begin(),
                           "the newest checkpoint is damaged, the store was recovered from the one "
                           "before it: " +
                               status.to_string());
    return Status::ok();
  }
  Status both(status.code(),
              std::string(status.message()) +
                  " (nor can the checkpoint before be used: " + fallback.to_string() +
                  "); holdfast salvage writes what is intact into a new store");
  if (!status.path().empty()) both = std::move(both).with_path(status.path());
  if (status.offset()) both = std::move(both).with_offset(*status.offset());
  return both;
}

Status refuse_in_use(const Context& context, ControlState state) {
  const char* what = "the store is open in processes that this one cannot join";
  if (state == ControlState::kOtherLayout) {
    what = "the store is open in another version of Holdfast; close it there, or use that version";
  } else if (state == ControlState::kOtherBoot) {
    what =
        "the store is open under another kernel (a virtual machine or container runtime that "
        "shares the directory); open it on one machine at a time";
  } else if (state == ControlState::kOtherLock) {
    what =
        "the file LOCK was replaced while processes had the store open, so whether they still live "
        "cannot be seen; end them, delete the file shm and try again";
  }
  return Status(StatusCode::kUnsupported, what).with_path(context.path);
}

// NotFound: there is no store, or not yet.
Status open_data(Context& context) {
  HOLDFAST_ASSIGN(context.data_file,
                  context.os.open(context.data_path(), os::OpenMode::kReadWrite));
  return Status::ok();
}

// REQUIRES: the attach lock held exclusively.
Status open_or_create_data(Context& context, RecoveryReport& report) {
  if (const Status opened = open_data(context); !opened) {
    if (opened.code() != StatusCode::kNotFound || !context.options.create) return opened;
    HOLDFAST_TRY(create_store(context.os, context.path, context.options));
    report.created = true;
    HOLDFAST_TRY(open_data(context));
  }
  return Status::ok();
}

// REQUIRES: the attach lock held exclusively.
Status attach_exclusively(Context& context, RecoveryReport& report) {
  HOLDFAST_TRY(open_or_create_data(context, report));
  HOLDFAST_ASSIGN(const ControlState state, inspect_control(context));
  HOLDFAST_ASSIGN(const bool used, in_use(context));
  if (state == ControlState::kOtherLock || (used && state != ControlState::kValid)) {
    return refuse_in_use(context, state);
  }
  if (state == ControlState::kAbsent) HOLDFAST_TRY(refuse_marked(context));
  // Others may have recovered it while this one waited for the lock, and may be gone again.
  if (state == ControlState::kValid) {
    HOLDFAST_TRY(map_data(context));
    if (used || control_trustworthy(context)) return join(context);
  }
  return start_cold_patiently(context, report);
}

// REQUIRES: lock_alone().
Status attach_alone(Context& context, RecoveryReport& report) {
  HOLDFAST_TRY(open_or_create_data(context, report));
  HOLDFAST_TRY(place_marker(context));
  report.exclusive = true;
  return start_cold_patiently(context, report);
}

// Joins if there is something to join. False: a cold start or a creation is needed.
// REQUIRES: the attach lock held shared.
Result<bool> attach_shared(Context& context) {
  if (context.data_file == nullptr) return false;
  HOLDFAST_ASSIGN(const ControlState state, inspect_control(context));
  if (state != ControlState::kValid) return false;
  HOLDFAST_ASSIGN(const bool used, in_use(context));
  HOLDFAST_TRY(map_data(context));
  if (!used && !control_trustworthy(context)) return false;
  HOLDFAST_TRY(join(context));
  return true;
}

// Shared where there is something to join, else exclusively, one try of each. False: others have
// the lock.
Result<bool> try_attach(Context& context, RecoveryReport& report) {
  os::File& lock = *context.lock_file;
  HOLDFAST_ASSIGN(bool locked, lock.lock_try(kAttachByte, os::LockKind::kShared));
  if (!locked) return false;
  HOLDFAST_ASSIGN(const bool joined, attach_shared(context));
  if (!joined) {
    HOLDFAST_TRY(lock.unlock(kAttachByte));
    HOLDFAST_ASSIGN(locked, lock.lock_try(kAttachByte, os::LockKind::kExclusive));
    if (!locked) return false;
    HOLDFAST_TRY(attach_exclusively(context, report));
  }
  HOLDFAST_TRY(lock.unlock(kAttachByte));
  return true;
}

// Opens the data file if there is one; it gets its name last, so then there is a whole store.
// Otherwise the path must be one where a store may be made.
Status find_store(Context& context) {
  os::Os& os = context.os;
  const std::string& path = context.path;
  const StoreOptions& options = context.options;
  const Status opened = open_data(context);
  if (opened || opened.code() != StatusCode::kNotFound) return opened;
  HOLDFAST_ASSIGN(const PathState state, inspect_path(os, path));
  if (state != PathState::kStore && (state == PathState::kForeign || !options.create)) {
    if (const auto salvage = unfinished_salvage(os, path)) return not_a_store(path, *salvage);
  }
  switch (state) {
    case PathState::kStore:
      break;
    case PathState::kForeign:
      return not_a_store(path,
                         "the path holds something other than a Holdfast store; give the path of "
                         "a store, or of a new directory");
    case PathState::kAbsent:
      if (!options.create) {
        return not_a_store(path, "there is no store; create one with holdfast init");
      }
      HOLDFAST_TRY(os.make_directories(path));
      break;
    case PathState::kEmpty:
      if (!options.create) {
        return not_a_store(path, "the directory is empty; create a store with holdfast init");
      }
      break;
  }
  return Status::ok();
}

// By polling: an open-file-description lock has no timed wait. Who comes behind the one that makes
// or recovers the store need not do so alone: each looks anew whether there is something to join.
Status attach(Context& context, RecoveryReport& report) {
  const Deadline deadline = context.deadline();
  for (uint64_t pause_us = kAttachPauseUsMin;;
       pause_us = std::min(2 * pause_us, kAttachPauseUsMax)) {
    HOLDFAST_ASSIGN(const bool attached, try_attach(context, report));
    if (attached) return Status::ok();
    if (deadline.passed()) return busy_attaching(context);
    context.os.sleep_us(deadline.wait_us(pause_us));
    // What keeps it from being opened, attach_exclusively() meets again.
    if (context.data_file == nullptr) (void)open_data(context);
  }
}

// A store may have lost its lock file; a file called "data" that is no store must not get one.
Status open_lock_file(Context& context) {
  auto existing = context.os.open(context.lock_path(), os::OpenMode::kReadWrite);
  if (existing) {
    context.lock_file = std::move(*existing);
    return Status::ok();
  }
  if (existing.status().code() != StatusCode::kNotFound) return existing.status();
  if (context.data_file != nullptr) {
    HOLDFAST_TRY(read_superblock(*context.data_file, context.data_path()).status());
  }
  HOLDFAST_ASSIGN(context.lock_file, context.os.open(context.lock_path(), os::OpenMode::kCreate));
  return Status::ok();
}

}  // namespace

Result<Opened> open_context(os::Os& os, const std::string& path, const StoreOptions& options) {
  Opened opened;
  opened.context = std::make_unique<Context>(os, path, options);
  Context& context = *opened.context;
  HOLDFAST_TRY(find_store(context));
  HOLDFAST_ASSIGN(const SharingChoice sharing, choose_sharing(os, path, options));
  HOLDFAST_TRY(open_lock_file(context));
  if (sharing.exclusive) {
    HOLDFAST_TRY(lock_alone(context, sharing.file_system));
    HOLDFAST_TRY(attach_alone(context, opened.report));
    opened.report.version = read_tail(context.control().tail).version;
    context.incarnation = context.control().header.incarnation.load();
    return opened;
  }
  HOLDFAST_TRY(attach(context, opened.report));
  opened.report.version = read_tail(context.control().tail).version;
  context.incarnation = context.control().header.incarnation.load();
  HOLDFAST_TRY(context.sound());
  return opened;
}

}  // namespace holdfast::store
