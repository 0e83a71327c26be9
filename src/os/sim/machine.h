// Machine: a deterministic computer with several virtual processes, one disk and one clock.
//
// Each process is a fiber with an os::Os of its own; exactly one runs at a time, on the caller's
// thread. Everything a process does outside its own memory is a step (see plan.h), before which
// the machine may run another process, kill this one, cut the power or make the call fail: as the
// plan says, or by the chances of the options, drawn from the seed.
//
// Who: simulation tests. Not thread-safe; one machine at a time may run().
// Invariants:
//   1. The same seed, options, plan and bodies give the same steps, and so the same trace_hash().
//   2. A killed process never runs again and no destructor of it runs; its descriptions are closed
//      and its locks released. Its heap is leaked: see crash_loop.h for loops.
//   3. After a power cut no process is left, the boot id is new, and the disk shows what was
//      durable plus any part of the rest.
//   4. Calls from outside the processes (the harness) always succeed where they can and are no
//      steps.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/os.h"
#include "os/sim/disk.h"
#include "os/sim/fiber.h"
#include "os/sim/plan.h"
#include "os/sim/random.h"

namespace holdfast::sim {

class Machine;

// An open file description or a mapping; it outlives neither its process nor its machine.
struct Handle {
  Machine* machine = nullptr;  // null: closed by the machine
  std::shared_ptr<DiskFile> file;
  int process = kAnyProcess;
  uint64_t error_sequence = 0;
};

class Process {
 public:
  int id() const { return id_; }
  os::Os& os() { return *os_; }
  bool finished() const { return state_ == State::kFinished; }
  bool killed() const { return state_ == State::kKilled; }
  bool alive() const { return !finished() && !killed(); }
  bool stopped() const { return stopped_; }
  uint64_t steps() const { return steps_; }

 private:
  friend class Machine;
  enum class State : uint8_t { kRunnable, kWaiting, kFinished, kKilled };

  int id_ = kAnyProcess;
  State state_ = State::kRunnable;
  bool stopped_ = false;
  bool woken_ = false;
  const void* wait_address_ = nullptr;  // null while sleeping
  uint64_t wait_end_ns_ = 0;
  uint64_t stop_end_ns_ = 0;
  uint64_t steps_ = 0;
  os::ProcessIdentity identity_;
  std::vector<std::shared_ptr<Handle>> handles_;
  std::unique_ptr<os::Os> os_;
  std::unique_ptr<Fiber> fiber_;
};

enum class RunEnd : uint8_t {
  kFinished,  // every process returned or was killed
  kPowerCut,  // every process is gone and the machine has restarted
  kStopped,   // who is left is stopped, or waits for one that is
  kDeadlock,  // all wait for each other, for ever
  kLivelock,  // Options::step_max was reached
};
std::string_view run_end_name(RunEnd end);

// What a step is about: for the trace and for faults.
struct StepDetail {
  std::string_view path = {};
  uint64_t offset = 0;
  uint64_t size = 0;
  bool needs_space = false;
  const void* address = nullptr;
};

class Machine {
 public:
  explicit Machine(uint64_t seed, Options options = {});
  // Goes on as `prepared` would, which had the same disk made by its harness and ran nothing: for
  // loops in which many stories begin alike. REQUIRES: it has no process, and nothing open.
  Machine(const Machine& prepared);
  Machine& operator=(const Machine&) = delete;
  // Kills what is left. Files and mappings that the harness still has become useless, not harmful.
  ~Machine();

  // A new process that will run `body`; the reference lives as long as the machine.
  Process& spawn(std::function<void(os::Os&)> body);
  // Runs until every process has ended, or as RunEnd says. May be called again.
  RunEnd run();

  // An Os for the test itself: to prepare a disk and to look at it afterwards.
  os::Os& harness_os() { return *harness_.os_; }

  // Replaces the plan and counts from here. Step numbers beyond the run never fire.
  void set_plan(const Plan& plan);
  bool plan_fired() const { return plan_fired_; }

  // Called in the process, before each step: may kill, stop, continue or cut the power.
  std::function<void(Process& process, StepKind kind, const StepDetail& detail)> on_step;

