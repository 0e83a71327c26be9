// Random work on a run beside a plain model of it. The rules of the model are written anew, from
// the header alone.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "holdfast/run.h"
#include "memory/map_access.h"
#include "memory/run_machine.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

struct ModelStep {
  StepState state = StepState::waiting;
  std::vector<std::string> after;
  std::vector<std::string> gates;
  OnInterrupt policy = OnInterrupt::ask;
  uint32_t failures = 0;
  uint32_t attempts_max = 1;
  std::optional<std::string> output;
  uint32_t owner = 0;  // leased
};

class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) { run_ = runs(1).start({.name = "model"})->id; }

  void do_something() {
    switch (random_() % 11) {
      case 10:
        return use_gates();
      case 0:
      case 1:
        return define();
      case 2:
      case 3:
      case 4:
        return take();
      case 5:
      case 6:
        return end_attempt(true);
      case 7:
        return end_attempt(false);
      case 8:
        return kill();
      default:
        return decide();
    }
  }

  void compare() {
    const auto listed = runs(live_).steps(run_);
    ASSERT_EQ(listed->size(), steps_.size());
    std::map<StepState, uint64_t> counts;
    for (const StepInfo& seen : *listed) {
      const ModelStep& step = steps_.at(seen.key);
      ASSERT_EQ(seen.state, step.state) << seen.key;
      EXPECT_EQ(seen.failures, step.failures) << seen.key;
      EXPECT_EQ(runs(live_).step(run_, seen.key)->output, step.output) << seen.key;
      ++counts[step.state];
    }
    const RunProgress progress = *runs(live_).progress(run_);
    EXPECT_EQ(progress.total(), steps_.size());
    EXPECT_EQ(progress.ready, counts[StepState::ready]);
    EXPECT_EQ(progress.completed, counts[StepState::completed]);
    EXPECT_EQ(progress.running, counts[StepState::running]);
    const auto gates = runs(live_).gates(run_);
    ASSERT_EQ(gates->size(), gates_.size());
    for (const GateInfo& gate : *gates) EXPECT_EQ(gate.state, gates_.at(gate.name)) << gate.name;
  }

 private:
  Runs runs(uint32_t owner) {
    return Runs(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"m"}, owner));
  }
  std::string any_key() {
    auto at = steps_.begin();
    std::advance(at, random_() % steps_.size());
    return at->first;
  }

  void define() {
    if (steps_.size() >= 12) return;
    NewStep step;
    step.key = "s" + std::to_string(steps_.size() + 10);
    for (const auto& [key, other] : steps_) {
      if (random_() % 4 == 0) step.after.push_back(key);
    }
    for (const auto& [name, state] : gates_) {
      if (random_() % 4 == 0) step.gates.push_back(name);
    }
    step.on_interrupt = static_cast<OnInterrupt>(random_() % 4);
    step.attempts_max = 1 + random_() % 2;
    step.backoff_first = milliseconds(0);
    ASSERT_TRUE(runs(live_).define(run_, std::span(&step, 1)));
    steps_[step.key] = {StepState::waiting, step.after, step.gates, step.on_interrupt, 0,
                        step.attempts_max,  {},         0};
    refresh();
  }

  // Opens one, or decides one that may be decided already.
  void use_gates() {
    if (gates_.size() < 3 && random_() % 2 == 0) {
      const std::string name = "g" + std::to_string(gates_.size());
      ASSERT_FALSE(*runs(live_).open_gate(run_, {.name = name}));
      gates_[name] = GateState::waiting;
      return;
    }
    if (gates_.empty()) return;
    auto gate = gates_.begin();
    std::advance(gate, random_() % gates_.size());
    const bool approved = random_() % 4 != 0;
    const Status decided = runs(live_).decide_gate(run_, gate->first, approved, "x");
    const bool legal = gate->second == GateState::waiting;
    ASSERT_EQ(decided.code(), legal ? StatusCode::kOk : StatusCode::kConditionFalse);
    if (legal) gate->second = approved ? GateState::approved : GateState::rejected;
    refresh();
  }

  // Waiting becomes ready when everything before is completed, and its gates approved.
  void refresh() {
    for (auto& [key, step] : steps_) {
      if (step.state != StepState::waiting && step.state != StepState::ready) continue;
      bool open = false;
      for (const std::string& before : step.after) {
        open = open || steps_.at(before).state != StepState::completed;
      }
      for (const std::string& gate : step.gates) {
        open = open || gates_.at(gate) != GateState::approved;
      }
      step.state = open ? StepState::waiting : StepState::ready;
    }
  }

  void settle() {
    for (auto& [key, step] : steps_) {
      if (!is_leased(step.state) || !clock_.owners_dead.contains(step.owner)) continue;
      if (step.state == StepState::undoing || step.policy == OnInterrupt::compensate) {
        step.state = StepState::undo_due;
      } else if (step.policy == OnInterrupt::ask) {
        step.state = StepState::indeterminate;
      } else {
        step.state = step.policy == OnInterrupt::retry ? StepState::ready : StepState::failed;
      }
    }
  }

  void take() {
    settle();
    const auto lease = runs(live_).take(run_);
    ASSERT_TRUE(lease) << lease.status().to_string();
    bool any = false;
    for (const auto& [key, step] : steps_) {
      any = any || step.state == StepState::ready || step.state == StepState::delayed ||
            step.state == StepState::undo_due;
    }
    ASSERT_EQ(lease->has_value(), any);
    if (!any) return;
    ModelStep& step = steps_.at((*lease)->key);
    ASSERT_EQ((*lease)->is_undo, step.state == StepState::undo_due);
    step.state = (*lease)->is_undo ? StepState::undoing : StepState::running;
    step.owner = live_;
    leases_[(*lease)->key] = **lease;
  }

  void end_attempt(bool good) {
    if (leases_.empty()) return;
    auto at = leases_.begin();
    std::advance(at, random_() % leases_.size());
    const StepLease lease = at->second;
    leases_.erase(at);
    ModelStep& step = steps_.at(lease.key);
    // Whoever has not been settled may still say how it went, dead or not to others.
    const bool holds = is_leased(step.state) && (step.state == StepState::undoing) == lease.is_undo;
    const std::string output = "out" + std::to_string(random_() % 100);
    const Status status =
        good ? runs(live_).complete(lease, output) : runs(live_).fail(lease, "no");
    ASSERT_EQ(status.code(), holds ? StatusCode::kOk : StatusCode::kFenced);
    if (!holds) return;
    if (lease.is_undo) {
      step.state = good ? StepState::ready : StepState::indeterminate;
    } else if (good) {
      step.state = StepState::completed;
      step.output = output;
    } else {
      step.failures += 1;
      step.state = step.failures < step.attempts_max ? StepState::delayed : StepState::failed;
    }
    refresh();
  }

  void kill() {
    clock_.owners_dead.insert(live_);
    ++live_;
    // Of those who died nobody speaks any more.
    leases_.clear();
  }

  void decide() {
    if (steps_.empty()) return;
    const std::string key = any_key();
    ModelStep& step = steps_.at(key);
    switch (random_() % 3) {
      case 0: {
        const bool legal = step.state == StepState::failed;
        ASSERT_EQ(bool(runs(live_).retry(run_, key)), legal);
        if (!legal) break;
        step.state = StepState::ready;
        step.failures = 0;
        step.output.reset();
        step.owner = 0;
        break;
      }
      case 1: {
        const bool legal = step.state == StepState::indeterminate;
        ASSERT_EQ(bool(runs(live_).resolve(run_, key, StepDecision::complete, "seen")), legal);
        if (!legal) break;
        step.state = StepState::completed;
        step.output = "seen";
        break;
      }
      default:
        reset(key);
    }
    refresh();
  }

  void reset(const std::string& root) {
    std::set<std::string> undone = {root};
    bool busy = false;
    for (bool grows = true; grows;) {
      grows = false;
      for (const auto& [key, step] : steps_) {
        for (const std::string& before : step.after) {
          const bool follows = undone.contains(before) && !undone.contains(key) &&
                               steps_.at(before).state == StepState::completed;
          if (!follows) continue;
          undone.insert(key);
          grows = true;
        }
      }
    }
    for (const std::string& key : undone) {
      const StepState state = steps_.at(key).state;
      busy = busy || is_leased(state) || state == StepState::undo_due ||
             state == StepState::indeterminate;
    }
    const StepState state = steps_.at(root).state;
    const bool legal = state == StepState::completed || state == StepState::failed;
    const auto keys = runs(live_).reset(run_, root);
    ASSERT_EQ(keys.is_ok(), legal && !busy) << keys.status().to_string();
    if (!keys) return;
    for (const std::string& key : undone) {
      ModelStep& step = steps_.at(key);
      step.state = StepState::waiting;
      step.failures = 0;
      step.output.reset();
    }
  }

  std::mt19937 random_;
  search::MapKeyspace keys_;
  MapClock clock_;
  std::string run_;
  uint32_t live_ = 1;
  std::map<std::string, ModelStep> steps_;
  std::map<std::string, GateState> gates_;
  std::map<std::string, StepLease> leases_;
};

TEST(RunModel, AnyWorkOnARunGoesAsInThePlainModel) {
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int i = 0; i < 80; ++i) {
      ASSERT_NO_FATAL_FAILURE(model.do_something()) << "operation " << i;
      ASSERT_NO_FATAL_FAILURE(model.compare()) << "operation " << i;
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace holdfast::memory
