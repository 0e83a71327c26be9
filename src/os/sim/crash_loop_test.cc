#include "os/sim/crash_loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "os/sim/machine.h"

namespace holdfast::sim {
namespace {

using os::OpenMode;
using os::Os;

// A protocol of two writes: a value in /value, then its number in /commit. Right: the value is
// durable before the commit is written. Planted bug: no sync between the two.
constexpr std::string_view kValue = "the value, longer than nothing";

Status write_protocol(Os& os, bool syncs_first) {
  HOLDFAST_ASSIGN(auto value, os.open("/value", OpenMode::kReadWrite));
  HOLDFAST_TRY(value->write_at(0, kValue));
  if (syncs_first) HOLDFAST_TRY(value->sync_data());
  HOLDFAST_ASSIGN(auto commit, os.open("/commit", OpenMode::kReadWrite));
  HOLDFAST_TRY(commit->write_at(0, "1"));
  return commit->sync_data();
}

void prepare(Os& os) {
  for (const char* path : {"/value", "/commit"}) {
    auto file = os.open(path, OpenMode::kCreate);
    CHECK((*file)->allocate(0, 512) && (*file)->sync_data());
  }
  CHECK(os.sync_directory("/"));
}

std::string read(Os& os, const std::string& path, size_t size) {
  std::string bytes(size, '?');
  auto file = os.open(path, OpenMode::kReadWrite);
  CHECK(file.is_ok() && (*file)->read_at(0, bytes.data(), size).is_ok());
  return bytes;
}

Outcome run_protocol(const Case& at, bool syncs_first) {
  Machine machine(at.seed);
  prepare(machine.harness_os());
  bool acknowledged = false;
  machine.spawn([&](Os& os) { acknowledged = write_protocol(os, syncs_first).is_ok(); });
  machine.set_plan(at.plan());
  const RunEnd end = machine.run();
  const bool fired = machine.plan_fired();
  if (end != RunEnd::kPowerCut) machine.cut_power();
  Os& os = machine.harness_os();
  const bool committed = read(os, "/commit", 1) == "1";
  if (acknowledged && !committed) return {fired, "an acknowledged commit was lost"};
  if (committed && read(os, "/value", kValue.size()) != kValue) {
    return {fired, "committed, but the value is not there"};
  }
  return {fired, ""};
}

TEST(CrashLoopTest, RightProtocolPassesEveryCrash) {
  const CrashReport report =
      for_each_crash({.seeds = 100}, [](const Case& at) { return run_protocol(at, true); });
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  EXPECT_GT(report.runs, 5'000U);
  EXPECT_EQ(report.step_max, 8U);
}

TEST(CrashLoopTest, MissingSyncIsFound) {
  const CrashReport report =
      for_each_crash({.seeds = 100}, [](const Case& at) { return run_protocol(at, false); });
  ASSERT_FALSE(report.is_ok());
  EXPECT_NE(report.to_string().find("HOLDFAST_SIM_CASE="), std::string::npos);
  const Case at = report.failures[0].at;
  EXPECT_EQ(run_protocol(at, false).failure, report.failures[0].message);
}

TEST(CrashLoopTest, RunThatAbortsIsOneFailureAndTheLoopGoesOn) {
  const CrashReport report = for_each_seed(1, 500, [](const Case& at) {
    if (at.seed == 7) {
      std::fputs("something is wrong\n", stderr);
      std::abort();
    }
    return Outcome{false, at.seed == 400 ? "found" : ""};
  });
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.failures[0].at.seed, 7U);
  EXPECT_NE(report.failures[0].message.find("something is wrong"), std::string::npos);
  EXPECT_EQ(report.failures[1].at.seed, 400U);
  EXPECT_EQ(report.failures[1].message, "found");
  EXPECT_EQ(report.runs, 499U);
}

TEST(CrashLoopTest, RunThatHangsIsKilled) {
  const std::string failure = run_in_child(
      [] {
        for (volatile bool forever = true; forever;) {
        }
        return "";
      },
      1);
  EXPECT_EQ(failure.substr(0, 5), "hangs");
}

TEST(CrashLoopTest, GivesUpAfterTooManyFailures) {
  CrashLoop loop;
  loop.failures_max = 3;
  const CrashReport report = for_each_crash(loop, [](const Case&) { return Outcome{true, "bad"}; });
  EXPECT_EQ(report.failures.size(), 3U);
}

TEST(CrashLoopTest, CasesHaveATextForm) {
  const Case at{Fault::kSyncError, true, 3, 17};
  EXPECT_EQ(at.to_string(), "sync_error:persistent:seed=3:step=17");
  const auto parsed = Case::parse(at.to_string());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->to_string(), at.to_string());
  EXPECT_FALSE(Case::parse("").has_value());
  EXPECT_FALSE(Case::parse("kill:seed=x").has_value());
  EXPECT_FALSE(Case::parse("nothing:seed=1").has_value());
}

}  // namespace
}  // namespace holdfast::sim
