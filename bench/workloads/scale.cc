// scale: how get, commit, open and checkpoint grow with the store. For each of the sizes one store
// is loaded in random order and kept for the steps that follow.
#include <unistd.h>

#include <cmath>

#include "bench/crew.h"
#include "bench/files.h"
#include "bench/machine.h"
#include "bench/shared_array.h"
#include "bench/workloads/short_lives.h"
#include "bench/workloads/versioned_rows.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr double kWarmUpSeconds = 0.5;
constexpr double kCheckpointSeconds = 5;
constexpr useconds_t kBetweenCheckpointsUs = 300'000;
constexpr uint32_t kWriter = 0;
constexpr uint32_t kCheckpointer = 1;
constexpr uint64_t kOpenings = 21;

std::string name_of_size(uint64_t keys) {
  const bool millions = keys % 1'000'000 == 0;
  return std::to_string(keys / (millions ? 1'000'000 : 1000)) + (millions ? " M" : " K");
}

class Scale {
 public:
  Scale(const Case& which, uint64_t keys)
      : which_(which), keys_(keys), folder_(which.directory, "scale"), rows_(keys) {
    setup_ = {folder_.path(), Durability::kBatched};
  }

  std::vector<Measurement> measure() {
    create_store(which_.engine, setup_);
    const uint64_t begin_ns = monotonic_ns();
    load_store(which_.engine, setup_, keys_);
    const double seconds = static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
    Measurement load = named("load");
    load.rate = static_cast<double>(keys_) / seconds;
    const StoreSize size = store_size(which_.engine, setup_);
    load.figures = {{"data_mb", size.data_mb}, {"files_mb", size.all_mb}};
    results_.push_back(load);
    setup_.durability = Durability::kStrict;
    measure_gets(false);
    measure_gets(true);
    measure_commits(false);
    measure_commits(true);
    measure_openings();
    verify();
    return std::move(results_);
  }

 private:
  Measurement named(const std::string& step) const {
    Measurement result;
    result.workload = "scale " + step + ", " + name_of_size(keys_);
    result.processes = 1;
    return result;
  }

  void run(const std::string& step, uint32_t workers, double seconds, const Crew::Plan& plan,
           const SharedBoard& board) {
    Measurement result = named(step);
    result.idle_sync_us = quiet_sync_us(which_.directory);
    Crew crew(which_.engine, setup_, workers, *board, plan);
    const CpuUse cpu = crew.run(kWarmUpSeconds, seconds);
    result.seconds = seconds;
    result.set_board(*board);
    result.set_cpu(cpu);
    results_.push_back(result);
  }

  void measure_gets(bool held) {
    const SharedBoard board;
    const auto prepare = [&](Session& session, uint32_t) {
      session.scan("", ~size_t{0});
      if (held) session.hold();
    };
    const auto body = [&](Session& session, uint32_t worker) {
      get_forever(session, *board, worker, rows_);
    };
    run(held ? "get, snapshot held" : "get", 1, which_.seconds, {prepare, body}, board);
  }

  // Strict overwrites by one process; beside it another writes checkpoints now and then.
  void measure_commits(bool checkpoints) {
    const SharedBoard board;
    const SharedArray<Histogram> durations(1);
    const auto body = [&](Session& session, uint32_t worker) {
      if (worker == kCheckpointer) checkpoint_forever(session, durations[0]);
      Random random(which_.repetition);
      WorkerSlot& slot = board->workers[kWriter];
      for (;;) rows_.overwrite(session, *board, slot, random.below(keys_));
    };
    if (!checkpoints) {
      run("commit", 1, which_.seconds, {nullptr, body}, board);
      return;
    }
    run("commit beside checkpoints", 2, kCheckpointSeconds, {nullptr, body}, board);
    results_.back().figures = {
        {"checkpoints", static_cast<double>(durations->count())},
        {"checkpoint_p50_ms", static_cast<double>(durations->percentile_ns(0.5)) / 1e6},
        {"checkpoint_max_ms", static_cast<double>(durations->max_ns()) / 1e6}};
  }

  [[noreturn]] static void checkpoint_forever(Session& session, Histogram& durations) {
    for (;;) {
      const uint64_t begin_ns = monotonic_ns();
      session.checkpoint();
      durations.record(monotonic_ns() - begin_ns);
      usleep(kBetweenCheckpointsUs);
    }
  }

  void measure_openings() {
    const std::string engine = which_.engine.name();
    const auto sample = [&] { return live_once(engine, folder_.path(), openings_++).open_ns; };
    Histogram after_kill;
    after_kill.record(sample());
    add_openings("open after kill -9", after_kill);
    Histogram open;
    for (uint64_t i = 0; i < kOpenings; ++i) open.record(sample());
    add_openings("open", open);
    if (!which_.engine.reboot(setup_)) return;
    Histogram cold;
    cold.record(sample());
    add_openings("open, cold", cold);
  }

  void add_openings(const std::string& step, const Histogram& durations) {
    Measurement result = named(step);
    result.operations = durations.count();
    result.set_durations(durations);
    results_.push_back(result);
  }

  void verify() {
    const SharedBoard board;
    const bool verified = run_apart([&] {
      const std::unique_ptr<Session> session = which_.engine.open(setup_);
      rows_.verify(*session, false, board->verdict);
    });
    require(verified, which_.engine.name() + " could not be read at the end");
    // The short-lived processes have put rows of their own.
    Verdict& verdict = board->verdict;
    verdict.ghosts -= std::min(verdict.ghosts, openings_);
    for (Measurement& result : results_) result.verdict = verdict;
  }

  const Case& which_;
  const uint64_t keys_;
  const CaseFolder folder_;
  VersionedRows rows_;
  Setup setup_;
  uint64_t openings_ = 0;
  std::vector<Measurement> results_;
};

}  // namespace

std::vector<Measurement> measure_scale(const Case& which) {
  return Scale(which, which.keys).measure();
}

}  // namespace holdfast::bench
