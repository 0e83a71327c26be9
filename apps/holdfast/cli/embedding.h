// Which embedder the environment gives, and the vector of a query by it.
//
//   HOLDFAST_EMBED_URL      an endpoint that speaks as OpenAI's embeddings do
//   HOLDFAST_EMBED_MODEL    the model that a new vector space has; without a URL it is built in
//   HOLDFAST_EMBED_API_KEY  its key
#pragma once

#include <memory>

#include "cli/context.h"
#include "holdfast/embedder.h"

namespace holdfast::cli {

HttpEmbedderOptions endpoint_of(const Surroundings& surroundings);

// Errors: NotFound: nothing computes vectors of this model here.
Result<std::unique_ptr<Embedder>> require_embedder(const VectorSpaceOptions& space,
                                                   const HttpEmbedderOptions& endpoint);

enum class QueryEmbedding : uint8_t {
  kWherePossible,  // else by words alone; what went wrong with an endpoint is said on stderr
  kRequired,
  kNone,
};
// Gives the query its vector in `main`, and, unless one is given, that vector's weight.
// Errors: those of the store; where it is required, NotFound (no vector space, nothing that
// computes its model's vectors) and those of the embedder.
Status embed_query(const Context& context, const Space& space, QueryEmbedding how,
                   std::optional<double> vector_weight, RecallQuery& query);

}  // namespace holdfast::cli
