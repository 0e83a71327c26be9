#include <chrono>
#include <cstdio>
#include <span>
#include <vector>

#include "base/time_text.h"
#include "cli/dry_run.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

// Runs `work` on the key-values of the command's space, in one commit; prints its version.
Status change(const Context& context, const std::string& key,
              const std::function<Status(const Kv&)>& work) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(const uint64_t version,
                  store.update([&](Transaction& txn) { return work(space.kv(txn)); }));
  if (context.output().json()) {
    Json json;
    set_bytes(json, "key", key);
    json["version"] = version;
    context.output().print(json);
  }
  return store.close();
}

struct CasArguments {
  std::string key;
  uint64_t version = 0;
  std::optional<std::string> value;
  std::string file;
};

Status cas(const Context& context, const CasArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string value, read_value(arguments.value, arguments.file));
  return change(context, arguments.key, [&](const Kv& kv) {
    return kv.put(arguments.key, value, {.if_version = arguments.version});
  });
}

struct MergeArguments {
  std::string key;
  std::optional<std::string> patch;
  std::string file;
};

Status merge(const Context& context, const MergeArguments& arguments) {
  HOLDFAST_ASSIGN(const std::string patch, read_value(arguments.patch, arguments.file));
  return change(context, arguments.key,
                [&](const Kv& kv) { return kv.merge_json(arguments.key, patch); });
}

struct CountArguments {
  std::string counter;
  std::optional<int64_t> delta;
};

Status count(const Context& context, const CountArguments& arguments) {
  const auto if_absent = arguments.delta ? IfAbsent::kCreateForUser : IfAbsent::kRefuse;
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  if (arguments.delta) {
    HOLDFAST_TRY(space.kv().add(arguments.counter, *arguments.delta));
  }
  HOLDFAST_ASSIGN(const int64_t number, space.kv().count(arguments.counter));
  if (context.output().json()) {
    Json json;
    set_bytes(json, "counter", arguments.counter);
    json["number"] = number;
    context.output().print(json);
  } else {
    context.output().line(std::to_string(number));
  }
  return store.close();
}

struct HistoryArguments {
  std::string action;  // or the key
  std::string name;
  size_t limit = 100;
  uint64_t before = UINT64_MAX;
  double days = 0;
  uint64_t versions = 0;
  bool dry_run = false;
};

Json json_of(const std::string& key, const KvVersion& version) {
  Json json;
  set_bytes(json, "key", key);
  json["version"] = version.version;
  json["time_us"] = version.time_us;
  if (version.is_deletion) {
    json["is_deletion"] = true;
  } else {
    set_bytes(json, "value", version.value);
  }
  if (version.expires_us) json["expires_us"] = *version.expires_us;
  return json;
}

Status show_history(const Output& output, const Kv& kv, const HistoryArguments& arguments,
                    const std::string& key) {
  HOLDFAST_ASSIGN(const auto versions, kv.history(key, arguments.limit, arguments.before));
  if (versions.empty()) {
    return Status(StatusCode::kNotFound, "no version of \"" + one_line(key, 80) + "\" is kept");
  }
  Table table({"version", "time", "bytes", "value"});
  for (const KvVersion& version : versions) {
    if (output.json()) {
      output.print(json_of(key, version));
    } else {
      table.add({std::to_string(version.version), time_text(static_cast<int64_t>(version.time_us)),
                 std::to_string(version.value.size()),
                 version.is_deletion ? "(deleted)" : one_line(version.value, 60)});
    }
  }
  if (!table.empty()) table.print(output);
  return Status::ok();
}

