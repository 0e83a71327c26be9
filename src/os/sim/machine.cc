#include "os/sim/machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "os/sim/area.h"
#include "os/sim/sim_os.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kForever = UINT64_MAX;
constexpr uint64_t kWallStartUs = 1'800'000'000'000'000;  // in 2027
constexpr uint64_t kHashPrime = 0x100000001B3;
constexpr std::array<double, 4> kSwitchChances = {0.01, 0.05, 0.2, 0.5};

Machine* running_machine = nullptr;

uint64_t cost_ns_of(StepKind kind) {
  switch (kind) {
    case StepKind::kSharedStore:
      return 20;
    case StepKind::kSync:
    case StepKind::kSyncDirectory:
      return 100'000;
    default:
      return 1'000;
  }
}

bool is_doom(Fault fault) {
  return fault == Fault::kKill || fault == Fault::kKillAll || fault == Fault::kPowerCut;
}

uint64_t add_saturated(uint64_t a, uint64_t b) {
  return a > kForever - b ? kForever : a + b;
}

}  // namespace

std::string_view run_end_name(RunEnd end) {
  switch (end) {
    case RunEnd::kFinished:
      return "finished";
    case RunEnd::kPowerCut:
      return "power cut";
    case RunEnd::kStopped:
      return "stopped";
    case RunEnd::kDeadlock:
      return "deadlock";
    case RunEnd::kLivelock:
      return "livelock";
  }
  CHECK(false);
}

Machine::Machine(uint64_t seed, Options options)
    : options_(std::move(options)),
      claims_room_(seed % 2 == 0),
      switch_odds_(0),
      load_switch_odds_(0),
      schedule_random_(seed),
      disk_random_(seed ^ 0xD15C000000000000),
      value_random_(seed ^ 0x7A1E000000000000) {
  const double by_seed = kSwitchChances[schedule_random_.below(kSwitchChances.size())];
  if (options_.switch_chance < 0) options_.switch_chance = by_seed;
  if (options_.load_switch_chance < 0) options_.load_switch_chance = by_seed / 4;
  switch_odds_ = Odds(options_.switch_chance);
  load_switch_odds_ = Odds(options_.load_switch_chance);
  chances_ = options_.kill_chance > 0 || options_.power_cut_chance > 0 ||
             options_.io_error_chance > 0 || options_.no_space_chance > 0 ||
             options_.sync_error_chance > 0;
  switch_left_ = schedule_random_.trials_until(switch_odds_);
  load_switch_left_ = schedule_random_.trials_until(load_switch_odds_);
  static const bool one_case = std::getenv("HOLDFAST_SIM_CASE") != nullptr;
  trace_to_stderr_ = one_case;
  options_.trace = options_.trace || one_case;
  init_process(harness_, kAnyProcess);
  boot();
}

Machine::Machine(const Machine& prepared)
    : options_(prepared.options_),
      claims_room_(prepared.claims_room_),
      switch_odds_(prepared.switch_odds_),
      load_switch_odds_(prepared.load_switch_odds_),
      schedule_random_(prepared.schedule_random_),
      disk_random_(prepared.disk_random_),
      value_random_(prepared.value_random_),
      disk_(prepared.disk_),
      chances_(prepared.chances_),
      sync_failed_(prepared.sync_failed_),
      switch_left_(prepared.switch_left_),
      load_switch_left_(prepared.load_switch_left_),
      trace_to_stderr_(prepared.trace_to_stderr_),
      clock_ns_(prepared.clock_ns_),
      wall_offset_us_(prepared.wall_offset_us_),
      boot_id_(prepared.boot_id_) {
  CHECK(prepared.processes_.empty() && prepared.harness_.handles_.empty());
  init_process(harness_, kAnyProcess);
}

Machine::~Machine() {
  for (const auto& process : processes_) bury(*process);
  bury(harness_);
}

void Machine::boot() {
  value_random_.fill(boot_id_.data(), boot_id_.size());
  const uint64_t wall_us = static_cast<uint64_t>(wall_offset_us_) + clock_ns_ / 1000;
  clock_ns_ = 1'000'000'000 + value_random_.below(1'000'000'000);
  const uint64_t now_us = wall_offset_us_ == 0 ? kWallStartUs : wall_us + 20'000'000;
  wall_offset_us_ = static_cast<int64_t>(now_us - clock_ns_ / 1000);
}

