#include "torture/verifier.h"

#include <algorithm>
#include <map>

#include "holdfast/space.h"
#include "process/child.h"
#include "torture/claim_log.h"
#include "torture/ledger.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

// What a key may hold: the last acknowledged write, or one after it whose fate is unknown.
// Number 0 stands for "absent".
struct Expectation {
  uint64_t acknowledged = 0;
  std::vector<uint64_t> unknown;
};

class Verifier {
 public:
  Verifier(const VerifierOptions& options, Findings& findings, Verdict& verdict)
      : options_(options), findings_(findings), verdict_(verdict) {}

  Status run() {
    uint64_t begin_us = process::monotonic_us();
    HOLDFAST_ASSIGN(Store store, Store::open(options_.store_path, options_.store));
    verdict_.open_us = process::monotonic_us() - begin_us;
    verdict_.cold = store.recovery().cold;
    HOLDFAST_TRY(take_stats(store));
    HOLDFAST_ASSIGN(CheckReport report, store.check());
    verdict_.keys = report.keys;
    for (const std::string& problem : report.problems) violation("check: " + problem);
    HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
    if (snapshot.version() < findings_.version_acknowledged.load()) {
      violation("the store is at version " + std::to_string(snapshot.version()) + " after " +
                std::to_string(findings_.version_acknowledged.load()) + " was acknowledged");
    }
    for (uint32_t worker = 0; worker < options_.ledger_paths.size(); ++worker) {
      HOLDFAST_TRY(compare(snapshot, worker));
    }
    if (!options_.claim_ledgers.empty()) HOLDFAST_TRY(compare_claims(store, snapshot));
    check_versions();
    HOLDFAST_TRY(check_sums(snapshot));
    verdict_.present = verdict_.acknowledged - std::min(lost_, verdict_.acknowledged);
    return store.close();
  }

 private:
  Status take_stats(Store& store) {
    HOLDFAST_ASSIGN(StoreStats stats, store.stats());
    verdict_.commits = stats.commits;
    verdict_.syncs = stats.syncs;
    verdict_.conflicts = stats.conflicts;
    verdict_.takeovers = stats.takeovers;
    return Status::ok();
  }

  Status compare(Snapshot& snapshot, uint32_t worker) {
    HOLDFAST_ASSIGN(std::vector<LedgerEntry> entries,
                    read_ledger(options_.ledger_paths[worker], worker));
    std::map<std::string, Expectation> expected;
    uint64_t version = 0;
    for (const LedgerEntry& entry : entries) {
      expect(expected, worker, entry);
      if (!entry.acknowledged) {
        ++verdict_.unknown;
        continue;
      }
      ++verdict_.acknowledged;
      // A delete of nothing may return the version it read; all else makes a version of its own.
      if (entry.version < version) {
        violation("writer " + std::to_string(worker) + ": version " +
                  std::to_string(entry.version) + " was given after " + std::to_string(version));
      }
      version = entry.version;
      Operation operation = operation_of(options_.seed, worker, entry.number);
      if (operation.kind != OperationKind::kDelete) versions_.push_back(entry.version);
    }
    for (const auto& [key, expectation] : expected) {
      HOLDFAST_TRY(compare_key(snapshot, worker, key, expectation));
    }
    for (uint32_t group = 0; group < kGroups; ++group) {
      HOLDFAST_TRY(check_group(snapshot, worker, group));
    }
    return Status::ok();
  }

  // Where an operation of a claimant, (worker, number), stands in the log of claims.
  using ClaimVersions = std::map<std::pair<uint32_t, uint64_t>, uint64_t>;

  Status compare_claims(Store& store, Snapshot& snapshot) {
    HOLDFAST_ASSIGN(const Space space, store.space(kClaimSpace));
    ClaimVersions logged;
    for (uint32_t resource = 0; resource < kClaimed; ++resource) {
      HOLDFAST_ASSIGN(const std::vector<LoggedClaim> log, read_claim_log(snapshot, resource));
      for (const LoggedClaim& row : log) {
        if (!row.entry) findings_.add(Findings::Kind::kTorn, "the log of claims has a torn row");
        if (row.entry) logged[{row.entry->worker, row.entry->number}] = row.version;
      }
      for (const std::string& text : find_two_holders(log)) violation("two holders, " + text);
      HOLDFAST_ASSIGN(const auto holders, space.claims().holders(resource_name(resource)));
      for (const ClaimHolder& holder : holders) {
        if (holder.bound_to_handle) violation("one who is dead holds " + resource_name(resource));
      }
    }
    for (const ClaimLedger& ledger : options_.claim_ledgers) {
      HOLDFAST_TRY(compare_claimant(ledger, logged));
    }
    return Status::ok();
  }

  Status compare_claimant(const ClaimLedger& ledger, const ClaimVersions& logged) {
    HOLDFAST_ASSIGN(const std::vector<LedgerEntry> entries,
                    read_ledger(ledger.path, ledger.worker));
    for (const LedgerEntry& entry : entries) {
      const std::string name = "claimant " + std::to_string(ledger.worker) + ", operation " +
                               std::to_string(entry.number);
      const auto found = logged.find({ledger.worker, entry.number});
      if (entry.acknowledged) {
        ++verdict_.acknowledged;
        versions_.push_back(entry.version);
        if (found != logged.end() && found->second == entry.version) continue;
        ++lost_;
        findings_.add(Findings::Kind::kLost, name + " was acknowledged and is not there");
      } else if (!entry.refused) {
        ++verdict_.unknown;
      } else if (found != logged.end()) {
        violation(name + " was refused and is there");
      }
    }
    return Status::ok();
  }

