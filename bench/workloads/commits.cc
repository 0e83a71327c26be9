// W1 to W3: P workers commit as fast as they can, each its own rows.
#include <cstring>

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr double kWarmUpSeconds = 0.3;
constexpr uint32_t kIndexOffset = 1000;  // index rows of worker w are keys of worker 1000 + w
constexpr uint64_t kIndexRows = 2;
constexpr uint32_t kCounters = 9999;

// One for all, or one for each.
Key counter_key(Work work, uint32_t worker) {
  return {kCounters, work == Work::kOwnAgent ? worker : 0};
}

using Observation = Value<kObservationSize>;

Key index_key(uint32_t worker, uint64_t sequence, uint64_t which) {
  return {kIndexOffset + worker, sequence * kIndexRows + which};
}

void put_forever(Session& session, uint32_t worker, Board& board) {
  WorkerSlot& slot = board.workers[worker];
  for (uint64_t sequence = 0;; ++sequence) {
    const Row row(worker, sequence);
    slot.started = sequence + 1;
    timed(board, slot, [&] { session.put(row.key.view(), row.value.view()); });
    slot.acknowledged = sequence + 1;
  }
}

void act_forever(Session& session, const Key& counter, uint32_t worker, uint32_t workers,
                 Board& board) {
  WorkerSlot& slot = board.workers[worker];
  Random random(worker);
  for (uint64_t sequence = 0;; ++sequence) {
    const Key reads[2] = {
        {static_cast<uint32_t>(random.below(workers)), random.below(sequence + 1)},
        {static_cast<uint32_t>(random.below(workers)), random.below(sequence + 1)}};
    const Key observation_key(worker, sequence);
    const Observation observation(worker, sequence);
    const Key index_keys[kIndexRows] = {index_key(worker, sequence, 0),
                                        index_key(worker, sequence, 1)};
    AgentTransaction transaction{
        {reads[0].view(), reads[1].view()},           observation_key.view(), observation.view(),
        {index_keys[0].view(), index_keys[1].view()}, observation_key.view(), counter.view()};
    slot.started = sequence + 1;
    timed(board, slot, [&] { session.agent(transaction); });
    slot.acknowledged = sequence + 1;
  }
}

// Compares the store with the ledger of one run.
class Verifier {
 public:
  Verifier(Session& session, Board& board, uint32_t workers)
      : session_(session), board_(board), workers_(workers) {}

  void verify(Work work) {
    uint64_t acknowledged_of_all = 0;
    uint64_t started_of_all = 0;
    // Counted first: what was not acknowledged may still come to last, but nothing goes.
    const size_t rows = session_.scan("", ~size_t{0}).rows;
    for (uint32_t worker = 0; worker < workers_; ++worker) {
      const WorkerSlot& slot = board_.workers[worker];
      for (uint64_t i = 0; i < slot.started; ++i) {
        const bool acknowledged = i < slot.acknowledged;
        if (work == Work::kPuts) {
          const Row row(worker, i);
          expect(row.key, row.value.view(), acknowledged);
        } else {
          verify_agent(worker, i, acknowledged);
        }
      }
      acknowledged_of_all += slot.acknowledged;
      started_of_all += slot.started;
      if (work == Work::kOwnAgent) {
        verify_counter(counter_key(work, worker), slot.acknowledged, slot.started);
      }
    }
    if (work == Work::kAgent)
      verify_counter(counter_key(work, 0), acknowledged_of_all, started_of_all);
    verdict().ghosts += rows > present_ ? rows - present_ : 0;
  }

 private:
  Verdict& verdict() { return board_.verdict; }

  // False when the row is absent.
  bool expect(const Key& key, std::string_view value, bool acknowledged) {
    ++verdict().checked;
    if (!session_.get(key.view(), read_)) {
      if (acknowledged) ++verdict().lost;
      return false;
    }
    ++present_;
    if (read_ != value) ++verdict().wrong;
    return true;
  }

  // The rows of one transaction: all or none.
  void verify_agent(uint32_t worker, uint64_t sequence, bool acknowledged) {
    const Key key(worker, sequence);
    const Observation observation(worker, sequence);
    const bool present = expect(key, observation.view(), acknowledged);
    for (uint64_t i = 0; i < kIndexRows; ++i) {
      const bool with_it = expect(index_key(worker, sequence, i), key.view(), acknowledged);
      if (with_it != present) ++verdict().wrong;
    }
  }

  void verify_counter(const Key& key, uint64_t acknowledged, uint64_t started) {
    uint64_t counter = 0;
    ++verdict().checked;
    if (session_.get(key.view(), read_) && read_.size() == sizeof(counter)) {
      std::memcpy(&counter, read_.data(), sizeof(counter));
      ++present_;
    }
    if (counter < acknowledged) verdict().lost += acknowledged - counter;
    if (counter > started) verdict().ghosts += counter - started;
  }

  Session& session_;
  Board& board_;
  uint32_t workers_;
  uint64_t present_ = 0;
  std::string read_;
};

// Room for what the floors can append in the time, so that they never extend their file.
uint64_t log_bytes(const Case& which) {
  if (which.kind.durability == Durability::kBatched) return 0;
  const double bytes_per_second = which.kind.work == Work::kPuts ? 30e6 : 60e6;
  return static_cast<uint64_t>((which.seconds + kWarmUpSeconds) * bytes_per_second);
}

}  // namespace

Measurement measure_commits(const Case& which) {
  const CaseFolder folder(which.directory, "commits");
  Setup setup{folder.path(), which.kind.durability, log_bytes(which)};
  setup.transactions = which.kind.work != Work::kPuts;
  create_store(which.engine, setup);

  Measurement result;
  result.idle_sync_us = quiet_sync_us(which.directory);
  const SharedBoard board;
  const auto body = [&](Session& session, uint32_t worker) {
    if (which.kind.work == Work::kPuts) put_forever(session, worker, *board);
    act_forever(session, counter_key(which.kind.work, worker), worker, which.processes, *board);
  };
  Crew crew(which.engine, setup, which.processes, *board, {nullptr, body});
  const CpuUse cpu = crew.run(kWarmUpSeconds, which.seconds);
  const bool verified = run_apart([&] {
    count_syncs_in(nullptr);
    const std::unique_ptr<Session> session = which.engine.open(setup);
    Verifier(*session, *board, which.processes).verify(which.kind.work);
  });
  require(verified, which.engine.name() + " could not be read after its workers were killed");

  result.processes = which.processes;
  result.seconds = which.seconds;
  result.set_board(*board);
  result.set_cpu(cpu);
  return result;
}

}  // namespace holdfast::bench
