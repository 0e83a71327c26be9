// Stories: scripts of virtual processes that are played with a fault at every step, and what a
// store must look like afterwards, first warm, then once more after a power cut.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/store_model.h"

namespace holdfast::sim {

using Script = std::function<void(os::Os&, Trial&)>;

struct Story {
  Durability durability = Durability::strict;
  // After which a process gives up waiting for one that is stopped: it looks 200 times a second.
  std::chrono::milliseconds deadline = std::chrono::minutes(1);
  Options machine = {};
  // Runs undisturbed on the harness before the plan counts; closes the store. Once for many runs,
  // which get copies of the machine and the trial as it leaves them.
  Script prepare;
  // Begins each run, on each copy: forgets what scripts noted elsewhere in the run before.
  std::function<void()> forget = {};
  // The machine restarts between preparation and scripts.
  bool reboot = false;
  // What the kernel caches is damaged by the faults: only what is on the disk is verified.
  bool verify_cold = false;
  std::vector<Script> processes;
  // See Trial::verify_more.
  std::function<std::string(os::Os&, Store&)> verify_more = {};
  // Looks on at each step; may kill, stop or evict. Called once per run, to get a fresh one.
  using OnStep = std::function<void(Process&, StepKind, const StepDetail&)>;
  std::function<OnStep(Machine&)> observe;
};

// Where the runs of a story with the same seed begin: prepared once, copied by each of them.
struct Beginning {
  Beginning(const Story& story, uint64_t seed);

  Machine machine;
  Trial trial;
};

// Keeps what was made last, for loops in which the runs of one seed begin alike.
template <typename T>
class OncePerSeed {
 public:
  // `make` returns a std::unique_ptr<T>.
  template <typename Make>
  const T& get(uint64_t seed, Make make) {
    if (made_ == nullptr || seed_ != seed) made_ = make();
    seed_ = seed;
    return *made_;
  }

 private:
  uint64_t seed_ = 0;
  std::unique_ptr<T> made_;
};

Outcome play(const Story& story, const Case& at);

// A scenario for loops, whose runs copy the beginning of their seed. Of the story only the
// beginning counts.
using ScenarioFrom = std::function<Outcome(const Case&, const Beginning&)>;
Scenario begins_with(Story story, ScenarioFrom scenario);
Scenario begins_with(Script prepare, ScenarioFrom scenario);

// Plays the story with each fault at each step, and prints how many crashes that made.
void expect_survived(const Story& story, std::vector<Fault> faults, uint64_t seeds,
                     std::vector<Fault> persistent = {});

inline const std::vector<Fault> kCrashes = {Fault::kKill, Fault::kKillAll, Fault::kPowerCut};

// A transaction's body that writes one value.
Body put_value(std::string key, size_t size);
// Opens the store and runs transactions until one fails.
void write_some(os::Os& os, Trial& trial, int count, const Body& body = {});
Script filled(int transactions, size_t value_size = 20);
Script writes(int count, size_t value_size = 20);

}  // namespace holdfast::sim
