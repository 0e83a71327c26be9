#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/background.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/json_text.h"
#include "cli/replace_file.h"
#include "hooks/client_settings.h"
#include "hooks/context.h"
#include "hooks/hook_event.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;
using hooks::Detail;
using hooks::EventKind;
using hooks::HookEvent;

struct EventArguments {
  std::string deadline = "1s";
  hooks::ContextOptions context;
  std::string detail;
};

struct InstallArguments {
  std::string client = "claude-code";
  std::string scope = {};
  bool dry_run = false;
};

// Ends the process when the time is over, whatever it waits for: a disk that hangs, a standard
// input that is never closed. What was not committed by then is not remembered.
void end_within(std::chrono::milliseconds deadline) {
  ::signal(SIGALRM, [](int) {
    constexpr std::string_view kNote =
        "holdfast: the hook gave up at its deadline, so that the agent goes on\n";
    (void)!::write(STDERR_FILENO, kNote.data(), kNote.size());
    ::_exit(0);
  });
  itimerval timer = {};
  timer.it_value.tv_sec = deadline.count() / 1'000;
  timer.it_value.tv_usec = deadline.count() % 1'000 * 1'000;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void remark(const Status& status) {
  if (!status) print_error(status);
}

// Where the agent works, which is not always where the client runs its hooks.
Context context_of(const Context& context, const HookEvent& event,
                   std::chrono::milliseconds deadline) {
  GlobalOptions options = context.options();
  options.timeout_seconds =
      std::min(options.timeout_seconds, static_cast<double>(deadline.count()) / 1e3);
  Surroundings surroundings = context.surroundings();
  const std::string project = surroundings.variable("CLAUDE_PROJECT_DIR").value_or(event.directory);
  std::error_code ignored;
  if (fs::path(project).is_absolute() && fs::is_directory(project, ignored)) {
    surroundings.directory = project;
  }
  return Context(std::move(options), std::move(surroundings));
}

// The end of a transcript; empty: it cannot be read.
std::string end_of_file(const std::string& path) {
  constexpr std::streamoff kEndBytes = 256 * 1024;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kEndBytes));
  return {std::istreambuf_iterator<char>(file), {}};
}

// What somebody wrote down comes before what hooks have seen.
void put_captured_last(std::vector<RecallHit>& hits) {
  std::stable_partition(hits.begin(), hits.end(),
                        [](const RecallHit& hit) { return !hooks::is_captured(hit.observation); });
}

Result<std::vector<RecallHit>> newest(const Space& space) {
  constexpr size_t kNewest = 100;
  HOLDFAST_ASSIGN(auto observations, space.observations().list({.limit = kNewest}));
  std::vector<RecallHit> hits;
  for (Observation& observation : observations) {
    hits.emplace_back();
    hits.back().observation = std::move(observation);
  }
  put_captured_last(hits);
  return hits;
}

// What other sessions know about the prompt, but for `own`, the prompt itself.
Result<std::vector<RecallHit>> related(const Space& space, const HookEvent& event,
                                       std::string_view own) {
  RecallQuery query;
  // However long a prompt is, it is about its rarest words, and finding those takes as long.
  constexpr size_t kWordsMax = 12;
  query.text = hooks::query_of(event.prompt);
  query.words_max = kWordsMax;
  query.limit = 24;
  query.snippet_size = 300;
  query.as_typed = true;  // a prompt has many unknown words, which nobody took for others
  if (query.text.empty()) return std::vector<RecallHit>();
  HOLDFAST_ASSIGN(auto hits, space.recall(query));
  std::erase_if(hits, [&](const RecallHit& hit) {
    return hit.observation.id == own ||
           (!event.session.empty() && hit.observation.session == event.session);
  });
  put_captured_last(hits);
  return hits;
}

Status inject(const Space& space, const HookEvent& event, std::string_view own,
              const hooks::ContextOptions& wanted, const Output& output) {
  if (wanted.tokens_max == 0) return Status::ok();
  const bool prompt = event.kind == EventKind::kPrompt;
  HOLDFAST_ASSIGN(const auto hits, prompt ? related(space, event, own) : newest(space));
  hooks::ContextOptions options = wanted;
  options.heading =
      "From the memory of " + space.path() + (prompt ? ", about this prompt" : ", newest first") +
      ". More: holdfast show ID, holdfast recall WORDS. Remember: holdfast remember TEXT.";
  const hooks::ContextText context = hooks::make_context(hits, options);
  if (context.text.empty()) return Status::ok();
  output.print({{"hookSpecificOutput",
                 {{"hookEventName", event.name}, {"additionalContext", context.text}}}});
  return Status::ok();
}

// In a transaction, since what it adds is not folded into the index while the agent waits.
Result<std::string> remember(Store& store, const Space& space, const NewObservation& observation) {
  std::string id;
  const auto committed = store.update([&](Transaction& transaction) -> Status {
    HOLDFAST_ASSIGN(id, space.observations(transaction).add(observation));
    return Status::ok();
  });
  if (!committed) return committed.status();
  return id;
}

