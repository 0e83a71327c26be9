#include "torture/supervisor.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "process/child.h"
#include "process/shared_area.h"
#include "torture/findings.h"
#include "torture/limits.h"
#include "torture/other_build.h"
#include "torture/verifier.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

namespace fs = std::filesystem;
using process::Child;
using process::ChildEnd;

// Workers that die by themselves more often than this end the run: something is badly wrong.
constexpr uint64_t kOwnDeathsMax = 20;
constexpr uint64_t kStopMsMax = 400;

struct Worker {
  Child child;
  uint64_t resume_at_us = 0;  // 0: not stopped
};

class Supervisor {
 public:
  explicit Supervisor(const TortureOptions& options)
      : options_(options),
        random_(mix(options.seed)),
        readers_(options.processes < 2 ? 0 : std::max<uint32_t>(1, options.processes / 4)),
        writers_(options.processes - readers_),
        claimants_begin_(options.processes + (options.care ? 1 : 0)),
        workers_count_(claimants_begin_ + options.claimants) {}

  Result<TortureReport> run() {
    if (!options_.with.empty()) HOLDFAST_TRY(can_execute(options_.with));
    HOLDFAST_TRY(prepare_disk());
    HOLDFAST_TRY(prepare());
    uint64_t begin_us = process::monotonic_us();
    deadline_us_ = begin_us + static_cast<uint64_t>(options_.seconds * 1e6);
    Status status = start_all();
    if (status) torment(begin_us);
    report_.seconds = static_cast<double>(process::monotonic_us() - begin_us) / 1e6;
    end_all();
    HOLDFAST_TRY(std::move(status));
    if (options_.disk_mib != 0) HOLDFAST_TRY(disk_.resize(2 * options_.disk_mib));
    HOLDFAST_TRY(verify());
    fill_report();
    return std::move(report_);
  }

 private:
  // Where it is to run full, the store has a disk of its own; the ledger has not.
  Status prepare_disk() {
    if (options_.disk_mib == 0) return Status::ok();
    return disk_.mount(options_.directory + "/disk", options_.disk_mib);
  }

  // Makes the directories and, in a process of its own, the store with its accounts.
  Status prepare() {
    std::error_code error;
    fs::create_directories(options_.directory + "/ledger", error);
    if (error) {
      return Status(StatusCode::kIoError, "cannot make the scratch directory: " + error.message())
          .with_path(options_.directory);
    }
    if (options_.first_open) return Status::ok();
    Findings* findings = findings_.get();
    const TortureOptions& options = options_;
    std::string path = store_path();
    auto body = [findings, &options, path] {
      auto store = Store::open(path, options.store);
      Status status = store ? set_up(*store) : store.status();
      if (status) status = store->close();
      if (!status) findings->add(Findings::Kind::kViolation, "set-up: " + status.to_string());
      return status ? 0 : 1;
    };
    HOLDFAST_ASSIGN(Child child, process::start_child(body, process::PidNamespace::kShared));
    ChildEnd end = process::wait_child(child, true);
    if (end.exit_code == 0 && end.signal == 0) return Status::ok();
    auto texts = findings_->texts();
    return Status(StatusCode::kIoError, texts.empty() ? "the set-up process died" : texts[0]);
  }

  Status start_all() {
    workers_.resize(workers_count_);
    for (uint32_t worker = 0; worker < workers_count_; ++worker) HOLDFAST_TRY(start(worker));
    return Status::ok();
  }

  Status start(uint32_t worker) {
    WorkerOptions worker_options;
    worker_options.store_path = store_path();
    worker_options.ledger_path = ledger_path(worker);
    worker_options.store = options_.store;
    worker_options.store.actor = "torture-" + std::to_string(worker);
    worker_options.seed = options_.seed;
    worker_options.worker = worker;
    worker_options.writers = writers_;
    worker_options.sets_up = options_.first_open;
    worker_options.forks = options_.forks;
    worker_options.may_run_out = options_.disk_mib != 0 || options_.file_mib_max != 0;
    worker_options.file_mib_max = options_.file_mib_max;
    const Role role = worker < writers_             ? Role::kWriter
                      : worker < options_.processes ? Role::kReader
                      : worker < claimants_begin_   ? Role::kCaretaker
                                                    : Role::kClaimant;
    const bool elsewhere = !options_.with.empty() && random_.below(2) == 0;
    if (elsewhere) ++report_.starts_with;
    auto body = [&, elsewhere] {
      if (elsewhere) return execute(options_.with, role, worker_options, findings_.fd());
      return run_worker(role, worker_options, *findings_);
    };
    HOLDFAST_ASSIGN(
        workers_[worker].child,
        process::start_child(body, options_.pid_namespaces ? process::PidNamespace::kOwn
                                                           : process::PidNamespace::kShared));
    workers_[worker].resume_at_us = 0;
    findings_->workers[worker].claims.store(false);
    return Status::ok();
  }

