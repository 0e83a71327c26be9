#include "ingest/ingest.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "ingest/file_ingester.h"
#include "process/child.h"

namespace holdfast::ingest {
namespace {

using process::Child;
using process::ChildEnd;

// A file whose reader dies as often as this is left out.
constexpr uint32_t kDeathsOfFileMax = 3;

// The body of a worker; its exit code.
int work(const IngestOptions& options, const std::vector<InputFile>& files, Progress& progress,
         uint32_t worker) {
  auto run = [&]() -> Status {
    HOLDFAST_ASSIGN(Store store, Store::open(options.store_path, options.store));
    HOLDFAST_ASSIGN(Space space, store.space(options.space));
    HOLDFAST_ASSIGN(Space notes, notes_of(space));
    IdLedger ledger;
    if (!options.ledger_path.empty()) HOLDFAST_TRY(ledger.open(options.ledger_path));
    FileIngester ingester(store, space, notes, progress,
                          options.ledger_path.empty() ? nullptr : &ledger,
                          progress.commits_of_worker[worker]);
    std::atomic<int64_t>& current = progress.file_of_worker[worker];
    while (progress.failure()) {
      if (current.load() == kNoFile) {
        uint64_t next = progress.next_file.fetch_add(1);
        if (next >= files.size()) break;
        current.store(static_cast<int64_t>(next));
      }
      HOLDFAST_TRY(ingester.ingest(files[static_cast<size_t>(current.load())]));
      progress.files_done.fetch_add(1);
      current.store(kNoFile);
    }
    return store.close();
  };
  Status status = run();
  if (!status) progress.fail(status);
  return status ? 0 : 1;
}

class Overseer {
 public:
  Overseer(const IngestOptions& options, const std::vector<InputFile>& files, Progress& progress)
      : options_(options), files_(files), progress_(progress), workers_(options.processes) {}

  Result<IngestReport> run() {
    begin_us_ = process::monotonic_us();
    for (auto& file : progress_.file_of_worker) file.store(kNoFile);
    for (uint32_t worker = 0; worker < options_.processes; ++worker) HOLDFAST_TRY(start(worker));
    while (running_ > 0) {
      process::sleep_ms(5);
      for (uint32_t worker = 0; worker < options_.processes; ++worker) HOLDFAST_TRY(tend(worker));
      if (options_.kill_one && report_.kills == 0) kill_one();
      if (options_.progress) show_progress();
    }
    if (options_.progress) std::fprintf(stderr, "\r\x1b[K");
    HOLDFAST_TRY(progress_.failure());
    report_.seconds = static_cast<double>(process::monotonic_us() - begin_us_) / 1e6;
    return report_;
  }

 private:
  struct Worker {
    Child child;
    bool running = false;
    uint32_t deaths_of_file = 0;
    int64_t file = kNoFile;  // that was being read at its last death
  };

  Status start(uint32_t worker) {
    auto body = [this, worker] { return work(options_, files_, progress_, worker); };
    HOLDFAST_ASSIGN(workers_[worker].child,
                    process::start_child(body, process::PidNamespace::kShared));
    workers_[worker].running = true;
    ++running_;
    return Status::ok();
  }

  // Sees whether the worker has ended; starts it again if it died.
  Status tend(uint32_t worker) {
    if (!workers_[worker].running) return Status::ok();
    ChildEnd end = process::wait_child(workers_[worker].child, false);
    if (!end.ended) return Status::ok();
    workers_[worker].running = false;
    --running_;
    if (end.signal == 0 || !progress_.failure()) return Status::ok();
    give_up_on_deadly_file(worker);
    pid_t before = workers_[worker].child.worker;
    ++report_.restarts;
    HOLDFAST_TRY(start(worker));
    announce("process " + std::to_string(worker + 1) + " (pid " + std::to_string(before) +
             ") was killed by signal " + std::to_string(end.signal) + "; started again as pid " +
             std::to_string(workers_[worker].child.worker));
    return Status::ok();
  }

  void give_up_on_deadly_file(uint32_t worker) {
    int64_t file = progress_.file_of_worker[worker].load();
    Worker& dead = workers_[worker];
    dead.deaths_of_file = file == dead.file ? dead.deaths_of_file + 1 : 1;
    dead.file = file;
    if (file == kNoFile || dead.deaths_of_file < kDeathsOfFileMax) return;
    progress_.files_unreadable.fetch_add(1);
    progress_.remark("left out, its reader died again and again: " +
                     files_[static_cast<size_t>(file)].path);
    progress_.file_of_worker[worker].store(kNoFile);
  }

  // The worker that has committed most and is in the middle of a file.
  void kill_one() {
    if (progress_.files_done.load() * 3 < files_.size()) return;
    uint32_t chosen = options_.processes;
    for (uint32_t worker = 0; worker < options_.processes; ++worker) {
      const auto& commits = progress_.commits_of_worker;
      bool busy = workers_[worker].running && progress_.file_of_worker[worker].load() != kNoFile &&
                  commits[worker].load() > 0;
      bool better = chosen == options_.processes || commits[worker] > commits[chosen];
      if (busy && better) chosen = worker;
    }
    if (chosen == options_.processes) return;
    int64_t file = progress_.file_of_worker[chosen].load();
    ::kill(workers_[chosen].child.worker, SIGKILL);
    ++report_.kills;
    announce("SIGKILL to process " + std::to_string(chosen + 1) + " (pid " +
             std::to_string(workers_[chosen].child.worker) + ") after " +
             std::to_string(progress_.commits_of_worker[chosen].load()) + " commits" +
             (file == kNoFile ? "" : ", in " + files_[static_cast<size_t>(file)].path));
  }

  void announce(const std::string& text) {
    if (options_.progress) std::fprintf(stderr, "\r\x1b[K");
    if (options_.announce) options_.announce(text);
  }

  void show_progress() {
    uint64_t now_us = process::monotonic_us();
    if (now_us < progress_due_us_) return;
    progress_due_us_ = now_us + 100000;
    uint64_t sections = progress_.sections_added.load();
    double seconds = static_cast<double>(now_us - begin_us_) / 1e6;
    std::fprintf(stderr, "\r\x1b[K  %llu of %zu files  %llu sections  %.0f sections/s",
                 static_cast<unsigned long long>(progress_.files_done.load()), files_.size(),
                 static_cast<unsigned long long>(sections),
                 static_cast<double>(sections) / std::max(seconds, 0.001));
    std::fflush(stderr);
  }

  const IngestOptions& options_;
  const std::vector<InputFile>& files_;
  Progress& progress_;
  std::vector<Worker> workers_;
  uint32_t running_ = 0;
  uint64_t begin_us_ = 0;
  uint64_t progress_due_us_ = 0;
  IngestReport report_;
};

}  // namespace

Result<IngestReport> run_ingest(const IngestOptions& options, const std::vector<InputFile>& files,
                                Progress& progress) {
  return Overseer(options, files, progress).run();
}

Result<Space> notes_of(const Space& space) {
  return space.child("holdfast:ingest");
}

}  // namespace holdfast::ingest
