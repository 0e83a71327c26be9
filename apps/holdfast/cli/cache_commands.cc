#include <span>

#include "base/time_text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

struct CacheArguments {
  std::string cache = "default";
  std::string key;
  std::string tag, prefix, after;
  size_t limit = 1000;
  bool dry_run = false;
};

// The store, and a cache of the space that is meant.
struct Opened {
  Store store;
  Space space;
  Cache cache;
};

Result<Opened> open_cache(const Context& context, const std::string& name, IfAbsent if_absent) {
  HOLDFAST_ASSIGN(Store store, context.open_store(if_absent));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  Cache cache = space.cache(name);
  return Opened{std::move(store), std::move(space), std::move(cache)};
}

struct PutArguments {
  std::string cache = "default";
  std::string key, file, ttl, stale_for;
  std::optional<std::string> value;
  std::vector<std::string> tags, command;
  bool only_absent = false;
  bool take_stale = false;
};

Result<CachePut> put_options(const PutArguments& arguments) {
  CachePut put;
  if (!arguments.ttl.empty()) {
    HOLDFAST_ASSIGN(put.ttl, parse_duration(arguments.ttl));
  }
  if (!arguments.stale_for.empty()) {
    HOLDFAST_ASSIGN(put.stale_for, parse_duration(arguments.stale_for));
  }
  put.tags = arguments.tags;
  put.only_absent = arguments.only_absent;
  return put;
}

Status put(const Context& context, const PutArguments& arguments) {
  HOLDFAST_ASSIGN(const CachePut options, put_options(arguments));
  HOLDFAST_ASSIGN(const std::string value, read_value(arguments.value, arguments.file));
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(const bool was_put, opened.cache.put(arguments.key, value, options));
  if (!was_put) {
    return Status(StatusCode::kConditionFalse,
                  "there is an entry \"" + one_line(arguments.key, 80) + "\"; nothing was changed");
  }
  if (context.output().json()) context.output().print({{"put", true}});
  return Status::ok();
}

Status get(const Context& context, const CacheArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto entry, opened.cache.find(arguments.key));
  if (!entry) {
    return Status(StatusCode::kNotFound,
                  "no entry \"" + one_line(arguments.key, 80) + "\" in cache " + arguments.cache);
  }
  const Output& output = context.output();
  if (output.json()) {
    Json json;
    set_bytes(json, "key", entry->key);
    set_bytes(json, "value", entry->value);
    json["expires_us"] = entry->expires_us;
    json["tags"] = entry->tags;
    output.print(json);
    return Status::ok();
  }
  output.raw(entry->value);
  if (output.terminal() && !entry->value.ends_with('\n')) output.raw("\n");
  return Status::ok();
}

// As a shell would read it, so that no two commands have the same.
std::string key_of(std::span<const std::string> command) {
  std::string key;
  for (const std::string& word : command) {
    if (!key.empty()) key += ' ';
    if (!word.empty() && word.find_first_of(" \t\n'\"\\") == word.npos) {
      key += word;
      continue;
    }
    key += '\'';
    for (const char c : word) key += c == '\'' ? "'\\''" : std::string(1, c);
    key += '\'';
  }
  return key;
}

Status run(const Context& context, const PutArguments& arguments) {
  ComputeOptions options;
  HOLDFAST_ASSIGN(options.put, put_options(arguments));
  options.take_stale = arguments.take_stale;
  options.wait = std::chrono::hours(1);
  options.lease = std::chrono::hours(1);
  const std::string key = arguments.key.empty() ? key_of(arguments.command) : arguments.key;
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kCreateForUser));
  const auto compute = [&]() -> Result<std::string> {
    HOLDFAST_ASSIGN(ChildResult child, run_child(arguments.command, {}, /*capture=*/true));
    if (child.exit_code == 0) return std::move(child.output);
    return Status(StatusCode::kConditionFalse, one_line(arguments.command[0], 80) + " returned " +
                                                   std::to_string(child.exit_code) +
                                                   "; its output is not kept");
  };
  HOLDFAST_ASSIGN(const Computed computed, opened.cache.get_or_compute(key, compute, options));
  const Output& output = context.output();
  if (output.json()) {
    Json json;
    set_bytes(json, "value", computed.value);
    json["computed"] = computed.was_computed;
    json["stale"] = computed.is_stale;
    output.print(json);
  } else {
    output.raw(computed.value);
  }
  return Status::ok();
}

