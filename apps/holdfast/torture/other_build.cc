#include "torture/other_build.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "process/shared_area.h"
#include "torture/limits.h"

namespace holdfast::torture {
namespace {

using Json = nlohmann::json;

constexpr int kNotExecuted = 127;

std::string order_of(Role role, const WorkerOptions& options, int findings_fd) {
  Json json;
  json["layout"] = sizeof(Findings);
  json["findings_fd"] = findings_fd;
  json["role"] = role;
  json["store_path"] = options.store_path;
  json["ledger_path"] = options.ledger_path;
  json["seed"] = options.seed;
  json["worker"] = options.worker;
  json["writers"] = options.writers;
  json["sets_up"] = options.sets_up;
  json["forks"] = options.forks;
  json["may_run_out"] = options.may_run_out;
  json["file_mib_max"] = options.file_mib_max;
  json["durability"] = options.store.durability;
  json["deadline_ms"] = options.store.deadline.count();
  json["segment_size_bytes"] = options.store.segment_size_bytes;
  json["guard_mappings"] = options.store.guard_mappings;
  json["actor"] = options.store.actor;
  return json.dump();
}

WorkerOptions options_of(const Json& json) {
  WorkerOptions options;
  options.store_path = json.at("store_path");
  options.ledger_path = json.at("ledger_path");
  options.seed = json.at("seed");
  options.worker = json.at("worker");
  options.writers = json.at("writers");
  options.sets_up = json.at("sets_up");
  options.forks = json.at("forks");
  options.may_run_out = json.at("may_run_out");
  options.file_mib_max = json.at("file_mib_max");
  options.store.durability = json.at("durability");
  options.store.deadline = std::chrono::milliseconds(json.at("deadline_ms").get<int64_t>());
  options.store.segment_size_bytes = json.at("segment_size_bytes");
  options.store.guard_mappings = json.at("guard_mappings");
  options.store.actor = json.at("actor");
  return options;
}

int refuse(const char* why) {
  std::fprintf(stderr, "holdfast torture: %s\n", why);
  return kNotExecuted;
}

}  // namespace

Status can_execute(const std::string& program) {
  if (::access(program.c_str(), X_OK) == 0) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "--with names no program that can be executed")
      .with_path(program);
}

int execute(const std::string& program, Role role, const WorkerOptions& options, int findings_fd) {
  const std::string order = order_of(role, options, findings_fd);
  if (::fcntl(findings_fd, F_SETFD, 0) == 0) {
    ::execl(program.c_str(), program.c_str(), "torture", "--order", order.c_str(), nullptr);
  }
  return refuse("the program of --with cannot be executed");
}

int run_order(const std::string& order) {
  const Json json = Json::parse(order, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("layout", size_t{0}) != sizeof(Findings)) {
    return refuse("the order is another revision's; its torture differs from this one's");
  }
  const process::SharedArea<Findings> findings(json.at("findings_fd").get<int>());
  const WorkerOptions options = options_of(json);
  return run_worker(json.at("role").get<Role>(), options, *findings);
}

}  // namespace holdfast::torture
