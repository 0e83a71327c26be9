// Which store and which space a command means, and why. One resolver for every command: a name that
// is derived differently on write and on read makes memory vanish.
//
// Thread-safety: pure functions of the environment given and the file system.
// Invariants:
//   1. Reading and writing commands resolve alike.
//   2. Every work tree of one git repository, and every directory in it, has the same space, and,
//      where no store is nearer, the one of the main work tree.
//   3. Nothing is created.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "holdfast/status.h"

namespace holdfast::cli {

// What the answer depends on; tests give their own.
struct Surroundings {
  std::string directory;  // absolute
  std::function<std::optional<std::string>(const char* name)> variable;

  static Result<Surroundings> of_process();
};

enum class StoreOrigin : uint8_t { kOption, kVariable, kProject, kUser };

struct StoreLocation {
  std::string path;  // absolute
  StoreOrigin origin = StoreOrigin::kUser;
  std::string reason;  // "--store", "nearest .holdfast/ upwards" ...
};

struct SpaceName {
  std::string path;  // "project/holdfast-0123456789ab"
  std::string reason;
  // Where the name comes from a path: the file whose first line would keep it when the project is
  // moved or renamed (`init` writes it), if there is a place for one.
  std::string kept_by = {};
};

constexpr const char* kProjectStoreName = ".holdfast";
constexpr const char* kIdFileName = ".holdfast-id";
// The same inside of .git/ or .holdfast/: it moves with them, and nobody commits it.
constexpr const char* kKeptIdFileName = "holdfast-id";
constexpr const char* kProjectSpaces = "project/";

// `option` is the value of --store, empty if not given.
// Errors: NotAStore (no place for a user's data: neither XDG_DATA_HOME nor HOME).
Result<StoreLocation> resolve_store(const Surroundings& surroundings, const std::string& option);

// `option` is the value of --space. Errors: InvalidArgument (an id file without a usable id).
Result<SpaceName> resolve_space(const Surroundings& surroundings, const std::string& option);

// Whether `path` may be one segment of a space.
Status check_segment(const std::string& segment);

}  // namespace holdfast::cli
