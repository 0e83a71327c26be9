#include <signal.h>
#include <unistd.h>

#include "process/child.h"
#include "torture/ledger.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

std::string name_of(const WorkerOptions& options, uint64_t number) {
  return "writer " + std::to_string(options.worker) + ", operation " + std::to_string(number);
}

Status expect_number(Reader& reader, const std::string& key, uint32_t worker, uint64_t number) {
  HOLDFAST_ASSIGN(auto value, reader.get(key));
  if (!value) return Status(StatusCode::kNotFound, "\"" + key + "\" is absent");
  auto writer = read_value(key, *value);
  if (!writer) return Status(StatusCode::kCorruption, "\"" + key + "\" has a torn value");
  if (writer->worker == worker && writer->number == number) return Status::ok();
  return Status(StatusCode::kNotFound,
                "\"" + key + "\" holds operation " + std::to_string(writer->number));
}

// The last operation before this process began, if it was acknowledged, must be there.
Status check_last(Store& store, const WorkerOptions& options,
                  const std::vector<LedgerEntry>& entries) {
  if (entries.empty() || !entries.back().acknowledged) return Status::ok();
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  return check_operation(snapshot, options, entries.back().number);
}

constexpr uint64_t kForkEvery = 20;
constexpr unsigned kForkSecondsMax = 30;

// In the forked child: the handle that was inherited refuses, a new one shows a whole store.
Status use_in_child(Store& inherited, const WorkerOptions& options) {
  const auto refused = inherited.get(account_key(0));
  if (refused || refused.status().code() != StatusCode::kForked) {
    return Status(StatusCode::kInvalidArgument, "an inherited handle was not refused");
  }
  HOLDFAST_ASSIGN(Store store, Store::open(options.store_path, options.store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  uint64_t sum = 0;
  Cursor cursor = snapshot.scan(KeyRange::prefix("a/"));
  for (; cursor.valid(); cursor.next()) sum += read_number(cursor.value()).value_or(0);
  HOLDFAST_TRY(Status(cursor.status()));
  if (sum == kAccounts * kAccountBalance) return Status::ok();
  return Status(StatusCode::kCorruption, "the accounts hold " + std::to_string(sum));
}

// Nobody waits for the child: it outlives the writer when that is killed.
void fork_child(Store& store, const WorkerOptions& options, Findings& findings) {
  ::signal(SIGCHLD, SIG_IGN);
  const pid_t child = ::fork();
  if (child > 0) findings.forks.fetch_add(1, std::memory_order_relaxed);
  if (child != 0) return;
  ::alarm(kForkSecondsMax);
  const Status status = use_in_child(store, options);
  if (!status && !ran_out(options, findings, status)) {
    findings.add(Findings::Kind::kViolation, "forked child: " + status.to_string());
  }
  ::_exit(0);
}

}  // namespace

Status check_operation(Reader& reader, const WorkerOptions& options, uint64_t number) {
  uint32_t worker = options.worker;
  Operation operation = operation_of(options.seed, worker, number);
  switch (operation.kind) {
    case OperationKind::kPut:
      return expect_number(reader, slot_key(worker, operation.slot), worker, number);
    case OperationKind::kDelete: {
      HOLDFAST_ASSIGN(auto value, reader.get(slot_key(worker, operation.slot)));
      return value ? Status(StatusCode::kNotFound, "the deleted key is back") : Status::ok();
    }
    case OperationKind::kGroup:
      for (const std::string& key : group_keys(worker, operation.slot)) {
        HOLDFAST_TRY(expect_number(reader, key, worker, number));
      }
      return Status::ok();
    default:
      return expect_number(reader, receipt_key(worker, operation.slot), worker, number);
  }
}

int run_writer(const WorkerOptions& options, Findings& findings) {
  auto entries = read_ledger(options.ledger_path, options.worker);
  if (!entries) return failed(findings, name_of(options, 0), entries.status());
  LedgerWriter ledger;
  if (Status status = ledger.open(options.ledger_path, options.worker); !status) {
    return failed(findings, name_of(options, 0), status);
  }
  auto store = open_store(options, findings);
  if (!store) return failed(findings, name_of(options, 0) + ", open", store.status());
  if (Status status = check_last(*store, options, *entries); !status) {
    if (ran_out(options, findings, status)) return kStartAgain;
    return failed(findings, name_of(options, entries->back().number) + ", after restart", status);
  }
  uint64_t number = entries->empty() ? 0 : entries->back().number;
  entries->clear();
  while (!findings.stop.load(std::memory_order_relaxed)) {
    Operation operation = operation_of(options.seed, options.worker, ++number);
    if (Status status = ledger.append(Phase::kIntent, number, 0); !status) {
      return failed(findings, name_of(options, number) + ", ledger", status);
    }
    uint64_t begin_us = process::monotonic_us();
    auto version = perform(*store, operation, options.worker, number);
    uint64_t end_us = process::monotonic_us();
    if (!version && ran_out(options, findings, version.status())) {
      if (version.status().code() == StatusCode::kIoError) return kStartAgain;
      continue;
    }
    if (!version) {
      process::sleep_ms(10);  // do not flood the findings
      failed(findings, name_of(options, number), version.status());
      continue;
    }
    if (Status status = ledger.append(Phase::kAcknowledged, number, *version); !status) {
      return failed(findings, name_of(options, number) + ", ledger", status);
    }
    findings.acknowledge(*version);
    findings.commit_us.record(end_us - begin_us);
    findings.workers[options.worker].commits.fetch_add(1, std::memory_order_relaxed);
    if (options.forks && number % kForkEvery == 0) fork_child(*store, options, findings);
  }
  Status closed = store->close();
  if (!closed && ran_out(options, findings, closed)) return 0;
  return closed ? 0 : failed(findings, name_of(options, number) + ", close", closed);
}

}  // namespace holdfast::torture
