// Plays the simulations beyond what ./test has time for: round after round with fresh seeds, or
// once for each planted fault to see which of them catches it. docs/torture.md tells how.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "endurance/record.h"
#include "endurance/trial_run.h"
#include "planted/planted.h"

namespace holdfast::sim {
namespace {

constexpr unsigned kPlantedSecondsMax = 10;

// In the order in which a fault is looked for.
constexpr const char* kLayers[] = {
    "StoreCrash.*",
    "StoreErrors.*",
    "StoreIsolation.*",
    "StoreRot.*",
    "StoreNamed.*",
    "StoreSchedule.*",
    "StoreCompany.*",
    "StoreExclusive.*",
    "StoreWatch.*",
    "StoreHistory.*:StoreLoad.*",
    "StoreRandom.*",
    "BlobCrash.*:BlobErrors.*",
    "MemoryCrash.*:KindsCrash.*",
    "StoreControl.*:StoreCheck.*:StoreSlots.*:SalvageCrash.*:SalvageErrors.*"};

struct Arguments {
  std::string test;   // a gtest filter; "": all layers
  std::string fault;  // a planted one, or "all"
  bool soonest = false;
  uint64_t seed = 0;
  double seconds = 0;
  uint64_t stride = 1;
  RecordOptions record;
};

int usage(const char* program) {
  std::fprintf(
      stderr,
      "usage: %s [--test FILTER] [--seed N] [--seconds N] [--stride N]\n"
      "         plays everything with seeds from N on, again with the next seeds until the time "
      "is\n"
      "         over; --seconds 0: once. --stride: a fault at every Nth step only\n"
      "       %s --record FILE --engine TEXT [--until N] [--jobs N] [--test FILTER] [--seed N]\n"
      "         plays on until N planned faults have struck, and keeps the account in FILE: ended\n"
      "         and started again it goes on where it was. --until 0: shows what is in FILE\n"
      "       %s --fault NAME|all [--soonest] [--test FILTER] [--seed N]\n"
      "         with a planted fault: what catches it? --soonest: asks first the tests that "
      "should\n"
      "       HOLDFAST_SIM_CASE=CASE %s --test FILTER\n"
      "         repeats one case with its trace\n",
      program, program, program, program);
  return 2;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--soonest") {
      arguments.soonest = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* const value = argv[++i];
    if (name == "--test") {
      arguments.test = value;
    } else if (name == "--fault") {
      arguments.fault = value;
    } else if (name == "--seed") {
      arguments.seed = std::strtoull(value, nullptr, 10);
    } else if (name == "--seconds") {
      arguments.seconds = std::strtod(value, nullptr);
    } else if (name == "--stride") {
      arguments.stride = std::max(1ull, std::strtoull(value, nullptr, 10));
    } else if (name == "--record") {
      arguments.record.path = value;
    } else if (name == "--engine") {
      arguments.record.engine = value;
    } else if (name == "--until") {
      arguments.record.until = std::strtoull(value, nullptr, 10);
    } else if (name == "--jobs") {
      arguments.record.jobs = std::max(1ull, std::strtoull(value, nullptr, 10));
    } else {
      return false;
    }
  }
  return true;
}

std::vector<std::string> layers_of(const Arguments& arguments) {
  if (!arguments.test.empty()) return {arguments.test};
  return {std::begin(kLayers), std::end(kLayers)};
}

void show_failure(const TrialRun& run, const char* program) {
  std::printf("FAILED %s\n%s\nrepeat: HOLDFAST_SIM_CASE=<as above> %s --test '%s'\n",
              run.test.c_str(), run.message.c_str(), program, run.test.c_str());
  std::fflush(stdout);
}

int play_rounds(const Arguments& arguments, const char* program) {
  uint64_t runs = 0;
  uint64_t failures = 0;
  double seconds = 0;
  for (uint64_t round = 0; round == 0 || seconds < arguments.seconds; ++round) {
    for (const std::string& layer : layers_of(arguments)) {
      TrialOptions options;
      options.filter = layer;
      options.policy.seed_shift = arguments.seed + round * kSeedsPerRound;
      options.policy.step_stride = arguments.stride;
      const TrialRun run = play(options);
      runs += run.totals.runs;
      seconds += run.seconds;
      if (!run.test.empty()) {
        ++failures;
        show_failure(run, program);
      }
      if (seconds >= arguments.seconds && arguments.seconds > 0) break;
    }
    std::printf("round %llu, seeds from %llu: %llu crashes and runs in %.0f s, %llu failures\n",
                static_cast<unsigned long long>(round + 1),
                static_cast<unsigned long long>(arguments.seed + round * kSeedsPerRound + 1),
                static_cast<unsigned long long>(runs), seconds,
                static_cast<unsigned long long>(failures));
    std::fflush(stdout);
  }
  return failures == 0 ? 0 : 1;
}

// Prints a row of the table in docs/torture.md. False: nothing caught it.
bool catch_fault(const Arguments& arguments, int number) {
  const PlantedFault& fault = planted_faults()[static_cast<size_t>(number - 1)];
  if (!fault.problem.empty()) {
    std::printf("%s: %s\n", fault.name.c_str(), fault.problem.c_str());
    return false;
  }
  std::vector<std::string> filters = layers_of(arguments);
  if (arguments.soonest) filters.insert(filters.begin(), fault.caught_by);
  uint64_t runs = 0;
  double seconds = 0;
  for (const std::string& filter : filters) {
    TrialOptions options;
    options.filter = filter;
    options.policy.seed_shift = arguments.seed;
    options.policy.batch_seconds_max = kPlantedSecondsMax;
    options.fault = number;
    const TrialRun run = play(options);
    runs += run.totals.runs;
    seconds += run.seconds;
    if (run.test.empty()) continue;
    std::printf("| `%s` | %s | %s | %llu | %.1f |\n", fault.name.c_str(), fault.what.c_str(),
                run.test.c_str(), static_cast<unsigned long long>(runs), seconds);
    if (std::getenv("HOLDFAST_SHOW_CATCH") != nullptr) std::printf("%s\n", run.message.c_str());
    std::fflush(stdout);
    return true;
  }
  std::printf("| `%s` | %s | NOT CAUGHT | %llu | %.1f |\n", fault.name.c_str(), fault.what.c_str(),
              static_cast<unsigned long long>(runs), seconds);
  std::fflush(stdout);
  return false;
}

int catch_faults(const Arguments& arguments) {
  bool known = false;
  bool caught = true;
  for (size_t i = 0; i < planted_faults().size(); ++i) {
    if (arguments.fault != "all" && arguments.fault != planted_faults()[i].name) continue;
    known = true;
    caught = catch_fault(arguments, static_cast<int>(i + 1)) && caught;
  }
  if (!known) std::fprintf(stderr, "no such fault is planted here\n");
  return known && caught ? 0 : 1;
}

int run(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage(argv[0]);
  if (std::getenv("HOLDFAST_SIM_CASE") != nullptr) return play_here(arguments.test);
  if (!arguments.record.path.empty()) {
    arguments.record.layers = layers_of(arguments);
    arguments.record.seed = arguments.seed;
    return keep_record(arguments.record);
  }
  return arguments.fault.empty() ? play_rounds(arguments, argv[0]) : catch_faults(arguments);
}

}  // namespace
}  // namespace holdfast::sim

int main(int argc, char** argv) {
  return holdfast::sim::run(argc, argv);
}
