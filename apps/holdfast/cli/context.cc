#include "cli/context.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace holdfast::cli {

Context::Context(GlobalOptions options, Surroundings surroundings)
    : options_(std::move(options)),
      surroundings_(std::move(surroundings)),
      output_(options_.json) {}

StoreOptions Context::store_options() const {
  StoreOptions options;
  options.guard_mappings = true;  // nobody else in this process wants SIGBUS
  options.durability = options_.durability == "batched" ? Durability::batched : Durability::strict;
  options.deadline =
      std::chrono::milliseconds(static_cast<int64_t>(options_.timeout_seconds * 1e3));
  std::string user = surroundings_.variable("USER").value_or("");
  options.actor = surroundings_.variable("HOLDFAST_ACTOR")
                      .value_or(user.empty() ? "holdfast" : "holdfast:" + user)
                      .substr(0, 128);
  return options;
}

Result<std::string> Context::store_path(IfAbsent if_absent) const {
  HOLDFAST_ASSIGN(StoreLocation location, store_location());
  std::error_code error;
  auto status = std::filesystem::status(location.path, error);
  using std::filesystem::file_type;
  bool absent = status.type() == file_type::not_found ||
                (status.type() == file_type::directory && !holds_something(location.path));
  if (!absent && status.type() != file_type::directory && !error) {
    return Status(StatusCode::kNotAStore,
                  "a store is a directory and this is not (" + location.reason + ")")
        .with_path(location.path);
  }
  bool may_create = if_absent == IfAbsent::kCreateForUser && location.origin == StoreOrigin::kUser;
  if (absent && !may_create) {
    bool user = location.origin == StoreOrigin::kUser;
    return Status(StatusCode::kNotAStore, "no store here (" + location.reason +
                                              "); make one with: holdfast init" +
                                              (user ? "" : " --store " + location.path))
        .with_path(location.path);
  }
  return location.path;
}

Result<Store> Context::open_store(IfAbsent if_absent) const {
  HOLDFAST_ASSIGN(std::string path, store_path(if_absent));
  return open_at(path, if_absent == IfAbsent::kCreateForUser);
}

Result<Store> Context::make_store(const std::string& path) const {
  return open_at(path, true);
}

Result<Store> Context::open_at(const std::string& path, bool create) const {
  StoreOptions options = store_options();
  options.create = create;
  auto store = Store::open(path, options);
  // Exit code 1 is for keys and observations that are not found, never for the store itself.
  if (!store && store.status().code() == StatusCode::kNotFound) {
    Status status(StatusCode::kNotAStore, std::string(store.status().message()));
    return std::move(status).with_path(store.status().path());
  }
  return store;
}

Result<Space> Context::open_space(Store& store) const {
  HOLDFAST_ASSIGN(SpaceName name, space_name());
  return store.space(name.path);
}

bool holds_something(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entries(path, error);
  if (error) return error != std::errc::no_such_file_or_directory;
  return entries != std::filesystem::directory_iterator();
}

}  // namespace holdfast::cli
