#include "cli/commands.h"
#include "cli/input.h"
#include "cli/progress_line.h"

namespace holdfast::cli {
namespace {

struct TierArguments {
  TierOptions options;
  std::string warm_after, cold_after;
  size_t steps = 1'000;
  bool counts = false;
};

Status set_age(const std::string& text, int64_t& age_us) {
  if (text.empty()) return Status::ok();
  HOLDFAST_ASSIGN(const std::chrono::milliseconds age, parse_duration(text));
  age_us = age.count() * 1'000;
  return Status::ok();
}

Status print_counts(const Output& output, const Observations& observations) {
  HOLDFAST_ASSIGN(const TierCounts counts, observations.tier_counts());
  if (output.json()) {
    output.print({{"hot", counts.hot},
                  {"warm", counts.warm},
                  {"cold", counts.cold},
                  {"cold_bytes", counts.cold_bytes},
                  {"stored_bytes", counts.stored_bytes}});
    return Status::ok();
  }
  Facts facts;
  facts.add("hot", with_separators(counts.hot));
  facts.add("warm", with_separators(counts.warm));
  facts.add("cold", with_separators(counts.cold) + ", " + size_text(counts.cold_bytes) + " in " +
                        size_text(counts.stored_bytes));
  facts.print(output);
  return Status::ok();
}

// Steps until all have been looked at once, or so many steps are done.
Status move(const Observations& observations, const TierOptions& options, size_t steps) {
  ProgressLine line;
  for (size_t i = 0; i < steps; ++i) {
    HOLDFAST_ASSIGN(const TierStep step, observations.tier_step(options));
    if (step.is_round_over) break;
    line.show("steps", i + 1, 0);
  }
  return Status::ok();
}

Status tier(const Context& context, const TierArguments& arguments) {
  TierOptions options = arguments.options;
  HOLDFAST_TRY(set_age(arguments.warm_after, options.warm_after_us));
  HOLDFAST_TRY(set_age(arguments.cold_after, options.cold_after_us));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Observations observations = space.observations();
  HOLDFAST_TRY(arguments.counts ? Status::ok() : move(observations, options, arguments.steps));
  HOLDFAST_TRY(print_counts(context.output(), observations));
  return store.close();
}

}  // namespace

void add_tier_command(Commands& commands) {
  auto arguments = arguments_of<TierArguments>();
  CLI::App* command = commands.add(
      kGroupMemory, "tier", "Compress what was not used for long; it is still found",
      "holdfast tier\n  holdfast tier --warm-after 7d --cold-after 30d\n  holdfast tier --counts",
      [arguments](const Context& context) { return tier(context, *arguments); });
  command->add_option("--warm-after", arguments->warm_after,
                      "Since the last use or confirmation (else 7.5 days)");
  command->add_option("--cold-after", arguments->cold_after, "The same (else 90 days)");
  command->add_option("--steps", arguments->steps, "At most so many steps, each a commit")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}))
      ->capture_default_str();
  command->add_flag("--counts", arguments->counts, "Only print what there is");
}

}  // namespace holdfast::cli
