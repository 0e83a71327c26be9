#include <unistd.h>

#include "base/time_text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

struct ClaimArguments {
  std::vector<std::string> resources, command;
  std::string ttl = "60s";
  std::string wait = "0";
  std::string id, holder, purpose, prefix;
  bool shared = false;
};

Result<ClaimOptions> claim_options(const ClaimArguments& arguments) {
  ClaimOptions options;
  options.mode = arguments.shared ? ClaimMode::shared : ClaimMode::exclusive;
  HOLDFAST_ASSIGN(options.ttl, parse_duration(arguments.ttl));
  HOLDFAST_ASSIGN(options.wait, parse_duration(arguments.wait));
  options.holder =
      arguments.holder.empty() ? "pid " + std::to_string(::getpid()) : arguments.holder;
  options.purpose = arguments.purpose;
  return options;
}

void print_claim(const Output& output, const Claim& claim) {
  if (output.json()) {
    output.print({{"id", claim.id},
                  {"token", claim.token},
                  {"resources", claim.resources},
                  {"expires_us", claim.expires_us}});
  } else {
    output.line(claim.id + "  token " + std::to_string(claim.token) + "  until " +
                time_text(claim.expires_us));
  }
}

Status take(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(ClaimOptions options, claim_options(arguments));
  options.bound_to_handle = false;  // it outlives this process
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Claim claim, space.claims().take(arguments.resources, options));
  print_claim(context.output(), claim);
  return store.close();
}

Claim named_claim(const ClaimArguments& arguments) {
  Claim claim;
  claim.id = arguments.id;
  claim.resources = arguments.resources;
  return claim;
}

Status renew(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(const auto ttl, parse_duration(arguments.ttl));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.claims().renew(named_claim(arguments), ttl).status());
  return store.close();
}

Status release(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.claims().release(named_claim(arguments)));
  return store.close();
}

Status guard(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  return space.claims().guard(named_claim(arguments));
}

Status run(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(ClaimOptions options, claim_options(arguments));
  options.ttl = kClaimTtlMax;  // it ends with this process
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const Claim claim, space.claims().take(arguments.resources, options));
  HOLDFAST_ASSIGN(const ChildResult child, run_child(arguments.command, {}, /*capture=*/false));
  HOLDFAST_TRY(space.claims().release(claim));
  HOLDFAST_TRY(store.close());
  if (child.exit_code == 0) return Status::ok();
  return Status(StatusCode::kConditionFalse, one_line(arguments.command[0], 80) + " returned " +
                                                 std::to_string(child.exit_code));
}

Status list(const Context& context, const ClaimArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const auto claimed, space.claims().list({.prefix = arguments.prefix}));
  Table table({"resource", "holder", "mode", "token", "until", "purpose"});
  for (const ClaimedResource& resource : claimed) {
    for (const ClaimHolder& holder : resource.holders) {
      const char* mode = holder.mode == ClaimMode::shared ? "shared" : "exclusive";
      if (context.output().json()) {
        context.output().print({{"resource", resource.resource},
                                {"id", holder.claim_id},
                                {"holder", holder.holder},
                                {"mode", mode},
                                {"token", holder.token},
                                {"taken_us", holder.taken_us},
                                {"expires_us", holder.expires_us},
                                {"bound_to_process", holder.bound_to_handle},
                                {"purpose", holder.purpose}});
        continue;
      }
      table.add({one_line(resource.resource, 60), one_line(holder.holder, 40), mode,
                 std::to_string(holder.token),
                 holder.bound_to_handle ? "its process ends" : time_text(holder.expires_us),
                 one_line(holder.purpose, 60)});
    }
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

void add_taking(CLI::App* command, ClaimArguments& arguments) {
  command->add_flag("--shared", arguments.shared, "With others who share it");
  command->add_option("--wait", arguments.wait, "How long to wait while it is held, such as 30s")
      ->capture_default_str();
  command->add_option("--holder", arguments.holder, "Who holds it, for people");
  command->add_option("--purpose", arguments.purpose, "What for, for people");
}

// A command of one claim that was taken before.
void add_named(Commands& commands, CLI::App* family, const std::string& name,
               const std::string& purpose,
               Status (*action)(const Context&, const ClaimArguments&)) {
  auto arguments = arguments_of<ClaimArguments>();
  CLI::App* command =
      commands.add_to(family, name, purpose, "holdfast claim " + name + " \"$id\" deploy",
                      [=](const Context& context) { return action(context, *arguments); });
  command->add_option("id", arguments->id, "What `claim take` printed")->required();
  command->add_option("resources", arguments->resources, "Its resources")->required();
  if (name == "renew") {
    command->add_option("--ttl", arguments->ttl, "From now on")->capture_default_str();
  }
}

}  // namespace

void add_claim_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupCoordination, "claim", "Keep out of each other's way: leases on named resources",
      "holdfast claim run deploy -- ./deploy.sh\n"
      "  holdfast claim take deploy --ttl 10m --purpose \"the release\"");
  auto taken = arguments_of<ClaimArguments>();
  CLI::App* command =
      commands.add_to(family, "take", "Take all of these resources, or none",
                      "holdfast claim take deploy --ttl 10m",
                      [=](const Context& context) { return take(context, *taken); });
  command->add_option("resources", taken->resources, "Names of resources")->required();
  command->add_option("--ttl", taken->ttl, "How long at most")->capture_default_str();
  add_taking(command, *taken);

  auto ran = arguments_of<ClaimArguments>();
  command = commands.add_to(family, "run", "Run a command while holding a resource",
                            "holdfast claim run deploy --wait 10m -- ./deploy.sh",
                            [=](const Context& context) { return run(context, *ran); });
  ran->resources.resize(1);
  command->add_option("resource", ran->resources[0], "Name of the resource")->required();
  command->add_option("command", ran->command, "The command and its arguments")->required();
  add_taking(command, *ran);

  add_named(commands, family, "renew", "Extend a claim", renew);
  add_named(commands, family, "release", "End a claim", release);
  add_named(commands, family, "guard", "Return 0 if a claim is still held, 3 if not", guard);

  auto listed = arguments_of<ClaimArguments>();
  commands
      .add_to(family, "list", "List what is claimed now, and by whom", "holdfast claim list",
              [=](const Context& context) { return list(context, *listed); })
      ->add_option("prefix", listed->prefix, "Only resources that begin so");
}

}  // namespace holdfast::cli
