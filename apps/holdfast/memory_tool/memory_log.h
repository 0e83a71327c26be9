// MemoryLog: the files under /memories as a store keeps them. Each command is one commit, which
// also notes in a stream of events what was done; what the files were before can be read and
// brought back as long as it is kept: for kKeptTime, kKeptVersions of each file.
//
// Thread-safety: that of Store and Space. Any number of processes run commands at once.
// Invariants:
//   1. A command that changed something and its note are one commit.
//   2. An undoing takes back exactly what one change did, or nothing: where a file of it was
//      changed again since, it is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "holdfast/space.h"
#include "holdfast/store.h"

namespace holdfast::memory_tool {

constexpr std::chrono::hours kKeptTime = std::chrono::hours(24 * 30);
constexpr uint64_t kKeptVersions = 100;
constexpr uint64_t kKeptChanges = 10'000;

struct MemoryChange {
  uint64_t number = 0;
  uint64_t version = 0;  // of the commit
  int64_t time_us = 0;
  std::string command = {};  // create, str_replace, insert, delete, rename, undo
  std::string path = {};     // "/memories/..."; of an undoing: of what it undid
  std::string to = {};       // of a rename
  uint64_t undoes = 0;       // of an undoing: the number of the change
  bool undone = false;       // by a later one that holds
};

class MemoryLog {
 public:
  // `files`: that of memories_space().
  explicit MemoryLog(Space files) : files_(std::move(files)) {}

  // Runs a command of the model in one commit; see MemoryFiles::run.
  Result<std::string> run(Store& store, const cli::Json& command) const;

  // What was done, newest first.
  Result<std::vector<MemoryChange>> changes() const;

  // Takes back what change `number` did, or the newest that was neither undone nor is an undoing;
  // an undoing is undone, too. Returns what was undone. Errors: NotFound (there is no such change),
  // ConditionFalse (it was undone before; a file was changed again since), TooOld (what was there
  // before is kept no longer).
  Result<MemoryChange> undo(Store& store, std::optional<uint64_t> number) const;

 private:
  Status keep_history(Store& store) const;

  Space files_;
};

// The sub-space of `space` that holds the files, apart from what people put there.
Result<Space> memories_space(const Space& space);

}  // namespace holdfast::memory_tool
