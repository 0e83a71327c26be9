// Whether the torture would see what it is there to see: each kind of harm is done on purpose.
#include "torture/verifier.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "holdfast/space.h"
#include "process/shared_area.h"
#include "support/temporary_directory.h"
#include "torture/claim_log.h"
#include "torture/ledger.h"
#include "torture/supervisor.h"
#include "torture/worker.h"
#include "torture/workload.h"

namespace holdfast::torture {
namespace {

class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() {
    options_.store_path = temporary_.path_of("store");
    options_.ledger_paths = {temporary_.path_of("ledger")};
    options_.seed = 7;
    EXPECT_TRUE(set_up(store_));
    EXPECT_TRUE(ledger_.open(options_.ledger_paths[0], 0));
  }

  // Performs operations as a writer does until one of `kind` was last; returns it.
  Operation run_until(OperationKind kind) {
    while (true) {
      Operation operation = operation_of(options_.seed, 0, ++number_);
      EXPECT_TRUE(ledger_.append(Phase::kIntent, number_, 0));
      auto version = perform(store_, operation, 0, number_);
      EXPECT_TRUE(version) << version.status().to_string();
      EXPECT_TRUE(ledger_.append(Phase::kAcknowledged, number_, *version));
      if (operation.kind == kind) return operation;
    }
  }

  void verify() { run_verifier(options_, *findings_, *verdict_); }
  std::string first_text() {
    auto texts = findings_->texts();
    return texts.empty() ? "" : texts[0];
  }

  TemporaryDirectory temporary_;
  VerifierOptions options_;
  Store store_ = std::move(*Store::open(temporary_.path_of("store")));
  LedgerWriter ledger_;
  uint64_t number_ = 0;
  process::SharedArea<Findings> findings_;
  process::SharedArea<Verdict> verdict_;
};

TEST_F(VerifierTest, AnUnharmedStorePasses) {
  for (int i = 0; i < 200; ++i) run_until(OperationKind::kPut);
  verify();
  EXPECT_TRUE(findings_->texts().empty()) << first_text();
  EXPECT_TRUE(verdict_->complete.load());
  EXPECT_EQ(verdict_->acknowledged, number_);
  EXPECT_EQ(verdict_->present, number_);
}

TEST_F(VerifierTest, AStoreThatNoWorkerGotToMakeIsEmpty) {
  options_.store_path = temporary_.path_of("another");
  options_.store.create = false;
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u) << "it is not there";
  options_.by_workers = options_.store.create = true;
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u) << first_text();
  ASSERT_TRUE(ledger_.append(Phase::kIntent, 1, 0));  // by one that had made it
  verify();
  EXPECT_EQ(findings_->violations.load(), 2u);
}

TEST_F(VerifierTest, AnUnknownOperationMayBeThereOrNot) {
  run_until(OperationKind::kPut);
  ASSERT_TRUE(ledger_.append(Phase::kIntent, number_ + 1, 0));
  verify();
  EXPECT_TRUE(findings_->texts().empty()) << first_text();
  EXPECT_EQ(verdict_->unknown, 1u);
}

TEST_F(VerifierTest, ALostPutIsSeen) {
  Operation put = run_until(OperationKind::kPut);
  ASSERT_TRUE(store_.del(slot_key(0, put.slot)));
  verify();
  EXPECT_EQ(findings_->lost.load(), 1u);
  EXPECT_EQ(verdict_->present, number_ - 1);
}

TEST_F(VerifierTest, AnOlderValueIsALoss) {
  Operation put = run_until(OperationKind::kPut);
  std::string key = slot_key(0, put.slot);
  ASSERT_TRUE(store_.put(key, make_value(key, 0, number_ + 1000, 20)));
  verify();
  EXPECT_EQ(findings_->lost.load(), 1u);
}