void Machine::init_process(Process& process, int id) {
  process.id_ = id;
  const uint32_t serial = static_cast<uint32_t>(id + 1);
  process.identity_.pid = options_.pid_namespaces ? 1 : 1000 + serial;
  process.identity_.start_ticks = 100 + serial;
  process.identity_.pid_namespace_inode = 4026531836 + (options_.pid_namespaces ? serial : 0);
  process.os_ = std::make_unique<SimOs>(*this, process);
}

Process& Machine::spawn(std::function<void(os::Os&)> body) {
  processes_.push_back(std::make_unique<Process>());
  Process& process = *processes_.back();
  init_process(process, static_cast<int>(processes_.size()) - 1);
  process.fiber_ =
      std::make_unique<Fiber>([&process, body = std::move(body)] { body(process.os()); });
  living_.push_back(&process);
  return process;
}

void Machine::set_plan(const Plan& plan) {
  plan_ = plan;
  plan_count_ = 0;
  plan_fired_ = false;
}

RunEnd Machine::run() {
  CHECK(running_machine == nullptr);
  running_machine = this;
  os::shared_step_hook = on_shared_step;
  ticks_left_ = options_.step_max;
  while (!power_cut_ && !livelock_) {
    Process* const process = next_ != nullptr ? next_ : pick(true);
    next_ = nullptr;
    if (process == nullptr) break;
    current_ = process;
    process->fiber_->resume();
    current_ = nullptr;
    if (process->fiber_->done()) process->state_ = Process::State::kFinished;
    if (!process->alive()) bury(*process);
  }
  os::shared_step_hook = nullptr;
  running_machine = nullptr;
  const RunEnd end = end_of_run();
  if (power_cut_) reboot();
  livelock_ = false;
  return end;
}

RunEnd Machine::end_of_run() const {
  if (power_cut_) return RunEnd::kPowerCut;
  if (livelock_) return RunEnd::kLivelock;
  if (living_.empty()) return RunEnd::kFinished;
  const bool any_stopped = std::any_of(living_.begin(), living_.end(),
                                       [](const Process* process) { return process->stopped_; });
  return any_stopped ? RunEnd::kStopped : RunEnd::kDeadlock;
}

// --- Life and death.

void Machine::kill(Process& process) {
  if (!process.alive()) return;
  process.state_ = Process::State::kKilled;
  if (&process == current_) {
    for (;;) Fiber::suspend();  // buried by run(), on another stack
  }
  bury(process);
}

// Closes what it had open and gives its stack back. REQUIRES: it is not running.
void Machine::bury(Process& process) {
  if (process.alive()) process.state_ = Process::State::kKilled;
  for (const auto& handle : std::vector(process.handles_)) close_handle(*handle);
  process.fiber_.reset();
  living_.erase(std::remove(living_.begin(), living_.end(), &process), living_.end());
}

void Machine::die(Fault doom) {
  CHECK(is_doom(doom) && current_ != nullptr);
  if (doom == Fault::kPowerCut) cut_power();
  if (doom == Fault::kKillAll) {
    for (Process* process : std::vector(living_)) {
      if (process != current_) kill(*process);
    }
  }
  kill(*current_);
  std::abort();  // kill() does not return
}

void Machine::stop(Process& process, uint64_t duration_us) {
  if (!process.alive()) return;
  process.stopped_ = true;
  process.stop_end_ns_ = duration_us == 0 ? kForever : add_saturated(clock_ns_, duration_us * 1000);
  if (&process == current_) Fiber::suspend();
}

void Machine::cut_power() {
  power_cut_ = true;
  if (current_ != nullptr) {
    for (;;) Fiber::suspend();
  }
  reboot();
}

void Machine::reboot() {
  for (Process* process : std::vector(living_)) bury(*process);
  const Loss loss = options_.loss ? *options_.loss : Loss(disk_random_.below(kLossCount));
  disk_.cut_power(disk_random_, Damage{loss, options_.powersafe_overwrite});
  boot();
  power_cut_ = false;
  sync_failed_ = false;
}

void Machine::evict() {
  disk_.for_each_file([](const std::string&, DiskFile& file) { file.evict(); });
}