  // All keys of a group are of one transaction, known or unknown.
  Status check_group(Snapshot& snapshot, uint32_t worker, uint32_t group) {
    std::vector<std::string> keys = group_keys(worker, group);
    HOLDFAST_ASSIGN(auto first, snapshot.get(keys[0]));
    auto writer = first ? read_value(keys[0], *first) : std::nullopt;
    for (const std::string& key : keys) {
      HOLDFAST_ASSIGN(auto value, snapshot.get(key));
      auto other = value ? read_value(key, *value) : std::nullopt;
      bool same = value.has_value() == first.has_value() &&
                  (!writer || (other && other->number == writer->number));
      if (same) continue;
      findings_.add(Findings::Kind::kTorn, "a transaction is there in part: " + key);
      break;
    }
    return Status::ok();
  }

  void expect(std::map<std::string, Expectation>& expected, uint32_t worker,
              const LedgerEntry& entry) {
    Operation operation = operation_of(options_.seed, worker, entry.number);
    auto note = [&](const std::string& key, uint64_t number) {
      Expectation& expectation = expected[key];
      if (!entry.acknowledged) {
        expectation.unknown.push_back(number);
      } else {
        expectation.acknowledged = number;
        expectation.unknown.clear();
      }
    };
    switch (operation.kind) {
      case OperationKind::kPut:
        note(slot_key(worker, operation.slot), entry.number);
        break;
      case OperationKind::kDelete:
        note(slot_key(worker, operation.slot), 0);
        break;
      case OperationKind::kGroup:
        for (const std::string& key : group_keys(worker, operation.slot)) note(key, entry.number);
        break;
      case OperationKind::kIncrement:
        increments_ += entry.acknowledged;
        increments_unknown_ += !entry.acknowledged;
        [[fallthrough]];
      case OperationKind::kTransfer:
        note(receipt_key(worker, operation.slot), entry.number);
    }
  }

  Status compare_key(Snapshot& snapshot, uint32_t worker, const std::string& key,
                     const Expectation& expectation) {
    HOLDFAST_ASSIGN(auto value, snapshot.get(key));
    uint64_t found = 0;
    if (value) {
      auto writer = read_value(key, *value);
      if (!writer || writer->worker != worker) {
        findings_.add(Findings::Kind::kTorn, "\"" + key + "\" has a torn value");
        return Status::ok();
      }
      found = writer->number;
    }
    const auto& unknown = expectation.unknown;
    bool right = found == expectation.acknowledged ||
                 std::find(unknown.begin(), unknown.end(), found) != unknown.end();
    if (right) return Status::ok();
    ++lost_;
    findings_.add(Findings::Kind::kLost, "\"" + key + "\" holds operation " +
                                             std::to_string(found) + ", operation " +
                                             std::to_string(expectation.acknowledged) +
                                             " was acknowledged (0: deleted), " +
                                             std::to_string(unknown.size()) + " unknown");
    return Status::ok();
  }

  // Every commit has a version of its own.
  void check_versions() {
    std::sort(versions_.begin(), versions_.end());
    auto twice = std::adjacent_find(versions_.begin(), versions_.end());
    if (twice != versions_.end()) {
      violation("version " + std::to_string(*twice) + " was given to two commits");
    }
  }

  Status check_sums(Snapshot& snapshot) {
    uint64_t accounts = 0;
    uint64_t counters = 0;
    HOLDFAST_TRY(sum(snapshot, "a/", accounts));
    HOLDFAST_TRY(sum(snapshot, "c/", counters));
    const bool begun = verdict_.acknowledged + verdict_.unknown > 0;
    if (options_.by_workers && !begun && accounts + counters == 0) return Status::ok();
    if (accounts != kAccounts * kAccountBalance) {
      violation("the accounts hold " + std::to_string(accounts) + ", not " +
                std::to_string(kAccounts * kAccountBalance));
    }
    if (counters < increments_ || counters > increments_ + increments_unknown_) {
      violation("the counters hold " + std::to_string(counters) + ", acknowledged were " +
                std::to_string(increments_) + " and unknown " +
                std::to_string(increments_unknown_));
    }
    return Status::ok();
  }

  Status sum(Snapshot& snapshot, std::string_view prefix, uint64_t& total) {
    Cursor cursor = snapshot.scan(KeyRange::prefix(prefix));
    for (; cursor.valid(); cursor.next()) total += read_number(cursor.value()).value_or(0);
    return Status(cursor.status());
  }

  void violation(const std::string& text) { findings_.add(Findings::Kind::kViolation, text); }

  const VerifierOptions& options_;
  Findings& findings_;
  Verdict& verdict_;
  std::vector<uint64_t> versions_;
  uint64_t increments_ = 0;
  uint64_t increments_unknown_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace

int run_verifier(const VerifierOptions& options, Findings& findings, Verdict& verdict) {
  Status status = Verifier(options, findings, verdict).run();
  if (!status) findings.add(Findings::Kind::kViolation, "verifier: " + status.to_string());
  verdict.complete.store(true);
  return status ? 0 : 1;
}

}  // namespace holdfast::torture
