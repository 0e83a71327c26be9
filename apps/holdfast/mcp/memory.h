// Memory: the one store and the one space that a server serves. Opened when the first tool needs
// it, so that a server starts at once and a client that only looks opens nothing; opened again when
// the directory was replaced or the handle has gone.
//
// Thread-safety: all methods from any thread.
// Invariants:
//   1. A client reaches this space only: no tool takes the name of another.
//   2. The files of the store that is used are those that are at its path.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cli/context.h"
#include "cli/store_place.h"
#include "graph/graph.h"
#include "holdfast/claim.h"
#include "holdfast/queue.h"
#include "memory/keys.h"

namespace holdfast::mcp {

class Memory {
 public:
  explicit Memory(const cli::Context& context) : context_(context) {}

  // Errors: those of opening; NotAStore also when the store that was open has vanished.
  Result<Space> space();
  Result<StoreStats> stats();
  // Adds the vector of the query's text, where the space has vectors of a model that is at hand.
  Status embed_query(const Space& space, RecallQuery& query) const;
  Result<Watch> watch(const KeyRange& range);
  // What the keys of the space's observations, and those of its graph, begin with; nullopt: nobody
  // has written to it yet.
  Result<std::optional<std::string>> observations_prefix();
  Result<std::optional<std::string>> graph_prefix();
  // The knowledge graph of the drop-in mode.
  Status update_graph(const std::function<Status(graph::Graph& graph)>& change);
  Result<graph::KnowledgeGraph> graph();
  // With the store and the sub-space of its files.
  Status with_files(const std::function<Status(Store& store, const Space& files)>& work);
  // Where the store is, or would be; opens nothing.
  Result<std::string> store_path() const;

 private:
  // REQUIRES: mutex_ held.
  Status ensure_open();
  // What the rows of `kind` of the space begin with.
  Result<std::optional<std::string>> prefix_of(memory::KeyKind kind, const Space& space);
  // Handles of their own: what they do is done without the lock.
  Result<std::pair<std::shared_ptr<Store>, Space>> opened();

  const cli::Context& context_;
  std::mutex mutex_;
  std::shared_ptr<Store> store_;
  std::optional<Space> space_;
  cli::StorePlace place_;  // of the store that is open
};

}  // namespace holdfast::mcp