  // Until the time is over: kills, stops, resumes, and sees after workers that died by themselves.
  void torment(uint64_t begin_us) {
    uint64_t next_us = begin_us + pause_us();
    uint64_t progress_us = begin_us + 1000000;
    while (process::monotonic_us() < deadline_us_ && own_deaths_ < kOwnDeathsMax) {
      process::sleep_ms(2);
      uint64_t now_us = process::monotonic_us();
      resume_due(now_us);
      see_after_dead();
      if (now_us >= next_us) {
        strike(now_us);
        next_us = now_us + pause_us();
      }
      if (options_.progress && now_us >= progress_us) {
        show_progress(now_us - begin_us);
        progress_us += 1000000;
      }
    }
    if (options_.progress) std::fprintf(stderr, "\r\x1b[K");
  }

  // Exponential: moments without memory.
  uint64_t pause_us() {
    double uniform = static_cast<double>(random_.next() >> 11) * 0x1p-53;
    return static_cast<uint64_t>(-std::log(1 - uniform) * options_.strike_ms * 1000);
  }

  // Any of them; half of the time one that holds a claim, if there is one.
  uint32_t victim() {
    const auto first = static_cast<uint32_t>(random_.below(workers_count_));
    if (random_.below(2) == 0) return first;
    for (uint32_t i = 0; i < workers_count_; ++i) {
      const uint32_t worker = (first + i) % workers_count_;
      if (findings_->workers[worker].claims.load()) return worker;
    }
    return first;
  }

  void strike(uint64_t now_us) {
    const uint32_t worker = victim();
    bool stops = options_.stop && (!options_.kill || random_.below(3) == 0);
    if (stops) {
      if (workers_[worker].resume_at_us != 0) return;
      ::kill(workers_[worker].child.worker, SIGSTOP);
      workers_[worker].resume_at_us = now_us + 1000 * (1 + random_.below(kStopMsMax));
      ++report_.stops;
    } else if (options_.kill) {
      // Now and then several at once, or all: nobody is left to finish what they began.
      uint64_t dice = random_.below(40);
      uint32_t count = dice == 0 ? workers_count_ : dice < 4 ? 2 : 1;
      kill_some(worker, std::min(count, workers_count_));
    }
  }

