#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "cli/commands.h"
#include "os/os.h"
#include "process/system_error.h"
#include "torture/findings.h"
#include "torture/other_build.h"
#include "torture/supervisor.h"

namespace holdfast::cli {
namespace {

using torture::TortureOptions;
using torture::TortureReport;

// Of the log, where there is little room.
constexpr uint32_t kSegmentBytesOfLittle = 1u << 20;

struct Arguments {
  TortureOptions torture;
  std::string directory;
  std::optional<uint64_t> seed;
  std::string order;  // of another build, whose worker this is
};

// A new directory in --dir, $TMPDIR or the current one.
Result<std::string> make_scratch(const Context& context, const std::string& parent) {
  std::string path = parent;
  if (path.empty()) {
    path = context.surroundings().variable("TMPDIR").value_or(context.surroundings().directory);
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  path += "/holdfast-torture-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return process::system_error("making a scratch directory", path);
  }
  return std::filesystem::absolute(path).string();
}

Json json_of(const TortureReport& report) {
  Json json;
  json["acknowledged"] = report.acknowledged;
  json["present"] = report.present;
  json["lost"] = report.lost;
  json["torn"] = report.torn;
  json["violations"] = report.violations;
  json["unknown"] = report.unknown;
  json["kills"] = report.kills;
  json["stops"] = report.stops;
  json["restarts"] = report.restarts;
  json["starts_with"] = report.starts_with;
  json["reads_checked"] = report.reads_checked;
  json["stores_checked"] = report.stores_checked;
  json["checkpoints"] = report.checkpoints;
  json["forks"] = report.forks;
  json["refused"] = report.refused;
  json["claims"] = report.claims;
  json["guarded"] = report.guarded;
  json["fenced"] = report.fenced;
  json["writers"] = report.writers;
  json["readers"] = report.readers;
  json["commits_per_second"] = std::stod(fixed(report.commits_per_second, 1));
  json["p50_us"] = report.p50_us;
  json["p99_us"] = report.p99_us;
  json["max_us"] = report.max_us;
  json["slowest_worker_commits"] = report.slowest_worker_commits;
  json["fastest_worker_commits"] = report.fastest_worker_commits;
  json["commits_per_sync"] = std::stod(fixed(report.commits_per_sync, 2));
  json["takeovers"] = report.takeovers;
  json["conflicts"] = report.conflicts;
  json["keys"] = report.keys;
  json["open_us"] = report.open_us;
  json["cold_open"] = report.cold_open;
  return json;
}

void print_report(const Output& output, const Json& json) {
  if (output.json() || !output.terminal()) {
    output.print(json);
    return;
  }
  Facts facts;
  for (const auto& [name, value] : json.items()) {
    if (value.is_array()) continue;
    facts.add(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  facts.print(output);
  for (const auto& problem : json["problems"]) {
    output.line("problem: " + printable(problem.get<std::string>()));
  }
}

Status run(const Context& context, const Arguments& arguments) {
  if (!arguments.order.empty()) ::_exit(torture::run_order(arguments.order));
  TortureOptions options = arguments.torture;
  HOLDFAST_ASSIGN(options.directory, make_scratch(context, arguments.directory));
  options.seed = arguments.seed ? *arguments.seed : std::random_device()();
  options.store = context.store_options();
  if (options.disk_mib != 0 || options.file_mib_max != 0) {
    options.store.segment_size_bytes = kSegmentBytesOfLittle;
  }
  options.progress = ::isatty(STDERR_FILENO) == 1 && !context.options().json;
  auto file_system = os::posix_os().file_system(options.directory);
  auto report = torture::run_torture(options);
  std::error_code ignored;
  if (!report) {
    std::filesystem::remove_all(options.directory, ignored);
    return report.status();
  }
  Json json = json_of(*report);
  json["durability"] = context.options().durability;
  json["pid_namespaces"] = options.pid_namespaces;
  json["disk_mib"] = options.disk_mib;
  json["file_mib_max"] = options.file_mib_max;
  json["file_system"] = options.disk_mib != 0 ? "tmpfs"
                        : file_system         ? file_system->name
                                              : "unknown";
  json["seconds"] = std::stod(fixed(report->seconds, 2));
  json["seed"] = options.seed;
  json["problems"] = report->problems;
  if (!report->passed()) json["kept"] = options.directory;
  print_report(context.output(), json);
  if (report->passed()) {
    std::filesystem::remove_all(options.directory, ignored);
    return Status::ok();
  }
  return Status(StatusCode::kCorruption,
                std::to_string(report->lost) + " lost, " + std::to_string(report->torn) +
                    " torn, " + std::to_string(report->violations) +
                    " violations; repeat with --seed " + std::to_string(options.seed) +
                    "; store and ledgers are kept")
      .with_path(options.directory);
}

}  // namespace

void add_torture_command(Commands& commands) {
  auto arguments = arguments_of<Arguments>();
  CLI::App* command = commands.add(
      kGroupCare, "torture",
      "Write and read a scratch store from many processes, kill them at random, and compare it "
      "with a ledger of what was acknowledged",
      "holdfast torture --processes 16 --seconds 60 --kill",
      [arguments](const Context& context) { return run(context, *arguments); });
  TortureOptions& options = arguments->torture;
  command->add_option("--processes", options.processes, "Three writers for each reader")
      ->check(CLI::Range(1u, torture::kWorkersMax))
      ->capture_default_str();
  command->add_option("--seconds", options.seconds, "How long")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  command->add_flag("--kill", options.kill, "SIGKILL random processes at random moments");
  command->add_flag("--stop", options.stop, "SIGSTOP random processes for up to 0.4 s");
  command
      ->add_option("--strike-ms", options.strike_ms,
                   "The mean time from one kill or stop to the next")
      ->check(CLI::Range(1u, 1u << 20))
      ->capture_default_str();
  command->add_flag("--pid-namespaces", options.pid_namespaces,
                    "Every process is pid 1 of its own PID namespace (root or user namespaces)");
  command
      ->add_option("--claimants", options.claimants,
                   "So many more processes contend for claims, and write under them")
      ->check(CLI::Range(1u, torture::kClaimantsMax));
  command->add_flag("--care", options.care,
                    "One more process checks the whole store and writes checkpoints meanwhile");
  command->add_flag("--forks", options.forks,
                    "Writers fork children, which try the inherited handle and open their own");
  command->add_flag("--first-open", options.first_open,
                    "The store is not made beforehand: all processes open it at once");
  command
      ->add_option("--disk-mib", options.disk_mib,
                   "The store is on a tmpfs of this size, which runs full (root)")
      ->check(CLI::Range(4u, 1u << 20));
  command
      ->add_option("--file-mib", options.file_mib_max,
                   "No file may grow beyond this (RLIMIT_FSIZE), once the store is made")
      ->check(CLI::Range(1u, 1u << 20))
      ->excludes("--first-open");
  command->add_option("--with", options.with,
                      "Another build of this program, in which half of the workers run");
  command->add_option("--order", arguments->order)->group("");
  command->add_option("--dir", arguments->directory,
                      "Where to make the scratch directory (else $TMPDIR, the current one)");
  command->add_option("--seed", arguments->seed, "Of the operations and of who is killed when");
}

}  // namespace holdfast::cli
