#include "bench/workloads/loaded_stores.h"

#include <algorithm>

namespace holdfast::bench {

LoadedStore& LoadedStores::of(const Engine& engine) {
  std::unique_ptr<LoadedStore>& store = stores_[engine.name()];
  if (!store) {
    auto loaded = std::make_unique<LoadedStore>(directory_, "loaded_" + engine.name(), keys_);
    create_store(engine, loaded->setup);
    load_store(engine, loaded->setup, keys_);
    store = std::move(loaded);
  }
  return *store;
}

const std::vector<Key>& LoadedStores::sorted() {
  if (!sorted_.empty()) return sorted_;
  for (uint64_t i = 0; i < keys_; ++i) sorted_.push_back(VersionedRows::key(i));
  std::sort(sorted_.begin(), sorted_.end(),
            [](const Key& a, const Key& b) { return a.view() < b.view(); });
  return sorted_;
}

}  // namespace holdfast::bench
