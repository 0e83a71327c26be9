#include "holdfast/embedder.h"

namespace holdfast {

Result<std::unique_ptr<Embedder>> embedder_of(const VectorSpaceOptions& space,
                                              const HttpEmbedderOptions& endpoint) {
  auto hashing = hashing_embedder();
  if (space.model == hashing->model() && space.model_version == hashing->model_version()) {
    return hashing;
  }
  if (endpoint.url.empty() || space.model == hashing->model()) return std::unique_ptr<Embedder>();
  HttpEmbedderOptions options = endpoint;
  options.model = space.model;
  options.model_version = space.model_version;
  return http_embedder(options);
}

std::string embedded_text(const NewObservation& observation) {
  if (!observation.title || observation.title->empty()) return observation.content;
  return *observation.title + "\n" + observation.content;
}

Status embed_query(Embedder& embedder, RecallQuery& query, std::string_view vector_space) {
  HOLDFAST_ASSIGN(auto values, embedder.embed({&query.text, 1}));
  RecallVector vector;
  vector.values = std::move(values[0]);
  vector.space = vector_space;
  vector.model = embedder.model();
  vector.model_version = embedder.model_version();
  query.vector = std::move(vector);
  query.vector_weight = embedder.vector_weight();
  return Status::ok();
}

}  // namespace holdfast
