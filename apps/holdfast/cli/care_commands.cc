#include "cli/commands.h"

namespace holdfast::cli {
namespace {

Json json_of(const CheckReport& report) {
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
          {"problems", report.problems}};
}

void print_report(const Output& output, const CheckReport& report) {
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
  facts.add("log", with_separators(report.log_records) + " records in " +
                       with_separators(report.log_segments) + " segments");
  facts.add("problems", report.problems.empty() ? "none" : with_separators(report.problems.size()));
  facts.print(output);
  for (const std::string& problem : report.problems) output.line("problem: " + printable(problem));
}

Status check(const Context& context) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(CheckReport report, store.check());
  if (context.output().json()) {
    context.output().print(json_of(report));
  } else {
    print_report(context.output(), report);
  }
  if (report.problems.empty()) return Status::ok();
  return Status(StatusCode::kCorruption,
                "the store is damaged; nothing was changed. Copy the directory before anything "
                "else")
      .with_path(store.path());
}

}  // namespace

void add_care_commands(Commands& commands) {
  commands.add(kGroupCare, "check",
               "Verify the whole store, also while others write: pages, checksums, order, "
               "allocation, the log's chain",
               "holdfast check --json", check);
}

}  // namespace holdfast::cli