void fold_in_background(const Context& context) {
  constexpr unsigned kSecondsMax = 60;
  constexpr size_t kStepsMax = 1'000;  // a merge of a million observations has about as many
  run_in_background(kSecondsMax, [&] {
    auto store = context.open_store(IfAbsent::kRefuse);
    if (!store) return;
    if (const auto space = context.open_space(*store)) {
      (void)space->observations().fold(kStepsMax);
    }
    (void)store->close();
  });
}

Status handle(const Context& outer, EventKind kind, const EventArguments& arguments) {
  HOLDFAST_ASSIGN(const auto deadline, parse_duration(arguments.deadline));
  end_within(std::max(deadline, std::chrono::milliseconds(1)));
  HOLDFAST_ASSIGN(const std::string input, read_value("-", ""));
  HOLDFAST_ASSIGN(HookEvent event, hooks::parse_event(kind, input));
  if (kind == EventKind::kStop && event.answer.empty()) {
    event.answer = hooks::last_answer(end_of_file(event.transcript));
  }
  const Context context = context_of(outer, event, deadline);
  const auto observation = hooks::observation_of(event);
  const bool injects = kind == EventKind::kSessionStart || kind == EventKind::kPrompt;
  if (!observation && !injects) return Status::ok();
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const Space space, context.open_space(store));
  // One does not stand in the way of the other. What happened is kept first: looking for what is
  // known about it may take until the deadline.
  std::string own;
  if (observation) {
    auto added = remember(store, space, *observation);
    remark(added.status());
    if (added) own = std::move(*added);
  }
  if (injects) remark(inject(space, event, own, arguments.context, context.output()));
  // One of eight hooks, by the random end of its id: two that fold at once do it once.
  const bool may_fold = own.ends_with('0') || own.ends_with('8');
  const auto is_due = may_fold ? space.observations().is_fold_due() : false;
  const Status closed = store.close();
  if (closed && is_due && *is_due) fold_in_background(context);
  return closed;
}

Result<fs::path> settings_path(const Context& context, const hooks::Client& client,
                               const std::string& scope) {
  const Surroundings& surroundings = context.surroundings();
  if (scope != "user") {
    const bool is_local = scope == "local" || (scope.empty() && client.local_file != nullptr);
    if (is_local && client.local_file == nullptr) {
      return Status(StatusCode::kInvalidArgument,
                    "this client knows no settings of one user in a project; give --scope project "
                    "or user");
    }
    return fs::path(surroundings.directory) / client.folder /
           (is_local ? client.local_file : client.file);
  }
  if (client.folder_variable != nullptr) {
    if (const auto folder = surroundings.variable(client.folder_variable)) {
      return fs::path(*folder) / client.file;
    }
  }
  const auto home = surroundings.variable("HOME");
  if (!home) {
    return Status(StatusCode::kInvalidArgument, "HOME is not set; give --scope project");
  }
  return fs::path(*home) / client.folder / client.file;
}

// How a shell calls this program: by its name where that finds it, else by its path.
std::string program_of(const Context& context) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  std::string program = "holdfast";
  bool found = false;
  const std::string path = context.surroundings().variable("PATH").value_or("");
  for (size_t begin = 0; begin <= path.size() && !found;) {
    const size_t end = std::min(path.find(':', begin), path.size());
    std::error_code ignored;
    const fs::path candidate = fs::path(path.substr(begin, end - begin)) / "holdfast";
    if (fs::exists(candidate, ignored)) {
      found = fs::equivalent(candidate, self, ignored);
      break;
    }
    begin = end + 1;
  }
  if (!found && !error) program = hooks::shell_word(self.string());
  const GlobalOptions& options = context.options();
  if (!options.store.empty()) {
    const fs::path store = fs::path(context.surroundings().directory) / options.store;
    program += " --store " + hooks::shell_word(store.lexically_normal().string());
  }
  if (!options.space.empty()) program += " --space " + hooks::shell_word(options.space);
  return program;
}

// Its settings; an empty object where there is no file.
Result<Json> parse_settings(const fs::path& path, const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return Json::object();
  Json settings = parse_json(text);
  if (!settings.is_discarded()) return settings;
  return Status(StatusCode::kConditionFalse,
                "the client's settings are not JSON; nothing was changed: mend the file first")
      .with_path(path.string());
}

