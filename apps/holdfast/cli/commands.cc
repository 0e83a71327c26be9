#include "cli/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <utility>
#include <vector>

#include "cli/input.h"
#include "cli/reference.h"
#include "cli/tree_commands.h"

namespace holdfast::cli {
namespace {

// Whose file adds which commands: one command is made in a tenth of the time of all of them, and a
// process of this program often lives for less than that. A name that is missing here costs that
// time and nothing else.
struct Group {
  const char* names;
  void (*add)(Commands&);
};
constexpr Group kGroups[] = {
    {"init whoami status", add_start_commands},
    {"stats", add_stats_command},
    {"put get del ls", add_kv_commands},
    {"cas merge count history", add_value_commands},
    {"space", add_space_commands},
    {"remember recall why-not show list reindex", add_memory_commands},
    {"edit supersede reinforce consolidate forget restore", add_lifecycle_commands},
    {"tier", add_tier_command},
    {"similar vectors", add_vector_commands},
    {"embed", add_embed_command},
    {"model", add_model_commands},
    {"event", add_event_commands},
    {"link", add_link_commands},
    {"claim", add_claim_commands},
    {"queue", add_queue_commands},
    {"message who at-work inbox outbox", add_message_commands},
    {"cache", add_cache_commands},
    {"run", add_run_commands},
    {"step gate", add_step_commands},
    {"artifact", add_artifact_commands},
    {"registry", add_registry_commands},
    {"record", add_record_commands},
    {"ingest verify-ledger", add_ingest_commands},
    {"check", add_care_commands},
    {"dump", add_dump_commands},
    {"snapshot watch", add_view_commands},
    {"salvage", add_salvage_command},
    {"doctor", add_doctor_command},
    {"blobs", add_blob_commands},
    {"torture", add_torture_command},
    {"mcp", add_mcp_command},
    {"memory-tool", add_memory_tool_command},
    {"memories", add_memories_commands},
    {"hook", add_hook_commands},
    {"fs", add_fs_commands},
    {"graph", add_graph_commands},
    {"", add_reference_command},  // describes all: without a name here, all are made for it
};

// The first word that is neither an option nor an option's value; empty: there is none.
std::string_view command_word(int count, char** arguments) {
  constexpr std::string_view kWithValue[] = {"--store", "--space", "--durability", "--timeout"};
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (!word.starts_with('-')) return word;
    if (std::find(std::begin(kWithValue), std::end(kWithValue), word) != std::end(kWithValue)) ++i;
  }
  return {};
}

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != words.npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || words[at - 1] == ' ';
    if (begins && (end == words.size() || words[end] == ' ')) return !word.empty();
  }
  return false;
}

// What else people call a command of a family; nullptr: nothing.
const char* other_name_of(std::string_view name) {
  constexpr std::array<const char*, 2> kSame[] = {{"ls", "list"}, {"rm", "remove"}};
  for (const auto& [one, other] : kSame) {
    if (name == one) return other;
    if (name == other) return one;
  }
  return nullptr;
}

// What was wrong with a command line. A number that was refused says which ones are allowed.
std::string shown_error(const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string wanted = take_wanted_number();
  constexpr std::string_view kPrefix = "Could not convert: ";
  if (wanted.empty() || !text.starts_with(kPrefix)) return text;
  return text.substr(kPrefix.size()) + " is not " + wanted;
}

}  // namespace

CLI::Option* as_duration(CLI::Option* option) {
  const auto to_seconds = [](std::string& text) -> std::string {
    const auto duration = parse_duration(text);
    if (!duration) return std::string(duration.status().message());
    text = fixed(static_cast<double>(duration->count()) / 1'000, 3);
    return {};
  };
  return option->type_name("DURATION")->transform(CLI::Validator(to_seconds, ""));
}

Commands::Commands()
    : app_("Memory that all your agents can write to at once, and that survives kill -9.",
           "holdfast") {
  app_.formatter(std::make_shared<HelpFormatter>());
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
  as_duration(app_.add_option("--timeout", options_.timeout_seconds,
                              "How long to wait for other processes: 500ms, 90s, 10m; a number "
                              "alone is seconds"))
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app_.footer(
      "Exit codes: 0 ok, 1 not found or condition false, 2 usage, 3 conflict or busy, 4 damage,\n"
      "5 refused (permission, no space, not a store, unsupported).\n\n"
      "Example:\n"
      "  holdfast init\n"
      "  holdfast remember \"login fails when the clock is behind\"\n"
      "  holdfast recall \"clock login\"");
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
  if (const char* const other = other_name_of(name)) command->alias(other);
  command->fallthrough();
  command->footer("Example:\n  " + example);
  command->callback([this, action = std::move(action)] { chosen_ = action; });
  return command;
}

void Commands::add_all() {
  for (const Group& group : kGroups) group.add(*this);
}

void Commands::add_needed(std::string_view word) {
  for (const Group& group : kGroups) {
    if (has_word(group.names, word)) return group.add(*this);
  }
  add_all();  // --help, or no command of ours
}

void Commands::never_fails(const CLI::App* command) {
  never_failing_.push_back(command);
}

bool Commands::never_fails_now() const {
  return std::any_of(never_failing_.begin(), never_failing_.end(),
                     [](const CLI::App* command) { return command->parsed(); });
}

int Commands::run(int count, char** arguments) {
  add_needed(command_word(count, arguments));
  const int code = parse_and_run(count, arguments);
  return never_fails_now() ? kExitOk : code;
}

int Commands::parse_and_run(int count, char** arguments) {
  try {
    app_.parse(count, arguments);
  } catch (const CLI::Success& success) {  // --help, --version
    return app_.exit(success);
  } catch (const CLI::ParseError& error) {
    const std::string wrong = shown_error(error);
    std::vector<std::string> rest = app_.remaining();
    if (app_.get_subcommands().empty() && !rest.empty()) {
      std::fprintf(stderr, "holdfast: there is no command \"%s\"; see: holdfast --help\n",
                   printable(rest[0]).c_str());
      return kExitUsage;
    }
    std::string command;
    for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      command += " " + at->get_name();
    }
    std::fprintf(stderr, "holdfast: %s; see: holdfast%s --help\n", wrong.c_str(), command.c_str());
    return kExitUsage;
  }
  return run_action();
}

int Commands::run_action() {
  auto surroundings = Surroundings::of_process();
  Status status = surroundings.status();
  if (status) status = chosen_(Context(options_, std::move(*surroundings)));
  // What was not written was not said: a full disk behind stdout is a failure.
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written && status) {
    status = Status(StatusCode::kIoError, "cannot write to stdout");
  }
  if (!status) print_error(status);
  return exit_code(status);
}

}  // namespace holdfast::cli
