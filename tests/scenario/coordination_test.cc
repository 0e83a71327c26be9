// Processes that coordinate through a store and are really killed: jobs and steps are
// done exactly once, and a claim has one holder at a time.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kWorkers = 16;
constexpr size_t kDeaths = 15;

class CoordinationTest : public testing::Test {
 protected:
  static std::string done_key(const Job& job) { return "done/" + job.payload; }

  // Takes jobs and does each in the transaction that acks it, until none is left to take or wait
  // for. Tells the parent of every job.
  void work(Channel& told) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    while (true) {
      auto jobs = space.queue("jobs").take({.lease = milliseconds(60'000)});
      ASSERT_TRUE(jobs) << jobs.status().to_string();
      if (jobs->empty()) {
        const QueueStats stats = *space.queue("jobs").stats();
        if (stats.ready + stats.leased + stats.delayed == 0) return;
        continue;
      }
      const Job& job = jobs->front();
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(txn.add(done_key(job), 1));
        return space.queue(txn, "jobs").ack(job);
      });
      // Fenced: the lease ended with the one who died holding it, never with this one.
      ASSERT_TRUE(version) << version.status().to_string();
      told.send("x");
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

// HOLDFAST_TEST_JOBS=100000 makes it longer.
TEST_F(CoordinationTest, JobsAreDoneExactlyOnceThoughWorkersAreKilled) {
  const char* wanted = std::getenv("HOLDFAST_TEST_JOBS");
  const int job_count = wanted != nullptr ? std::atoi(wanted) : 400;
  constexpr int kBatch = 400;  // fits a commit
  ASSERT_EQ(run_in_child([&] {
              Store store = open_or_die(path_);
              const Queue queue = store.space("crew")->queue("jobs");
              ASSERT_TRUE(queue.configure({.attempts_max = 1000}));
              for (int i = 0; i < job_count;) {
                std::vector<NewJob> jobs;
                for (const int end = std::min(i + kBatch, job_count); i < end; ++i) {
                  jobs.push_back({.payload = std::to_string(i)});
                }
                ASSERT_TRUE(queue.push_all(jobs));
              }
            }),
            ChildProcess::kSuccess);
  Channel told;
  run_crew(
      kWorkers, [&] { work(told); }, told, kDeaths, static_cast<size_t>(job_count / 20));

  Store store = open_or_die(path_);
  for (int i = 0; i < job_count; ++i) {
    const auto count = store.get("done/" + std::to_string(i));
    ASSERT_TRUE(count && *count) << "job " << i << " is lost";
    EXPECT_EQ(decode_number(**count), 1) << "job " << i;
  }
  expect_sound(store);
}

// Each step adds one to its row in the commit that completes it. All wait for a gate first, and
// many for others.
TEST_F(CoordinationTest, StepsAreDoneExactlyOnceThoughWorkersAreKilled) {
  constexpr int kSteps = 120;
  const auto key_of = [](int step) { return "s" + std::to_string(step); };
  std::string run;
  {
    Store store = open_or_die(path_);
    const Runs runs = store.space("crew")->runs();
    run = runs.start({.name = "work"})->id;
    ASSERT_TRUE(runs.open_gate(run, {.name = "go"}));
    for (int i = 0; i < kSteps; ++i) {
      NewStep step = {.key = key_of(i), .gates = {"go"}, .on_interrupt = OnInterrupt::retry};
      if (i >= 20) step.after.push_back(key_of(i - 20));
      if (i >= 20 && i % 20 != 0) step.after.push_back(key_of(i - 21));
      const auto defined = runs.define(run, std::span(&step, 1));
      ASSERT_TRUE(defined) << defined.status().to_string();
    }
  }
  Channel told;
  const auto work = [&] {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const Status approved = space.runs().decide_gate(run, "go", true, "the first");
    ASSERT_TRUE(approved || approved.code() == StatusCode::kConditionFalse);
    while (space.runs().progress(run)->completed < kSteps) {
      const auto lease = space.runs().take(run, {.wait = milliseconds(100)});
      ASSERT_TRUE(lease) << lease.status().to_string();
      if (!*lease) continue;
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(txn.add("done/" + (*lease)->key, 1));
        return space.runs(txn).complete(**lease, "1");
      });
      ASSERT_TRUE(version) << version.status().to_string();
      told.send("x");
    }
  };
  run_crew(kWorkers, work, told, kDeaths, kSteps / 20);

  Store store = open_or_die(path_);
  const Runs runs = store.space("crew")->runs();
  std::map<std::string, int64_t> ended_us;
  const auto steps = runs.steps(run);
  ASSERT_TRUE(steps);
  EXPECT_EQ(steps->size(), size_t{kSteps});
  for (const StepInfo& step : *steps) {
    EXPECT_EQ(step.state, StepState::completed) << step.key;
    const auto count = store.get("done/" + step.key);
    ASSERT_TRUE(count && *count) << step.key;
    EXPECT_EQ(decode_number(**count), 1) << step.key;
    ended_us[step.key] = step.ended_us;
  }
  for (const StepInfo& step : *steps) {
    for (const std::string& before : step.after) {
      EXPECT_GE(step.started_us, ended_us[before]) << step.key << " was begun before " << before;
    }
  }
  ASSERT_TRUE(runs.finish(run));
  expect_sound(store);
}

TEST_F(CoordinationTest, AClaimIsFreeAsSoonAsItsHolderIsKilled) {
  Channel told;
  ChildProcess holder = ChildProcess::start([&] {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.space("crew")->claims().take("build", {.ttl = milliseconds(3'600'000)}));
    told.send("x");
    await_kill();
  });
  ASSERT_TRUE(told.receive(1));
  EXPECT_EQ(run_in_child([&] {
              Store store = open_or_die(path_);
              const auto claim = store.space("crew")->claims().take("build");
              ASSERT_EQ(claim.status().code(), StatusCode::kBusy);
            }),
            ChildProcess::kSuccess);
  holder.kill();
  holder.wait();
  Store store = open_or_die(path_);
  EXPECT_TRUE(store.space("crew")->claims().take("build"));
}

