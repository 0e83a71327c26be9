// What every command gets: the global options, the output, and the store and space they name.
#pragma once

#include <memory>
#include <string>

#include "cli/output.h"
#include "cli/resolve.h"
#include "holdfast/space.h"
#include "holdfast/store.h"

namespace holdfast::cli {

struct GlobalOptions {
  std::string store;
  std::string space;
  bool json = false;
  std::string durability = "strict";
  double timeout_seconds = 30;
};

// Whether a command may make a store that is not there. Reading never does. Writing does so only in
// the user's data directory, which nobody can mistype: a wrong --store must not become a new store.
enum class IfAbsent : uint8_t { kRefuse, kCreateForUser };

class Context {
 public:
  Context(GlobalOptions options, Surroundings surroundings);

  const GlobalOptions& options() const { return options_; }
  const Surroundings& surroundings() const { return surroundings_; }
  const Output& output() const { return output_; }

  Result<StoreLocation> store_location() const {
    return resolve_store(surroundings_, options_.store);
  }
  Result<SpaceName> space_name() const { return resolve_space(surroundings_, options_.space); }

  StoreOptions store_options() const;
  Result<Store> open_store(IfAbsent if_absent) const;
  // Opens the store at `path`, making it if it is not there.
  Result<Store> make_store(const std::string& path) const;
  // Checks that a store is there, or may be made, without opening it; returns its path.
  Result<std::string> store_path(IfAbsent if_absent) const;
  Result<Space> open_space(Store& store) const;

 private:
  Result<Store> open_at(const std::string& path, bool create) const;

  GlobalOptions options_;
  Surroundings surroundings_;
  Output output_;
};

// True if `path` is a directory with something in it.
bool holds_something(const std::string& path);

}  // namespace holdfast::cli