  void kill_some(uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      ::kill(workers_[(first + i) % workers_count_].child.worker, SIGKILL);
    }
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t worker = (first + i) % workers_count_;
      ChildEnd end = process::wait_child(workers_[worker].child, true);
      if (end.signal == SIGKILL) ++report_.kills;
      restart(worker);
    }
  }

  void restart(uint32_t worker) {
    Status status = start(worker);
    if (status) {
      ++report_.restarts;
    } else {
      findings_->add(Findings::Kind::kViolation, "restart: " + status.to_string());
      own_deaths_ = kOwnDeathsMax;
    }
  }

  void resume_due(uint64_t now_us) {
    for (Worker& worker : workers_) {
      if (worker.resume_at_us == 0 || now_us < worker.resume_at_us) continue;
      ::kill(worker.child.worker, SIGCONT);
      worker.resume_at_us = 0;
    }
  }

  void see_after_dead() {
    for (uint32_t worker = 0; worker < workers_count_; ++worker) {
      ChildEnd end = process::wait_child(workers_[worker].child, false);
      if (!end.ended) continue;
      if (end.exit_code != kStartAgain) {
        ++own_deaths_;
        note_death(worker, end);
      }
      restart(worker);
    }
  }

  void note_death(uint32_t worker, const ChildEnd& end) {
    if (end.signal == 0 && end.exit_code == kFailed) return;  // it said why itself
    findings_->add(Findings::Kind::kViolation,
                   "worker " + std::to_string(worker) +
                       (end.signal != 0 ? " was killed by signal " + std::to_string(end.signal) +
                                              ", not by the torture"
                                        : " ended with " + std::to_string(end.exit_code)));
  }

  void show_progress(uint64_t elapsed_us) {
    std::fprintf(stderr, "\r\x1b[K%3llu s  %llu commits  %llu kills  %llu stops  %llu wrong",
                 static_cast<unsigned long long>(elapsed_us / 1000000),
                 static_cast<unsigned long long>(findings_->commit_us.count()),
                 static_cast<unsigned long long>(report_.kills),
                 static_cast<unsigned long long>(report_.stops),
                 static_cast<unsigned long long>(findings_->violations.load() +
                                                 findings_->torn.load() + findings_->lost.load()));
    std::fflush(stderr);
  }

  // With --kill in the middle of what they do, else when they have closed the store.
  void end_all() {
    findings_->stop.store(!options_.kill);
    for (Worker& worker : workers_) {
      if (worker.child.worker <= 0) continue;
      ::kill(worker.child.worker, options_.kill ? SIGKILL : SIGCONT);
    }
    for (uint32_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].child.waited <= 0) continue;
      ChildEnd end = process::wait_child(workers_[i].child, true);
      if (end.signal == SIGKILL && options_.kill) {
        ++report_.kills;
      } else if (end.signal != 0) {
        note_death(i, end);
      }
    }
  }

  Status verify() {
    VerifierOptions options;
    options.store_path = store_path();
    for (uint32_t worker = 0; worker < writers_; ++worker) {
      options.ledger_paths.push_back(ledger_path(worker));
    }
    for (uint32_t worker = claimants_begin_; worker < workers_count_; ++worker) {
      options.claim_ledgers.push_back({worker, ledger_path(worker)});
    }
    options.store = options_.store;
    options.store.create = options_.first_open;
    options.seed = options_.seed;
    options.by_workers = options_.first_open;
    Findings* findings = findings_.get();
    Verdict* verdict = verdict_.get();
    auto body = [&options, findings, verdict] {
      return run_verifier(options, *findings, *verdict);
    };
    HOLDFAST_ASSIGN(Child child, process::start_child(body, process::PidNamespace::kShared));
    process::wait_child(child, true);
    if (!verdict_->complete.load()) {
      findings_->add(Findings::Kind::kViolation, "the verifier died");
    }
    return Status::ok();
  }

  void fill_report() {
    report_.acknowledged = verdict_->acknowledged;
    report_.present = verdict_->present;
    report_.unknown = verdict_->unknown;
    report_.lost = findings_->lost.load();
    report_.torn = findings_->torn.load();
    report_.violations = findings_->violations.load();
    report_.reads_checked = findings_->reads_checked.load();
    report_.stores_checked = findings_->stores_checked.load();
    report_.checkpoints = findings_->checkpoints.load();
    report_.forks = findings_->forks.load();
    report_.refused = findings_->refused.load();
    report_.claims = findings_->claims.load();
    report_.guarded = findings_->guarded.load();
    report_.fenced = findings_->fenced.load();
    report_.writers = writers_;
    report_.readers = readers_;
    const process::Histogram& commit_us = findings_->commit_us;
    report_.commits_per_second = static_cast<double>(commit_us.count()) / report_.seconds;
    report_.p50_us = commit_us.quantile(0.5);
    report_.p99_us = commit_us.quantile(0.99);
    report_.max_us = commit_us.max();
    report_.slowest_worker_commits = UINT64_MAX;
    for (uint32_t worker = 0; worker < writers_; ++worker) {
      uint64_t commits = findings_->workers[worker].commits.load();
      report_.slowest_worker_commits = std::min(report_.slowest_worker_commits, commits);
      report_.fastest_worker_commits = std::max(report_.fastest_worker_commits, commits);
    }
    if (verdict_->syncs > 0) {
      report_.commits_per_sync =
          static_cast<double>(verdict_->commits) / static_cast<double>(verdict_->syncs);
    }
    report_.takeovers = verdict_->takeovers;
    report_.conflicts = verdict_->conflicts;
    report_.keys = verdict_->keys;
    report_.open_us = verdict_->open_us;
    report_.cold_open = verdict_->cold;
    report_.problems = findings_->texts();
  }

  std::string store_path() const {
    return options_.directory + (options_.disk_mib == 0 ? "/store" : "/disk/store");
  }
  std::string ledger_path(uint32_t worker) const {
    return options_.directory + "/ledger/" + std::to_string(worker);
  }

  const TortureOptions& options_;
  SmallDisk disk_;
  Random random_;
  uint32_t readers_;
  uint32_t writers_;
  uint32_t claimants_begin_;  // before it the caretaker
  uint32_t workers_count_;
  uint64_t deadline_us_ = 0;
  uint64_t own_deaths_ = 0;
  process::SharedArea<Findings> findings_;
  process::SharedArea<Verdict> verdict_;
  std::vector<Worker> workers_;
  TortureReport report_;
};

}  // namespace

Result<TortureReport> run_torture(const TortureOptions& options) {
  return Supervisor(options).run();
}

}  // namespace holdfast::torture
