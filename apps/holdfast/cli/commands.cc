#include "cli/commands.h"

#include <cstdio>
#include <utility>
#include <vector>

namespace holdfast::cli {

Commands::Commands()
    : app_("Memory that all your agents can write to at once, and that survives kill -9.",
           "holdfast") {
  app_.set_version_flag("--version", "holdfast " HOLDFAST_VERSION);
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.add_option("--store", options_.store,
                  "Directory of the store (else $HOLDFAST_STORE, the nearest .holdfast/ upwards, "
                  "the user's data directory)")
      ->type_name("DIR");
  app_.add_option("--space", options_.space,
                  "Space, such as team/agent (else $HOLDFAST_SPACE, the project's identity)")
      ->type_name("SPACE");
  app_.add_flag("--json", options_.json, "One JSON object a line");
  app_.add_option("--durability", options_.durability,
                  "strict: on the disk before acknowledged; batched: within 100 ms")
      ->check(CLI::IsMember({"strict", "batched"}))
      ->capture_default_str();
  app_.add_option("--timeout", options_.timeout_seconds, "Seconds to wait for other processes")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app_.footer(
      "Exit codes: 0 ok, 1 not found or condition false, 2 usage, 3 conflict or busy, 4 damage,\n"
      "5 refused (permission, no space, not a store, unsupported).\n\n"
      "Example:\n"
      "  holdfast init\n"
      "  holdfast remember \"login fails when the clock is behind\"\n"
      "  holdfast recall \"clock login\"");
  add_start_commands(*this);
  add_stats_command(*this);
  add_kv_commands(*this);
  add_value_commands(*this);
  add_space_commands(*this);
  add_memory_commands(*this);
  add_lifecycle_commands(*this);
  add_event_commands(*this);
  add_link_commands(*this);
  add_claim_commands(*this);
  add_queue_commands(*this);
  add_message_commands(*this);
  add_cache_commands(*this);
  add_run_commands(*this);
  add_step_commands(*this);
  add_ingest_commands(*this);
  add_care_commands(*this);
  add_dump_commands(*this);
  add_view_commands(*this);
  add_salvage_command(*this);
  add_doctor_command(*this);
  add_blob_commands(*this);
  add_torture_command(*this);
  add_mcp_command(*this);
  add_memory_tool_command(*this);
}

CLI::App* Commands::add(const std::string& group, const std::string& name,
                        const std::string& purpose, const std::string& example, Action action) {
  CLI::App* command = app_.add_subcommand(name, purpose);
  command->group(group);
  command->fallthrough();
  command->footer("Example:\n  " + example);
  command->callback([this, action = std::move(action)] { chosen_ = action; });
  return command;
}

CLI::App* Commands::add_family(const std::string& group, const std::string& name,
                               const std::string& purpose, const std::string& example) {
  CLI::App* family = app_.add_subcommand(name, purpose);
  family->group(group);
  family->fallthrough();
  family->require_subcommand(1);
  family->footer("Example:\n  " + example);
  return family;
}

CLI::App* Commands::add_to(CLI::App* family, const std::string& name, const std::string& purpose,
                           const std::string& example, Action action) {
  CLI::App* command = family->add_subcommand(name, purpose);
  command->fallthrough();
  command->footer("Example:\n  " + example);
  command->callback([this, action = std::move(action)] { chosen_ = action; });
  return command;
}

int Commands::run(int count, char** arguments) {
  try {
    app_.parse(count, arguments);
  } catch (const CLI::Success& success) {  // --help, --version
    return app_.exit(success);
  } catch (const CLI::ParseError& error) {
    std::vector<std::string> rest = app_.remaining();
    if (app_.get_subcommands().empty() && !rest.empty()) {
      std::fprintf(stderr, "holdfast: there is no command \"%s\"; see: holdfast --help\n",
                   printable(rest[0]).c_str());
      return kExitUsage;
    }
    std::string command;
    for (const CLI::App* chosen : app_.get_subcommands()) command = " " + chosen->get_name();
    std::fprintf(stderr, "holdfast: %s; see: holdfast%s --help\n", error.what(), command.c_str());
    return kExitUsage;
  }
  return run_action();
}

int Commands::run_action() {
  auto surroundings = Surroundings::of_process();
  Status status = surroundings.status();
  if (status) status = chosen_(Context(options_, std::move(*surroundings)));
  // What was not written was not said: a full disk behind stdout is a failure.
  if (std::fflush(stdout) != 0 && status) {
    status = Status(StatusCode::kIoError, "cannot write to stdout");
  }
  if (!status) print_error(status);
  return exit_code(status);
}

}  // namespace holdfast::cli
