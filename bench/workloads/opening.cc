// W6: what a short-lived agent pays. Each sample is a new process, started by fork and exec of
// this program, that opens an existing store, gets, makes one strict put, closes and exits.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr uint64_t kRows = 10'000;
constexpr uint64_t kSamples = 101;
constexpr uint32_t kWriter = 7;  // whose rows the samples put

struct Sample {
  uint64_t open_ns = 0;
  uint64_t get_ns = 0;
  uint64_t put_ns = 0;
  uint64_t close_ns = 0;
  uint64_t process_ns = 0;  // from before fork until it is gone
};

// Starts this program again and reads the line that it prints.
Sample take_sample(const std::string& engine, const std::string& directory, uint64_t sequence) {
  const std::string number = std::to_string(sequence);
  const char* arguments[] = {"holdfast_bench",  "--open-once", engine.c_str(), "--dir",
                             directory.c_str(), "--sequence",  number.c_str(), nullptr};
  int ends[2];
  require(pipe2(ends, O_CLOEXEC) == 0, "no pipe for a sample");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  Sample sample;
  const uint64_t begin_ns = monotonic_ns();
  pid_t child = 0;
  const int error = posix_spawn(&child, "/proc/self/exe", &actions, nullptr,
                                const_cast<char**>(arguments), environ);
  require(error == 0, "cannot start a sample");
  int status = 0;
  waitpid(child, &status, 0);
  sample.process_ns = monotonic_ns() - begin_ns;
  close(ends[1]);
  posix_spawn_file_actions_destroy(&actions);
  char line[200] = {};
  require(read(ends[0], line, sizeof(line) - 1) > 0 && status == 0, "a sample of W6 failed");
  close(ends[0]);
  const int fields = std::sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                 &sample.open_ns, &sample.get_ns, &sample.put_ns, &sample.close_ns);
  require(fields == 4, "a sample of W6 printed something else");
  return sample;
}

struct Durations {
  Histogram open;
  Histogram get;
  Histogram put;
  Histogram process;
};

void take_samples(const std::string& engine, const std::string& directory, uint64_t first,
                  Durations& durations) {
  for (uint64_t i = first; i < first + kSamples; ++i) {
    const Sample sample = take_sample(engine, directory, i);
    durations.open.record(sample.open_ns);
    durations.get.record(sample.get_ns);
    durations.put.record(sample.put_ns);
    durations.process.record(sample.process_ns);
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

void verify(Session& session, uint64_t puts, Verdict& verdict) {
  std::string read;
  const auto expect = [&](const Row& row) {
    ++verdict.checked;
    if (!session.get(row.key.view(), read)) {
      ++verdict.lost;
    } else if (read != row.value.view()) {
      ++verdict.wrong;
    }
  };
  for (uint64_t i = 0; i < puts; ++i) expect(Row(kWriter, i));
  for (uint64_t i = 0; i < kRows; ++i) expect(Row(0, i));
  const size_t rows = session.scan("", ~size_t{0}).rows;
  if (rows > puts + kRows) verdict.ghosts += rows - puts - kRows;
}

}  // namespace

std::vector<Measurement> measure_opening(const Case& which) {
  const CaseFolder folder(which.directory, "opening");
  const Setup setup{folder.path(), Durability::kStrict, 16u << 20};
  create_store(which.engine, setup);
  load_store(which.engine, setup, kRows);
  const double idle_us = quiet_sync_us(which.directory);
  const std::string name = which.engine.name();

  Durations alone;
  take_samples(name, folder.path(), 0, alone);
  Durations beside;
  const SharedBoard board;
  {
    const auto stay = [](Session&, uint32_t) { pause(); };
    const auto touch = [](Session& session, uint32_t) {
      std::string read;
      require(session.get(Key(0, 0).view(), read), "a loaded row is not there");
    };
    Crew holder(which.engine, setup, 1, *board, {touch, stay});
    take_samples(name, folder.path(), kSamples, beside);
  }
  const bool verified =
      run_apart([&] { verify(*which.engine.open(setup), 2 * kSamples, board->verdict); });
  require(verified, name + " could not be read after its holder was killed");

  std::vector<Measurement> results{measurement_of("open", alone.open),
                                   measurement_of("first get", alone.get),
                                   measurement_of("put", alone.put),
                                   measurement_of("whole process", alone.process),
                                   measurement_of("open, store in use", beside.open),
                                   measurement_of("whole process, store in use", beside.process)};
  for (Measurement& result : results) {
    result.idle_sync_us = idle_us;
    result.acknowledged = 2 * kSamples;
    result.verdict = board->verdict;
  }
  return results;
}

Measurement measure_empty_process() {
  Histogram durations;
  for (uint64_t i = 0; i < kSamples; ++i) durations.record(take_sample("none", ".", i).process_ns);
  Measurement result = measurement_of("whole process", durations);
  result.engine = "(empty process)";
  result.options = "a new process that does nothing";
  return result;
}

void open_once(const Engine* engine, const Options& options) {
  Sample sample;
  const uint64_t begin_ns = monotonic_ns();
  uint64_t last_ns = begin_ns;
  const auto lap = [&last_ns](uint64_t& out) {
    const uint64_t now_ns = monotonic_ns();
    out = now_ns - last_ns;
    last_ns = now_ns;
  };
  if (engine != nullptr) {
    const Row row(kWriter, options.sequence);
    const Key wanted(0, Random(options.sequence).below(kRows));
    std::string read;
    last_ns = monotonic_ns();
    std::unique_ptr<Session> session = engine->open({options.directory, Durability::kStrict, 0});
    lap(sample.open_ns);
    const bool found = session->get(wanted.view(), read);
    lap(sample.get_ns);
    session->put(row.key.view(), row.value.view());
    lap(sample.put_ns);
    session.reset();
    lap(sample.close_ns);
    require(found, "a loaded row is not there");
  }
  std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sample.open_ns, sample.get_ns,
              sample.put_ns, sample.close_ns);
}

}  // namespace holdfast::bench
