#include "holdfast/embedder.h"

#include "base/check.h"

namespace holdfast {

namespace {

bool computes(const Embedder& embedder, const VectorSpaceOptions& space) {
  return space.model == embedder.model() && space.model_version == embedder.model_version();
}

}  // namespace

Result<std::vector<Embedder::WithParts>> Embedder::embed_with_parts(
    std::span<const std::string> texts) {
  HOLDFAST_ASSIGN(auto values, embed(texts));
  std::vector<WithParts> all;
  for (Values& one : values) all.push_back({std::move(one), {}});
  return all;
}

Result<Embedder::Question> Embedder::embed_question(const std::string& question) {
  HOLDFAST_ASSIGN(auto values, embed({&question, 1}));
  return Question{std::move(values[0]), {}};
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
  HOLDFAST_ASSIGN(auto all, embedder.embed_with_parts(texts));
  CHECK(all.size() == texts.size());
  std::vector<Embedding> embeddings;
  for (Embedder::WithParts& one : all) {
    embeddings.push_back({std::string(embedder.model()), std::string(embedder.model_version()),
                          std::move(one.values), std::move(one.parts)});
  }
  return embeddings;
}

Status embed_query(Embedder& embedder, RecallQuery& query, std::string_view vector_space) {
  HOLDFAST_ASSIGN(auto question, embedder.embed_question(query.text));
  RecallVector vector;
  vector.values = std::move(question.values);
  vector.part = std::move(question.part);
  vector.space = vector_space;
  vector.model = embedder.model();
  vector.model_version = embedder.model_version();
  query.vector = std::move(vector);
  query.vector_weight = embedder.vector_weight();
  return Status::ok();
}

}  // namespace holdfast
