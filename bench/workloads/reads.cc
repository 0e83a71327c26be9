// W4: random gets, each in its own read transaction or all in a held one, and scans of 100 rows.
#include <algorithm>

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr double kWarmUpSeconds = 0.3;
constexpr size_t kScanRows = 100;

class Reader {
 public:
  Reader(Session& session, Board& board, uint32_t worker, const std::vector<Key>& sorted)
      : session_(session),
        board_(board),
        slot_(board.workers[worker]),
        sorted_(sorted),
        random_(worker + 1) {}

  [[noreturn]] void get_forever() {
    for (;;) {
      const uint64_t i = random_.below(sorted_.size());
      const Row expected(0, i);
      bool found = false;
      timed(board_, slot_, [&] { found = session_.get(expected.key.view(), read_); });
      require(found && read_ == expected.value.view(), "a get returned something else");
    }
  }

  [[noreturn]] void scan_forever() {
    for (;;) {
      const uint64_t i = random_.below(sorted_.size() - kScanRows + 1);
      Scanned scanned;
      timed(board_, slot_, [&] { scanned = session_.scan(sorted_[i].view(), kScanRows); });
      require(scanned.rows == kScanRows && scanned.value_bytes == kScanRows * kValueSize &&
                  scanned.last_key == sorted_[i + kScanRows - 1].view(),
              "a scan returned something else");
    }
  }

 private:
  Session& session_;
  Board& board_;
  WorkerSlot& slot_;
  const std::vector<Key>& sorted_;
  Random random_;
  std::string read_;
};

}  // namespace

Reads::Reads(std::string directory, uint64_t keys)
    : directory_(std::move(directory)), keys_(keys) {}

const Setup& Reads::loaded(const Engine& engine) {
  if (sorted_.empty()) {
    for (uint64_t i = 0; i < keys_; ++i) sorted_.emplace_back(0, i);
    std::sort(sorted_.begin(), sorted_.end(),
              [](const Key& a, const Key& b) { return a.view() < b.view(); });
  }
  const auto [found, added] = setups_.try_emplace(engine.name());
  if (added) {
    auto folder = std::make_unique<CaseFolder>(directory_, "reads_" + engine.name());
    found->second = {folder->path(), Durability::kBatched, 0};
    folders_[engine.name()] = std::move(folder);
    create_store(engine, found->second);
    load_store(engine, found->second, keys_);
  }
  return found->second;
}

std::vector<Measurement> Reads::measure(const Case& which) {
  const Setup& setup = loaded(which.engine);
  std::vector<Measurement> results;
  for (Mode mode : {Mode::kGet, Mode::kGetHeld, Mode::kScan}) {
    results.push_back(measure_mode(which, setup, mode));
  }
  return results;
}

Measurement Reads::measure_mode(const Case& which, const Setup& setup, Mode mode) {
  const SharedBoard board;
  const auto prepare = [&](Session& session, uint32_t) {
    require(session.scan("", keys_ + 1).rows == keys_, "the loaded store is not complete");
    if (mode == Mode::kGetHeld) session.hold();
  };
  const auto body = [&](Session& session, uint32_t worker) {
    Reader reader(session, *board, worker, sorted_);
    if (mode == Mode::kScan) reader.scan_forever();
    reader.get_forever();
  };
  Measurement result;
  result.idle_sync_us = quiet_sync_us(which.directory);
  Crew crew(which.engine, setup, which.processes, *board, {prepare, body});
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

}  // namespace holdfast::bench
