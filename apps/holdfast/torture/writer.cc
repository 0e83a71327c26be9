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

int failed(Findings& findings, const std::string& what, const Status& status) {
  bool damage = status.code() == StatusCode::kCorruption;
  bool lost = status.code() == StatusCode::kNotFound;
  findings.add(damage ? Findings::Kind::kTorn
               : lost ? Findings::Kind::kLost
                      : Findings::Kind::kViolation,
               what + ": " + status.to_string());
  return 1;
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
  auto store = Store::open(options.store_path, options.store);
  if (!store) return failed(findings, name_of(options, 0) + ", open", store.status());
  if (Status status = check_last(*store, options, *entries); !status) {
    return failed(findings, name_of(options, entries->back().number) + ", after restart", status);
  }
  uint64_t number = entries->empty() ? 0 : entries->back().number;
  entries->clear();
  while (!findings.stop.load(std::memory_order_relaxed)) {
    Operation operation = operation_of(options.seed, options.worker, ++number);
    if (!ledger.append(Phase::kIntent, number, 0)) return 1;
    uint64_t begin_us = process::monotonic_us();
    auto version = perform(*store, operation, options.worker, number);
    uint64_t end_us = process::monotonic_us();
    if (!version) {
      process::sleep_ms(10);  // do not flood the findings
      failed(findings, name_of(options, number), version.status());
      continue;
    }
    if (!ledger.append(Phase::kAcknowledged, number, *version)) return 1;
    findings.acknowledge(*version);
    findings.commit_us.record(end_us - begin_us);
    findings.workers[options.worker].commits.fetch_add(1, std::memory_order_relaxed);
  }
  Status closed = store->close();
  return closed ? 0 : failed(findings, name_of(options, number) + ", close", closed);
}

}  // namespace holdfast::torture
