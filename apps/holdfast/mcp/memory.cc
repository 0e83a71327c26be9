#include "mcp/memory.h"

#include <filesystem>
#include <utility>

#include "cli/embedding.h"
#include "files/file_tree.h"
#include "graph/graph_space.h"
#include "memory/catalog.h"
#include "memory/keys.h"
#include "search/store_keyspace.h"

namespace holdfast::mcp {
Status Memory::ensure_open() {
  if (store_) {
    if (place_.is_same()) return Status::ok();
    // Where another has been put, that one is opened; else the next who asks tries again.
    std::error_code error;
    const bool is_replaced = std::filesystem::is_directory(store_->path(), error) &&
                             cli::holds_something(store_->path());
    space_.reset();
    store_.reset();
    if (!is_replaced) return place_.check();
  }
  HOLDFAST_ASSIGN(Store store, context_.open_store(cli::IfAbsent::kCreateForUser));
  HOLDFAST_ASSIGN(Space space, context_.open_space(store));
  place_ = cli::StorePlace(store);
  store_ = std::make_shared<Store>(std::move(store));
  space_.emplace(std::move(space));
  return Status::ok();
}

Result<Space> Memory::space() {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  return *space_;
}

Result<StoreStats> Memory::stats() {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  return store_->stats();
}

Result<Watch> Memory::watch(const KeyRange& range) {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  return store_->watch(range);
}

Result<std::optional<std::string>> Memory::prefix_of(memory::KeyKind kind, const Space& space) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store_->snapshot());
  search::ReaderSource source(snapshot);
  HOLDFAST_ASSIGN(const auto id, memory::find_space(source, space.segments()));
  if (!id) return std::optional<std::string>();
  return std::optional(memory::space_prefix(kind, *id));
}

Status Memory::embed_query(const Space& space, RecallQuery& query) const {
  return cli::embed_query(context_, space, cli::QueryEmbedding::kWherePossible, {}, query);
}

Result<std::optional<std::string>> Memory::observations_prefix() {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  return prefix_of(memory::KeyKind::kRow, *space_);
}

Result<std::optional<std::string>> Memory::graph_prefix() {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  HOLDFAST_ASSIGN(const Space space, graph::graph_space(*space_));
  return prefix_of(memory::KeyKind::kKv, space);
}

Result<std::pair<std::shared_ptr<Store>, Space>> Memory::opened() {
  const std::lock_guard guard(mutex_);
  HOLDFAST_TRY(ensure_open());
  return std::pair(store_, *space_);
}

Status Memory::update_graph(const std::function<Status(graph::Graph& graph)>& change) {
  HOLDFAST_ASSIGN(const auto open, opened());
  return graph::update_graph(*open.first, open.second, change);
}

Result<graph::KnowledgeGraph> Memory::graph() {
  HOLDFAST_ASSIGN(const auto open, opened());
  return graph::read_graph(*open.first, open.second);
}

Status Memory::with_files(const std::function<Status(Store& store, const Space& files)>& work) {
  HOLDFAST_ASSIGN(const auto open, opened());
  HOLDFAST_ASSIGN(const Space files, files::files_space(open.second));
  return work(*open.first, files);
}

Result<std::string> Memory::store_path() const {
  HOLDFAST_ASSIGN(const cli::StoreLocation location, context_.store_location());
  return location.path;
}

}  // namespace holdfast::mcp
