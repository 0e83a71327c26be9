// W8: many rows in transactions of 10,000, with keys in order and in random order, until all of
// them would survive power loss.
#include <unistd.h>

#include <algorithm>

#include "bench/crew.h"
#include "bench/files.h"
#include "bench/machine.h"
#include "bench/shared_array.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr size_t kRowsPerTransaction = 10'000;

std::vector<Row> make_rows(uint64_t count, bool sorted) {
  std::vector<Row> rows;
  rows.reserve(count);
  for (uint64_t i = 0; i < count; ++i) rows.emplace_back(0, i);
  if (sorted) {
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return a.key.view() < b.key.view(); });
  }
  return rows;
}

struct Loading {
  uint64_t duration_ns;
  double written_mb;
};

void load(Session& session, std::span<const Row> rows, bool sorted, Board& board,
          Loading& loading) {
  const double written_before_mb = written_mb();
  const uint64_t begin_ns = monotonic_ns();
  board.window().end_ns = ~uint64_t{0};
  board.window().begin_ns = begin_ns;
  for (size_t i = 0; i < rows.size(); i += kRowsPerTransaction) {
    const auto part = rows.subspan(i, std::min(kRowsPerTransaction, rows.size() - i));
    timed(board, board.workers[0], [&] { session.load(part, sorted); });
  }
  session.flush();
  const uint64_t end_ns = monotonic_ns();
  board.window().end_ns = end_ns;
  loading.duration_ns = end_ns - begin_ns;
  loading.written_mb = written_mb() - written_before_mb;
}

void verify(Session& session, std::span<const Row> rows, Verdict& verdict) {
  std::string read;
  for (const Row& row : rows) {
    ++verdict.checked;
    if (!session.get(row.key.view(), read)) {
      ++verdict.lost;
    } else if (read != row.value.view()) {
      ++verdict.wrong;
    }
  }
  const size_t found = session.scan("", ~size_t{0}).rows;
  if (found > rows.size()) verdict.ghosts += found - rows.size();
}

Measurement measure_order(const Case& which, bool sorted) {
  const CaseFolder folder(which.directory, "loading");
  const Setup setup{folder.path(), Durability::kBatched};
  create_store(which.engine, setup);
  Measurement result;
  result.idle_sync_us = quiet_sync_us(which.directory);
  const SharedBoard board;
  const SharedArray<Loading> loading(1);
  const auto work = [&](Session& session, uint32_t) {
    const std::vector<Row> rows = make_rows(which.keys, sorted);
    load(session, rows, sorted, *board, loading[0]);
    board->workers[0].acknowledged = rows.size();
    for (;;) pause();
  };
  Crew crew(which.engine, setup, 1, *board, {nullptr, work});
  crew.go();
  crew.wait_until([&] { return board->workers[0].acknowledged != 0; });
  const StoreSize size = store_size(which.engine, setup);
  crew.kill();
  const bool verified = run_apart([&] {
    count_syncs_in(nullptr);
    verify(*which.engine.open(setup), make_rows(which.keys, true), board->verdict);
  });
  require(verified, which.engine.name() + " could not be read after its load");

  result.workload = sorted ? "W8 sorted" : "W8 random";
  result.processes = 1;
  result.seconds = static_cast<double>(loading->duration_ns) / 1e9;
  result.set_board(*board);
  result.operations = which.keys;
  result.rate = static_cast<double>(which.keys) / result.seconds;
  result.syncs_per_operation = static_cast<double>(board->syncs.syncs);
  result.figures = {{"syncs", static_cast<double>(board->syncs.syncs)},
                    {"files_mb", size.all_mb},
                    {"data_mb", size.data_mb},
                    {"written_mb", loading->written_mb}};
  result.syncs_per_operation = 0;
  return result;
}

}  // namespace

std::vector<Measurement> measure_load(const Case& which) {
  std::vector<Measurement> results;
  if (which.engine.does(Work::kLoad)) results.push_back(measure_order(which, true));
  if (which.engine.loads_unsorted()) results.push_back(measure_order(which, false));
  return results;
}

}  // namespace holdfast::bench
