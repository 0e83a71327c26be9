#include "cli/embedding.h"

#include <algorithm>
#include <cstdio>

namespace holdfast::cli {

HttpEmbedderOptions endpoint_of(const Surroundings& surroundings) {
  const auto variable = [&](const char* name) { return surroundings.variable(name).value_or(""); };
  HttpEmbedderOptions endpoint;
  endpoint.url = variable("HOLDFAST_EMBED_URL");
  endpoint.model = variable("HOLDFAST_EMBED_MODEL");
  endpoint.api_key = variable("HOLDFAST_EMBED_API_KEY");
  return endpoint;
}

Result<std::unique_ptr<Embedder>> require_embedder(const VectorSpaceOptions& space,
                                                   const HttpEmbedderOptions& endpoint) {
  HOLDFAST_ASSIGN(auto embedder, embedder_of(space, endpoint));
  if (embedder) return embedder;
  return Status(StatusCode::kNotFound,
                "nothing here computes vectors of model \"" + space.model +
                    "\"; set HOLDFAST_EMBED_URL to an endpoint that has it, or use the model \"" +
                    std::string(kHashingModel) + "\"");
}

Status embed_query(const Context& context, const Space& space, QueryEmbedding how,
                   std::optional<double> vector_weight, RecallQuery& query) {
  if (how == QueryEmbedding::kNone || query.text.empty()) return Status::ok();
  const bool is_required = how == QueryEmbedding::kRequired;
  HOLDFAST_ASSIGN(const auto spaces, space.vectors().list());
  const auto main = std::find_if(spaces.begin(), spaces.end(), [](const VectorSpace& one) {
    return one.name == kMainVectorSpace;
  });
  if (main == spaces.end()) {
    if (!is_required) return Status::ok();
    return Status(StatusCode::kNotFound,
                  "space " + space.path() + " has no vectors yet; run `holdfast embed`");
  }
  // Whoever asks does not wait as long as whoever fills.
  HttpEmbedderOptions endpoint = endpoint_of(context.surroundings());
  endpoint.connect_timeout = std::chrono::seconds(1);
  endpoint.timeout = std::chrono::seconds(5);
  endpoint.attempts_max = is_required ? 2 : 1;
  HOLDFAST_ASSIGN(const auto embedder,
                  is_required ? require_embedder(*main, endpoint) : embedder_of(*main, endpoint));
  if (!embedder) return Status::ok();
  const Status done = holdfast::embed_query(*embedder, query);
  if (!done && is_required) return done;
  if (!done) {
    std::fprintf(stderr, "holdfast: found by words alone: %s\n",
                 printable(done.to_string()).c_str());
    return Status::ok();
  }
  query.vector_weight = vector_weight.value_or(query.vector_weight);
  return Status::ok();
}

}  // namespace holdfast::cli
