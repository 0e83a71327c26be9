#include "simulation/store_story.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace holdfast::sim {
namespace {

bool is_crash(Fault fault) {
  return fault == Fault::kKill || fault == Fault::kKillAll || fault == Fault::kPowerCut ||
         fault == Fault::kNone;
}

}  // namespace

Beginning::Beginning(const Story& story, uint64_t seed) : machine(seed, story.machine) {
  trial.options = simulated_options(story.durability);
  trial.options.deadline = story.deadline;
  trial.verify_more = story.verify_more;
  if (story.prepare) story.prepare(machine.harness_os(), trial);
  if (story.reboot && trial.ledger.failure().empty()) machine.cut_power();
}

Scenario begins_with(Story story, ScenarioFrom scenario) {
  const auto beginnings = std::make_shared<OncePerSeed<Beginning>>();
  return [story = std::move(story), scenario = std::move(scenario), beginnings](const Case& at) {
    const Beginning& beginning =
        beginnings->get(at.seed, [&] { return std::make_unique<Beginning>(story, at.seed); });
    const std::string& failure = beginning.trial.ledger.failure();
    return failure.empty() ? scenario(at, beginning) : Outcome{false, "preparing: " + failure};
  };
}

Scenario begins_with(Script prepare, ScenarioFrom scenario) {
  Story story;
  story.prepare = std::move(prepare);
  return begins_with(std::move(story), std::move(scenario));
}

namespace {

Outcome play_from(const Story& story, const Case& at, const Beginning& beginning) {
  Machine machine(beginning.machine);
  Trial trial = beginning.trial;
  if (story.forget) story.forget();
  trial.errors_allowed = !is_crash(at.fault);
  std::vector<Process*> processes;
  for (const Script& script : story.processes) {
    processes.push_back(&machine.spawn([&trial, &script](os::Os& os) { script(os, trial); }));
  }
  machine.set_plan(at.plan());
  if (story.observe) machine.on_step = story.observe(machine);
  RunEnd end = machine.run();
  while (end == RunEnd::kStopped) {  // by an observer that waited for what did not come
    for (Process* process : processes) machine.continue_process(*process);
    end = machine.run();
  }
  const bool fired = machine.plan_fired();
  machine.set_plan({});
  machine.on_step = nullptr;
  if (end != RunEnd::kFinished && end != RunEnd::kPowerCut) {
    return {fired, std::string(run_end_name(end))};
  }
  const bool may_lose = end == RunEnd::kPowerCut || trial.errors_allowed;
  if (may_lose && story.durability == Durability::batched) {
    trial.ledger.forget_acknowledged();
  }
  if (!story.verify_cold) return {fired, verify_machine(machine, trial)};
  machine.cut_power();
  return {fired, verify_store(machine.harness_os(), trial)};
}

}  // namespace

Outcome play(const Story& story, const Case& at) {
  return begins_with(story, [&](const Case& same, const Beginning& beginning) {
    return play_from(story, same, beginning);
  })(at);
}

void expect_survived(const Story& story, std::vector<Fault> faults, uint64_t seeds,
                     std::vector<Fault> persistent) {
  CrashLoop loop;
  loop.faults = std::move(faults);
  loop.persistent_faults = std::move(persistent);
  loop.seeds = seeds;
  const CrashReport report =
      for_each_crash(loop, begins_with(story, [&](const Case& at, const Beginning& beginning) {
                       return play_from(story, at, beginning);
                     }));
  EXPECT_TRUE(report.is_ok()) << report.to_string();
  testing::Test::RecordProperty("crashes", std::to_string(report.runs));
  std::printf("%llu crashes, %llu steps\n", static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.step_max));
}

Body put_value(std::string key, size_t size) {
  return [key = std::move(key), size](Transaction& txn, uint64_t) {
    return txn.put(key, std::string(size, 'v'));
  };
}

void write_some(os::Os& os, Trial& trial, int count, const Body& body) {
  auto store = open_store(os, trial);
  for (int i = 0; store && i < count; ++i) {
    if (!transact(*store, trial, body)) break;
  }
}

Script filled(int transactions, size_t value_size) {
  return [=](os::Os& os, Trial& trial) {
    auto store = open_store(os, trial);
    for (int i = 0; store && i < transactions; ++i) {
      transact(*store, trial, put_value("key" + std::to_string(i), value_size));
    }
  };
}

Script writes(int count, size_t value_size) {
  return
      [=](os::Os& os, Trial& trial) { write_some(os, trial, count, put_value("x", value_size)); };
}

}  // namespace holdfast::sim
