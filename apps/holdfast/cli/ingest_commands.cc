#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "ingest/git_history.h"
#include "ingest/id_ledger.h"
#include "ingest/ingest.h"
#include "process/child.h"
#include "process/shared_area.h"

namespace holdfast::cli {
namespace {

using ingest::FileList;
using ingest::IngestOptions;
using ingest::IngestReport;
using ingest::Progress;

struct IngestArguments {
  std::vector<std::string> paths;
  size_t files_max = 0;
  IngestOptions options;
  bool verbose = false;
  bool git = false;
};

// Figures before and after; the workers' handles are their own.
struct Figures {
  StoreStats stats;
  uint64_t observations = 0;
};

Result<Figures> take_figures(const Context& context, IfAbsent if_absent, std::string& store_path) {
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(ingest::notes_of(space).status());
  Figures figures;
  HOLDFAST_ASSIGN(figures.stats, store.stats());
  HOLDFAST_ASSIGN(figures.observations, space.observations().count());
  store_path = store.path();
  HOLDFAST_TRY(store.close());
  return figures;
}

Json json_of(const FileList& list, const Progress& progress, const IngestReport& report) {
  Json json;
  json["files"] = list.files.size();
  json["files_read"] = progress.files_read.load();
  json["files_unchanged"] = progress.files_unchanged.load();
  Json skipped = Json::object();
  for (size_t i = 1; i < documents::kSkipCount; ++i) {
    uint64_t count = progress.files_skipped[i].load();
    if (count > 0)
      skipped[std::string(documents::skip_name(static_cast<documents::Skip>(i)))] = count;
  }
  json["files_skipped"] = skipped;
  json["files_unreadable"] = progress.files_unreadable.load() + list.unreadable.size();
  json["files_from_latin1"] = progress.files_from_latin1.load();
  json["links_not_followed"] = list.links;
  json["sections_added"] = progress.sections_added.load();
  json["sections_existing"] = progress.sections_existing.load();
  json["sections_removed"] = progress.sections_removed.load();
  json["kills"] = report.kills;
  json["restarts"] = report.restarts;
  json["seconds"] = std::stod(fixed(report.seconds, 3));
  uint64_t commits = progress.commit_us.count();
  double seconds = std::max(report.seconds, 0.001);
  json["commits"] = commits;
  json["commits_per_second"] = std::stod(fixed(static_cast<double>(commits) / seconds, 1));
  json["sections_per_second"] =
      std::stod(fixed(static_cast<double>(progress.sections_added.load()) / seconds, 1));
  json["p50_us"] = progress.commit_us.quantile(0.5);
  json["p99_us"] = progress.commit_us.quantile(0.99);
  return json;
}

std::string milliseconds(const Json& us) {
  return fixed(us.get<double>() / 1000, 1) + " ms";
}

std::string commits_text(const Json& json) {
  return with_separators(json["commits"].get<uint64_t>()) + ", " +
         with_separators(static_cast<uint64_t>(json["commits_per_second"].get<double>())) +
         "/s, p50 " + milliseconds(json["p50_us"]) + ", p99 " + milliseconds(json["p99_us"]) +
         ", " + fixed(json["commits_per_sync"].get<double>(), 2) + " per fdatasync";
}

void print_summary(const Output& output, const Json& json, bool git) {
  if (output.json()) {
    output.print(json);
    return;
  }
  auto count = [&json](const char* name) { return with_separators(json[name].get<uint64_t>()); };
  std::string skipped;
  for (const auto& [name, number] : json["files_skipped"].items()) {
    skipped += ", " + with_separators(number.get<uint64_t>()) + " " + name;
  }
  if (json["files_unreadable"] != 0) skipped += ", " + count("files_unreadable") + " unreadable";
  Facts facts;
  if (!git) {  // of which there are only pieces of a history
    facts.add("files", count("files") + ": " + count("files_read") + " read, " +
                           count("files_unchanged") + " unchanged" + skipped);
  }
  const std::string things = git ? "commits" : "sections";
  facts.add(things, count("sections_added") + " added, " + count("sections_existing") +
                        " there already" +
                        (json["sections_removed"] != 0
                             ? ", " + count("sections_removed") + " outdated ones removed"
                             : ""));
  std::string time = fixed(json["seconds"].get<double>(), 2) + " s with " + count("processes") +
                     (json["processes"] == 1 ? " process" : " processes");
  if (json["sections_added"] != 0) {
    time += ", " + fixed(json["sections_per_second"].get<double>(), 0) + " " + things + "/s";
  }
  facts.add("time", time);
  if (json["commits"] != 0) facts.add(git ? "transactions" : "commits", commits_text(json));
  facts.add("observations", count("observations") + " in the space");
  facts.print(output);
}

void print_remarks(const FileList& list, const Progress& progress, bool all) {
  constexpr size_t kShown = 5;
  std::vector<std::string> remarks = list.unreadable;
  size_t kept = std::min<size_t>(progress.remarks_used.load(), Progress::kRemarks);
  for (size_t i = 0; i < kept; ++i) remarks.emplace_back(progress.remarks[i].data());
  size_t shown = all ? remarks.size() : std::min(remarks.size(), kShown);
  for (size_t i = 0; i < shown; ++i) {
    std::fprintf(stderr, "holdfast: %s\n", printable(remarks[i]).c_str());
  }
  size_t total = list.unreadable.size() + progress.remarks_used.load();
  if (total > shown) {
    std::fprintf(stderr, "holdfast: and %zu more such remarks%s\n", total - shown,
                 all ? "" : " (--verbose)");
  }
}

Status run(const Context& context, const IngestArguments& arguments) {
  IngestOptions options = arguments.options;
  HOLDFAST_ASSIGN(SpaceName space, context.space_name());
  HOLDFAST_ASSIGN(Figures before,
                  take_figures(context, IfAbsent::kCreateForUser, options.store_path));
  HOLDFAST_ASSIGN(
      FileList list,
      arguments.git ? ingest::list_commits(arguments.paths)
                    : ingest::list_files(arguments.paths, options.store_path, arguments.files_max));
  options.space = space.path;
  options.store = context.store_options();
  options.store.create = false;
  options.progress = ::isatty(STDERR_FILENO) == 1;
  options.announce = [](const std::string& text) {
    std::fprintf(stderr, "holdfast: %s\n", printable(text).c_str());
  };
  process::SharedArea<Progress> progress;
  HOLDFAST_ASSIGN(IngestReport report, ingest::run_ingest(options, list.files, *progress));
  HOLDFAST_ASSIGN(Figures after, take_figures(context, IfAbsent::kRefuse, options.store_path));
  Json json = json_of(list, *progress, report);
  json["processes"] = options.processes;
  uint64_t syncs = after.stats.syncs - std::min(before.stats.syncs, after.stats.syncs);
  double commits = static_cast<double>(progress->commit_us.count());
  json["commits_per_sync"] =
      std::stod(fixed(syncs > 0 ? commits / static_cast<double>(syncs) : 0, 2));
  json["observations"] = after.observations;
  print_remarks(list, *progress, arguments.verbose);
  print_summary(context.output(), json, arguments.git);
  return Status::ok();
}

Status verify_ledger(const Context& context, const std::string& path) {
  HOLDFAST_ASSIGN(std::vector<std::string> ids, ingest::read_id_ledger(path));
  uint64_t begin_us = process::monotonic_us();
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  uint64_t open_us = process::monotonic_us() - begin_us;
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  Observations observations = space.observations(snapshot);
  uint64_t present = 0;
  for (const std::string& id : ids) {
    auto found = observations.get(id);
    if (!found && found.status().code() != StatusCode::kNotFound) return found.status();
    if (found) {
      ++present;
    } else {
      std::fprintf(stderr, "holdfast: acknowledged and not there: %s\n", id.c_str());
    }
  }
  uint64_t lost = ids.size() - present;
  if (context.output().json()) {
    context.output().print({{"acknowledged", ids.size()},
                            {"present", present},
                            {"lost", lost},
                            {"open_us", open_us},
                            {"cold", store.recovery().cold}});
  } else {
    Facts facts;
    facts.add("acknowledged", with_separators(ids.size()));
    facts.add("present", with_separators(present));
    facts.add("lost", with_separators(lost));
    facts.add("time to open",
              std::to_string(open_us) + " us" + (store.recovery().cold ? ", cold" : ""));
    facts.print(context.output());
  }
  if (lost == 0) return Status::ok();
  return Status(StatusCode::kCorruption, std::to_string(lost) +
                                             " acknowledged observations are "
                                             "not in the store")
      .with_path(store.path());
}

}  // namespace

void add_ingest_commands(Commands& commands) {
  auto arguments = arguments_of<IngestArguments>();
  CLI::App* command = commands.add(
      kGroupStart, "ingest",
      "Remember files: text, Markdown, manual pages, JSON lines, also in gzip; a section an "
      "observation; transcripts of coding agents; memories of the reference memory server; the "
      "commits of git repositories. Run again, it goes on where it was and adds nothing twice",
      "holdfast ingest --processes 4 /usr/share/man /usr/share/doc\n"
      "  holdfast ingest ~/.claude/projects\n  holdfast ingest --git .",
      [arguments](const Context& context) { return run(context, *arguments); });
  IngestOptions& options = arguments->options;
  command->add_option("path", arguments->paths, "Files and folders")->required();
  command->add_flag("--git", arguments->git,
                    "The paths are repositories: remember each commit with its time and author");
  command->add_option("--processes", options.processes, "How many processes write at once")
      ->check(CLI::Range(1u, ingest::kProcessesMax))
      ->capture_default_str();
  command
      ->add_option("--max-files", arguments->files_max,
                   "With more files, so many of them, evenly spread (0: all)")
      ->capture_default_str();
  command->add_option("--ledger", options.ledger_path,
                      "Append the id of each acknowledged observation to this file");
  command->add_flag("--kill-one", options.kill_one,
                    "SIGKILL one of the processes on the way, to see that nothing is lost");
  command->add_flag("--verbose", arguments->verbose,
                    "Print every remark about a file, not only the first five");

  auto ledger = arguments_of<std::string>();
  commands
      .add(kGroupCare, "verify-ledger",
           "Compare the ids that ingest --ledger wrote with the store; exit code 4 if one is lost",
           "holdfast verify-ledger acknowledged.txt",
           [ledger](const Context& context) { return verify_ledger(context, *ledger); })
      ->add_option("file", *ledger, "The ledger")
      ->required();
}

}  // namespace holdfast::cli
