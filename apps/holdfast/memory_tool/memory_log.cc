#include "memory_tool/memory_log.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "memory_tool/memory_files.h"

namespace holdfast::memory_tool {
namespace {

using cli::Json;

constexpr const char* kChanges = "changes";  // the stream
constexpr const char* kUndo = "undo";

// A command as it is noted: without texts, which the files' history has.
NewEvent note_of(const Json& command) {
  const bool is_rename = command["command"] == "rename";
  Json data = {{"path", command[is_rename ? "old_path" : "path"]}};
  if (is_rename) data["to"] = command["new_path"];
  return {.type = command["command"].get<std::string>(), .data = data.dump()};
}

NewEvent undoing_of(const MemoryChange& change) {
  const Json data = {{"path", change.path}, {"undoes", change.number}};
  return {.type = kUndo, .data = data.dump()};
}

Result<MemoryChange> change_of(const Event& event) {
  MemoryChange change{.number = event.number,
                      .version = event.version,
                      .time_us = event.time_us,
                      .command = event.type};
  try {
    const Json data = Json::parse(event.data);
    change.path = data.value("path", "");
    change.to = data.value("to", "");
    change.undoes = data.value("undoes", uint64_t{0});
  } catch (const Json::exception& error) {
    return Status(StatusCode::kCorruption,
                  "change " + std::to_string(event.number) +
                      " of the memory's files is malformed: " + error.what());
  }
  return change;
}

// Newest first, each with whether it was undone.
Result<std::vector<MemoryChange>> read_changes(const EventStream& stream) {
  std::vector<MemoryChange> changes;
  HOLDFAST_ASSIGN(const StreamInfo info, stream.info());
  for (EventReadOptions options{.from = info.first}; options.from < info.next;) {
    HOLDFAST_ASSIGN(const EventPage page, stream.read(options));
    for (const Event& event : page.events) {
      HOLDFAST_ASSIGN(changes.emplace_back(), change_of(event));
    }
    options.from = page.next;
  }
  std::reverse(changes.begin(), changes.end());
  std::set<uint64_t> undone;
  for (MemoryChange& change : changes) {
    change.undone = undone.count(change.number) > 0;
    if (!change.undone && change.undoes > 0) undone.insert(change.undoes);
  }
  return changes;
}

Result<MemoryChange> chosen_of(const std::vector<MemoryChange>& changes,
                               std::optional<uint64_t> number) {
  const auto found = std::find_if(changes.begin(), changes.end(), [&](const MemoryChange& change) {
    return number ? change.number == *number : !change.undone && change.undoes == 0;
  });
  if (found == changes.end()) {
    return Status(StatusCode::kNotFound, number
                                             ? "there is no change " + std::to_string(*number) +
                                                   " of the memory's files, or it is kept no longer"
                                             : "there is nothing to undo");
  }
  if (!found->undone) return *found;
  return Status(StatusCode::kConditionFalse,
                "change " + std::to_string(found->number) + " was undone before");
}

// The commits that put the files and directories that were there as of `version`, by their keys.
Result<std::map<std::string, uint64_t>> state_as_of(const Kv& kv, uint64_t version) {
  std::map<std::string, uint64_t> state;
  KvListOptions options{.keys_only = true};
  options.as_of = AsOf::version(version);
  HOLDFAST_TRY(kv.for_each(options, [&](const KvEntry& entry) {
    state.emplace(entry.key, entry.version);
    return Status::ok();
  }));
  return state;
}

struct Reversal {
  std::vector<std::string> puts;  // what is to be as it was before
  std::vector<std::string> dels;  // what was not there before
};

Result<Reversal> reversal_of(const Kv& kv, uint64_t version) {
  HOLDFAST_ASSIGN(const auto before, state_as_of(kv, version - 1));
  HOLDFAST_ASSIGN(const auto after, state_as_of(kv, version));
  Reversal reversal;
  for (const auto& [key, put_at] : after) {
    if (put_at == version) (before.count(key) > 0 ? reversal.puts : reversal.dels).push_back(key);
  }
  for (const auto& [key, put_at] : before) {
    if (after.count(key) == 0) reversal.puts.push_back(key);
  }
  // Directories before what is in them, and behind it when they go.
  std::sort(reversal.puts.begin(), reversal.puts.end());
  std::sort(reversal.dels.rbegin(), reversal.dels.rend());
  return reversal;
}

// Whether the file is as the commit of `version` left it. A directory has nothing to change.
Status check_unchanged(const Kv& kv, const std::string& key, uint64_t version) {
  if (key.ends_with('/')) return Status::ok();
  HOLDFAST_ASSIGN(const auto now, kv.get(key));
  HOLDFAST_ASSIGN(const auto then, kv.get_at(key, AsOf::version(version)));
  if (now == then) return Status::ok();
  return Status(StatusCode::kConditionFalse,
                "/memories/" + key + " was changed again since; undo that first");
}

Status reverse(const Kv& kv, uint64_t version) {
  HOLDFAST_ASSIGN(const Reversal reversal, reversal_of(kv, version));
  for (const auto* keys : {&reversal.puts, &reversal.dels}) {
    for (const std::string& key : *keys) HOLDFAST_TRY(check_unchanged(kv, key, version));
  }
  const MemoryFiles files(kv);
  for (const std::string& key : reversal.dels) HOLDFAST_TRY(files.take_away(key));
  for (const std::string& key : reversal.puts) {
    HOLDFAST_ASSIGN(const auto content, kv.get_at(key, AsOf::version(version - 1)));
    HOLDFAST_TRY(files.put_back(key, content.value_or("")));
  }
  return Status::ok();
}

}  // namespace

Status MemoryLog::keep_history(Store& store) const {
  HOLDFAST_ASSIGN(const auto histories, files_.kv().histories());
  if (!histories.empty()) return Status::ok();  // or as somebody has set it
  const auto begin = [&](Transaction& transaction) -> Status {
    const EventStream stream = files_.events(transaction).stream(kChanges);
    HOLDFAST_TRY(stream.retain({.age = kKeptTime, .count = kKeptChanges}));
    return files_.kv(transaction).keep_history({.age = kKeptTime, .count = kKeptVersions});
  };
  const Status status = store.update(begin).status();
  // More files than one commit takes, from before there was a history: they go on without one.
  return status.code() == StatusCode::kTooLarge ? Status::ok() : status;
}

Result<std::string> MemoryLog::run(Store& store, const Json& command) const {
  const bool only_reads =
      command.is_object() && command.contains("command") && command["command"] == "view";
  if (!only_reads) HOLDFAST_TRY(keep_history(store));
  std::string text;
  const auto execute = [&](Transaction& transaction) -> Status {
    HOLDFAST_ASSIGN(text, MemoryFiles(files_.kv(transaction)).run(command));
    if (only_reads) return Status::ok();
    return files_.events(transaction).stream(kChanges).append(note_of(command)).status();
  };
  HOLDFAST_TRY(store.update(execute).status());
  return text;
}

Result<std::vector<MemoryChange>> MemoryLog::changes() const {
  return read_changes(files_.events().stream(kChanges));
}

Result<MemoryChange> MemoryLog::undo(Store& store, std::optional<uint64_t> number) const {
  MemoryChange undone;
  const auto execute = [&](Transaction& transaction) -> Status {
    const EventStream stream = files_.events(transaction).stream(kChanges);
    HOLDFAST_ASSIGN(const auto changes, read_changes(stream));
    HOLDFAST_ASSIGN(undone, chosen_of(changes, number));
    HOLDFAST_TRY(reverse(files_.kv(transaction), undone.version));
    return stream.append(undoing_of(undone)).status();
  };
  HOLDFAST_TRY(store.update(execute).status());
  return undone;
}

Result<Space> memories_space(const Space& space) {
  return space.child("holdfast:memories");
}

}  // namespace holdfast::memory_tool
