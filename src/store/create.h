// Create: makes an empty store in a directory. The data file gets its name last, so a store either
// exists whole or not at all, whenever the process or the power dies.
//
// Who: open, holding the attach lock exclusively.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "holdfast/store.h"
#include "os/os.h"

namespace holdfast::store {

// A salvage that writes to NEW works in NEW.partial, which this file marks; see
// care/salvage_place.h.
inline constexpr const char* kSalvageMark = "SALVAGE";
inline constexpr const char* kSalvageSuffix = ".partial";

// What stands at `path`.
enum class PathState : uint8_t {
  kAbsent,   // nothing
  kEmpty,    // a directory with nothing, or only what an interrupted creation left
  kStore,    // a store
  kForeign,  // something else
};
Result<PathState> inspect_path(os::Os& os, const std::string& path);

// If a salvage that did not finish is what stands at `path` or would have become it: what to do.
std::optional<std::string> unfinished_salvage(os::Os& os, const std::string& path);

// Where the history of a new store begins: behind version `version`, committed at `time_us`. With
// `store_id` it goes on as that store.
struct Beginning {
  uint64_t version = 0;
  uint64_t time_us = 0;
  std::optional<std::array<char, 16>> store_id = {};
};

// REQUIRES: `path` is a directory, kEmpty. Errors: InvalidArgument (format options), Os's. The
// names are durable only after sync_entries().
Status create_store(os::Os& os, const std::string& path, const StoreOptions& options,
                    const Beginning& beginning = {});

// Makes the names of the store's files, and its own, durable. Every cold start does it: whoever
// created the store may have died between naming it and syncing the name.
Status sync_entries(os::Os& os, const std::string& path);

}  // namespace holdfast::store