TEST_F(VerifierTest, AChangedByteIsTorn) {
  Operation put = run_until(OperationKind::kPut);
  std::string key = slot_key(0, put.slot);
  std::string value = **store_.get(key);
  value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 1);
  ASSERT_TRUE(store_.put(key, value));
  verify();
  EXPECT_EQ(findings_->torn.load(), 1u);
}

TEST_F(VerifierTest, TheRightValueUnderTheWrongKeyIsTorn) {
  Operation put = run_until(OperationKind::kPut);
  ASSERT_TRUE(store_.put(slot_key(0, put.slot), make_value("other", 0, number_, 20)));
  verify();
  EXPECT_EQ(findings_->torn.load(), 1u);
}

TEST_F(VerifierTest, AHalfTransactionIsTorn) {
  Operation group = run_until(OperationKind::kGroup);
  std::string key = group_keys(0, group.slot)[1];
  // The next operation on the group is unknown and only one of its keys came through.
  uint64_t next = number_;
  Operation operation;
  do {
    operation = operation_of(options_.seed, 0, ++next);
    ASSERT_TRUE(ledger_.append(Phase::kIntent, next, 0));
  } while (operation.kind != OperationKind::kGroup || operation.slot != group.slot);
  ASSERT_TRUE(store_.put(key, make_value(key, 0, next, 20)));
  verify();
  EXPECT_EQ(findings_->torn.load(), 1u) << first_text();
}

TEST_F(VerifierTest, MoneyThatVanishesIsAViolation) {
  run_until(OperationKind::kTransfer);
  ASSERT_TRUE(store_.put(account_key(3), "0"));
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u);
}

TEST_F(VerifierTest, ALostIncrementIsAViolation) {
  Operation increment = run_until(OperationKind::kIncrement);
  ASSERT_TRUE(store_.put(counter_key(increment.from), "0"));
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u);
}

TEST_F(VerifierTest, AVersionGivenTwiceIsAViolation) {
  run_until(OperationKind::kPut);
  auto entries = read_ledger(options_.ledger_paths[0], 0);
  ASSERT_TRUE(entries);
  ASSERT_TRUE(ledger_.append(Phase::kIntent, ++number_, 0));
  while (operation_of(options_.seed, 0, number_).kind != OperationKind::kTransfer) {
    ASSERT_TRUE(ledger_.append(Phase::kIntent, ++number_, 0));
  }
  auto version = perform(store_, operation_of(options_.seed, 0, number_), 0, number_);
  ASSERT_TRUE(version);
  ASSERT_TRUE(ledger_.append(Phase::kAcknowledged, number_, entries->back().version));
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u) << first_text();
}

TEST_F(VerifierTest, AStoreBehindWhatWasAcknowledgedIsAViolation) {
  run_until(OperationKind::kPut);
  findings_->acknowledge(1000000);
  verify();
  EXPECT_EQ(findings_->violations.load(), 1u);
}

// What three claimants might have done, by hand: each row of the log is one operation.
class ClaimVerifierTest : public VerifierTest {
 protected:
  static constexpr uint32_t kClaimant = 1;
  ClaimVerifierTest() {
    options_.claim_ledgers = {{kClaimant, temporary_.path_of("claims")}};
    EXPECT_TRUE(claims_.open(options_.claim_ledgers[0].path, kClaimant));
  }

  // One operation, acknowledged.
  void log(bool taken, ClaimMode mode, uint64_t token) {
    ASSERT_TRUE(claims_.append(Phase::kIntent, ++claimed_, 0));
    const auto version = store_.update([&](Transaction& txn) {
      return log_claim(txn, 0, {taken, mode, kClaimant, claimed_, token});
    });
    ASSERT_TRUE(version);
    ASSERT_TRUE(claims_.append(Phase::kAcknowledged, claimed_, *version));
  }
  void take(uint64_t token, ClaimMode mode = ClaimMode::exclusive) { log(true, mode, token); }
  void write(uint64_t token, ClaimMode mode = ClaimMode::exclusive) { log(false, mode, token); }

