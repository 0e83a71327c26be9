#include "bench/goals.h"

#include <algorithm>
#include <array>
#include <optional>

#include "bench/table.h"

namespace holdfast::bench {
namespace {

constexpr std::string_view kRate = "operations_per_second";
constexpr Bound kAtLeast = Bound::kAtLeast;
constexpr Bound kAtMost = Bound::kAtMost;

constexpr Goal kGoals[] = {
    {"W1", 1, kRate, kAtLeast, 0.9, "floor"},
    {"W1", 1, kRate, kAtLeast, 1, "peers"},
    {"W1", 10, kRate, kAtLeast, 0.85, "group_floor"},
    {"W1", 10, kRate, kAtLeast, 5, "sqlite*"},
    {"W1", 10, kRate, kAtLeast, 12, "lmdb"},
    {"W1", 10, kRate, kAtLeast, 1.7, "leveldb"},
    {"W1", 32, kRate, kAtLeast, 0.85, "group_floor"},
    {"W1", 32, kRate, kAtLeast, 8, "sqlite*"},
    {"W1", 32, kRate, kAtLeast, 20, "lmdb"},
    {"W1", 32, kRate, kAtLeast, 1.2, "leveldb"},
    {"W1", 32, "fairness", kAtLeast, 0.6, ""},
    {"W1", 32, "p99_of_p50", kAtMost, 4, ""},
    {"W2", 1, kRate, kAtLeast, 2, "lmdb"},
    {"W2", 1, kRate, kAtLeast, 7, "sqlite*"},
    {"W2", 1, kRate, kAtLeast, 1, "leveldb"},
    {"W2", 10, kRate, kAtLeast, 1, "peers"},
    {"W2", 10, kRate, kAtLeast, 2, "lmdb"},
    {"W2", 32, kRate, kAtLeast, 1, "peers"},
    {"W2", 32, kRate, kAtLeast, 2, "lmdb"},
    {"W3", 10, kRate, kAtLeast, 0.7, "group_floor"},
    {"W3", 10, kRate, kAtLeast, 8, "sqlite*"},
    {"W3", 10, kRate, kAtLeast, 2, "rocksdb"},
    {"W3b", 1, kRate, kAtLeast, 1, "leveldb"},
    {"W3b", 1, kRate, kAtLeast, 2, "lmdb"},
    {"W3b", 1, kRate, kAtLeast, 8, "sqlite*"},
    {"W4 get, transaction each", 1, "p50_us", kAtMost, 0.75, "lmdb"},
    {"W4 get, snapshot held", 1, "p50_us", kAtMost, 0.75, "lmdb"},
    {"W4 scan of 100", 1, "p50_us", kAtMost, 0.7, "lmdb"},
    {"W5 readers beside writers", 4, "p99_us", kAtMost, 1.2, "holdfast", "W5 readers alone"},
    {"W5 writers", 4, kRate, kAtLeast, 5, "lmdb"},
    {"W6 open", 1, "p50_us", kAtMost, 1, "lmdb"},
    {"W6 whole process", 1, "p50_us", kAtMost, 0.85, "lmdb"},
    {"W6 open after kill -9", 1, "p50_us", kAtMost, 1000, ""},
    {"W7 cold, all", 1, kRate, kAtLeast, 1'200'000, ""},
    {"W7 cold, all", 1, kRate, kAtLeast, 1, "sqlite*"},
    {"W7 cold, all", 1, kRate, kAtLeast, 1, "rocksdb"},
    {"W7 cold, all", 1, kRate, kAtLeast, 1, "leveldb"},
    {"W7 cold, all", 1, "peak_private_mb", kAtMost, 100, ""},
    {"W8 sorted", 1, kRate, kAtLeast, 1, "peers"},
    {"W8 random", 1, kRate, kAtLeast, 1, "peers"},
    {"W8 sorted", 1, kRate, kAtLeast, 1, "peers", {}, "holdfast_bulk"},
    {"W8 sorted", 1, kRate, kAtLeast, 1, "rocksdb_bulk", {}, "holdfast_bulk"},
    {"W8 random", 1, kRate, kAtLeast, 1, "peers", {}, "holdfast_bulk"},
    {"W9 snapshot held", 1, "more_data_of_snapshot", kAtMost, 1.2, ""},
    {"W9 snapshot held", 1, kRate, kAtLeast, 0.8, "holdfast", "W9 no snapshot"},
    {"idle", 1, "anonymous_kib", kAtMost, 2048, ""},
};

// A bulk load without transactions is judged apart.
bool is_peer(std::string_view engine) {
  return engine != "rocksdb_bulk" && engine.find("floor") == std::string_view::npos &&
         engine.substr(0, 8) != "holdfast" && engine.front() != '(';
}

bool stands_beside(const Goal& goal, std::string_view engine) {
  if (goal.beside == "peers") return is_peer(engine);
  if (goal.beside.back() != '*') return engine == goal.beside;
  const std::string_view prefix = goal.beside.substr(0, goal.beside.size() - 1);
  return engine.substr(0, prefix.size()) == prefix;
}

// The best of those that the goal names.
const Summary* best_beside(const Goal& goal, const Summaries& summaries) {
  const std::string_view workload =
      goal.beside_workload.empty() ? goal.workload : goal.beside_workload;
  const Summary* best = nullptr;
  for (const Summary* summary : summaries.of({std::string(workload), goal.processes})) {
    if (!stands_beside(goal, summary->engine)) continue;
    const bool better =
        best == nullptr ||
        (goal.bound == kAtLeast ? summary->median(goal.figure) > best->median(goal.figure)
                                : summary->median(goal.figure) < best->median(goal.figure));
    if (better) best = summary;
  }
  return best;
}

std::optional<Outcome> judge(const Goal& goal, const Summaries& summaries) {
  const Summary* ours = summaries.find(goal.workload, goal.processes, goal.ours);
  if (ours == nullptr || !ours->runs.front().find_figure(goal.figure)) return std::nullopt;
  Outcome outcome{&goal, ours->median(goal.figure), goal.factor, ""};
  if (goal.beside.empty()) return outcome;
  const Summary* beside = best_beside(goal, summaries);
  if (beside == nullptr) return std::nullopt;
  outcome.limit = goal.factor * beside->median(goal.figure);
  outcome.beside = beside->engine;
  return outcome;
}

}  // namespace

double Outcome::ratio() const {
  constexpr double kNearNothing = 1e-9;
  constexpr double kMost = 1000;
  const double ratio = goal->bound == kAtLeast ? measured / std::max(limit, kNearNothing)
                                               : limit / std::max(measured, kNearNothing);
  return std::min(ratio, kMost);
}

std::vector<Outcome> judge(const Summaries& summaries) {
  std::vector<Outcome> outcomes;
  for (const Goal& goal : kGoals) {
    if (const auto outcome = judge(goal, summaries)) outcomes.push_back(*outcome);
  }
  return outcomes;
}

std::string describe(const Outcome& outcome) {
  const Goal& goal = *outcome.goal;
  std::string text = goal.bound == kAtLeast ? "at least " : "at most ";
  if (goal.beside.empty()) return text + readable(goal.factor);
  text += readable(goal.factor) + " x " + outcome.beside;
  if (!goal.beside_workload.empty()) text += " in " + std::string(goal.beside_workload);
  if (goal.beside == "peers") text += ", the best peer";
  if (goal.ours != "holdfast") text += ", by " + std::string(goal.ours);
  return text;
}

}  // namespace holdfast::bench