std::string retention_text(const Retention& retention) {
  std::string text;
  if (retention.age.count() > 0) {
    text = fixed(static_cast<double>(retention.age.count()) / 86'400, 1) + " days";
  }
  if (retention.count > 0) {
    text += (text.empty() ? "" : ", ") + counted(retention.count, "version");
  }
  return text.empty() ? "everything" : text;
}

void print_histories(const Output& output, std::span<const KvHistory> histories) {
  Table table({"prefix", "keeps", "versions", "size", "since"});
  for (const KvHistory& history : histories) {
    if (output.json()) {
      Json json;
      set_bytes(json, "prefix", history.prefix);
      json["age_seconds"] = history.retention.age.count();
      json["versions_max"] = history.retention.count;
      json["versions"] = history.versions;
      json["bytes"] = history.bytes;
      json["since_version"] = history.floor.version;
      json["since_us"] = history.floor.time_us;
      output.print(json);
    } else {
      table.add({history.prefix.empty() ? "(all keys)" : one_line(history.prefix, 60),
                 retention_text(history.retention), with_separators(history.versions),
                 size_text(history.bytes), time_text(static_cast<int64_t>(history.floor.time_us))});
    }
  }
  if (!table.empty()) table.print(output);
}

Status show_doomed(Store& store, const Space& space, const Output& output,
                   const std::string& prefix) {
  HOLDFAST_ASSIGN(Transaction transaction, store.begin());  // never committed
  const Kv kv = space.kv(transaction);
  HOLDFAST_ASSIGN(auto histories, kv.histories());
  HOLDFAST_TRY(kv.drop_history(prefix));
  std::erase_if(histories, [&](const KvHistory& one) { return one.prefix != prefix; });
  print_histories(output, histories);
  return Status::ok();
}

Status keep_history(const Context& context, const HistoryArguments& arguments) {
  constexpr double kDaySeconds = 86'400;
  const Retention retention{
      std::chrono::seconds(static_cast<int64_t>(arguments.days * kDaySeconds)), arguments.versions};
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_TRY(space.kv().keep_history(retention, arguments.name));
  // What the retention does not keep goes now: who asks wants to see it.
  for (bool more = true; more;) {
    HOLDFAST_ASSIGN(more, store.trim_histories());
  }
  return store.close();
}

Status history(const Context& context, const HistoryArguments& arguments) {
  if (arguments.dry_run && arguments.action != "drop") {
    return Status(StatusCode::kInvalidArgument,
                  "--dry-run is for what drop takes away: holdfast history drop [PREFIX]");
  }
  if (arguments.action == "keep") return keep_history(context, arguments);
  if (arguments.days != 0 || arguments.versions != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "--days and --versions say what to keep: holdfast history keep [PREFIX]");
  }
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  const Kv kv = space.kv();
  if (arguments.action == "list") {
    HOLDFAST_ASSIGN(const auto histories, kv.histories());
    print_histories(context.output(), histories);
    return Status::ok();
  }
  if (arguments.dry_run) return show_doomed(store, space, context.output(), arguments.name);
  if (arguments.action == "drop") {
    HOLDFAST_TRY(kv.drop_history(arguments.name));
    return store.close();
  }
  const bool is_show = arguments.action == "show";
  if (!is_show && !arguments.name.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "one key at a time; the other forms are: keep, drop, list, show");
  }
  return show_history(context.output(), kv, arguments, is_show ? arguments.name : arguments.action);
}

void add_history(Commands& commands) {
  auto arguments = arguments_of<HistoryArguments>();
  CLI::App* command = commands.add(
      kGroupKeyValue, "history", "Show the versions of a key, or say of which keys to keep them",
      "holdfast history keep config/ --days 30 --versions 100\n  holdfast history config/port\n"
      "  holdfast get config/port --at 2026-01-31\n  holdfast history list\n"
      "  holdfast history drop config/ --dry-run",
      [arguments](const Context& context) { return history(context, *arguments); });
  command
      ->add_option("key", arguments->action,
                   "The key; or keep [PREFIX], drop [PREFIX], list, show KEY")
      ->required();
  command->add_option("name", arguments->name, "Prefix of the keys to keep or drop; none: all");
  command->add_option("--limit", arguments->limit, "At most so many versions, the newest first")
      ->check(CLI::Range(size_t{1}, kKvListLimitMax))
      ->capture_default_str();
  command->add_option("--before", arguments->before, "Only versions below this one");
  command->add_option("--days", arguments->days, "Keep what was there so long ago; 0: for ever")
      ->check(CLI::Range(0.0, 1e6));
  command->add_option("--versions", arguments->versions, "Keep so many of each key; 0: all");
  add_dry_run(command, arguments->dry_run);
}

}  // namespace

void add_value_commands(Commands& commands) {
  auto cas_arguments = arguments_of<CasArguments>();
  CLI::App* command = commands.add(
      kGroupKeyValue, "cas", "Set the value of a key if it has a certain version",
      "holdfast cas greeting 17 hi\n  holdfast cas greeting 0 hi    # only if it has no value",
      [cas_arguments](const Context& context) { return cas(context, *cas_arguments); });
  command->add_option("key", cas_arguments->key, "The key")->required();
  command->add_option("version", cas_arguments->version, "That it must have; 0: no value")
      ->required();
  command->add_option("value", cas_arguments->value, "The value; - reads stdin");
  command->add_option("--file", cas_arguments->file, "Read the value from this file");

  auto merge_arguments = arguments_of<MergeArguments>();
  command = commands.add(
      kGroupKeyValue, "merge", "Merge a JSON patch into a JSON value (RFC 7396)",
      "holdfast merge config '{\"server\":{\"port\":8080},\"old\":null}'",
      [merge_arguments](const Context& context) { return merge(context, *merge_arguments); });
  command->add_option("key", merge_arguments->key, "The key")->required();
  command->add_option("patch", merge_arguments->patch, "The patch; - reads stdin");
  command->add_option("--file", merge_arguments->file, "Read the patch from this file");

  auto count_arguments = arguments_of<CountArguments>();
  command = commands.add(
      kGroupKeyValue, "count", "Print a counter, after adding to it if a number is given",
      "holdfast count visits 1\n  holdfast count visits",
      [count_arguments](const Context& context) { return count(context, *count_arguments); });
  command->add_option("counter", count_arguments->counter, "Its name")->required();
  command->add_option("delta", count_arguments->delta, "What to add; beyond 64 bits it wraps");

  add_history(commands);
}

}  // namespace holdfast::cli