Status change_settings(const Context& context, const InstallArguments& arguments, bool install) {
  const hooks::Client& client = hooks::client_of(arguments.client);
  HOLDFAST_ASSIGN(const fs::path path, settings_path(context, client, arguments.scope));
  std::error_code error;
  const bool exists = fs::exists(path, error);
  std::string before;
  if (exists) {
    HOLDFAST_ASSIGN(before, read_value(std::nullopt, path.string()));
  }
  HOLDFAST_ASSIGN(const Json settings, parse_settings(path, before));
  const auto changed = install ? hooks::with_hooks(settings, client, program_of(context))
                               : hooks::without_hooks(settings);
  if (!changed) return Status(changed.status()).with_path(path.string());
  const bool same = *changed == settings;
  // Nothing else is in it: it would be there for the hooks alone.
  const bool removes = !install && !same && changed->empty() && !fs::is_symlink(path, error);
  const std::string after = same ? before : removes ? "" : changed->dump(2) + "\n";
  const Output& output = context.output();
  const std::string difference = hooks::line_difference(before, after);
  if (output.json()) {
    output.print({{"settings", path.string()},
                  {"changed", !same},
                  {"written", !same && !arguments.dry_run},
                  {"difference", difference}});
  } else {
    output.line(path.string() + (same      ? ": nothing to change"
                                 : removes ? " (removed)"
                                 : exists  ? ""
                                           : " (new)"));
    output.raw(difference);
  }
  if (same || arguments.dry_run) return Status::ok();
  if (removes) return remove_file(path.string());
  return replace_file(path.string(), after, Folders::kMake);
}

void add_event(Commands& commands, CLI::App* family, EventKind kind, const char* name,
               const char* purpose, const char* example) {
  auto arguments = arguments_of<EventArguments>();
  const bool injects = kind == EventKind::kSessionStart || kind == EventKind::kPrompt;
  arguments->context.most = kind == EventKind::kPrompt ? Detail::kFull : Detail::kIndex;
  arguments->detail = kind == EventKind::kPrompt ? "full" : "index";
  CLI::App* command =
      commands.add_to(family, name, purpose, example, [arguments, kind](const Context& context) {
        arguments->context.most = arguments->detail == "full"       ? Detail::kFull
                                  : arguments->detail == "timeline" ? Detail::kTimeline
                                                                    : Detail::kIndex;
        return handle(context, kind, *arguments);
      });
  commands.never_fails(command);
  command->add_option("--deadline", arguments->deadline, "Give up after so long, without an error")
      ->capture_default_str();
  if (!injects) return;
  command
      ->add_option("--tokens", arguments->context.tokens_max,
                   "Inject at most so many tokens, by a guess on the high side; 0: nothing")
      ->check(CLI::Range(size_t{0}, size_t{100'000}))
      ->capture_default_str();
  command
      ->add_option("--detail", arguments->detail,
                   "How much of the best ones is shown; those behind are shown shorter")
      ->check(CLI::IsMember({"index", "timeline", "full"}))
      ->capture_default_str();
}

void add_install(Commands& commands, CLI::App* family, bool install) {
  auto arguments = arguments_of<InstallArguments>();
  const std::string name = install ? "install" : "uninstall";
  CLI::App* command = commands.add_to(
      family, name,
      install ? "Write the hooks into a client's settings; shows what changes there"
              : "Take the hooks out of a client's settings again; shows what changes there",
      "holdfast hook " + name + " --client claude-code --dry-run",
      [arguments, install](const Context& context) {
        return change_settings(context, *arguments, install);
      });
  std::vector<std::string> clients;
  for (const hooks::Client& client : hooks::known_clients()) clients.emplace_back(client.name);
  command->add_option("--client", arguments->client, "The coding agent")
      ->check(CLI::IsMember(clients))
      ->capture_default_str();
  command
      ->add_option(
          "--scope", arguments->scope,
          "local: yours, in this directory, where the client knows such settings; project: "
          "everybody's, in this directory; user: yours, everywhere. The first that there is "
          "if not given")
      ->check(CLI::IsMember({"local", "project", "user"}));
  command->add_flag("--dry-run", arguments->dry_run, "Only show what would change");
}

}  // namespace

void add_hook_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupAgents, "hook",
      "What a coding agent calls by itself: remembers what happens, gives back what is known",
      "holdfast hook install --client claude-code");
  add_event(commands, family, EventKind::kSessionStart, "session-start",
            "Inject an index of what is remembered (JSON of the hook on standard input)",
            "echo '{\"session_id\":\"s1\",\"cwd\":\"/src/web\"}' | holdfast hook session-start");
  add_event(commands, family, EventKind::kPrompt, "prompt",
            "Remember a prompt and inject what is known about it",
            "echo '{\"session_id\":\"s1\",\"prompt\":\"why does login fail?\"}' | holdfast hook "
            "prompt");
  add_event(commands, family, EventKind::kTool, "tool", "Remember what a tool was given and said",
            "echo '{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"make\"}}' | holdfast hook "
            "tool");
  add_event(commands, family, EventKind::kStop, "stop", "Remember an agent's answer",
            "echo '{\"session_id\":\"s1\",\"last_assistant_message\":\"Done.\"}' | holdfast hook "
            "stop");
  add_install(commands, family, true);
  add_install(commands, family, false);
}

}  // namespace holdfast::cli