// --- Scheduling.

void Machine::on_shared_step(os::Step step, const void* address) {
  if (running_machine->current_ == nullptr) return;
  if (step == os::Step::kSharedStore) {
    running_machine->step(StepKind::kSharedStore, {.address = address});
    return;
  }
  running_machine->tick(10);
  if (--running_machine->load_switch_left_ == 0) running_machine->preempt();
}

inline void Machine::tick(uint64_t cost_ns) {
  clock_ns_ += cost_ns;
  if (--ticks_left_ == 0) {
    livelock_ = true;
    Fiber::suspend();
  }
}

void Machine::preempt() {
  if (current_ == nullptr) return;
  switch_left_ = schedule_random_.trials_until(switch_odds_);
  load_switch_left_ = schedule_random_.trials_until(load_switch_odds_);
  if (schedule_random_.chance(options_.timeout_chance)) jump_to(next_timeout_ns());
  next_ = pick(false);
  if (next_ == current_) {
    next_ = nullptr;
  } else {
    Fiber::suspend();
  }
}

void Machine::take_long() {
  constexpr double kChance = 0.7;
  if (current_ == nullptr || living_.size() < 2) return;
  while (schedule_random_.chance(kChance)) preempt();
}

bool Machine::can_run(Process& process) {
  if (process.stopped_ && process.stop_end_ns_ <= clock_ns_) process.stopped_ = false;
  if (process.stopped_) return false;
  return process.state_ == Process::State::kRunnable || process.woken_ ||
         process.wait_end_ns_ <= clock_ns_;
}

uint64_t Machine::next_timeout_ns() const {
  uint64_t next = kForever;
  for (const Process* process : living_) {
    if (process->stopped_) {
      next = std::min(next, process->stop_end_ns_);
    } else if (process->state_ == Process::State::kWaiting) {
      next = std::min(next, process->wait_end_ns_);
    }
  }
  return next;
}

void Machine::jump_to(uint64_t time_ns) {
  if (time_ns != kForever) clock_ns_ = std::max(clock_ns_, time_ns);
}

Process* Machine::pick(bool may_wait) {
  for (;;) {
    candidates_.clear();
    for (Process* process : living_) {
      if (can_run(*process)) candidates_.push_back(process);
    }
    if (!candidates_.empty()) break;
    if (!may_wait || next_timeout_ns() == kForever) return nullptr;
    jump_to(next_timeout_ns());
  }
  Process* const chosen = candidates_[schedule_random_.below(candidates_.size())];
  chosen->state_ = Process::State::kRunnable;
  return chosen;
}

os::WaitResult Machine::wait(const void* address, uint32_t expected, uint64_t timeout_us) {
  const uint64_t timeout_ns = timeout_us > kForever / 1000 ? kForever : timeout_us * 1000;
  const auto is_equal = [&] {
    return address == nullptr ||
           __atomic_load_n(static_cast<const uint32_t*>(address), __ATOMIC_SEQ_CST) == expected;
  };
  if (!is_equal()) return os::WaitResult::kWoken;
  const uint64_t end_ns = add_saturated(clock_ns_, timeout_ns);
  if (current_ == nullptr) {
    CHECK(end_ns != kForever);  // the harness would wait for nobody
    jump_to(end_ns);
    return os::WaitResult::kTimedOut;
  }
  if (address != nullptr && schedule_random_.chance(options_.spurious_wake_chance)) {
    return os::WaitResult::kWoken;
  }
  Process& process = *current_;
  process.state_ = Process::State::kWaiting;
  process.woken_ = false;
  process.wait_address_ = address;
  process.wait_end_ns_ = end_ns;
  Fiber::suspend();
  process.wait_address_ = nullptr;
  return process.woken_ ? os::WaitResult::kWoken : os::WaitResult::kTimedOut;
}

void Machine::wake(const void* address, uint32_t count) {
  candidates_.clear();
  for (Process* process : living_) {
    if (process->state_ == Process::State::kWaiting && process->wait_address_ == address &&
        !process->woken_) {
      candidates_.push_back(process);
    }
  }
  for (; count > 0 && !candidates_.empty(); --count) {
    const size_t chosen = schedule_random_.below(candidates_.size());
    candidates_[chosen]->woken_ = true;
    candidates_.erase(candidates_.begin() + static_cast<ptrdiff_t>(chosen));
  }
}

