// W9: the same 10,000 rows overwritten a million times in single-put batched commits, without and
// with one snapshot held by another worker; what the files grow by, and what is left when the
// snapshot is gone, every row was overwritten a few more times and the store was closed.
// A run ends early after some seconds: some engines crawl with a snapshot held.
#include <unistd.h>

#include "bench/crew.h"
#include "bench/files.h"
#include "bench/machine.h"
#include "bench/shared_array.h"
#include "bench/workloads/versioned_rows.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr uint64_t kRows = 10'000;
constexpr uint64_t kOverwritesAfter = 20'000;
constexpr uint32_t kWriter = 0;
constexpr uint32_t kHolder = 1;

enum class Phase : uint32_t { kMeasured, kGrown, kRelease, kReleased, kDone };

struct Stage {
  std::atomic<Phase> phase;
  uint64_t duration_ns;
  uint64_t overwrites;
  double written_mb;
  double held_mb;
};

void wait_for_phase(const Stage& stage, Phase phase) {
  while (stage.phase.load() < phase) usleep(1000);
}

class Overwriting {
 public:
  Overwriting(const Case& which, bool held) : which_(which), held_(held), rows_(kRows) {
    setup_ = {folder_.path(), Durability::kBatched};
  }

  Measurement measure() {
    create_store(which_.engine, setup_);
    load_store(which_.engine, setup_, kRows);
    Measurement result;
    result.idle_sync_us = quiet_sync_us(which_.directory);
    const StoreSize before = store_size(which_.engine, setup_);
    const auto prepare = [this](Session& session, uint32_t worker) {
      if (worker == kHolder) hold(session);
    };
    const auto body = [this](Session& session, uint32_t worker) {
      if (worker == kWriter) write(session);
      release(session);
      for (;;) pause();
    };
    Crew crew(which_.engine, setup_, held_ ? 2 : 1, *board_, {prepare, body});
    board_->window().end_ns = ~uint64_t{0};
    crew.go();
    crew.wait_until([this] { return stage_->phase.load() == Phase::kGrown; });
    const StoreSize grown = store_size(which_.engine, setup_);
    stage_->phase = held_ ? Phase::kRelease : Phase::kReleased;
    crew.wait_until([this] { return stage_->phase.load() == Phase::kDone; });
    crew.kill();
    const StoreSize after = close_and_verify();

    result.workload = held_ ? "W9 snapshot held" : "W9 no snapshot";
    result.processes = 1;
    result.seconds = static_cast<double>(stage_->duration_ns) / 1e9;
    result.set_board(*board_);
    result.operations = stage_->overwrites;
    result.rate = static_cast<double>(stage_->overwrites) / result.seconds;
    result.syncs_per_operation = 0;
    result.figures = {{"overwrites", static_cast<double>(stage_->overwrites)},
                      {"data_before_mb", before.data_mb},
                      {"data_grown_mb", grown.data_mb - before.data_mb},
                      {"data_mb", grown.data_mb},
                      {"files_mb", grown.all_mb},
                      {"files_after_release_mb", after.all_mb},
                      {"data_after_release_mb", after.data_mb},
                      {"written_mb", stage_->written_mb},
                      {"snapshot_mb", stage_->held_mb}};
    return result;
  }

 private:
  void hold(Session& session) {
    session.hold();
    std::string read;
    require(session.get(VersionedRows::key(0).view(), read), "a loaded row is not there");
  }

  void release(Session& session) {
    wait_for_phase(stage_[0], Phase::kRelease);
    std::string read;
    for (uint64_t i = 0; i < kRows; ++i) {
      require(session.get(VersionedRows::key(i).view(), read) &&
                  read == VersionedRows::value(i, 0).view(),
              "a held snapshot changed");
    }
    stage_->held_mb = session.held_mb();
    session.release();
    stage_->phase = Phase::kReleased;
  }

  void write(Session& session) {
    WorkerSlot& slot = board_->workers[kWriter];
    const double written_before_mb = bench::written_mb();
    const uint64_t begin_ns = monotonic_ns();
    const uint64_t end_ns = begin_ns + static_cast<uint64_t>(which_.limit_seconds * 1e9);
    Random random(1);
    uint64_t done = 0;
    uint64_t now_ns = begin_ns;
    for (; done < which_.keys && now_ns < end_ns; ++done, now_ns = monotonic_ns()) {
      rows_.overwrite(session, *board_, slot, random.below(kRows));
    }
    board_->window().end_ns = now_ns;
    stage_->duration_ns = now_ns - begin_ns;
    stage_->overwrites = done;
    stage_->written_mb = bench::written_mb() - written_before_mb;
    stage_->phase = Phase::kGrown;
    wait_for_phase(stage_[0], Phase::kReleased);
    for (uint64_t i = 0; i < kOverwritesAfter; ++i) {
      rows_.overwrite(session, *board_, slot, random.below(kRows));
    }
    stage_->phase = Phase::kDone;
    for (;;) pause();
  }

  StoreSize close_and_verify() {
    const bool verified = run_apart([this] {
      count_syncs_in(nullptr);
      const std::unique_ptr<Session> session = which_.engine.open(setup_);
      rows_.verify(*session, true, board_->verdict);
      session->checkpoint();
    });
    require(verified, which_.engine.name() + " could not be read after its workers were killed");
    return store_size(which_.engine, setup_);
  }

  const Case& which_;
  const bool held_;
  const CaseFolder folder_{which_.directory, "overwriting"};
  Setup setup_;
  VersionedRows rows_;
  const SharedBoard board_;
  const SharedArray<Stage> stage_{1};
};

}  // namespace

std::vector<Measurement> measure_overwrites(const Case& which) {
  std::vector<Measurement> results;
  for (bool held : {false, true}) results.push_back(Overwriting(which, held).measure());
  // What the snapshot itself has to keep is at most every row in its old version.
  constexpr double kSnapshotMb = kRows * (kKeySize + kValueSize) / 1e6;
  const double more_mb = results[1].figure("data_mb") - results[0].figure("data_mb");
  results[1].figures.emplace_back("more_data_of_snapshot", more_mb / kSnapshotMb);
  const double held_mb = results[1].figure("snapshot_mb");
  results[1].figures.emplace_back("more_data_of_pages", held_mb > 0 ? more_mb / held_mb : 0);
  return results;
}

}  // namespace holdfast::bench