  uint64_t violations() {
    verify();
    return findings_->violations.load();
  }

  LedgerWriter claims_;
  uint64_t claimed_ = 0;
};

TEST_F(ClaimVerifierTest, HoldersOneAfterAnotherPass) {
  take(3);
  write(3);
  take(5, ClaimMode::shared);
  take(6, ClaimMode::shared);
  write(5, ClaimMode::shared);
  take(9);
  write(9);
  ASSERT_TRUE(claims_.append(Phase::kIntent, ++claimed_, 0));
  ASSERT_TRUE(claims_.append(Phase::kRefused, claimed_, 0));
  ASSERT_TRUE(claims_.append(Phase::kIntent, ++claimed_, 0));
  EXPECT_EQ(violations(), 0u) << first_text();
  EXPECT_EQ(verdict_->present, 7u);
  EXPECT_EQ(verdict_->unknown, 1u);
}

TEST_F(ClaimVerifierTest, AWriteBehindTheNextHolderIsAViolation) {
  take(3);
  take(5);
  write(3);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(ClaimVerifierTest, AnExclusiveHolderBesideASharedOneIsAViolation) {
  take(3);
  take(5, ClaimMode::shared);
  write(3);
  take(7);
  write(5, ClaimMode::shared);
  EXPECT_EQ(violations(), 2u);
}

TEST_F(ClaimVerifierTest, ATokenThatDoesNotGrowIsAViolation) {
  take(3);
  take(3);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(ClaimVerifierTest, ALostWriteIsSeen) {
  take(3);
  ASSERT_TRUE(claims_.append(Phase::kIntent, ++claimed_, 0));
  ASSERT_TRUE(claims_.append(Phase::kAcknowledged, claimed_, 1'000));
  verify();
  EXPECT_EQ(findings_->lost.load(), 1u);
}

TEST_F(ClaimVerifierTest, ARefusedWriteThatIsThereIsAViolation) {
  ASSERT_TRUE(claims_.append(Phase::kIntent, ++claimed_, 0));
  ASSERT_TRUE(store_.update([&](Transaction& txn) {
    return log_claim(txn, 0, {true, ClaimMode::exclusive, kClaimant, claimed_, 3});
  }));
  ASSERT_TRUE(claims_.append(Phase::kRefused, claimed_, 0));
  EXPECT_EQ(violations(), 1u);
}

TEST_F(ClaimVerifierTest, AClaimThatIsHeldWhenAllAreDeadIsAViolation) {
  const Space space = *store_.space(kClaimSpace);
  ASSERT_TRUE(space.claims().take(resource_name(0)));
  EXPECT_EQ(violations(), 1u);
}

TEST(TortureTest, AShortRunWithKillsPasses) {
  TemporaryDirectory temporary;
  TortureOptions options;
  options.directory = temporary.path();
  options.processes = 6;
  options.seconds = 1.5;
  options.kill = true;
  options.seed = 1;
  auto report = run_torture(options);
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_TRUE(report->passed()) << (report->problems.empty() ? "" : report->problems[0]);
  EXPECT_GT(report->acknowledged, 0u);
  EXPECT_EQ(report->present, report->acknowledged);
  EXPECT_GE(report->kills, 6u);
}

TEST(TortureTest, StoppedAndKilledClaimantsAreFenced) {
  TemporaryDirectory temporary;
  TortureOptions options;
  options.directory = temporary.path();
  options.processes = 2;
  options.claimants = 4;
  options.seconds = 2;
  options.kill = true;
  options.stop = true;
  options.seed = 1;
  auto report = run_torture(options);
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_TRUE(report->passed()) << (report->problems.empty() ? "" : report->problems[0]);
  EXPECT_GT(report->claims, 0u);
  EXPECT_GT(report->guarded, 0u);
  EXPECT_GT(report->fenced, 0u);
}

}  // namespace
}  // namespace holdfast::torture