// Who waits looks every few milliseconds. The median, as any one round may meet a busy machine.
TEST_F(CoordinationTest, AClaimOfAKilledHolderIsAnothersWithinFiftyMilliseconds) {
  using Clock = std::chrono::steady_clock;  // one for all processes
  constexpr int kTimes = 15;
  const auto take = [&](Channel& told, bool keeps) {
    Store store = open_or_die(path_);
    const Claims claims = store.space("crew")->claims();
    if (!keeps) {
      ASSERT_EQ(claims.take("build").status().code(), StatusCode::kBusy);
      told.send("w");
    }
    const auto claim =
        claims.take("build", {.ttl = milliseconds(3'600'000), .wait = milliseconds(60'000)});
    ASSERT_TRUE(claim) << claim.status().to_string();
    const Clock::time_point now = Clock::now();
    told.send({reinterpret_cast<const char*>(&now), sizeof(now)});
    if (keeps) await_kill();
    ASSERT_TRUE(claims.release(*claim));
  };
  std::vector<Clock::duration> durations;
  for (int i = 0; i < kTimes; ++i) {
    Channel held;
    Channel waiting;
    ChildProcess holder = ChildProcess::start([&] { take(held, true); });
    ASSERT_TRUE(held.receive(sizeof(Clock::time_point)));
    ChildProcess waiter = ChildProcess::start([&] { take(waiting, false); });
    ASSERT_TRUE(waiting.receive(1));
    const Clock::time_point killed = Clock::now();
    holder.kill();
    const auto bytes = waiting.receive(sizeof(Clock::time_point));
    ASSERT_TRUE(bytes);
    Clock::time_point taken;
    std::memcpy(&taken, bytes->data(), sizeof(taken));
    durations.push_back(taken - killed);
    holder.wait();
    EXPECT_EQ(waiter.wait(), ChildProcess::kSuccess);
  }
  std::sort(durations.begin(), durations.end());
  EXPECT_LT(durations[kTimes / 2], milliseconds(50));
}

TEST_F(CoordinationTest, WhoIsStoppedPastTheEndOfAClaimIsFenced) {
  ChildProcess holder = ChildProcess::start([&] {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const auto claim = space.claims().take("build", {.ttl = milliseconds(50)});
    ASSERT_TRUE(claim) << claim.status().to_string();
    ::raise(SIGSTOP);
    const auto late = store.update([&](Transaction& txn) -> Status {
      HOLDFAST_TRY(space.claims(txn).guard(*claim));
      return space.kv(txn).put("holder", "late");
    });
    EXPECT_EQ(late.status().code(), StatusCode::kFenced) << late.status().to_string();
  });
  int state = 0;
  ASSERT_EQ(::waitpid(holder.pid(), &state, WUNTRACED), holder.pid());
  ASSERT_TRUE(WIFSTOPPED(state));
  EXPECT_EQ(run_in_child([&] {
              Store store = open_or_die(path_);
              const Space space = *store.space("crew");
              const auto claim = space.claims().take("build", {.ttl = milliseconds(3'600'000),
                                                               .bound_to_handle = false,
                                                               .wait = milliseconds(60'000)});
              ASSERT_TRUE(claim) << claim.status().to_string();
              ASSERT_TRUE(space.kv().put("holder", "next"));
            }),
            ChildProcess::kSuccess);
  ASSERT_EQ(::kill(holder.pid(), SIGCONT), 0);
  EXPECT_EQ(holder.wait(), ChildProcess::kSuccess);
  Store store = open_or_die(path_);
  EXPECT_EQ(*store.space("crew")->kv().get("holder"), "next");
}

TEST_F(CoordinationTest, AnExclusiveClaimHasOneHolderThoughHoldersAreKilled) {
  constexpr int kRounds = 15;
  Channel told;
  // Whoever holds the claim finds the slot empty, fills it, and empties it again. A holder who was
  // killed leaves its own name there, which only the next holder may find.
  const auto contend = [&](int number) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (int round = 0; round < kRounds; ++round) {
      auto claim = space.claims().take(
          "slot", {.ttl = milliseconds(3'600'000), .wait = milliseconds(60'000)});
      ASSERT_TRUE(claim) << claim.status().to_string();
      const std::string name = std::to_string(number) + "/" + std::to_string(claim->token);
      ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(space.claims(txn).guard(*claim));
        return space.kv(txn).put("holder", name);
      }));
      told.send("x");
      ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(space.claims(txn).guard(*claim));
        HOLDFAST_ASSIGN(const auto holder, space.kv(txn).get("holder"));
        EXPECT_EQ(holder, name);
        return space.claims(txn).release(*claim);
      }));
    }
  };
  std::vector<ChildProcess> crew;
  for (int i = 0; i < kWorkers; ++i) crew.push_back(ChildProcess::start([&, i] { contend(i); }));
  for (int death = 0; death < kWorkers / 2; ++death) {
    ASSERT_TRUE(told.receive(10));
    crew[static_cast<size_t>(death)].kill();
    crew[static_cast<size_t>(death)].wait();
  }
  told.close_sending();
  for (size_t i = kWorkers / 2; i < crew.size(); ++i)
    EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);
}

}  // namespace
}  // namespace holdfast
