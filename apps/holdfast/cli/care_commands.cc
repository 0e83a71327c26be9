#include "cli/commands.h"
#include "cli/progress_line.h"
#include "holdfast/blob.h"
#include "holdfast/space.h"

namespace holdfast::cli {
namespace {

struct Checked {
  CheckReport store;
  BlobCheck blobs;
  std::vector<std::string> unmatched = {};  // spaces that are to be indexed anew
  std::vector<std::string> problems() const {
    std::vector<std::string> all = store.problems;
    all.insert(all.end(), blobs.problems.begin(), blobs.problems.end());
    all.insert(all.end(), unmatched.begin(), unmatched.end());
    return all;
  }
  uint64_t damages_count() const { return store.problems_count + blobs.problems.size(); }
  uint64_t problems_count() const { return damages_count() + unmatched.size(); }
};

Json json_of(const Checked& checked) {
  const CheckReport& report = checked.store;
  return {{"version", report.version},
          {"keys", report.keys},
          {"key_bytes", report.key_bytes},
          {"value_bytes", report.value_bytes},
          {"leaf_pages", report.leaf_pages},
          {"branch_pages", report.branch_pages},
          {"overflow_pages", report.overflow_pages},
          {"free_pages", report.free_pages},
          {"retired_pages", report.retired_pages},
          {"leaked_pages", report.leaked_pages},
          {"file_pages", report.file_pages},
          {"snapshots", report.snapshots},
          {"log_segments", report.log_segments},
          {"log_records", report.log_records},
          {"blobs", checked.blobs.blobs},
          {"blob_references", checked.blobs.references},
          {"blob_bytes_read", checked.blobs.bytes},
          {"warnings", report.warnings},
          {"problems_count", checked.problems_count()},
          {"problems", checked.problems()}};
}

void print_report(const Output& output, const Checked& checked) {
  const CheckReport& report = checked.store;
  Facts facts;
  facts.add("version", with_separators(report.version));
  facts.add("keys", with_separators(report.keys) + " (" + size_text(report.key_bytes) +
                        ", values " + size_text(report.value_bytes) + ")");
  facts.add("pages", with_separators(report.file_pages) + ": " +
                         with_separators(report.leaf_pages) + " leaf, " +
                         with_separators(report.branch_pages) + " branch, " +
                         with_separators(report.overflow_pages) + " overflow, " +
                         with_separators(report.free_pages) + " free, " +
                         with_separators(report.retired_pages) + " retired, " +
                         with_separators(report.leaked_pages) + " leaked");
  facts.add("log", counted(report.log_records, "record") + " in " +
                       counted(report.log_segments, "segment"));
  facts.add("blobs", with_separators(checked.blobs.blobs) + " (" + size_text(checked.blobs.bytes) +
                         ", " + with_separators(checked.blobs.references) + " references)");
  const uint64_t count = checked.problems_count();
  facts.add("problems", count == 0 ? "none" : with_separators(count));
  facts.print(output);
  for (const std::string& warning : report.warnings) output.line("warning: " + printable(warning));
  for (const std::string& problem : checked.problems())
    output.line("problem: " + printable(problem));
}

// Every page may be intact and rows missing: a salvage keeps what it can.
Status check_observations(Store& store, Snapshot& snapshot, Checked& checked) {
  HOLDFAST_ASSIGN(const auto spaces, list_spaces(snapshot, {.limit = 100'000}));
  for (const SpaceSegments& segments : spaces) {
    HOLDFAST_ASSIGN(const Space space, store.space(segments));
    const auto count = space.observations().unmatched();
    if (count && *count == 0) continue;
    const std::string path = space_path_text(segments);
    checked.unmatched.push_back(
        "space " + path + ": " +
        (count ? counted(*count, "id, key or count", "ids, keys or counts") +
                     " of observations that do not agree with those that are there"
               : count.status().to_string()) +
        "; run: holdfast reindex --space " + path);
  }
  return Status::ok();
}

Result<Checked> check_all(Store& store, bool contents) {
  ProgressLine line;
  CheckOptions options;
  options.progress = shown_on(line);
  Checked checked;
  HOLDFAST_ASSIGN(checked.store, store.check(options));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  auto blobs = store.blobs().check(snapshot, contents);
  if (blobs) {
    checked.blobs = std::move(*blobs);
  } else if (blobs.status().code() == StatusCode::kCorruption) {
    checked.blobs.problems.push_back("blobs: " + blobs.status().to_string());
  } else {
    return blobs.status();
  }
  // Damaged pages are said above, and would only be met again.
  if (checked.damages_count() == 0) HOLDFAST_TRY(check_observations(store, snapshot, checked));
  return checked;
}

Status check(const Context& context, bool without_contents) {
  auto store = context.open_store(IfAbsent::kRefuse);
  if (store.status().code() == StatusCode::kCorruption) {
    // What is wrong beside it, and what to do, is said by a tool that need not open the store.
    print_error(store.status());
    return Status(StatusCode::kCorruption, "the store cannot be opened; see: holdfast doctor");
  }
  HOLDFAST_TRY(store.status());
  HOLDFAST_ASSIGN(const Checked checked, check_all(*store, !without_contents));
  if (context.output().json()) {
    context.output().print(json_of(checked));
  } else {
    print_report(context.output(), checked);
  }
  if (checked.problems_count() == 0) return Status::ok();
  if (checked.damages_count() == 0) {
    return Status(StatusCode::kCorruption,
                  "what was made of observations does not agree with them, as after a salvage; "
                  "nothing was changed. Run `holdfast reindex` in these spaces")
        .with_path(store->path());
  }
  return Status(StatusCode::kCorruption,
                "the store is damaged; nothing was changed. Copy the directory before anything "
                "else, then see: holdfast doctor, holdfast salvage")
      .with_path(store->path());
}

}  // namespace

void add_care_commands(Commands& commands) {
  auto without_contents = arguments_of<bool>();
  commands
      .add(kGroupCare, "check",
           "Verify the whole store, also while others write: pages, checksums, order, "
           "allocation, snapshots, the log, blobs",
           "holdfast check --json",
           [without_contents](const Context& context) { return check(context, *without_contents); })
      ->add_flag("--skip-blob-contents", *without_contents,
                 "Do not read the contents of blobs: only that each file is there");
}

}  // namespace holdfast::cli