// How many.
Result<uint64_t> remove_from(const Cache& cache, const CacheArguments& arguments) {
  if (arguments.tag.empty()) {
    HOLDFAST_ASSIGN(const bool was_there, cache.remove(arguments.key));
    return uint64_t{was_there};
  }
  uint64_t removed = 0;
  while (true) {
    HOLDFAST_ASSIGN(const uint64_t step, cache.remove_tagged(arguments.tag));
    if (step == 0) return removed;
    removed += step;
  }
}

Status remove(const Context& context, const CacheArguments& arguments) {
  if (arguments.tag.empty() && arguments.key.empty()) {
    return Status(StatusCode::kInvalidArgument, "name a key, or --tag TAG; see also: cache clear");
  }
  if (!arguments.tag.empty() && !arguments.key.empty()) {
    return Status(StatusCode::kInvalidArgument, "name a key or --tag TAG, not both");
  }
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const uint64_t removed,
                  removed_by(opened.store, arguments.dry_run, [&](auto&... transaction) {
                    return remove_from(opened.space.cache(transaction..., arguments.cache),
                                       arguments);
                  }));
  if (removed == 0 && arguments.tag.empty()) {
    return Status(StatusCode::kNotFound,
                  "no entry \"" + one_line(arguments.key, 80) + "\" in cache " + arguments.cache);
  }
  print_removed(context.output(), removed, "entry", "entries", arguments.dry_run);
  return Status::ok();
}

Status clear(const Context& context, const CacheArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kRefuse));
  if (arguments.dry_run) {
    HOLDFAST_ASSIGN(const CacheStats stats, opened.cache.stats());
    if (context.output().json()) {
      context.output().print({{"entries", stats.entries}, {"bytes", stats.bytes}});
    } else {
      context.output().line(counted(stats.entries, "entry", "entries") + " (" +
                            size_text(stats.bytes) + ") would go");
    }
    return Status::ok();
  }
  return opened.cache.clear();
}

Status list(const Context& context, const CacheArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const auto entries,
                  opened.cache.list(arguments.prefix, arguments.after, arguments.limit));
  Table table({"key", "bytes", "created", "ends"});
  for (const CacheEntry& entry : entries) {
    if (context.output().json()) {
      Json json;
      set_bytes(json, "key", entry.key);
      json["bytes"] = entry.bytes;
      json["created_us"] = entry.created_us;
      json["expires_us"] = entry.expires_us;
      json["tags"] = entry.tags;
      context.output().print(json);
      continue;
    }
    table.add({one_line(entry.key, 60), std::to_string(entry.bytes), time_text(entry.created_us),
               entry.expires_us == 0 ? "-" : time_text(entry.expires_us)});
  }
  if (!table.empty()) table.print(context.output());
  return Status::ok();
}

Status stats(const Context& context, const CacheArguments& arguments) {
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(const CacheStats stats, opened.cache.stats());
  if (context.output().json()) {
    context.output().print({{"entries", stats.entries},
                            {"bytes", stats.bytes},
                            {"bytes_max", stats.bytes_max},
                            {"hits", stats.hits},
                            {"misses", stats.misses},
                            {"stale", stats.stale},
                            {"puts", stats.puts},
                            {"evictions", stats.evictions},
                            {"expirations", stats.expirations},
                            {"computations", stats.computations}});
    return Status::ok();
  }
  Facts facts;
  facts.add("entries", with_separators(stats.entries));
  facts.add("bytes", size_text(stats.bytes) + " of " + size_text(stats.bytes_max));
  facts.add("hits", with_separators(stats.hits));
  facts.add("misses", with_separators(stats.misses));
  facts.add("stale", with_separators(stats.stale));
  facts.add("puts", with_separators(stats.puts));
  facts.add("evictions", with_separators(stats.evictions));
  facts.add("expirations", with_separators(stats.expirations));
  facts.add("computations", with_separators(stats.computations));
  facts.print(context.output());
  return Status::ok();
}

struct ConfigureArguments {
  std::string cache = "default";
  std::string ttl = "0";
  uint64_t bytes_max = CacheOptions().bytes_max;
};

Status configure(const Context& context, const ConfigureArguments& arguments) {
  CacheOptions options;
  options.bytes_max = arguments.bytes_max;
  HOLDFAST_ASSIGN(options.ttl, parse_duration(arguments.ttl));
  HOLDFAST_ASSIGN(Opened opened, open_cache(context, arguments.cache, IfAbsent::kCreateForUser));
  return opened.cache.configure(options);
}

void add_cache_name(CLI::App* command, std::string& name) {
  command->add_option("--cache", name, "Name of the cache")->capture_default_str();
}

