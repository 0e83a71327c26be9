#include "graph/graph_space.h"

#include "process/unix_time.h"

namespace holdfast::graph {

Result<Space> graph_space(const Space& space) {
  return space.child("holdfast:graph");
}

Status update_graph(Store& store, const Space& space,
                    const std::function<Status(Graph& graph)>& change) {
  HOLDFAST_ASSIGN(const Space own, graph_space(space));
  return store
      .update([&](Transaction& transaction) -> Status {
        Graph graph(own.kv(transaction), process::unix_us());
        return change(graph);
      })
      .status();
}

Result<KnowledgeGraph> read_graph(Store& store, const Space& space) {
  HOLDFAST_ASSIGN(const Space own, graph_space(space));
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  return Graph(own.kv(snapshot), 0).read();
}

}  // namespace holdfast::graph
