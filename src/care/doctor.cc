// doctor: each look_at_... is about one thing that can be wrong.
#include <algorithm>
#include <set>

#include "care/log_walk.h"
#include "care/tree_walk.h"
#include "holdfast/care.h"
#include "os/limits.h"
#include "store/attachment.h"
#include "store/context.h"
#include "store/published.h"

namespace holdfast::care {
namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr uint64_t kFreeBytesMin = 256 * kMiB;
constexpr uint64_t kLogBytesUsual = 512 * kMiB;
constexpr uint64_t kReaderAgeUsMax = 600'000'000;  // ten minutes
constexpr uint64_t kHoldUsMax = 5'000'000;
constexpr uint64_t kOpenFilesMin = 256;
constexpr uint64_t kAddressSpaceMin = uint64_t{64} << 30;

class Doctor {
 public:
  Doctor(os::Os& os, StoreFiles& files) : os_(os), files_(files) {}

  DoctorReport run();

 private:
  void add(Severity severity, std::string topic, std::string what, std::string why,
           std::string advice) {
    report_.findings.push_back(
        {severity, std::move(topic), std::move(what), std::move(why), std::move(advice)});
  }
  void damage(std::string topic, std::string what, std::string why) {
    add(Severity::kDamage, std::move(topic), std::move(what), std::move(why), rescue());
  }
  std::string rescue() const {
    return "copy the directory, then restore a backup, or: holdfast salvage " + files_.path() +
           " " + files_.path() + "-salvaged";
  }
  void look_at_file_system();
  void look_at_space();
  void look_at_limits();
  void look_at_permissions();
  void look_at_names();
  void look_at_data();
  void look_at_root(const store::Meta& meta, bool newest);
  void look_at_log();
  void look_at_control();
  void look_at_state();
  void look_at_lock(const char* name, const store::LockLine& line);
  void look_at_locks();
  void look_at_readers();
  void look_at_slots();

