#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "holdfast/care.h"
#include "os/os.h"

namespace holdfast::cli {
namespace {

Json json_of(const care::DamagedRange& range) {
  Json json = {{"lower", care::key_text(range.lower)}};
  if (range.upper) json["upper"] = care::key_text(*range.upper);
  json["keys_found"] = range.keys_found;
  return json;
}

Json json_of(const care::SalvageReport& report, const std::string& to) {
  Json json = {{"store", to},
               {"complete", report.complete()},
               {"base", report.base},
               {"version", report.version},
               {"version_new", report.version_new},
               {"keys", report.keys},
               {"key_bytes", report.key_bytes},
               {"value_bytes", report.value_bytes},
               {"keys_uncertain", report.keys_uncertain},
               {"log_records_applied", report.log_records_applied},
               {"log_records_beyond_damage", report.log_records_beyond_damage},
               {"log_records_skipped", report.log_records_skipped},
               {"blob_files", report.blob_files},
               {"blob_bytes", report.blob_bytes},
               {"damaged_ranges_count", report.damaged_ranges_count},
               {"damage_count", report.damage_count}};
  json["snapshots"] = Json::array();
  for (const care::SalvagedSnapshot& snapshot : report.snapshots) {
    json["snapshots"].push_back({{"name", care::key_text(snapshot.name)},
                                 {"version", snapshot.version},
                                 {"version_new", snapshot.version_new}});
  }
  json["damaged_ranges"] = Json::array();
  for (const auto& range : report.damaged_ranges) json["damaged_ranges"].push_back(json_of(range));
  json["damage"] = report.damage;
  json["doubts"] = report.doubts;
  return json;
}

void print_report(const Output& output, const care::SalvageReport& report, const std::string& to) {
  if (output.json()) return output.print(json_of(report, to));
  Facts facts;
  facts.add("new store", to);
  facts.add("base", report.base.empty() ? "none: no tree is readable" : report.base);
  facts.add("last version", with_separators(report.version) + "; the new store goes on from " +
                                with_separators(report.version_new));
  facts.add("keys", with_separators(report.keys) + " (" + size_text(report.key_bytes) +
                        ", values " + size_text(report.value_bytes) + ")");
  facts.add("log records", with_separators(report.log_records_applied) + " applied, " +
                               with_separators(report.log_records_beyond_damage) +
                               " of them beyond damage; " +
                               with_separators(report.log_records_skipped) +
                               " skipped that were never acknowledged");
  facts.add("blobs",
            counted(report.blob_files, "file") + " (" + size_text(report.blob_bytes) + ")");
  facts.add("damaged places", with_separators(report.damage_count));
  facts.add("damaged ranges", with_separators(report.damaged_ranges_count) + ", with " +
                                  with_separators(report.keys_uncertain) +
                                  " keys that nothing vouches for");
  facts.print(output);
  for (const care::SalvagedSnapshot& snapshot : report.snapshots) {
    output.line("snapshot: \"" + care::key_text(snapshot.name) + "\" of version " +
                with_separators(snapshot.version) + " is version " +
                with_separators(snapshot.version_new) + " now");
  }
  for (const std::string& place : report.damage) output.line("damage: " + printable(place));
  for (const auto& range : report.damaged_ranges) {
    output.line("range: from \"" + care::key_text(range.lower) + "\" " +
                (range.upper ? "below \"" + care::key_text(*range.upper) + "\"" : "to the end") +
                ": " + counted(range.keys_found, "key") + " found");
  }
  for (const std::string& doubt : report.doubts) output.line("doubt: " + printable(doubt));
  if (report.complete()) return;
  output.line(
      "what to do: holdfast check, with --store for the new store, names the spaces in which "
      "indexes and counts do not agree with what is left: run `holdfast reindex` in each");
}

struct SalvageArguments {
  std::string from;
  std::string to;
  bool while_open = false;
};

Status salvage(const Context& context, const SalvageArguments& arguments) {
  care::SalvageOptions options;
  options.while_open = arguments.while_open;
  if (::isatty(STDERR_FILENO) == 1) {
    options.progress = [](std::string_view what, uint64_t, uint64_t) {
      std::fprintf(stderr, "%.*s ...\n", static_cast<int>(what.size()), what.data());
    };
  }
  HOLDFAST_ASSIGN(const care::SalvageReport report,
                  care::salvage(os::posix_os(), arguments.from, arguments.to, options));
  print_report(context.output(), report, arguments.to);
  if (report.complete()) return Status::ok();
  return Status(StatusCode::kCorruption,
                "not everything could be saved or vouched for; the new store holds what could, "
                "the old one is as it was. Run `holdfast check` on the new one: it names the "
                "spaces in which `holdfast reindex` is to be run")
      .with_path(arguments.to);
}

}  // namespace

void add_salvage_command(Commands& commands) {
  auto arguments = arguments_of<SalvageArguments>();
  CLI::App* command =
      commands.add(kGroupCare, "salvage",
                   "Write a new store from what is intact of a damaged one, which is not touched",
                   "holdfast salvage .holdfast .holdfast-saved",
                   [arguments](const Context& context) { return salvage(context, *arguments); });
  command->add_option("old", arguments->from, "The damaged store")->required();
  command->add_option("new", arguments->to, "Where the new one goes; must not exist")->required();
  command->add_flag("--while-open", arguments->while_open,
                    "Although processes have the old one open");
}

}  // namespace holdfast::cli
