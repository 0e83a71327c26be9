// Where a project's knowledge graph is, for all who use it.
#pragma once

#include <functional>

#include "graph/graph.h"
#include "holdfast/space.h"
#include "holdfast/store.h"

namespace holdfast::graph {

// By which clients know it.
constexpr const char* kGraphUri = "memory://knowledge-graph";

// The sub-space of `space` that holds it.
Result<Space> graph_space(const Space& space);

// Changes it in one transaction; `change` may run more than once.
Status update_graph(Store& store, const Space& space,
                    const std::function<Status(Graph& graph)>& change);
Result<KnowledgeGraph> read_graph(Store& store, const Space& space);

}  // namespace holdfast::graph