// --- Steps and faults.

Fault Machine::step(StepKind kind, const StepDetail& detail) {
  if (current_ == nullptr) return Fault::kNone;
  ++steps_;
  ++current_->steps_;
  tick(cost_ns_of(kind));
  const uint64_t event = static_cast<uint64_t>(kind) | static_cast<uint64_t>(current_->id_) << 8;
  trace_hash_ = (trace_hash_ ^ (event << 40) ^ (detail.offset << 20) ^ detail.size) * kHashPrime;
  if (options_.trace) record(kind, detail);
  if (on_step) on_step(*current_, kind, detail);
  const Fault fault = strike(kind, detail.needs_space);
  if (is_doom(fault)) {
    if (kind != StepKind::kWrite) die(fault);
    return fault;
  }
  if (fault == Fault::kStop) {
    stop(*current_, plan_.stop_us);
    return Fault::kNone;
  }
  if (--switch_left_ == 0) preempt();
  return fault;
}

Fault Machine::read(const StepDetail& detail) {
  if (current_ == nullptr) return Fault::kNone;
  tick(500);
  if (--load_switch_left_ == 0) preempt();
  const Fault fault = strike(StepKind::kRead, false);
  if (options_.trace && fault != Fault::kNone) record(StepKind::kRead, detail);
  return fault;
}

Fault Machine::strike(StepKind kind, bool needs_space) {
  if (plan_.fault != Fault::kNone) {
    const Fault fault = strike_by_plan(kind, needs_space);
    if (fault != Fault::kNone) return fault;
  }
  return chances_ ? strike_by_chance(kind, needs_space) : Fault::kNone;
}

Fault Machine::strike_by_plan(StepKind kind, bool needs_space) {
  if (!can_strike(plan_.fault, kind, needs_space)) return Fault::kNone;
  if (plan_.process != kAnyProcess && plan_.process != current_->id_) return Fault::kNone;
  ++plan_count_;
  if (plan_count_ < plan_.step) return Fault::kNone;
  if (plan_.fault == Fault::kWritebackError) {
    if (!plan_fired_ || plan_.persistent) plan_fired_ = lose_in_background() || plan_fired_;
    return Fault::kNone;
  }
  const bool again = plan_.persistent && !is_doom(plan_.fault) && plan_.fault != Fault::kStop;
  if (plan_count_ > plan_.step && !again) return Fault::kNone;
  plan_fired_ = true;
  return plan_.fault;
}

Fault Machine::strike_by_chance(StepKind kind, bool needs_space) {
  const auto strikes = [&](Fault fault, double chance) {
    return chance > 0 && can_strike(fault, kind, needs_space) && schedule_random_.chance(chance);
  };
  if (strikes(Fault::kKill, options_.kill_chance)) return Fault::kKill;
  if (strikes(Fault::kPowerCut, options_.power_cut_chance)) return Fault::kPowerCut;
  if (strikes(Fault::kIoError, options_.io_error_chance)) return Fault::kIoError;
  if (strikes(Fault::kNoSpace, options_.no_space_chance)) return Fault::kNoSpace;
  if (strikes(Fault::kSyncError, options_.sync_error_chance)) return Fault::kSyncError;
  return Fault::kNone;
}

bool Machine::lose_in_background() {
  std::vector<DiskFile*> dirty;
  disk_.for_each_file([&](const std::string&, DiskFile& file) {
    if (file.is_dirty()) dirty.push_back(&file);
  });
  if (dirty.empty()) return false;
  DiskFile& file = *dirty[disk_random_.below(dirty.size())];
  file.fail_sync(disk_random_);
  ++file.error_sequence;
  file.error_seen = false;
  sync_failed_ = true;
  return true;
}

size_t Machine::interrupted_size(uint64_t offset, size_t size) {
  const size_t any = disk_random_.below(size + 1);
  if (disk_random_.chance(0.5)) return any;
  const uint64_t border = (offset + any) / kSectorSize * kSectorSize;
  return border <= offset ? 0 : border - offset;
}

size_t Machine::failed_size(uint64_t offset, size_t size) {
  switch (disk_random_.below(3)) {
    case 0:
      return 0;
    case 1:
      return size;
    default:
      return interrupted_size(offset, size);
  }
}

