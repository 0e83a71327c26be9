#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "cli/commands.h"
#include "cli/store_place.h"
#include "holdfast/blob.h"

namespace holdfast::cli {
namespace {

Json json_of(const LockStats& lock) {
  Json json = {{"lock", lock.name},
               {"takeovers", lock.takeovers},
               {"waits", lock.waits},
               {"waited_us", lock.waited_us},
               {"holds_timed", lock.holds_timed},
               {"held_us", lock.held_us},
               {"held_us_max", lock.held_us_max}};
  if (!lock.holder.empty()) json["holder"] = lock.holder;
  return json;
}

Json json_of(const ReaderStats& reader, uint64_t page_bytes) {
  return {{"version", reader.version},
          {"held_bytes", reader.pages_held * page_bytes},
          {"age_us_min", reader.age_us_min},
          {"keeps_log", reader.keeps_log},
          {"process", reader.process}};
}

double ratio(uint64_t count, uint64_t groups) {
  return groups == 0 ? 0 : static_cast<double>(count) / static_cast<double>(groups);
}

void add_blobs(Json& json, const BlobStats& blobs) {
  json["blobs"] = blobs.blobs;
  json["blob_content_bytes"] = blobs.bytes;
  json["blob_stored_bytes"] = blobs.stored_bytes;
  json["blobs_unreferenced"] = blobs.dead_blobs;
  json["blob_unreferenced_bytes"] = blobs.dead_bytes;
}

Json json_of(const StoreStats& stats, const std::optional<BlobStats>& blobs) {
  const uint64_t page_bytes = stats.page_size_bytes;
  Json json = {{"version", stats.version},
               {"durable_version", stats.durable_version},
               {"oldest_pinned_version", stats.oldest_pinned_version},
               {"commits_unapplied", stats.commits_unapplied},
               {"commits_unsynced", stats.commits_unsynced},
               {"processes", stats.processes},
               {"readers", stats.readers},
               {"commits", stats.commits},
               {"syncs", stats.syncs},
               {"commits_per_sync", ratio(stats.commits, stats.syncs)},
               {"applies", stats.applies},
               {"commits_per_apply", ratio(stats.commits, stats.applies)},
               {"conflicts", stats.conflicts},
               {"retries", stats.retries},
               {"turns", stats.turns},
               {"takeovers", stats.takeovers},
               {"voids", stats.voids},
               {"checkpoints", stats.checkpoints},
               {"checkpoint_version", stats.checkpoint_version},
               {"checkpoint_age_us", stats.checkpoint_age_us},
               {"tree_height", stats.tree_height},
               {"page_size_bytes", stats.page_size_bytes},
               {"data_bytes", stats.file_pages * page_bytes},
               {"free_bytes", stats.free_pages * page_bytes},
               {"retired_bytes", stats.retired_pages * page_bytes},
               {"leaked_bytes", stats.leaked_pages * page_bytes},
               {"histories", stats.histories},
               {"history_versions", stats.history_versions},
               {"history_bytes", stats.history_bytes},
               {"log_bytes", stats.log_bytes},
               {"log_segments", stats.log_segments},
               {"log_segments_prepared", stats.log_segments_prepared},
               {"log_needed_bytes", stats.log_bytes_needed},
               {"log_needed_by", stats.log_needed_by}};
  if (blobs) add_blobs(json, *blobs);
  json["oldest_readers"] = Json::array();
  for (const ReaderStats& reader : stats.oldest_readers) {
    json["oldest_readers"].push_back(json_of(reader, page_bytes));
  }
  json["snapshots"] = Json::array();
  for (const NamedSnapshot& snapshot : stats.snapshots) {
    Json entry;
    set_bytes(entry, "name", snapshot.name);
    entry["version"] = snapshot.version;
    entry["held_bytes"] = snapshot.pages_held * page_bytes;
    json["snapshots"].push_back(std::move(entry));
  }
  json["locks"] = Json::array();
  for (const LockStats& lock : stats.locks) json["locks"].push_back(json_of(lock));
  return json;
}

std::string duration_text(uint64_t us) {
  if (us < 10'000) return std::to_string(us) + " us";
  if (us < 10'000'000) return fixed(static_cast<double>(us) / 1e3, 1) + " ms";
  return fixed(static_cast<double>(us) / 1e6, 1) + " s";
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && std::string_view(text).substr(text.size() - end.size()) == end;
}

// "log_bytes" and 4096 -> "log" and "4.0 KiB".
void add_figure(Facts& facts, const std::string& name, const Json& value) {
  if (value.is_string()) return facts.add(name, printable(value.get<std::string>()));
  if (value.is_number_float()) return facts.add(name, fixed(value.get<double>(), 1));
  const uint64_t number = value.get<uint64_t>();
  if (ends_with(name, "_bytes"))
    return facts.add(name.substr(0, name.size() - 6), size_text(number));
  if (ends_with(name, "_us"))
    return facts.add(name.substr(0, name.size() - 3), duration_text(number));
  facts.add(name, with_separators(number));
}

void print_locks(const Output& output, const StoreStats& stats) {
  Table table({"lock", "waits", "waited", "held", "longest", "of holds", "taken over", "holder"});
  for (const LockStats& lock : stats.locks) {
    const double mean = ratio(lock.held_us, lock.holds_timed);
    table.add({lock.name, with_separators(lock.waits), duration_text(lock.waited_us),
               duration_text(static_cast<uint64_t>(mean)), duration_text(lock.held_us_max),
               with_separators(lock.holds_timed), with_separators(lock.takeovers),
               printable(lock.holder)});
  }
  output.line("");
  table.print(output);
}

void print_readers(const Output& output, const StoreStats& stats) {
  if (stats.oldest_readers.empty()) return;
  Table table(
      {"oldest readers", "behind by", "since at least", "holds back", "keeps log", "process"});
  for (const ReaderStats& reader : stats.oldest_readers) {
    table.add({"version " + std::to_string(reader.version),
               with_separators(stats.version - std::min(stats.version, reader.version)),
               duration_text(reader.age_us_min),
               size_text(reader.pages_held * stats.page_size_bytes),
               reader.keeps_log ? "yes" : "no", printable(reader.process)});
  }
  output.line("");
  table.print(output);
}

void print_stats(const Output& output, const StoreStats& stats,
                 const std::optional<BlobStats>& blobs = std::nullopt) {
  const Json json = json_of(stats, blobs);
  if (output.json()) return output.print(json);
  Facts facts;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_array()) add_figure(facts, name, value);
  }
  for (const NamedSnapshot& snapshot : stats.snapshots) {
    facts.add("snapshot " + one_line(snapshot.name, 64),
              "version " + with_separators(snapshot.version) + ", holds back " +
                  size_text(snapshot.pages_held * stats.page_size_bytes));
  }
  facts.print(output);
  print_readers(output, stats);
  print_locks(output, stats);
}

// One line for what happened since `before`.
void print_change(const Output& output, const StoreStats& before, const StoreStats& now,
                  double seconds) {
  const auto rate = [seconds](uint64_t from, uint64_t to) {
    return with_separators(static_cast<uint64_t>(static_cast<double>(to - from) / seconds));
  };
  uint64_t waits = 0;
  for (size_t i = 0; i < now.locks.size(); ++i) waits += now.locks[i].waits - before.locks[i].waits;
  output.line("version " + with_separators(now.version) + "  " + rate(before.commits, now.commits) +
              " commits/s  " + rate(before.syncs, now.syncs) + " syncs/s  " +
              rate(before.applies, now.applies) + " applies/s  " +
              rate(before.conflicts, now.conflicts) + " conflicts/s  " + rate(0, waits) +
              " lock waits/s  " + std::to_string(now.processes) + " processes  log " +
              size_text(now.log_bytes) + "  free " +
              size_text(now.free_pages * now.page_size_bytes) + "  retired " +
              size_text(now.retired_pages * now.page_size_bytes));
}

struct StatsArguments {
  double watch_seconds = 0;
};

Status stats(const Context& context, const StatsArguments& arguments) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(StoreStats last, store.stats());
  // A row for each is read, so not again and again. Where one cannot be read, the rest is shown all
  // the same; check says what is wrong with it.
  std::optional<BlobStats> blobs;
  if (auto snapshot = store.snapshot()) {
    if (auto counted = store.blobs().stats(*snapshot)) blobs = *counted;
  }
  print_stats(context.output(), last, blobs);
  const StorePlace place(store);
  while (arguments.watch_seconds > 0 && std::fflush(stdout) == 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(arguments.watch_seconds));
    HOLDFAST_TRY(place.check());
    HOLDFAST_ASSIGN(StoreStats now, store.stats());
    if (context.output().json()) {
      print_stats(context.output(), now);
    } else {
      print_change(context.output(), last, now, arguments.watch_seconds);
    }
    last = std::move(now);
  }
  return Status::ok();
}

}  // namespace

void add_stats_command(Commands& commands) {
  auto arguments = arguments_of<StatsArguments>();
  CLI::App* command = commands.add(
      kGroupStart, "stats",
      "Print the figures of the store, of all processes: what grows, who waits for whom",
      "holdfast stats\n  holdfast stats --watch 1",
      [arguments](const Context& context) { return stats(context, *arguments); });
  as_duration(command->add_option("--watch", arguments->watch_seconds,
                                  "Go on printing what changed, after so long each"))
      ->check(CLI::Range(0.1, 86400.0));
}

}  // namespace holdfast::cli