void add_put_options(CLI::App* command, PutArguments& arguments) {
  add_cache_name(command, arguments.cache);
  command->add_option("--ttl", arguments.ttl, "How long it holds, such as 90s or 24h");
  command->add_option("--stale-for", arguments.stale_for,
                      "How long behind that it may be taken as stale");
  command->add_option("--tag", arguments.tags, "Removes it with others; may be given again")
      ->allow_extra_args(false);
}

void add_puts(Commands& commands, CLI::App* family) {
  auto put_arguments = arguments_of<PutArguments>();
  CLI::App* command =
      commands.add_to(family, "put", "Put a value that may be lost",
                      "holdfast cache put weather sunny --ttl 15m --tag outside",
                      [=](const Context& context) { return put(context, *put_arguments); });
  command->add_option("key", put_arguments->key, "The key")->required();
  command->add_option("value", put_arguments->value, "The value; - reads stdin");
  command->add_option("--file", put_arguments->file, "Read the value from this file");
  command->add_flag("--only-absent", put_arguments->only_absent, "Leave a value that is there");
  add_put_options(command, *put_arguments);

  auto run_arguments = arguments_of<PutArguments>();
  command = commands.add_to(family, "run",
                            "Print what a command prints; run it only if that is not cached",
                            "holdfast cache run --ttl 10m -- curl -s https://example.com/prices",
                            [=](const Context& context) { return run(context, *run_arguments); });
  command->add_option("--key", run_arguments->key,
                      "The key; else the command, its arguments quoted where a shell needs it");
  command->add_flag("--take-stale", run_arguments->take_stale,
                    "Take a stale value while another computes it");
  add_put_options(command, *run_arguments);
  command->add_option("command", run_arguments->command, "The command and its arguments")
      ->required();
}

// A command of one cache.
CLI::App* add_simple(Commands& commands, CLI::App* family, const std::string& name,
                     const std::string& purpose, const std::string& example,
                     const std::shared_ptr<CacheArguments>& arguments,
                     Status (*action)(const Context&, const CacheArguments&)) {
  CLI::App* command =
      commands.add_to(family, name, purpose, "holdfast cache " + example,
                      [=](const Context& context) { return action(context, *arguments); });
  add_cache_name(command, arguments->cache);
  return command;
}

}  // namespace

void add_cache_commands(Commands& commands) {
  CLI::App* family = commands.add_family(
      kGroupCoordination, "cache", "Values that may be lost, computed once for all processes",
      "holdfast cache run --ttl 10m -- curl -s https://example.com/prices\n"
      "  holdfast cache stats");
  add_puts(commands, family);
  auto arguments = arguments_of<CacheArguments>();
  add_simple(commands, family, "get", "Print a value that has not ended", "get weather", arguments,
             get)
      ->add_option("key", arguments->key, "The key")
      ->required();
  arguments = arguments_of<CacheArguments>();
  CLI::App* command = add_simple(commands, family, "remove", "Remove an entry, or all with a tag",
                                 "remove --tag outside", arguments, remove);
  command->add_option("key", arguments->key, "The key");
  command->add_option("--tag", arguments->tag, "All entries with this tag");
  add_dry_run(command, arguments->dry_run);
  arguments = arguments_of<CacheArguments>();
  command = add_simple(commands, family, "clear", "Remove all entries", "clear --dry-run",
                       arguments, clear);
  add_dry_run(command, arguments->dry_run);
  arguments = arguments_of<CacheArguments>();
  command = add_simple(commands, family, "list", "List entries", "list", arguments, list);
  command->add_option("prefix", arguments->prefix, "Only keys that begin so");
  command->add_option("--after", arguments->after, "Only keys greater than this one");
  command->add_option("--limit", arguments->limit, "At most so many")->capture_default_str();
  add_simple(commands, family, "stats", "Show sizes, hits and misses", "stats",
             arguments_of<CacheArguments>(), stats);
  auto configured = arguments_of<ConfigureArguments>();
  command =
      commands.add_to(family, "configure", "Set bound and time to live",
                      "holdfast cache configure --bytes-max 100000000 --ttl 24h",
                      [=](const Context& context) { return configure(context, *configured); });
  add_cache_name(command, configured->cache);
  command->add_option("--bytes-max", configured->bytes_max, "Bound in bytes")
      ->capture_default_str();
  command->add_option("--ttl", configured->ttl, "Where a put has none; 0: no end")
      ->capture_default_str();
}

}  // namespace holdfast::cli