size_t Machine::split_write_size(uint64_t offset, size_t size) {
  if (current_ == nullptr || size <= kSectorSize || living_.size() < 2) return 0;
  if (!schedule_random_.chance(options_.split_write_chance)) return 0;
  return interrupted_size(offset, size);
}

// --- Files.

std::shared_ptr<Handle> Machine::open_handle(Process& process, std::shared_ptr<DiskFile> file) {
  auto handle = std::make_shared<Handle>();
  handle->machine = this;
  handle->process = process.id_;
  // An error nobody was told of yet is told to those who open the file later, too.
  handle->error_sequence = file->error_seen ? file->error_sequence : file->error_sequence - 1;
  handle->file = std::move(file);
  process.handles_.push_back(handle);
  return handle;
}

void Machine::close_handle(Handle& handle) {
  CHECK(handle.machine == this);
  std::vector<DiskFile::Lock>& locks = handle.file->locks;
  locks.erase(std::remove_if(locks.begin(), locks.end(),
                             [&](const DiskFile::Lock& lock) { return lock.holder == &handle; }),
              locks.end());
  handle.machine = nullptr;
  handle.file.reset();
  Process& process =
      handle.process == kAnyProcess ? harness_ : *processes_[static_cast<size_t>(handle.process)];
  auto& handles = process.handles_;
  handles.erase(std::find_if(handles.begin(), handles.end(),
                             [&](const auto& open) { return open.get() == &handle; }));
}

Status Machine::sync_file(Handle& handle, std::string_view path, Fault fault) {
  DiskFile& file = *handle.file;
  const auto error = [&] {
    handle.error_sequence = file.error_sequence;
    file.error_seen = true;
    return Status(StatusCode::kIoError, "fdatasync failed: Input/output error").with_path(path);
  };
  if (sync_failed_ && disk_random_.chance(options_.evict_chance)) evict();
  if (fault != Fault::kNone) {
    file.fail_sync(disk_random_);
    ++file.error_sequence;
    sync_failed_ = true;
    return error();
  }
  file.sync();
  return handle.error_sequence == file.error_sequence ? Status::ok() : error();
}

// --- Time and names.

uint64_t Machine::monotonic_time_us() {
  if (current_ != nullptr) {
    tick(500);
    if (--load_switch_left_ == 0) preempt();
  }
  return clock_ns_ / 1000;
}

uint64_t Machine::wall_time_us() {
  if (value_random_.chance(options_.clock_back_chance)) {
    wall_offset_us_ -= static_cast<int64_t>(value_random_.below(options_.clock_back_us_max + 1));
  }
  return static_cast<uint64_t>(wall_offset_us_) + monotonic_time_us();
}

std::string Machine::describe(const os::ProcessIdentity& identity) const {
  const std::string name = "pid " + std::to_string(identity.pid);
  for (const Process* process : living_) {
    const os::ProcessIdentity& known = process->identity_;
    const bool same = identity.start_ticks != 0 ? known.start_ticks == identity.start_ticks
                                                : known.pid == identity.pid;
    if (!same) continue;
    return name + (process->stopped_ ? ", state T (stopped)" : ", state S (sleeping)");
  }
  return name + ", gone";
}

std::string Machine::describe_address(const void* address) const {
  std::string text = "private memory";
  disk_.for_each_file([&](const std::string& path, DiskFile& file) {
    const char* const at = static_cast<const char*>(address);
    if (at >= file.data() && at < file.data() + kAreaSize) {
      text = path + " " + std::to_string(at - file.data());
    }
  });
  return text;
}

void Machine::record(StepKind kind, const StepDetail& detail) {
  std::string line = std::to_string(steps_) + " p" + std::to_string(current_->id_) + " " +
                     std::string(step_kind_name(kind)) + " ";
  if (detail.address != nullptr) {
    line += describe_address(detail.address);
  } else {
    line += std::string(detail.path) + " " + std::to_string(detail.offset) + "+" +
            std::to_string(detail.size);
  }
  if (trace_to_stderr_) std::fprintf(stderr, "%s\n", line.c_str());
  trace_.push_back(std::move(line));
}

}  // namespace holdfast::sim
