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
  bool may_create = if_absent == IfAbsent::kCreate || (if_absent == IfAbsent::kCreateForUser &&
                                                       location.origin == StoreOrigin::kUser);
  std::error_code error;
  auto status = std::filesystem::status(location.path, error);
  if (status.type() == std::filesystem::file_type::not_found || !error) {
    bool directory = std::filesystem::is_directory(status);
    bool absent =
        !std::filesystem::exists(status) || (directory && !holds_something(location.path));
    if (absent && !may_create) {
      std::string option = location.origin == StoreOrigin::kUser ? "" : " --store " + location.path;
      return Status(StatusCode::kNotAStore, "no store here (" + location.reason +
                                                "); make one with: holdfast init" + option)
          .with_path(location.path);
    }
  }
  return location.path;
}

Result<Store> Context::open_store(IfAbsent if_absent) const {
  HOLDFAST_ASSIGN(std::string path, store_path(if_absent));
  StoreOptions options = store_options();
  options.create = if_absent != IfAbsent::kRefuse;
  auto store = Store::open(path, options);
  if (!store && store.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotAStore, std::string(store.status().message())).with_path(path);
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
  return error || entries != std::filesystem::directory_iterator();
}

}  // namespace holdfast::cli
