// LoadedStores: one store per engine with the same rows, loaded in random order once and used by
// all workloads that need a large warm store (W4, W5, idle).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/workloads/versioned_rows.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {

struct LoadedStore {
  LoadedStore(const std::string& parent, const std::string& name, uint64_t keys)
      : folder(parent, name), setup{folder.path(), Durability::kBatched}, rows(keys) {}
  CaseFolder folder;
  Setup setup;
  VersionedRows rows;
};

class LoadedStores {
 public:
  LoadedStores(std::string directory, uint64_t keys)
      : directory_(std::move(directory)), keys_(keys) {}

  LoadedStore& of(const Engine& engine);
  // The keys in order.
  const std::vector<Key>& sorted();

 private:
  std::string directory_;
  uint64_t keys_;
  std::vector<Key> sorted_;
  std::map<std::string, std::unique_ptr<LoadedStore>> stores_;
};

}  // namespace holdfast::bench
