#include <algorithm>
#include <utility>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

constexpr const char* kAtSnapshotHelp = "Read the snapshot of this name";
constexpr const char* kAtHelp = "As it was at this version or time, where history is kept";

struct PutArguments {
  std::string key;
  std::optional<std::string> value;
  std::string file;
  std::string ttl;
  std::optional<uint64_t> if_version;
};

// Takes a value in pieces: a small one is kept, a large one goes on to a blob. The store is opened,
// and perhaps made, when something was read: a command line that is wrong makes none.
class ValueInput {
 public:
  explicit ValueInput(const Context& context) : context_(context) {}

  Status take(std::string_view piece) {
    if (!writer_ && small_.size() + piece.size() <= kKvValueSizeMax) {
      small_.append(piece);
      return Status::ok();
    }
    if (!writer_) {
      HOLDFAST_TRY(open());
      HOLDFAST_ASSIGN(BlobWriter writer, space_->kv().write());
      writer_.emplace(std::move(writer));
      HOLDFAST_TRY(writer_->append(small_));
    }
    return writer_->append(piece);
  }

  // Returns the commit's version.
  Result<uint64_t> put(const std::string& key, const KvPutOptions& options) {
    HOLDFAST_TRY(open());
    std::optional<NewBlob> blob;
    if (writer_) {
      HOLDFAST_ASSIGN(NewBlob written, writer_->finish());
      blob.emplace(std::move(written));
      if (options.ttl.count() > 0 || options.if_version) {
        return Status(StatusCode::kInvalidArgument,
                      "values of over a MiB take neither --ttl nor --if-version");
      }
    }
    return store_->update([&](Transaction& transaction) {
      const Kv kv = space_->kv(transaction);
      return blob ? kv.put(key, *blob) : kv.put(key, small_, options);
    });
  }
  Status close() { return store_->close(); }

 private:
  Status open() {
    if (store_) return Status::ok();
    HOLDFAST_ASSIGN(Store store, context_.open_store(IfAbsent::kCreateForUser));
    store_.emplace(std::move(store));
    HOLDFAST_ASSIGN(Space space, context_.open_space(*store_));
    space_.emplace(std::move(space));
    return Status::ok();
  }

  const Context& context_;
  std::string small_;
  std::optional<Store> store_;
  std::optional<Space> space_;
  std::optional<BlobWriter> writer_;
};

Status put(const Context& context, const PutArguments& arguments) {
  KvPutOptions options{.if_version = arguments.if_version};
  if (!arguments.ttl.empty()) {
    HOLDFAST_ASSIGN(options.ttl, parse_duration(arguments.ttl));
  }
  ValueInput input(context);
  HOLDFAST_TRY(read_pieces(arguments.value, arguments.file,
                           [&](std::string_view piece) { return input.take(piece); }));
  HOLDFAST_ASSIGN(const uint64_t version, input.put(arguments.key, options));
  if (context.output().json()) {
    Json json;
    set_bytes(json, "key", arguments.key);
    json["version"] = version;
    context.output().print(json);
  }
  return input.close();
}

Status missing(const std::string& key, const Space& space) {
  return Status(StatusCode::kNotFound,
                "no key \"" + one_line(key, 80) + "\" in space " + space.path());
}

// The newest version, or the one that has a name.
Result<Snapshot> snapshot_of(Store& store, const std::string& name) {
  return name.empty() ? store.snapshot() : store.open_snapshot(name);
}

struct GetArguments {
  std::string key;
  std::string snapshot;
  std::string at;
  std::optional<std::string> path;
};

Status one_view(const std::string& snapshot, const std::string& at) {
  if (snapshot.empty() || at.empty()) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "--at and --at-snapshot: give one of them");
}

Json json_of(const KvEntry& entry, bool keys_only) {
  Json json;
  set_bytes(json, "key", entry.key);
  if (!keys_only && !entry.is_blob) set_bytes(json, "value", entry.value);
  json["bytes"] = entry.size;
  if (entry.is_blob) json["is_blob"] = true;
  json["version"] = entry.version;
  json["time_us"] = entry.time_us;
  if (entry.expires_us) json["expires_us"] = *entry.expires_us;
  return json;
}

