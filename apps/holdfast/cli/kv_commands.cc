#include <algorithm>
#include <utility>

#include "cli/commands.h"
#include "cli/input.h"

namespace holdfast::cli {
namespace {

constexpr const char* kAtSnapshotHelp = "Read the snapshot of this name";

struct PutArguments {
  std::string key;
  std::optional<std::string> value;
  std::string file;
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
  Result<uint64_t> put(const std::string& key) {
    HOLDFAST_TRY(open());
    std::optional<NewBlob> blob;
    if (writer_) {
      HOLDFAST_ASSIGN(NewBlob written, writer_->finish());
      blob.emplace(std::move(written));
    }
    return store_->update([&](Transaction& transaction) {
      const Kv kv = space_->kv(transaction);
      return blob ? kv.put(key, *blob) : kv.put(key, small_);
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
  ValueInput input(context);
  HOLDFAST_TRY(read_pieces(arguments.value, arguments.file,
                           [&](std::string_view piece) { return input.take(piece); }));
  HOLDFAST_ASSIGN(const uint64_t version, input.put(arguments.key));
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
};

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

Status get(const Context& context, const GetArguments& arguments) {
  const std::string& key = arguments.key;
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
  HOLDFAST_ASSIGN(Snapshot snapshot, snapshot_of(store, arguments.snapshot));
  const Kv kv = space.kv(snapshot);
  const Output& output = context.output();
  if (output.json()) {
    HOLDFAST_ASSIGN(auto value, kv.get(key));
    if (!value) return missing(key, space);
    Json json;
    set_bytes(json, "key", key);
    set_bytes(json, "value", *value);
    output.print(json);
    return Status::ok();
  }
  HOLDFAST_ASSIGN(auto reader, kv.open(key));
  if (!reader) return missing(key, space);
  return print_value(output, *reader);
}

Status del(const Context& context, const std::string& key) {
  HOLDFAST_ASSIGN(Store store, context.open_store(IfAbsent::kRefuse));
  HOLDFAST_ASSIGN(Space space, context.open_space(store));
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
      Json json;
      set_bytes(json, "key", entry.key);
      if (!keys_only && !entry.is_blob) set_bytes(json, "value", entry.value);
      json["bytes"] = entry.size;
      if (entry.is_blob) json["is_blob"] = true;
      output.print(json);
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
};

Status ls(const Context& context, const ListArguments& arguments) {
  KvListOptions options = arguments.options;
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
                   "holdfast put greeting hello\n  date | holdfast put now -",
                   [arguments](const Context& context) { return put(context, *arguments); });
  command->add_option("key", arguments->key, "1 to 1,000 bytes")->required();
  command->add_option("value", arguments->value, "The value; - reads stdin");
  command->add_option("--file", arguments->file, "Read the value from this file");
}

}  // namespace

void add_kv_commands(Commands& commands) {
  add_put(commands);

  auto get_arguments = arguments_of<GetArguments>();
  CLI::App* get_command = commands.add(
      kGroupKeyValue, "get", "Print the value of a key, byte for byte", "holdfast get greeting",
      [get_arguments](const Context& context) { return get(context, *get_arguments); });
  get_command->add_option("key", get_arguments->key, "The key")->required();
  get_command->add_option("--at-snapshot", get_arguments->snapshot, kAtSnapshotHelp);

  auto del_key = arguments_of<std::string>();
  commands
      .add(kGroupKeyValue, "del", "Remove a key", "holdfast del greeting",
           [del_key](const Context& context) { return del(context, *del_key); })
      ->add_option("key", *del_key, "The key")
      ->required();

  auto list = arguments_of<ListArguments>();
  CLI::App* command =
      commands.add(kGroupKeyValue, "ls", "List keys and values in order", "holdfast ls config/",
                   [list](const Context& context) { return ls(context, *list); });
  command->add_option("prefix", list->options.prefix, "Only keys that begin so");
  command->add_option("--after", list->options.after, "Only keys greater than this one");
  command->add_option("--limit", list->options.limit, "At most so many")
      ->check(CLI::Range(size_t{1}, kKvListLimitMax - 1))
      ->capture_default_str();
  command->add_option("--at-snapshot", list->snapshot, kAtSnapshotHelp);
  command->add_flag("--keys", list->options.keys_only, "Keys only");
}

}  // namespace holdfast::cli
