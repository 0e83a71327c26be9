// W7: open and first get after many single-put commits without a checkpoint, ended by kill -9.
// "warm": the machine ran on. "cold": as after a reboot, as far as the engine tells the two apart
// (Holdfast: its control block is gone, and it does not trust what the page cache says of data);
// the files are in the page cache all the same, so that the disk's speed does not hide the work.
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/process_status.h"
#include "bench/shared_array.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr uint32_t kWriter = 0;

struct Opening {
  std::atomic<uint64_t> duration_ns;
  uint64_t open_ns;
  uint64_t peak_kib;
};

void leave_commits(const Case& which, const Setup& setup, uint64_t count) {
  create_store(which.engine, setup);
  const SharedArray<std::atomic<uint64_t>> done(1);
  wait_for(start_apart([&] {
    count_syncs_in(nullptr);
    const std::unique_ptr<Session> session = which.engine.open(setup);
    for (uint64_t i = 0; i < count; ++i) {
      const Row row(kWriter, i);
      session->put(row.key.view(), row.value.view());
      done[0] = i + 1;
    }
    kill(getpid(), SIGKILL);
  }));
  require(done[0] == count, which.engine.name() + " could not write its commits");
}

// Opens in a fresh process, which is killed as soon as it has read one row. Its private memory
// is looked at from outside all the while.
Measurement open_once(const Case& which, const Setup& setup, uint64_t count) {
  const SharedArray<Opening> opening(1);
  const pid_t process = start_apart([&] {
    const Row wanted(kWriter, count / 2);
    std::string read;
    const uint64_t begin_ns = monotonic_ns();
    const std::unique_ptr<Session> session = which.engine.open(setup);
    opening->open_ns = monotonic_ns() - begin_ns;
    const bool found = session->get(wanted.key.view(), read);
    const uint64_t duration_ns = monotonic_ns() - begin_ns;
    require(found && read == wanted.value.view(), "an acknowledged row is not there");
    opening->peak_kib = status_kib("self", "VmHWM");
    opening->duration_ns = duration_ns;
    pause();
  });
  uint64_t private_kib = 0;
  while (opening->duration_ns == 0) {
    private_kib = std::max(private_kib, status_kib(std::to_string(process), "RssAnon"));
    require(kill(process, 0) == 0 && !has_ended(process),
            which.engine.name() + " could not be opened after kill -9");
    usleep(1000);
  }
  kill(process, SIGKILL);
  wait_for(process);

  Measurement result;
  Histogram durations;
  durations.record(opening->duration_ns);
  result.processes = 1;
  result.operations = count;
  result.set_durations(durations);
  result.rate = static_cast<double>(count) * 1e9 / static_cast<double>(opening->duration_ns);
  result.figures = {{"open_ms", static_cast<double>(opening->open_ns) / 1e6},
                    {"peak_private_mb", static_cast<double>(private_kib) / 1024},
                    {"peak_resident_mb", static_cast<double>(opening->peak_kib) / 1024}};
  return result;
}

void verify(Session& session, uint64_t count, Verdict& verdict) {
  std::string read;
  for (uint64_t i = 0; i < count; ++i) {
    const Row row(kWriter, i);
    ++verdict.checked;
    if (!session.get(row.key.view(), read)) {
      ++verdict.lost;
    } else if (read != row.value.view()) {
      ++verdict.wrong;
    }
  }
  const size_t rows = session.scan("", ~size_t{0}).rows;
  if (rows > count) verdict.ghosts += rows - count;
}

void measure_size(const Case& which, const std::string& size, uint64_t count,
                  std::vector<Measurement>& results) {
  const CaseFolder folder(which.directory, "recovery");
  Setup setup{folder.path(), Durability::kBatched};
  setup.checkpoints = false;
  const double idle_us = quiet_sync_us(which.directory);
  leave_commits(which, setup, count);
  const size_t first = results.size();
  results.push_back(open_once(which, setup, count));
  results.back().workload = "W7 warm, " + size;
  if (which.engine.reboot(setup))
    results.push_back(open_once(which, setup, count));
  else
    results.push_back(results.back());
  results.back().workload = "W7 cold, " + size;
  const SharedBoard board;
  const bool verified = run_apart([&] {
    count_syncs_in(nullptr);
    verify(*which.engine.open(setup), count, board->verdict);
  });
  require(verified, which.engine.name() + " could not be read after kill -9");
  for (size_t i = first; i < results.size(); ++i) {
    results[i].acknowledged = count;
    results[i].idle_sync_us = idle_us;
    results[i].verdict = board->verdict;
  }
}

}  // namespace

std::vector<Measurement> measure_recovery(const Case& which) {
  std::vector<Measurement> results;
  measure_size(which, "a tenth", which.keys / 10, results);
  measure_size(which, "all", which.keys, results);
  return results;
}

}  // namespace holdfast::bench
