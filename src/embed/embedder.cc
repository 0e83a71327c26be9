#include "holdfast/embedder.h"

#include "base/check.h"

namespace holdfast {

namespace {

bool computes(const Embedder& embedder, const VectorSpaceOptions& space) {
  return space.model == embedder.model() && space.model_version == embedder.model_version();
}

}  // namespace

Result<std::vector<std::vector<Embedder::Values>>> Embedder::embed_parts(
    std::span<const std::string> texts) {
  return std::vector<std::vector<Values>>(texts.size());
}

Result<Embedder::Values> Embedder::embed_question(const std::string&) {
  return Values();
}

Result<std::unique_ptr<Embedder>> embedder_of(const VectorSpaceOptions& space,
                                              const HttpEmbedderOptions& endpoint,
                                              const std::string& sentence_model_file) {
  if (space.model == kHashingModel) {
    auto hashing = hashing_embedder();
    return computes(*hashing, space) ? std::move(hashing) : nullptr;
  }
  if (space.model == kSentenceModel || space.model == kJoinedModel) {
    if (sentence_model_file.empty()) return std::unique_ptr<Embedder>();
    const bool is_joined = space.model == kJoinedModel;
    HOLDFAST_ASSIGN(auto sentence,
                    sentence_embedder(sentence_model_file, is_joined ? SentenceVectors::kJoined
                                                                     : SentenceVectors::kAlone));
    return computes(*sentence, space) ? std::move(sentence) : nullptr;
  }
  if (endpoint.url.empty()) return std::unique_ptr<Embedder>();
  HttpEmbedderOptions options = endpoint;
  options.model = space.model;
  options.model_version = space.model_version;
  return http_embedder(options);
}

std::string embedded_text(const NewObservation& observation) {
  if (!observation.title || observation.title->empty()) return observation.content;
  return *observation.title + "\n" + observation.content;
}

Result<std::vector<Embedding>> embeddings_of(Embedder& embedder,
                                             std::span<const std::string> texts) {
  HOLDFAST_ASSIGN(auto values, embedder.embed(texts));
  HOLDFAST_ASSIGN(auto parts, embedder.embed_parts(texts));
  CHECK(values.size() == texts.size() && parts.size() == texts.size());
  std::vector<Embedding> embeddings;
  for (size_t i = 0; i < texts.size(); ++i) {
    embeddings.push_back({std::string(embedder.model()), std::string(embedder.model_version()),
                          std::move(values[i]), std::move(parts[i])});
  }
  return embeddings;
}

Status embed_query(Embedder& embedder, RecallQuery& query, std::string_view vector_space) {
  HOLDFAST_ASSIGN(auto values, embedder.embed({&query.text, 1}));
  RecallVector vector;
  vector.values = std::move(values[0]);
  vector.space = vector_space;
  HOLDFAST_ASSIGN(vector.part, embedder.embed_question(query.text));
  vector.model = embedder.model();
  vector.model_version = embedder.model_version();
  query.vector = std::move(vector);
  query.vector_weight = embedder.vector_weight();
  return Status::ok();
}

}  // namespace holdfast
