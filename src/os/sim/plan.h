// The words in which a test says what shall go wrong in a simulated machine, and when.
//
// Who: simulation tests and this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "os/os.h"
#include "os/sim/disk_file.h"

namespace holdfast::sim {

// What a process does to the world outside itself. Each of these is a step.
enum class StepKind : uint8_t {
  kSharedStore,  // or a read-modify-write
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kOpen,
  kClose,
  kRename,
  kRemove,
  kMakeDirectory,
  kSyncDirectory,
  kLock,
  kUnlock,
  kMap,
  kFutexWait,
  kFutexWake,
  kSleep,
  kRead,  // reads and shared loads are schedule points only, they do not count as steps
};
std::string_view step_kind_name(StepKind kind);

// Each fault counts the steps that it can strike; Plan::step is a number of that count.
enum class Fault : uint8_t {
  kNone,
  kKill,            // any step: the process is gone before it; a write leaves a prefix
  kKillAll,         // any step: so are all other processes; the page cache stays
  kPowerCut,        // any step: the machine restarts, unsynced writes are lost in part
  kStop,            // any step: SIGSTOP; goes on after Plan::stop_us, or when continued
  kIoError,         // every changing call on files and directories: fails without effect, but a
                    // write may have been done in part or whole
  kNoSpace,         // every call that needs space not allocated yet: fails without effect
  kShortWrite,      // writes: a prefix is written, then no space
  kReadError,       // reads
  kSyncError,       // syncs of files and directories: what was unsynced is lost, see DiskFile
  kWritebackError,  // any step: a dirty file is lost in the background, told at its next sync
};
inline constexpr size_t kFaultCount = static_cast<size_t>(Fault::kWritebackError) + 1;
std::string_view fault_name(Fault fault);

// `needs_space`: the call needs disk space that is not allocated to the file yet.
bool can_strike(Fault fault, StepKind kind, bool needs_space);

inline constexpr int kAnyProcess = -1;

struct Plan {
  Fault fault = Fault::kNone;
  uint64_t step = 0;          // from 1, counted from the moment the plan is set
  int process = kAnyProcess;  // steps of this process only
  bool persistent = false;    // errors: strikes at every such step from there on
  uint64_t stop_us = 0;       // kStop: 0 is until Machine::continue_process
};

// A value below 0 means: chosen by the seed.
struct Options {
  // The chance to switch to another process at a step, and at a shared load or a read.
  double switch_chance = -1;
  double load_switch_chance = -1;
  // The chance at each step that fits; 0 leaves it to the plan.
  double kill_chance = 0;
  double power_cut_chance = 0;
  double io_error_chance = 0;
  double no_space_chance = 0;
  double sync_error_chance = 0;
  // At each sync: clean pages of all files are dropped from the cache first.
  double evict_chance = 0.05;
  double spurious_wake_chance = 0.02;
  // A write of more than one sector is seen half done by others.
  double split_write_chance = 0.2;
  // At each reading of the wall clock: it jumps back by up to clock_back_us_max.
  double clock_back_chance = 0;
  uint64_t clock_back_us_max = 3'600'000'000;
  // Steps, loads and reads in one run() before it is called a livelock.
  uint64_t step_max = 5'000'000;
  // When a process is preempted: all were away so long that the next timeout has come.
  double timeout_chance = 0.05;
  // What a power cut leaves; chosen by the seed when absent.
  std::optional<Loss> loss = std::nullopt;
  // False: a torn sector also loses the bytes outside the range that was written.
  bool powersafe_overwrite = true;
  // True: every process is pid 1 of a namespace of its own.
  bool pid_namespaces = false;
  // Keeps a line per step; see Machine::trace(). Always on when HOLDFAST_SIM_CASE is set.
  bool trace = false;
  os::FileSystem file_system = {"ext4", 0xEF53, os::FileSystemTrust::kFull};
};

}  // namespace holdfast::sim
