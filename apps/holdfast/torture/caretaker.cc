#include "process/child.h"
#include "torture/limits.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {

namespace {

Result<Store> open_once(const WorkerOptions& options) {
  HOLDFAST_ASSIGN(Store store, Store::open(options.store_path, options.store));
  if (options.sets_up) HOLDFAST_TRY(set_up(store));
  return store;
}

}  // namespace

bool ran_out(const WorkerOptions& options, Findings& findings, const Status& status) {
  // IoError: a file system in memory that is full cannot give a page of a mapping.
  const bool fits = status.code() == StatusCode::kNoSpace || status.code() == StatusCode::kIoError;
  if (!options.may_run_out || !fits) return false;
  findings.refused.fetch_add(1, std::memory_order_relaxed);
  process::sleep_ms(5);
  return true;
}

int failed(Findings& findings, const std::string& what, const Status& status) {
  const bool damage = status.code() == StatusCode::kCorruption;
  const bool lost = status.code() == StatusCode::kNotFound;
  findings.add(damage ? Findings::Kind::kTorn
               : lost ? Findings::Kind::kLost
                      : Findings::Kind::kViolation,
               what + ": " + status.to_string());
  return kFailed;
}

Result<Store> open_store(const WorkerOptions& options, Findings& findings) {
  for (;;) {
    auto store = open_once(options);
    if (store || findings.stop.load() || !ran_out(options, findings, store.status())) return store;
  }
}

int run_caretaker(const WorkerOptions& options, Findings& findings) {
  const auto report = [&](const std::string& what) {
    findings.add(Findings::Kind::kViolation, "caretaker: " + what);
    return kFailed;
  };
  auto store = open_store(options, findings);
  if (!store) return report("open: " + store.status().to_string());
  Random random(process::monotonic_us());
  while (!findings.stop.load(std::memory_order_relaxed)) {
    if (random.below(3) == 0) {
      const auto checked = store->check();
      if (!checked && ran_out(options, findings, checked.status())) return kStartAgain;
      if (!checked) return report("check: " + checked.status().to_string());
      for (const std::string& problem : checked->problems) report("check: " + problem);
      findings.stores_checked.fetch_add(1, std::memory_order_relaxed);
    } else {
      const Status status = random.below(2) == 0 ? store->checkpoint() : store->flush();
      if (!status && ran_out(options, findings, status)) return kStartAgain;
      if (!status) return report(status.to_string());
      findings.checkpoints.fetch_add(1, std::memory_order_relaxed);
    }
    process::sleep_ms(random.below(20));
  }
  return 0;
}

int run_worker(Role role, const WorkerOptions& options, Findings& findings) {
  limit_file_size(options.file_mib_max);
  switch (role) {
    case Role::kWriter:
      return run_writer(options, findings);
    case Role::kReader:
      return run_reader(options, findings);
    case Role::kCaretaker:
      return run_caretaker(options, findings);
    case Role::kClaimant:
      break;
  }
  return run_claimant(options, findings);
}

}  // namespace holdfast::torture
