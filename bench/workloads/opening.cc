// W6: what a short-lived agent pays. Each sample is a new process, started by fork and exec of a
// program that is linked with its engine only, that opens an existing store, gets, makes one
// strict put, closes and exits: alone, while another process has the store open, and as the first
// one after a writer was killed that had made 100,000 batched commits without a checkpoint.
#include <signal.h>
#include <unistd.h>

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/short_lives.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr uint64_t kSamples = 101;
constexpr uint64_t kSamplesAfterKill = 3;
constexpr uint64_t kCommitsBeforeKill = 100'000;
constexpr uint32_t kKilledWriter = 5;

struct Durations {
  Histogram open;
  Histogram get;
  Histogram put;
  Histogram process;

  void add(const OnceSample& sample) {
    open.record(sample.open_ns);
    get.record(sample.get_ns);
    put.record(sample.put_ns);
    process.record(sample.process_ns);
  }
};

void take_samples(const std::string& engine, const std::string& directory, uint64_t first,
                  Durations& durations) {
  for (uint64_t i = first; i < first + kSamples; ++i) {
    durations.add(live_once(engine, directory, i));
  }
}

Measurement measurement_of(const std::string& name, const Histogram& durations) {
  Measurement result;
  result.workload = "W6 " + name;
  result.processes = 1;
  result.operations = durations.count();
  result.set_durations(durations);
  return result;
}

void expect_rows(Session& session, uint32_t worker, uint64_t count, Verdict& verdict) {
  std::string read;
  for (uint64_t i = 0; i < count; ++i) {
    const Row row(worker, i);
    ++verdict.checked;
    if (!session.get(row.key.view(), read)) {
      ++verdict.lost;
    } else if (read != row.value.view()) {
      ++verdict.wrong;
    }
  }
}

Verdict verify(const Engine& engine, const Setup& setup, uint64_t puts, uint64_t killed_puts) {
  const SharedBoard board;
  const bool verified = run_apart([&] {
    const std::unique_ptr<Session> session = engine.open(setup);
    Verdict& verdict = board->verdict;
    expect_rows(*session, kOnceWriter, puts, verdict);
    expect_rows(*session, 0, kOnceRows, verdict);
    expect_rows(*session, kKilledWriter, killed_puts, verdict);
    const uint64_t all = puts + kOnceRows + killed_puts;
    const size_t rows = session->scan("", ~size_t{0}).rows;
    if (rows > all) verdict.ghosts += rows - all;
  });
  require(verified, engine.name() + " could not be read at the end of W6");
  return board->verdict;
}

void commit_and_die(const Engine& engine, Setup setup) {
  setup.durability = Durability::kBatched;
  setup.checkpoints = false;
  wait_for(start_apart([&] {
    const std::unique_ptr<Session> session = engine.open(setup);
    for (uint64_t i = 0; i < kCommitsBeforeKill; ++i) {
      const Row row(kKilledWriter, i);
      session->put(row.key.view(), row.value.view());
    }
    kill(getpid(), SIGKILL);
  }));
}

// Only the first opening after the kill finds what it left, so each sample makes its own store.
Measurement measure_after_kill(const Case& which) {
  Durations durations;
  Verdict verdict;
  for (uint64_t i = 0; i < kSamplesAfterKill; ++i) {
    const CaseFolder folder(which.directory, "killed");
    const Setup setup{folder.path(), Durability::kStrict};
    create_store(which.engine, setup);
    load_store(which.engine, setup, kOnceRows);
    commit_and_die(which.engine, setup);
    durations.add(live_once(which.engine.name(), folder.path(), 0));
    verdict += verify(which.engine, setup, 1, kCommitsBeforeKill);
  }
  Measurement result = measurement_of("open after kill -9", durations.open);
  result.verdict = verdict;
  return result;
}

}  // namespace

std::vector<Measurement> measure_opening(const Case& which) {
  const CaseFolder folder(which.directory, "opening");
  const Setup setup{folder.path(), Durability::kStrict, 16u << 20};
  create_store(which.engine, setup);
  load_store(which.engine, setup, kOnceRows);
  const double idle_us = quiet_sync_us(which.directory);
  const std::string name = which.engine.name();

  Durations alone;
  take_samples(name, folder.path(), 0, alone);
  Durations beside;
  const bool in_company = which.engine.sharing() == Sharing::kProcesses;
  if (in_company) {
    const SharedBoard board;
    const auto stay = [](Session&, uint32_t) { pause(); };
    const auto touch = [](Session& session, uint32_t) {
      std::string read;
      require(session.get(Key(0, 0).view(), read), "a loaded row is not there");
    };
    Crew holder(which.engine, setup, 1, *board, {touch, stay});
    take_samples(name, folder.path(), kSamples, beside);
  }
  const uint64_t samples = in_company ? 2 * kSamples : kSamples;
  const Verdict verdict = verify(which.engine, setup, samples, 0);

  std::vector<Measurement> results{
      measurement_of("open", alone.open), measurement_of("first get", alone.get),
      measurement_of("put", alone.put), measurement_of("whole process", alone.process)};
  if (in_company) {
    results.push_back(measurement_of("open, store in use", beside.open));
    results.push_back(measurement_of("whole process, store in use", beside.process));
  }
  for (Measurement& result : results) {
    result.acknowledged = samples;
    result.verdict = verdict;
  }
  if (which.engine.does(Work::kRecovery)) results.push_back(measure_after_kill(which));
  for (Measurement& result : results) result.idle_sync_us = idle_us;
  return results;
}

Measurement measure_empty_process() {
  Durations durations;
  take_samples("none", ".", 0, durations);
  Measurement result = measurement_of("whole process", durations.process);
  result.engine = "(empty process)";
  result.options = "a new process that does nothing";
  return result;
}

}  // namespace holdfast::bench