Status print_value(const Output& output, KvReader& reader) {
  std::string piece(256u << 10, '\0');
  char last = '\0';
  while (true) {
    HOLDFAST_ASSIGN(const size_t count, reader.read(piece.data(), piece.size()));
    if (count == 0) break;
    output.raw(std::string_view(piece).substr(0, count));
    last = piece[count - 1];
  }
  if (output.terminal() && last != '\n') output.raw("\n");
  return Status::ok();
}

Status get_path(const Output& output, const Kv& kv, const Space& space,
                const GetArguments& arguments) {
  if (!arguments.at.empty()) {
    return Status(StatusCode::kInvalidArgument, "--path reads the latest value: leave --at out");
  }
  HOLDFAST_ASSIGN(const auto found, kv.get_json(arguments.key, *arguments.path));
  if (!found) {
    return Status(StatusCode::kNotFound, "nothing at " + one_line(*arguments.path, 80) +
                                             " of key \"" + one_line(arguments.key, 80) +
                                             "\" in space " + space.path());
  }
  output.line(*found);
  return Status::ok();
}

Status get(const Context& context, const GetArguments& arguments) {
  const std::string& key = arguments.key;
  HOLDFAST_TRY(one_view(arguments.snapshot, arguments.at));
  HOLDFAST_ASSIGN(const AsOf as_of, parse_at_option(arguments.at));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, snapshot_of(store, arguments.snapshot));
  const Kv kv = space.kv(snapshot);
  const Output& output = context.output();
  if (arguments.path) return get_path(output, kv, space, arguments);
  if (output.json() || as_of.kind != AsOf::Kind::kLatest) {
    HOLDFAST_ASSIGN(auto entry, kv.find_at(key, as_of));
    if (!entry) return missing(key, space);
    if (entry->is_blob) {
      HOLDFAST_ASSIGN(auto value, kv.get(key));
      entry->value = value.value_or("");
      entry->is_blob = false;
    }
    if (output.json()) {
      output.print(json_of(*entry, false));
      return Status::ok();
    }
    KvReader whole(std::move(entry->value));
    return print_value(output, whole);
  }
  HOLDFAST_ASSIGN(auto reader, kv.open(key));
  if (!reader) return missing(key, space);
  return print_value(output, *reader);
}

struct DelArguments {
  std::string key;
  bool dry_run = false;
};

// What `del` would take.
Status show_doomed(const Output& output, const Space& space, const std::string& key) {
  HOLDFAST_ASSIGN(const auto entry, space.kv().find(key));
  if (!entry) return missing(key, space);
  if (output.json()) {
    Json json;
    set_bytes(json, "key", key);
    json["bytes"] = entry->size;
    output.print(json);
  } else {
    output.line(printable(key) + " (" + size_text(entry->size) + ") would go");
  }
  return Status::ok();
}

Status del(const Context& context, const DelArguments& arguments) {
  const std::string& key = arguments.key;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  if (arguments.dry_run) return show_doomed(context.output(), space, key);
  auto version = store.update([&](Transaction& transaction) -> Status {
    Kv kv = space.kv(transaction);
    HOLDFAST_ASSIGN(auto value, kv.open(key));
    return value ? kv.del(key) : missing(key, space);
  });
  HOLDFAST_TRY(version.status());
  if (context.output().json()) {
    Json json;
    set_bytes(json, "key", key);
    json["version"] = *version;
    context.output().print(json);
  }
  return store.close();
}

void print_entries(const Output& output, const std::vector<KvEntry>& entries, bool keys_only) {
  Table table(keys_only ? std::vector<std::string>{"key"}
                        : std::vector<std::string>{"key", "bytes", "value"});
  for (const KvEntry& entry : entries) {
    if (output.json()) {
      output.print(json_of(entry, keys_only));
    } else if (keys_only) {
      output.line(printable(entry.key));
    } else {
      table.add({one_line(entry.key, 60), std::to_string(entry.size),
                 entry.is_blob ? "(large: holdfast get)" : one_line(entry.value, 60)});
    }
  }
  if (!table.empty()) table.print(output);
}

