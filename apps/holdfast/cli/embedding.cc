#include "cli/embedding.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace holdfast::cli {
namespace {

constexpr const char* kModelFile = "/holdfast/models/use-lite-en.hfmodel";

// Those of the system, in the order of the XDG base directory specification.
std::vector<std::string> shared_folders(const Surroundings& surroundings) {
  const std::string all =
      surroundings.variable("XDG_DATA_DIRS").value_or("/usr/local/share:/usr/share");
  std::vector<std::string> folders;
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find(':', at), all.size());
    if (all[at] == '/') folders.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return folders;
}

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

}  // namespace

Result<std::string> own_sentence_model_file(const Surroundings& surroundings) {
  const auto data = surroundings.variable("XDG_DATA_HOME");
  if (data && data->front() == '/') return *data + kModelFile;
  const auto home = surroundings.variable("HOME");
  if (home) return *home + "/.local/share" + kModelFile;
  return Status(StatusCode::kNotFound, "no place for a model: set HOME or XDG_DATA_HOME");
}

std::string sentence_model_file(const Surroundings& surroundings) {
  // What is named is not looked for elsewhere, also if it is not there.
  if (const auto named = surroundings.variable("HOLDFAST_MODEL")) return *named;
  const auto own = own_sentence_model_file(surroundings);
  if (own && is_file(*own)) return *own;
  for (const std::string& folder : shared_folders(surroundings)) {
    if (is_file(folder + kModelFile)) return folder + kModelFile;
  }
  return {};
}

Sources sources_of(const Surroundings& surroundings) {
  const auto variable = [&](const char* name) { return surroundings.variable(name).value_or(""); };
  Sources sources;
  sources.endpoint.url = variable("HOLDFAST_EMBED_URL");
  sources.endpoint.model = variable("HOLDFAST_EMBED_MODEL");
  sources.endpoint.api_key = variable("HOLDFAST_EMBED_API_KEY");
  sources.sentence_model_file = sentence_model_file(surroundings);
  return sources;
}

Result<VectorSpaceOptions> wanted_model(const Sources& sources, const std::string& model,
                                        const std::string& model_version) {
  const bool has_sentences = !sources.sentence_model_file.empty();
  VectorSpaceOptions wanted;
  wanted.model = !model.empty() ? model : sources.endpoint.model;
  if (wanted.model.empty()) wanted.model = has_sentences ? kJoinedModel : kHashingModel;
  wanted.model_version = model_version;
  if (!model_version.empty()) return wanted;
  if (wanted.model == kHashingModel) wanted.model_version = hashing_embedder()->model_version();
  const bool is_joined = wanted.model == kJoinedModel;
  if (has_sentences && (is_joined || wanted.model == kSentenceModel)) {
    HOLDFAST_ASSIGN(const auto embedder, sentence_embedder(sources.sentence_model_file,
                                                           is_joined ? SentenceVectors::kJoined
                                                                     : SentenceVectors::kAlone));
    wanted.model_version = embedder->model_version();
  }
  return wanted;
}

Result<std::unique_ptr<Embedder>> require_embedder(const VectorSpaceOptions& space,
                                                   const Sources& sources) {
  HOLDFAST_ASSIGN(auto embedder, embedder_of(space, sources.endpoint, sources.sentence_model_file));
  if (embedder) return embedder;
  const std::string what = "nothing here computes vectors of model \"" + space.model + "\"" +
                           (space.model_version.empty() ? "" : " " + space.model_version);
  if (space.model == kSentenceModel || space.model == kJoinedModel) {
    return Status(StatusCode::kNotFound,
                  what + (sources.sentence_model_file.empty()
                              ? "; `holdfast model install` brings it"
                              : "; the one that is installed is another (`holdfast model show`)"));
  }
  return Status(StatusCode::kNotFound,
                what + "; set HOLDFAST_EMBED_URL to an endpoint that has it, or use the model \"" +
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
  Sources sources = sources_of(context.surroundings());
  sources.endpoint.connect_timeout = std::chrono::seconds(1);
  sources.endpoint.timeout = std::chrono::seconds(5);
  sources.endpoint.attempts_max = is_required ? 2 : 1;
  const auto embedder = is_required
                            ? require_embedder(*main, sources)
                            : embedder_of(*main, sources.endpoint, sources.sentence_model_file);
  if (embedder && !*embedder) return Status::ok();
  const Status done = embedder ? holdfast::embed_query(**embedder, query) : embedder.status();
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
