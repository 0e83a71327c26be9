// Which embedder the environment gives, and the vector of a query by it.
//
//   HOLDFAST_EMBED_URL      an endpoint that speaks as OpenAI's embeddings do
//   HOLDFAST_EMBED_MODEL    the model that a new vector space has; without a URL it is built in
//   HOLDFAST_EMBED_API_KEY  its key
//   HOLDFAST_MODEL          the file of the sentence model; else it is where `model install` puts
//                           it, or in holdfast/models/ of one of XDG_DATA_DIRS
#pragma once

#include <memory>

#include "cli/context.h"
#include "holdfast/embedder.h"

namespace holdfast::cli {

// Where vectors can come from, beside what needs nothing.
struct Sources {
  HttpEmbedderOptions endpoint;
  std::string sentence_model_file = {};  // empty: none is installed
};
Sources sources_of(const Surroundings& surroundings);

// The file of the sentence model; empty: there is none.
std::string sentence_model_file(const Surroundings& surroundings);
// Where the user's own is. Errors: NotFound: neither XDG_DATA_HOME nor HOME is set.
Result<std::string> own_sentence_model_file(const Surroundings& surroundings);

// The model that new vectors are of: the one that is asked for or that the environment names, else
// the best that is built in; where no version is given, the one that is there. Errors: those of the
// sentence model's file.
Result<VectorSpaceOptions> wanted_model(const Sources& sources, const std::string& model,
                                        const std::string& model_version);

// Errors: NotFound: nothing computes vectors of this model here.
Result<std::unique_ptr<Embedder>> require_embedder(const VectorSpaceOptions& space,
                                                   const Sources& sources);

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
