#include "process/child.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

class SnapshotChecker {
 public:
  SnapshotChecker(const WorkerOptions& options, Findings& findings, Random& random)
      : options_(options), findings_(findings), random_(random) {}

  // Takes a snapshot and checks one thing in it. An error is one of the store.
  Status check(Store& store) {
    uint64_t acknowledged = findings_.version_acknowledged.load();
    HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
    check_version(snapshot.version(), acknowledged);
    switch (random_.below(4)) {
      case 0:
        return check_accounts(snapshot);
      case 1:
        return check_counters(snapshot);
      case 2:
        return check_group(snapshot);
      default:
        return check_values(snapshot);
    }
  }

 private:
  // What was acknowledged to anyone is in every snapshot taken afterwards.
  void check_version(uint64_t version, uint64_t acknowledged) {
    auto& seen = findings_.workers[options_.worker].version_seen;
    uint64_t before = seen.exchange(version);
    if (version < acknowledged) {
      violation("a snapshot at version " + std::to_string(version) + " after " +
                std::to_string(acknowledged) + " was acknowledged");
    }
    if (version < before) {
      violation("the version went back from " + std::to_string(before) + " to " +
                std::to_string(version));
    }
  }

  Status check_accounts(Snapshot& snapshot) {
    uint64_t count = 0;
    HOLDFAST_ASSIGN(uint64_t sum, sum_of(snapshot, "a/", count));
    if (sum != kAccounts * kAccountBalance || count != kAccounts) {
      violation("version " + std::to_string(snapshot.version()) + ": " + std::to_string(count) +
                " accounts hold " + std::to_string(sum));
    }
    return Status::ok();
  }

  Status check_counters(Snapshot& snapshot) {
    uint64_t count = 0;
    HOLDFAST_ASSIGN(uint64_t sum, sum_of(snapshot, "c/", count));
    uint64_t before = findings_.workers[options_.worker].counters_seen.exchange(sum);
    if (sum < before || count != kCounters) {
      violation("the counters went back from " + std::to_string(before) + " to " +
                std::to_string(sum));
    }
    return Status::ok();
  }

  Result<uint64_t> sum_of(Snapshot& snapshot, std::string_view prefix, uint64_t& count) {
    uint64_t sum = 0;
    Cursor cursor = snapshot.scan(KeyRange::prefix(prefix));
    for (; cursor.valid(); cursor.next()) {
      auto number = read_number(cursor.value());
      if (!number) torn(cursor.key());
      sum += number.value_or(0);
      ++count;
    }
    HOLDFAST_TRY(Status(cursor.status()));
    return sum;
  }

  Status check_group(Snapshot& snapshot) {
    auto worker = static_cast<uint32_t>(random_.below(options_.writers));
    auto group = static_cast<uint32_t>(random_.below(kGroups));
    uint64_t count = 0;
    uint64_t number = 0;
    bool same = true;
    Cursor cursor = snapshot.scan(KeyRange::prefix(group_prefix(worker, group)));
    for (; cursor.valid(); cursor.next()) {
      auto writer = read_value(cursor.key(), cursor.value());
      if (!writer) torn(cursor.key());
      uint64_t found = writer ? writer->number : 0;
      same = same && (count == 0 || found == number);
      number = found;
      ++count;
    }
    HOLDFAST_TRY(Status(cursor.status()));
    if (!same || (count != 0 && count != group_size(group))) {
      findings_.add(Findings::Kind::kTorn,
                    "a transaction is there in part: group " + group_prefix(worker, group) + ", " +
                        std::to_string(count) + " of " + std::to_string(group_size(group)) +
                        " keys, version " + std::to_string(snapshot.version()));
    }
    return Status::ok();
  }

  Status check_values(Snapshot& snapshot) {
    auto worker = static_cast<uint32_t>(random_.below(options_.writers));
    auto slot = static_cast<uint32_t>(random_.below(kSlots));
    Cursor cursor = snapshot.scan({slot_key(worker, slot), "p0"});
    for (int i = 0; i < 32 && cursor.valid(); ++i, cursor.next()) {
      if (!read_value(cursor.key(), cursor.value())) torn(cursor.key());
    }
    return Status(cursor.status());
  }

  void torn(std::string_view key) {
    findings_.add(Findings::Kind::kTorn, "\"" + std::string(key) + "\" has a torn value");
  }
  void violation(const std::string& text) {
    findings_.add(Findings::Kind::kViolation,
                  "reader " + std::to_string(options_.worker) + ": " + text);
  }

  const WorkerOptions& options_;
  Findings& findings_;
  Random& random_;
};

}  // namespace

int run_reader(const WorkerOptions& options, Findings& findings) {
  auto report = [&](const char* what, const Status& status) {
    findings.add(Findings::Kind::kViolation, "reader " + std::to_string(options.worker) + ", " +
                                                 what + ": " + status.to_string());
    return kFailed;
  };
  auto store = open_store(options, findings);
  if (!store) return report("open", store.status());
  Random random(process::monotonic_us() ^ mix(options.worker));
  SnapshotChecker checker(options, findings, random);
  while (!findings.stop.load(std::memory_order_relaxed)) {
    if (Status status = checker.check(*store); !status) {
      if (ran_out(options, findings, status)) return kStartAgain;
      report("read", status);
      process::sleep_ms(10);
    }
    findings.reads_checked.fetch_add(1, std::memory_order_relaxed);
  }
  return 0;
}

}  // namespace holdfast::torture
