#include "bench/goals.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::bench {
namespace {

Measurement run_of(const std::string& workload, uint32_t processes, const std::string& engine,
                   double rate) {
  Measurement run;
  run.workload = workload;
  run.processes = processes;
  run.engine = engine;
  run.rate = rate;
  return run;
}

const Outcome* find(const std::vector<Outcome>& outcomes, std::string_view workload,
                    std::string_view beside) {
  const auto found = std::find_if(outcomes.begin(), outcomes.end(), [&](const Outcome& outcome) {
    return outcome.goal->workload == workload && outcome.goal->beside == beside;
  });
  return found == outcomes.end() ? nullptr : &*found;
}

TEST(GoalsTest, AGoalStandsBesideTheSameRunsPeer) {
  Summaries summaries;
  summaries.add(run_of("W1", 10, "holdfast", 50'000));
  summaries.add(run_of("W1", 10, "lmdb", 5'000));
  const std::vector<Outcome> outcomes = judge(summaries);
  const Outcome* goal = find(outcomes, "W1", "lmdb");
  ASSERT_NE(goal, nullptr);
  EXPECT_DOUBLE_EQ(goal->limit, 60'000);
  EXPECT_NEAR(goal->ratio(), 0.83, 0.01);
  EXPECT_EQ(find(outcomes, "W1", "leveldb"), nullptr);  // it was not measured
}

TEST(GoalsTest, WhatWasNotMeasuredIsNotJudged) {
  Summaries summaries;
  summaries.add(run_of("idle", 1, "holdfast", 0));
  EXPECT_TRUE(judge(summaries).empty());
}

TEST(GoalsTest, TheBetterVariantCounts) {
  Summaries summaries;
  summaries.add(run_of("W1", 10, "holdfast", 50'000));
  summaries.add(run_of("W1", 10, "sqlite", 8'000));
  summaries.add(run_of("W1", 10, "sqlite_queued", 9'000));
  const std::vector<Outcome> outcomes = judge(summaries);
  ASSERT_NE(find(outcomes, "W1", "sqlite*"), nullptr);
  EXPECT_EQ(find(outcomes, "W1", "sqlite*")->beside, "sqlite_queued");
}

TEST(GoalsTest, TheBestPeerIsNoFloorAndNotHoldfast) {
  Summaries summaries;
  for (const char* engine : {"floor", "holdfast_threads"}) {
    summaries.add(run_of("W8 sorted", 1, engine, 9'000'000));
  }
  summaries.add(run_of("W8 sorted", 1, "holdfast", 1'000'000));
  summaries.add(run_of("W8 sorted", 1, "leveldb", 700'000));
  summaries.add(run_of("W8 sorted", 1, "lmdb", 800'000));
  const std::vector<Outcome> outcomes = judge(summaries);
  ASSERT_NE(find(outcomes, "W8 sorted", "peers"), nullptr);
  EXPECT_EQ(find(outcomes, "W8 sorted", "peers")->beside, "lmdb");
  EXPECT_NEAR(find(outcomes, "W8 sorted", "peers")->ratio(), 1.25, 0.01);
}

TEST(GoalsTest, WhatIsToBeSmallIsBetterBelowItsLimit) {
  Summaries summaries;
  Measurement run = run_of("W7 cold, all", 1, "holdfast", 2'000'000);
  run.figures = {{"peak_private_mb", 50}};
  summaries.add(run);
  for (const Outcome& outcome : judge(summaries)) {
    EXPECT_GE(outcome.ratio(), 1) << outcome.goal->figure;
  }
}

TEST(SummaryTest, TheMedianOfAnEvenNumberLiesBetween) {
  Summaries summaries;
  for (double rate : {4.0, 1.0, 2.0, 3.0}) summaries.add(run_of("W1", 1, "floor", rate));
  const Summary* summary = summaries.find("W1", 1, "floor");
  ASSERT_NE(summary, nullptr);
  EXPECT_DOUBLE_EQ(summary->median("operations_per_second"), 2.5);
  EXPECT_DOUBLE_EQ(summary->least("operations_per_second"), 1);
  EXPECT_DOUBLE_EQ(summary->most("operations_per_second"), 4);
}

}  // namespace
}  // namespace holdfast::bench