  void kill(Process& process);
  void stop(Process& process) { stop(process, 0); }
  void continue_process(Process& process) { process.stopped_ = false; }
  void cut_power();
  // Drops clean pages of every file; bytes lost by failed syncs show their durable state again.
  void evict();

  uint64_t steps() const { return steps_; }
  uint64_t trace_hash() const { return trace_hash_; }
  // One line per step with Options::trace: "12 p1 write /db/wal/0001 0+64".
  const std::vector<std::string>& trace() const { return trace_; }
  Disk& disk() { return disk_; }
  Random& random() { return value_random_; }
  // Whether the disk says that it has plenty of room, however many calls are then refused.
  bool claims_room() const { return claims_room_; }

  // --- For SimOs and SimFile only.

  // Announces a step. Returns the fault that strikes it. A doom (kKill, kKillAll, kPowerCut) is
  // returned for a write only: the caller writes a part and calls die(); else step() does.
  Fault step(StepKind kind, const StepDetail& detail);
  // Announces a read: kReadError or kNone.
  Fault read(const StepDetail& detail);
  [[noreturn]] void die(Fault doom);
  // The part of a write that is done when it is interrupted.
  size_t interrupted_size(uint64_t offset, size_t size);
  // The part of a write that is done though it fails: nothing, something or all.
  size_t failed_size(uint64_t offset, size_t size);
  // Non-zero: others shall see the first that many bytes before the rest is written.
  size_t split_write_size(uint64_t offset, size_t size);
  void preempt();
  // In the middle of a call that takes long: others run, more often than not.
  void take_long();

  std::shared_ptr<Handle> open_handle(Process& process, std::shared_ptr<DiskFile> file);
  void close_handle(Handle& handle);
  Status sync_file(Handle& handle, std::string_view path, Fault fault);

  os::WaitResult wait(const void* address, uint32_t expected, uint64_t timeout_us);
  void wake(const void* address, uint32_t count);
  uint64_t wall_time_us();
  uint64_t monotonic_time_us();
  std::array<char, 16> boot_id() const { return boot_id_; }
  std::string describe(const os::ProcessIdentity& identity) const;
  os::ProcessIdentity identity_of(const Process& process) const { return process.identity_; }
  const Options& options() const { return options_; }

 private:
  static void on_shared_step(os::Step step, const void* address);

  void boot();
  void init_process(Process& process, int id);
  void stop(Process& process, uint64_t duration_us);
  void bury(Process& process);
  void reboot();
  void tick(uint64_t cost_ns);
  // A process that can run now, by lot; null: none. May move the clock to the next timeout.
  Process* pick(bool may_wait);
  bool can_run(Process& process);
  uint64_t next_timeout_ns() const;
  void jump_to(uint64_t time_ns);
  RunEnd end_of_run() const;
  Fault strike(StepKind kind, bool needs_space);
  Fault strike_by_plan(StepKind kind, bool needs_space);
  Fault strike_by_chance(StepKind kind, bool needs_space);
  bool lose_in_background();
  void record(StepKind kind, const StepDetail& detail);
  std::string describe_address(const void* address) const;

  Options options_;
  const bool claims_room_;  // of every second seed
  Odds switch_odds_;
  Odds load_switch_odds_;
  // Separate streams, so that a body that draws more numbers is not scheduled differently.
  Random schedule_random_;
  Random disk_random_;
  Random value_random_;

  Disk disk_;
  Process harness_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<Process*> living_;
  std::vector<Process*> candidates_;
  Process* current_ = nullptr;
  Process* next_ = nullptr;

  Plan plan_;
  uint64_t plan_count_ = 0;
  bool plan_fired_ = false;
  bool chances_ = false;
  bool power_cut_ = false;
  bool livelock_ = false;
  bool sync_failed_ = false;  // some file may have lost bytes

  uint64_t steps_ = 0;
  uint64_t ticks_left_ = 0;
  uint64_t switch_left_ = 0;
  uint64_t load_switch_left_ = 0;
  uint64_t trace_hash_ = 0xCBF29CE484222325;
  bool trace_to_stderr_ = false;
  std::vector<std::string> trace_;

  uint64_t clock_ns_ = 0;  // monotonic
  int64_t wall_offset_us_ = 0;
  std::array<char, 16> boot_id_{};
};

}  // namespace holdfast::sim
