#include "bench/workloads/workload.h"

#include <filesystem>

#include "bench/crew.h"

namespace holdfast::bench {

const WorkloadKind* find_workload(std::string_view name) {
  for (const WorkloadKind& kind : kWorkloads) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

CaseFolder::CaseFolder(const std::string& parent, const std::string& name)
    : path_(parent + "/" + name) {
  std::filesystem::create_directories(path_);
  require(std::filesystem::is_empty(path_), path_ + " is in use");
}

CaseFolder::~CaseFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void create_store(const Engine& engine, const Setup& setup) {
  require(run_apart([&] { engine.create(setup); }), engine.name() + " could not make its store");
}

void load_store(const Engine& engine, const Setup& setup, uint64_t count) {
  constexpr uint64_t kRowsPerTransaction = 10'000;
  const bool loaded = run_apart([&] {
    const std::unique_ptr<Session> session = engine.open(setup);
    std::vector<Row> rows;
    for (uint64_t i = 0; i < count; ++i) {
      rows.emplace_back(0, i);
      if (rows.size() < kRowsPerTransaction && i + 1 < count) continue;
      session->load(rows, false);
      rows.clear();
    }
  });
  require(loaded, engine.name() + " could not load its store");
}

}  // namespace holdfast::bench