struct ListArguments {
  KvListOptions options;
  std::string snapshot;
  std::string at;
};

Status ls(const Context& context, const ListArguments& arguments) {
  KvListOptions options = arguments.options;
  HOLDFAST_TRY(one_view(arguments.snapshot, arguments.at));
  HOLDFAST_ASSIGN(options.as_of, parse_at_option(arguments.at));
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, snapshot_of(store, arguments.snapshot));
  size_t limit = options.limit;
  options.limit = std::min(limit + 1, kKvListLimitMax);  // one more tells whether there is more
  HOLDFAST_ASSIGN(std::vector<KvEntry> entries, space.kv(snapshot).list(options));
  bool more = entries.size() > limit;
  if (more) entries.resize(limit);
  print_entries(context.output(), entries, options.keys_only);
  if (more && !context.output().json()) {
    std::fprintf(stderr, "holdfast: there are more; go on with --after \"%s\"\n",
                 printable(entries.back().key).c_str());
  }
  return Status::ok();
}

void add_put(Commands& commands) {
  auto arguments = arguments_of<PutArguments>();
  CLI::App* command =
      commands.add(kGroupKeyValue, "put", "Set the value of a key",
                   "holdfast put greeting hello\n  date | holdfast put now -\n  holdfast put "
                   "lock mine --ttl 30s --if-version 0",
                   [arguments](const Context& context) { return put(context, *arguments); });
  command->add_option("key", arguments->key, "1 to 1,000 bytes")->required();
  command->add_option("value", arguments->value, "The value; - reads stdin");
  command->add_option("--file", arguments->file, "Read the value from this file");
  command->add_option("--ttl", arguments->ttl, "Gone after this time: 500ms, 90s, 15m, 12h, 30d");
  command->add_option("--if-version", arguments->if_version,
                      "Only if the key has this version; 0: only if it has no value");
}

}  // namespace

void add_kv_commands(Commands& commands) {
  add_put(commands);

  auto get_arguments = arguments_of<GetArguments>();
  CLI::App* get_command = commands.add(
      kGroupKeyValue, "get", "Print the value of a key, byte for byte",
      "holdfast get greeting\n  holdfast get greeting --at 2026-01-31T09:00:00Z\n  holdfast get "
      "config --path /server/port",
      [get_arguments](const Context& context) { return get(context, *get_arguments); });
  get_command->add_option("key", get_arguments->key, "The key")->required();
  get_command->add_option("--at-snapshot", get_arguments->snapshot, kAtSnapshotHelp);
  get_command->add_option("--at", get_arguments->at, kAtHelp)->type_name("VERSION|TIME");
  get_command->add_option("--path", get_arguments->path, "What is there in a JSON value")
      ->type_name("POINTER");

  auto deleted = arguments_of<DelArguments>();
  CLI::App* command =
      commands.add(kGroupKeyValue, "del", "Remove a key", "holdfast del greeting",
                   [deleted](const Context& context) { return del(context, *deleted); });
  command->add_option("key", deleted->key, "The key")->required();
  add_dry_run(command, deleted->dry_run);

  auto list = arguments_of<ListArguments>();
  command = commands.add(kGroupKeyValue, "ls", "List keys and values in order",
                         "holdfast ls config/\n  holdfast ls config/ --at 1200",
                         [list](const Context& context) { return ls(context, *list); });
  command->add_option("prefix", list->options.prefix, "Only keys that begin so");
  command->add_option("--after", list->options.after, "Only keys greater than this one");
  command->add_option("--limit", list->options.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kKvListLimitMax - 1))
      ->capture_default_str();
  command->add_option("--from", list->options.begin, "Only keys not less than this one");
  command->add_option("--until", list->options.end, "Only keys less than this one");
  command->add_option("--at-snapshot", list->snapshot, kAtSnapshotHelp);
  command->add_option("--at", list->at, kAtHelp)->type_name("VERSION|TIME");
  command->add_flag("--keys", list->options.keys_only, "Keys only");
}

}  // namespace holdfast::cli
