// The command line: what CLI11 parses, and the action that was chosen. One file per command group
// adds its commands here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/numbers.h"

namespace holdfast::cli {

class Commands {
 public:
  using Action = std::function<Status(const Context&)>;

  Commands();

  // A command of `group`; `example` is shown by its --help. Its options keep their values in what
  // `action` captures.
  CLI::App* add(const std::string& group, const std::string& name, const std::string& purpose,
                const std::string& example, Action action);
  // A command that only holds others, as `dump` holds `dump log`.
  CLI::App* add_family(const std::string& group, const std::string& name,
                       const std::string& purpose, const std::string& example);
  // A command of such a family. "ls" and "list" are the same, so are "rm" and "remove", where the
  // family has but one of them.
  CLI::App* add_to(CLI::App* family, const std::string& name, const std::string& purpose,
                   const std::string& example, Action action);

  // Whatever becomes of this command, also a wrong command line: what went wrong is said on stderr,
  // and the exit code is 0. For what is called by others who must not be stopped by it.
  void never_fails(const CLI::App* command);

  // Adds the command that is asked for, parses, runs, prints an error if there is one; returns the
  // exit code.
  int run(int count, char** arguments);

 private:
  void add_all();
  void add_needed(std::string_view word);
  bool never_fails_now() const;
  int parse_and_run(int count, char** arguments);
  int run_action();

  CLI::App app_;
  GlobalOptions options_;
  Action chosen_;
  std::vector<const CLI::App*> never_failing_;
};

// Arguments of one command, shared by its options and its action.
template <typename Arguments>
std::shared_ptr<Arguments> arguments_of() {
  return std::make_shared<Arguments>();
}

// Lets an option that holds seconds be given as "90s", "10m" or "7d", too.
CLI::Option* as_duration(CLI::Option* option);

constexpr const char* kGroupStart = "Start";
constexpr const char* kGroupKeyValue = "Key-value";
constexpr const char* kGroupMemory = "Memory";
constexpr const char* kGroupEvents = "Events";
constexpr const char* kGroupCoordination = "Coordination";
constexpr const char* kGroupRuns = "Runs";
constexpr const char* kGroupArtifacts = "Artifacts";
constexpr const char* kGroupCare = "Care";
constexpr const char* kGroupAgents = "Agents";

void add_start_commands(Commands& commands);       // init whoami status
void add_stats_command(Commands& commands);        // stats
void add_kv_commands(Commands& commands);          // put get del ls
void add_space_commands(Commands& commands);       // space list, rename, trash ...
void add_value_commands(Commands& commands);       // cas merge count history
void add_memory_commands(Commands& commands);      // remember recall why-not show ...
void add_lifecycle_commands(Commands& commands);   // edit supersede consolidate forget
void add_tier_command(Commands& commands);         // tier
void add_vector_commands(Commands& commands);      // similar vectors
void add_embed_command(Commands& commands);        // embed
void add_model_commands(Commands& commands);       // model
void add_event_commands(Commands& commands);       // event append, read, tail ...
void add_link_commands(Commands& commands);        // link add, of, walk, spread ...
void add_claim_commands(Commands& commands);       // claim take, run, release ...
void add_queue_commands(Commands& commands);       // queue push, take, ack, work ...
void add_message_commands(Commands& commands);     // message, who, at-work, inbox, outbox
void add_cache_commands(Commands& commands);       // cache get, put, run ...
void add_run_commands(Commands& commands);         // run start, list, exec ...
void add_step_commands(Commands& commands);        // step ..., gate ...
void add_artifact_commands(Commands& commands);    // artifact put, get, sign, export ...
void add_registry_commands(Commands& commands);    // registry put, publish, rollback ...
void add_record_commands(Commands& commands);      // record failure, confirm, promote ...
void add_ingest_commands(Commands& commands);      // ingest verify-ledger
void add_care_commands(Commands& commands);        // check
void add_blob_commands(Commands& commands);        // blobs stats, blobs collect
void add_dump_commands(Commands& commands);        // dump log, page, tree, meta, control
void add_view_commands(Commands& commands);        // snapshot watch
void add_salvage_command(Commands& commands);      // salvage
void add_doctor_command(Commands& commands);       // doctor
void add_torture_command(Commands& commands);      // torture
void add_mcp_command(Commands& commands);          // mcp
void add_memory_tool_command(Commands& commands);  // memory-tool
void add_hook_commands(Commands& commands);        // hook prompt, hook install ...

}  // namespace holdfast::cli
