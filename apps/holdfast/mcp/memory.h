// Memory: the one store and the one space that a server serves. Opened when the first tool needs
// it, so that a server starts at once and a client that only looks opens nothing; opened again when
// the directory was replaced or the handle has gone.
//
// Thread-safety: all methods from any thread.
// Invariants:
//   1. A client reaches this space only: no tool takes the name of another.
//   2. The files of the store that is used are those that are at its path.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "cli/context.h"
#include "holdfast/claim.h"
#include "holdfast/queue.h"

namespace holdfast::mcp {

class Memory {
 public:
  explicit Memory(const cli::Context& context) : context_(context) {}

  // Errors: those of opening; NotAStore also when the store that was open has vanished.
  Result<Space> space();
  Result<StoreStats> stats();
  Result<Watch> watch(const KeyRange& range);
  // What the keys of the space's observations begin with; nullopt: nobody has written to it yet.
  Result<std::optional<std::string>> observations_prefix();
  // Where the store is, or would be; opens nothing.
  Result<std::string> store_path() const;

 private:
  // REQUIRES: mutex_ held.
  Status ensure_open();

  const cli::Context& context_;
  std::mutex mutex_;
  std::optional<Store> store_;
  std::optional<Space> space_;
  std::string identity_;  // of the directory that is open
};

}  // namespace holdfast::mcp
