// W5: four readers, first alone, then beside four writers that overwrite rows in strict commits.
// Every get is compared with what was acknowledged before it began.
#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/loaded_stores.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr double kWarmUpSeconds = 0.5;
constexpr uint32_t kReaders = 4;
constexpr uint32_t kWriters = 4;

[[noreturn]] void overwrite_forever(Session& session, Board& board, uint32_t worker,
                                    VersionedRows& rows) {
  const uint64_t writer = worker - kReaders;
  Random random(worker + 1);
  WorkerSlot& slot = board.workers[worker];
  for (;;) {
    const uint64_t i = random.below(rows.size() / kWriters) * kWriters + writer;
    rows.overwrite(session, board, slot, i);
  }
}

Measurement part_of(const Case& which, const std::string& name, const Board& board, uint32_t first,
                    uint32_t count) {
  Measurement result;
  result.workload = name;
  result.processes = count;
  result.seconds = which.seconds;
  result.set_board(board, first);
  return result;
}

CpuUse run_crew(const Case& which, const Setup& setup, VersionedRows& rows, Board& board,
                uint32_t count) {
  const auto warm = [](Session& session, uint32_t worker) {
    if (worker < kReaders) session.scan("", ~size_t{0});
  };
  const auto body = [&](Session& session, uint32_t worker) {
    if (worker >= kReaders) overwrite_forever(session, board, worker, rows);
    get_forever(session, board, worker, rows);
  };
  Crew crew(which.engine, setup, count, board, {warm, body});
  return crew.run(kWarmUpSeconds, which.seconds);
}

}  // namespace

std::vector<Measurement> measure_mixed(const Case& which, LoadedStores& stores) {
  LoadedStore& store = stores.of(which.engine);
  Setup setup = store.setup;
  setup.durability = Durability::kStrict;
  const double idle_us = quiet_sync_us(which.directory);
  std::vector<Measurement> results;
  {
    const SharedBoard board;
    const CpuUse cpu = run_crew(which, setup, store.rows, *board, kReaders);
    results.push_back(part_of(which, "W5 readers alone", *board, 0, kReaders));
    results.back().set_cpu(cpu);
  }
  const SharedBoard board;
  run_crew(which, setup, store.rows, *board, kReaders + kWriters);
  const bool verified = run_apart([&] {
    count_syncs_in(nullptr);
    store.rows.verify(*which.engine.open(setup), false, board->verdict);
  });
  require(verified, which.engine.name() + " could not be read after its workers were killed");
  results.push_back(part_of(which, "W5 readers beside writers", *board, 0, kReaders));
  results.back().syncs_per_operation = 0;
  results.push_back(part_of(which, "W5 writers", *board, kReaders, kWriters));
  for (Measurement& result : results) result.idle_sync_us = idle_us;
  return results;
}

}  // namespace holdfast::bench
