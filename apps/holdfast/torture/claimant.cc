#include <chrono>

#include "holdfast/space.h"
#include "os/os.h"
#include "process/child.h"
#include "torture/claim_log.h"
#include "torture/ledger.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

using std::chrono::milliseconds;

// A process that is stopped is mostly stopped for longer.
constexpr milliseconds kShortTtl{60};
// The end of such a claim is that of its process, or nobody would get it any more.
constexpr milliseconds kLongTtl{3'600'000};
constexpr uint64_t kWaitMsMax = 30'000;
constexpr uint64_t kWritesMax = 6;  // under a claim
constexpr uint64_t kPauseMsMax = 20;

// What a claimant does from its start to its end.
class Claimant {
 public:
  Claimant(const WorkerOptions& options, Findings& findings, Store& store, const Space& space,
           LedgerWriter& ledger, uint64_t number)
      : options_(options),
        findings_(findings),
        store_(store),
        space_(space),
        ledger_(ledger),
        number_(number),
        random_(process::monotonic_us() ^ mix(options.worker)) {}

  // An exit code.
  int run() {
    served_us_ = process::monotonic_us();
    while (!stops() && !ends_) {
      if (take()) {
        hold();
        served_us_ = process::monotonic_us();
      } else if (process::monotonic_us() - served_us_ > kWaitMsMax * 1000) {
        fail("taking a claim", Status(StatusCode::kBusy, "it is somebody's who keeps it for ever"));
      } else {
        process::sleep_ms(1 + random_.below(3));
      }
    }
    return exit_code_;
  }

 private:
  bool stops() const { return findings_.stop.load(std::memory_order_relaxed); }

  void fail(const std::string& what, const Status& status) {
    ends_ = true;
    exit_code_ = failed(findings_,
                        "claimant " + std::to_string(options_.worker) + ", operation " +
                            std::to_string(number_) + ", " + what,
                        status);
  }

  // Runs `body` as the next operation of the ledger. Ok: it was committed.
  template <typename Body>
  Status operate(const Body& body) {
    HOLDFAST_TRY(ledger_.append(Phase::kIntent, ++number_, 0));
    const auto version = store_.update(body);
    if (!version) return version.status();
    HOLDFAST_TRY(ledger_.append(Phase::kAcknowledged, number_, *version));
    findings_.acknowledge(*version);
    return Status::ok();
  }

  // Whether it failed for want of space.
  bool excused(const Status& status) {
    if (!ran_out(options_, findings_, status)) return false;
    served_us_ = process::monotonic_us();
    if (status.code() == StatusCode::kIoError) {
      ends_ = true;
      exit_code_ = kStartAgain;
    }
    return true;
  }

  // One resource or all of them. False: another has them.
  bool take() {
    resources_.clear();
    if (random_.below(4) == 0) {
      for (uint32_t i = 0; i < kClaimed; ++i) resources_.push_back(i);
    } else {
      resources_.push_back(static_cast<uint32_t>(random_.below(kClaimed)));
    }
    std::vector<std::string> names;
    for (const uint32_t resource : resources_) names.push_back(resource_name(resource));
    ClaimOptions claim;
    claim.mode = mode_ = random_.below(4) == 0 ? ClaimMode::shared : ClaimMode::exclusive;
    claim.bound_to_handle = random_.below(4) != 0;
    claim.ttl = claim.bound_to_handle && random_.below(2) == 0 ? kLongTtl : kShortTtl;
    bool anothers = false;
    const Status taken = operate([&](Transaction& txn) -> Status {
      auto attempt = space_.claims(txn).take(names, claim);
      anothers = attempt.status().code() == StatusCode::kBusy;
      if (!attempt) return attempt.status();
      claim_ = std::move(*attempt);
      return log(txn, true);
    });
    if (taken) {
      findings_.claims.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    if (anothers) {
      refused();
    } else if (!excused(taken)) {
      fail("taking a claim", taken);
    }
    return false;
  }

  // Writes under the claim until it has enough or the claim has ended, gives it back, and at times
  // tries it once more.
  void hold() {
    findings_.workers[options_.worker].claims.store(true);
    for (uint64_t left = random_.below(kWritesMax); left > 0 && !stops() && !ends_; --left) {
      process::sleep_ms(random_.below(kPauseMsMax));
      if (random_.below(4) == 0) renew();
      const Outcome outcome = write();
      if (outcome == Outcome::kFenced) findings_.fenced.fetch_add(1, std::memory_order_relaxed);
      if (outcome != Outcome::kWritten) break;
      findings_.guarded.fetch_add(1, std::memory_order_relaxed);
    }
    const Status released = ends_ ? Status::ok() : space_.claims().release(claim_);
    findings_.workers[options_.worker].claims.store(false);
    if (!released && !excused(released)) fail("releasing", released);
    if (released && !ends_ && random_.below(4) == 0 && write() == Outcome::kWritten) {
      fail("writing", Status(StatusCode::kInvalidArgument, "a released claim was good for it"));
    }
  }

  void renew() {
    const auto renewed = space_.claims().renew(claim_, kShortTtl);
    if (renewed) {
      claim_ = *renewed;
    } else if (renewed.status().code() != StatusCode::kFenced && !excused(renewed.status())) {
      fail("renewing", renewed.status());
    }
  }

  enum class Outcome : uint8_t { kWritten, kFenced, kFailed };
  Outcome write() {
    const bool late = static_cast<int64_t>(os::posix_os().wall_time_us()) >= claim_.expires_us;
    const Status written = operate([&](Transaction& txn) -> Status {
      HOLDFAST_TRY(space_.claims(txn).guard(claim_));
      return log(txn, false);
    });
    if (written && late) {
      fail("writing", Status(StatusCode::kInvalidArgument, "an expired claim was good for it"));
    }
    if (written) return Outcome::kWritten;
    if (written.code() == StatusCode::kFenced) {
      refused();
      return Outcome::kFenced;
    }
    if (!excused(written)) fail("writing", written);
    return Outcome::kFailed;
  }

  Status log(Transaction& txn, bool taken) {
    for (const uint32_t resource : resources_) {
      HOLDFAST_TRY(
          log_claim(txn, resource, {taken, mode_, options_.worker, number_, claim_.token}));
    }
    return Status::ok();
  }

  void refused() {
    if (Status status = ledger_.append(Phase::kRefused, number_, 0); !status)
      fail("ledger", status);
  }

  const WorkerOptions& options_;
  Findings& findings_;
  Store& store_;
  const Space& space_;
  LedgerWriter& ledger_;
  uint64_t number_;
  Random random_;
  std::vector<uint32_t> resources_;
  ClaimMode mode_ = ClaimMode::exclusive;
  Claim claim_;
  uint64_t served_us_ = 0;  // when there last was a claim, or a reason for none
  bool ends_ = false;
  int exit_code_ = 0;
};

}  // namespace

int run_claimant(const WorkerOptions& options, Findings& findings) {
  const std::string name = "claimant " + std::to_string(options.worker);
  LedgerWriter ledger;
  const auto entries = read_ledger(options.ledger_path, options.worker);
  if (!entries) return failed(findings, name, entries.status());
  if (Status status = ledger.open(options.ledger_path, options.worker); !status) {
    return failed(findings, name, status);
  }
  auto store = open_store(options, findings);
  if (!store) return failed(findings, name + ", open", store.status());
  const auto space = store->space(kClaimSpace);
  if (!space) return failed(findings, name + ", space", space.status());
  const uint64_t number = entries->empty() ? 0 : entries->back().number;
  return Claimant(options, findings, *store, *space, ledger, number).run();
}

}  // namespace holdfast::torture
