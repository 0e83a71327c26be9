// W4: random gets, each in its own read transaction or all in a held one, and scans of 100 rows.
#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/loaded_stores.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr double kWarmUpSeconds = 0.3;
constexpr size_t kScanRows = 100;

enum class Mode : uint8_t { kGet, kGetHeld, kScan };

[[noreturn]] void scan_forever(Session& session, Board& board, uint32_t worker,
                               const std::vector<Key>& sorted) {
  Random random(worker + 1);
  for (;;) {
    const uint64_t i = random.below(sorted.size() - kScanRows + 1);
    Scanned scanned;
    timed(board, board.workers[worker],
          [&] { scanned = session.scan(sorted[i].view(), kScanRows); });
    require(scanned.rows == kScanRows && scanned.value_bytes == kScanRows * kValueSize &&
                scanned.last_key == sorted[i + kScanRows - 1].view(),
            "a scan returned something else");
  }
}

Measurement measure_mode(const Case& which, LoadedStores& stores, Mode mode) {
  LoadedStore& store = stores.of(which.engine);
  const std::vector<Key>& sorted = stores.sorted();
  const SharedBoard board;
  const auto prepare = [&](Session& session, uint32_t) {
    require(session.scan("", sorted.size() + 1).rows == sorted.size(),
            "the loaded store is not complete");
    if (mode == Mode::kGetHeld) session.hold();
  };
  const auto body = [&](Session& session, uint32_t worker) {
    if (mode == Mode::kScan) scan_forever(session, *board, worker, sorted);
    get_forever(session, *board, worker, store.rows);
  };
  Measurement result;
  result.idle_sync_us = quiet_sync_us(which.directory);
  Crew crew(which.engine, store.setup, which.processes, *board, {prepare, body});
  const CpuUse cpu = crew.run(kWarmUpSeconds, which.seconds);
  const char* const names[] = {"W4 get, transaction each", "W4 get, snapshot held",
                               "W4 scan of 100"};
  result.workload = names[static_cast<size_t>(mode)];
  result.processes = which.processes;
  result.seconds = which.seconds;
  result.set_board(*board);
  result.set_cpu(cpu);
  return result;
}

}  // namespace

void get_forever(Session& session, Board& board, uint32_t worker, const VersionedRows& rows) {
  Random random(worker + 1);
  std::string read;
  for (;;) rows.get(session, board, board.workers[worker], random.below(rows.size()), read);
}

std::vector<Measurement> measure_reads(const Case& which, LoadedStores& stores) {
  std::vector<Measurement> results;
  for (Mode mode : {Mode::kGet, Mode::kGetHeld, Mode::kScan}) {
    results.push_back(measure_mode(which, stores, mode));
  }
  return results;
}

}  // namespace holdfast::bench