  os::Os& os_;
  StoreFiles& files_;
  DoctorReport report_;
};

DoctorReport Doctor::run() {
  look_at_data();
  look_at_log();
  look_at_file_system();
  look_at_permissions();
  look_at_names();
  look_at_control();
  look_at_space();
  look_at_limits();
  for (const Unreadable& piece : files_.unreadable()) {
    damage("disk", piece.path + ": offset " + std::to_string(piece.offset) + ": " + piece.message,
           "the disk cannot give what was written there, and may lose more");
  }
  std::stable_sort(report_.findings.begin(), report_.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return std::move(report_);
}

void Doctor::look_at_file_system() {
  const auto found = os_.file_system(files_.path());
  if (!found) return;
  switch (found->trust) {
    case os::FileSystemTrust::kFull:
      break;
    case os::FileSystemTrust::kCopyOnWrite:
      return add(Severity::kAdvice, "file-system", "the store lies on " + found->name,
                 "it copies on write, so preparing log segments buys nothing and syncs cost more",
                 "nothing, or move the store to ext4 or xfs where commits must be fast");
    case os::FileSystemTrust::kLies:
      return add(Severity::kProblem, "file-system", "the store lies on " + found->name,
                 "locks and shared memory of two processes cannot be trusted there: one process at "
                 "a time can have the store open",
                 "move the directory to a local file system; in a container, use a named volume");
    case os::FileSystemTrust::kRefused:
      return add(Severity::kProblem, "file-system", "the store lies on " + found->name,
                 "not even one process is safe there, so the store cannot be opened",
                 "move the directory to another file system");
  }
  if (found->name != "tmpfs" && found->name != "ramfs") return;
  add(Severity::kAdvice, "file-system", "the store lies on " + found->name,
      "everything in it is gone when the machine stops", "move it to a disk if it shall last");
}

void Doctor::look_at_space() {
  const auto space = os::disk_space(files_.path());
  if (!space || space->free_bytes >= kFreeBytesMin) return;
  add(Severity::kProblem, "space",
      "only " + std::to_string(space->free_bytes / kMiB) + " MiB of the disk are free",
      "commits are refused when no log segment can be prepared or the tree cannot grow",
      "free space on this disk; the store goes on by itself then");
}

void Doctor::look_at_limits() {
  const os::ProcessLimits limits = os::process_limits();
  if (limits.open_files && *limits.open_files < kOpenFilesMin) {
    add(Severity::kAdvice, "limits",
        "a process may have " + std::to_string(*limits.open_files) + " files open",
        "a handle takes up to a dozen, and each blob that is read one more",
        "ulimit -n 1024, in what starts the processes");
  }
  if (limits.address_space_bytes && *limits.address_space_bytes < kAddressSpaceMin) {
    add(Severity::kAdvice, "limits",
        "the address space is limited to " + std::to_string(*limits.address_space_bytes / kMiB) +
            " MiB",
        "the data file cannot grow beyond what can be mapped of it", "ulimit -v unlimited");
  }
  if (limits.file_size_bytes && *limits.file_size_bytes < files_.data_bytes() * 2) {
    add(Severity::kAdvice, "limits",
        "files are limited to " + std::to_string(*limits.file_size_bytes / kMiB) + " MiB",
        "the data file cannot grow beyond that", "ulimit -f unlimited");
  }
}

void Doctor::look_at_permissions() {
  const auto system = os_.file_system(files_.path());
  if (system && system->name == "overlay") return;  // opening would copy the file up
  for (const char* name : {"data", "LOCK", "shm"}) {
    const std::string path = files_.path() + "/" + name;
    const auto file = os_.open(path, os::OpenMode::kReadWrite);
    if (file || file.status().code() == StatusCode::kNotFound) continue;
    add(Severity::kProblem, "permissions", file.status().to_string(),
        "even who only reads a store locks and maps its files for writing",
        "chown or chmod g+rw " + path + ", or run as its owner");
  }
}

void Doctor::look_at_names() {
  const auto names = files_.os().list(files_.path());
  if (!names) return;
  static const std::set<std::string> known = {"data",  "wal",        "shm",        "LOCK",
                                              "blobs", ".gitignore", "holdfast-id"};
  for (const std::string& name : *names) {
    if (known.count(name) != 0) continue;
    if (name == "data.new" || name == "shm.new") {
      if (files_.in_use()) continue;
      add(Severity::kAdvice, "leftover", name + " was left by something that was not finished",
          "it takes space and nothing else; the next one replaces it",
          "nothing, or rm " + files_.path() + "/" + name + " while nobody has the store open");
      continue;
    }
    add(Severity::kAdvice, "foreign-file", name + " does not belong to the store",
        "a store is a directory of its own", "move it elsewhere");
  }
  if (std::find(names->begin(), names->end(), "LOCK") != names->end()) return;
  add(Severity::kAdvice, "lock-file", "LOCK is missing",
      "processes that still have the store open do not see who opens it from now on",
      "end every process that uses this store before it is opened again");
}

void Doctor::look_at_root(const store::Meta& meta, bool newest) {
  const store::PublishedRoot root = store::root_of(meta);
  if (root.root.height == 0) return;
  const LoadedPage loaded =
      load_page(files_, root.root.page.pgno, &root.root.page, root.root.height - 1);
  if (loaded.problem.empty()) return;
  // In a store that is open a checkpoint may have moved on since the meta was read.
  damage("checkpoint",
         files_.data_path() + ": page " + std::to_string(root.root.page.pgno) +
             ", the root of checkpoint " + std::to_string(meta.number) + ": " + loaded.problem,
         newest ? "opening falls back to the checkpoint before, if its root is whole"
                : "nothing to fall back to is left should the newest checkpoint fail");
}

void Doctor::look_at_data() {
  if (files_.data() == nullptr) {
    return damage("data", files_.data_status().to_string(),
                  "the tree is gone; only the log is left");
  }
  const Status& superblock = files_.superblock_status();
  if (superblock.code() == StatusCode::kUnsupported) {
    return add(Severity::kProblem, "format", superblock.to_string(),
               "this version does not know the format", "use a newer Holdfast");
  }
  if (!superblock) {
    damage("superblock", superblock.to_string(), "the store cannot be opened without it");
  }
  const std::vector<store::Meta> metas = files_.valid_metas();
  if (metas.empty()) {
    damage("checkpoint", files_.data_path() + ": neither of the two metas is intact",
           "the store cannot be opened without one");
  } else if (metas.size() == 1) {
    const MetaSlot& other = files_.metas()[files_.metas()[0].meta ? 1 : 0];
    if (!other.blank) {
      add(Severity::kAdvice, "checkpoint", "one of the two metas is damaged or was not finished",
          "the other one is used; the next checkpoint writes it anew",
          "open the store and look: holdfast check");
    }
  }
  for (size_t i = 0; i < metas.size(); ++i) look_at_root(metas[i], i == 0);
  for (const store::Meta& meta : metas) {
    if (meta.file_pages <= files_.page_count()) continue;
    damage("data",
           files_.data_path() + " has " + std::to_string(files_.page_count()) +
               " pages, checkpoint " + std::to_string(meta.number) + " had " +
               std::to_string(meta.file_pages),
           "the file was cut; what stood behind its end is lost");
    break;
  }
}

// What the log needs from the older checkpoint on.
class LogExamination final : public LogVisitor {
 public:
  explicit LogExamination(log::Lsn needed) : needed_(needed) {}

  struct Place {
    std::string path;
    log::Lsn lsn;
    std::string what;
  };
  std::vector<Place> places;
  uint64_t bytes = 0;
  log::Lsn durable_max = 0;

  Status segment(const SegmentView& view) override {
    path_ = view.path;
    bytes += view.bytes;
    const log::Lsn begin = log::make_lsn(view.number, 0);
    if (begin < log::make_lsn(log::lsn_segment(needed_), 0)) return Status::ok();
    if (!view.status) note(begin, view.status.to_string());
    if (view.cut) note(begin, "the segment is shorter than when it was made");
    if (view.status && !view.started && !view.blank && !view.leftover) {
      note(begin, "the header of the segment is damaged");
    }
    return Status::ok();
  }
  Status record(const RecordView& view) override {
    if (!view.is_void) durable_max = std::max(durable_max, view.header.durable_lsn);
    return Status::ok();
  }
  Status gap(const GapView& view) override {
    const log::Lsn lsn = log::make_lsn(view.segment, view.offset);
    if (!view.is_void && lsn >= needed_ && (!view.last || view.begun)) {
      note(lsn, "no record can be read there");
    }
    return Status::ok();
  }

 private:
  void note(log::Lsn lsn, std::string what) { places.push_back({path_, lsn, std::move(what)}); }
  const log::Lsn needed_;
  std::string path_;
};

void Doctor::look_at_log() {
  if (!files_.log_status()) {
    return damage("log", files_.log_status().to_string(), "the newest commits are only there");
  }
  const std::vector<store::Meta> metas = files_.valid_metas();
  const log::Lsn needed = metas.empty() ? 0 : metas.back().lsn;
  const std::vector<uint64_t>& numbers = files_.segment_numbers();
  uint64_t next = log::lsn_segment(needed);
  for (const uint64_t number : numbers) {
    if (number < next) continue;
    if (next != 0 && number > next && !files_.in_use()) {
      damage("log", "log segment " + std::to_string(next) + " is missing",
             "commits in it, and what follows it, cannot be read");
    }
    next = number + 1;
  }
  if (!metas.empty() && (numbers.empty() || numbers.back() < log::lsn_segment(needed))) {
    damage("log", "log segment " + std::to_string(log::lsn_segment(needed)) + " is missing",
           "commits after the last checkpoint are only there");
  }
  LogExamination examination(needed);
  if (!LogWalk(files_).walk(log::lsn_segment(needed), examination)) return;
  for (const auto& place : examination.places) {
    // What nothing claims to have been durable is a torn end, which recovery cuts.
    if (examination.durable_max <= place.lsn) continue;
    if (!metas.empty() && place.lsn < metas.front().lsn) {
      add(Severity::kAdvice, "log",
          place.path + ": offset " + std::to_string(log::lsn_offset(place.lsn)) + ": " + place.what,
          "only a return to the older checkpoint would need it; the newest one stands",
          "nothing: the next checkpoint mends it");
      continue;
    }
    damage(
        "log",
        place.path + ": offset " + std::to_string(log::lsn_offset(place.lsn)) + ": " + place.what,
        "a commit that was once durable cannot be read");
  }
  if (examination.bytes <= kLogBytesUsual) return;
  add(Severity::kAdvice, "log-growth",
      "the log takes " + std::to_string(examination.bytes / kMiB) + " MiB",
      "it is kept for the older checkpoint, or for a transaction that is open for long",
      "holdfast stats names who needs it; end that process, or close its transaction");
}

void Doctor::look_at_control() {
  const store::ControlBlock* control = files_.control();
  const bool in_use = files_.in_use();
  if (control == nullptr) {
    if (!in_use) return;  // the next one to open starts cold
    return add(
        Severity::kProblem, "control-block",
        "the store is open, but its control block cannot be read: " + files_.control_problem(),
        "this version cannot join those who have it open",
        "use the version of Holdfast that they use, or end them first");
  }
  if (!files_.control_of_this_boot()) {
    if (!in_use) return;
    return add(Severity::kProblem, "control-block", "the store is open under another kernel",
               "two machines must not share a store: neither sees the other's locks",
               "end the processes on the other machine");
  }
  if (!files_.control_of_this_data()) {
    return add(Severity::kAdvice, "control-block", "shm belongs to another data file",
               "the directory was copied or its data replaced; the next one to open ignores shm",
               "nothing");
  }
  look_at_state();
  look_at_locks();
  look_at_readers();
  look_at_slots();
}

void Doctor::look_at_state() {
  switch (store::engine_state(*files_.control())) {
    case store::EngineState::kRunning:
      return;
    case store::EngineState::kVoiding:
      return add(Severity::kProblem, "state", "the end of the log is being voided",
                 "a sync of the log failed; whoever calls next finishes it",
                 "look at the disk (dmesg); then: holdfast check");
    case store::EngineState::kReadOnly:
      break;
  }
  add(Severity::kProblem, "state", "the store only reads: the disk refused to make data durable",
      "no commit is accepted until the store has been closed by all and opened again",
      "look at the disk (dmesg), end all processes that have the store open (holdfast dump control "
      "lists them), then: holdfast check");
}

void Doctor::look_at_lock(const char* name, const store::LockLine& line) {
  const uint32_t word = line.word.load();
  if (word == 0) return;
  const uint32_t slot = store::owner_slot(word);
  if (slot >= store::kProcessSlots) return;
  const bool same =
      files_.control()->processes[slot].generation.load() == store::owner_generation(word);
  if (!same || !files_.alive(slot).value_or(true)) {
    return add(Severity::kAdvice, "lock",
               std::string("the ") + name + " lock is held by a process that has ended",
               "the next one that wants it takes it over and repairs what was left", "nothing");
  }
  const std::string process = files_.describe_slot(slot);
  const bool stopped = process.find("stopped") != std::string::npos;
  const uint64_t since_us = line.since_us.load();
  const uint64_t now_us = os_.monotonic_time_us();
  const bool long_held = since_us != 0 && now_us > since_us + kHoldUsMax &&
                         line.word.load() == word && std::string_view(name) != "turn";
  if (!stopped && !long_held) return;
  add(Severity::kProblem, "lock", std::string("the ") + name + " lock is held by " + process,
      stopped ? "it is stopped, and everybody who needs the lock waits for it"
              : "it seems to have had it for seconds; everybody who needs the lock waits for it",
      "resume it (kill -CONT) or end it (kill -9): its lock is then taken over");
}

void Doctor::look_at_locks() {
  const store::ControlBlock& control = *files_.control();
  look_at_lock("commit", control.commit_lock);
  look_at_lock("apply", control.apply_lock);
  look_at_lock("sync", control.sync_lock);
  look_at_lock("checkpoint", control.checkpoint_lock);
  look_at_lock("segment preparation", control.prepare_lock);
  look_at_lock("turn", control.turn_lock);
}

void Doctor::look_at_readers() {
  const store::ControlBlock& control = *files_.control();
  const store::PublishedRoot latest = store::read_latest_root(control);
  const uint64_t retired = control.allocation.retired_pages.load();
  const uint64_t pages = std::max<uint64_t>(control.allocation.file_pages.load(), 1);
  const uint64_t now_us = os_.wall_time_us();
  const uint32_t used = std::min(control.reader_slots_used.load(), store::kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    const store::ReaderSlot& reader = control.readers[i];
    const uint64_t pin = reader.pin.load();
    const uint32_t slot = store::owner_slot(reader.owner.load());
    if (pin == 0 || slot >= store::kProcessSlots) continue;
    const std::string held = "version " + std::to_string(pin - 1) + ", " +
                             std::to_string(latest.version - std::min(latest.version, pin - 1)) +
                             " versions back";
    if (!files_.alive(slot).value_or(true)) {
      add(Severity::kAdvice, "reader", "a process that has ended still pins " + held,
          "its pages are given back when the store runs short of free ones", "nothing");
      continue;
    }
    // The oldest root that the ring still holds is newer: then it is an old one, surely.
    const uint64_t first = control.roots.latest.load();
    const auto oldest = store::read_root(
        control, first > store::kRootRingSize / 2 ? first - store::kRootRingSize / 2 : 1);
    const bool old =
        oldest && pin - 1 < oldest->version && now_us > oldest->time_us + kReaderAgeUsMax;
    const bool stopped = files_.describe_slot(slot).find("stopped") != std::string::npos;
    const bool heavy = retired * 4 > pages && pin - 1 < latest.version;
    if (!old && !stopped && !heavy) continue;
    add(stopped ? Severity::kProblem : Severity::kAdvice, "reader",
        files_.describe_slot(slot) + " reads " + held,
        "pages that were replaced since wait for it: " + std::to_string(retired) + " of " +
            std::to_string(pages) + " pages wait for readers",
        "close its snapshot or transaction, or end it; holdfast stats lists the oldest");
  }
}

void Doctor::look_at_slots() {
  const store::ControlBlock& control = *files_.control();
  uint32_t attached = 0;
  for (const store::ProcessSlot& slot : control.processes) attached += slot.attached.load();
  if (attached > store::kProcessSlots * 9 / 10) {
    add(Severity::kAdvice, "slots",
        std::to_string(attached) + " of " + std::to_string(store::kProcessSlots) +
            " handles are in use",
        "when all are, nobody else can open the store", "close handles that nobody needs");
  }
  const uint64_t leaked = control.allocation.leaked_pages.load();
  if (leaked * 20 <= control.allocation.file_pages.load()) return;
  add(Severity::kAdvice, "space", std::to_string(leaked) + " pages are given up until a cold start",
      "the lists of pages that wait for readers were full",
      "close the store everywhere and open it again after removing shm");
}

}  // namespace

Result<DoctorReport> doctor(os::Os& os, const std::string& path) {
  HOLDFAST_ASSIGN(const auto files, StoreFiles::open(os, path));
  return Doctor(os, *files).run();
}

}  // namespace holdfast::care
