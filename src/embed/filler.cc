#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "base/uuid.h"
#include "holdfast/embedder.h"
#include "memory/catalog.h"
#include "memory/keys.h"
#include "search/store_keyspace.h"

namespace holdfast {
namespace {

constexpr size_t kLookedAt = 4 * kEmbeddedTextsMax;
constexpr size_t kHeldMax = 100'000;
// Longer than embedding a batch takes; whoever dies loses his claim at once.
constexpr std::chrono::minutes kClaimTtl{30};

std::string claim_prefix(const std::string& vector_space) {
  return "embed/" + vector_space + "/";
}

bool is_of(const VectorSpaceOptions& options, const Embedder& embedder) {
  return options.model == embedder.model() && options.model_version == embedder.model_version();
}

Result<std::optional<VectorSpace>> find(const Space& space, const std::string& name) {
  HOLDFAST_ASSIGN(auto all, space.vectors().list());
  for (VectorSpace& one : all) {
    if (one.name == name) return std::optional(std::move(one));
  }
  return std::optional<VectorSpace>();
}

}  // namespace

Filler::Filler(Space space, Embedder& embedder, FillOptions options)
    : space_(std::move(space)), embedder_(embedder), options_(std::move(options)) {}

Status Filler::begin() {
  if (options_.batch == 0 || options_.batch > kEmbeddedTextsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "a batch has 1 to " + std::to_string(kEmbeddedTextsMax) + " texts");
  }
  HOLDFAST_ASSIGN(const auto defined, find(space_, options_.vector_space));
  if (defined && defined->successor && is_of(*defined->successor, embedder_)) return Status::ok();
  const bool is_of_model = defined && is_of(*defined, embedder_);
  if (is_of_model && !options_.anew) return Status::ok();
  if (defined && !is_of_model && !options_.replaces) {
    return Status(StatusCode::kConditionFalse,
                  "vector space \"" + options_.vector_space + "\" holds vectors of model \"" +
                      defined->model + "\"; to have all of \"" + std::string(embedder_.model()) +
                      "\" instead, replace it");
  }
  VectorSpaceOptions wanted;
  HOLDFAST_ASSIGN(wanted.dimension, embedder_.dimension());
  wanted.metric = defined ? defined->metric : VectorMetric::cosine;
  wanted.model = embedder_.model();
  wanted.model_version = embedder_.model_version();
  return defined ? space_.vectors().begin_successor(options_.vector_space, wanted)
                 : space_.vectors().define(options_.vector_space, wanted);
}

// The next ones that nobody has at hand; empty: there are none.
Result<std::vector<std::string>> Filler::choose() {
  std::vector<std::string> chosen;
  while (chosen.empty()) {
    HOLDFAST_ASSIGN(const auto missing,
                    space_.vectors().missing(options_.vector_space, kLookedAt, after_));
    if (missing.empty()) break;
    const std::string prefix = claim_prefix(options_.vector_space);
    HOLDFAST_ASSIGN(const auto claimed,
                    space_.claims().list({.prefix = prefix, .limit = kHeldMax}));
    std::set<std::string> held;
    for (const ClaimedResource& one : claimed) held.insert(one.resource.substr(prefix.size()));
    for (const std::string& id : missing) {
      if (!held.contains(id) && chosen.size() < options_.batch) chosen.push_back(id);
    }
    if (chosen.empty()) after_ = missing.back();
  }
  return chosen;
}

Result<FillStep> Filler::step() {
  FillStep step;
  while (true) {
    HOLDFAST_ASSIGN(const auto chosen, choose());
    step.is_over = chosen.empty();
    if (step.is_over) return step;
    std::vector<std::string> resources;
    for (const std::string& id : chosen) {
      resources.push_back(claim_prefix(options_.vector_space) + id);
    }
    auto claim = space_.claims().take(
        resources, {.ttl = kClaimTtl, .holder = "holdfast embed", .purpose = "embedding"});
    if (claim.status().code() == StatusCode::kBusy) continue;  // others were first
    HOLDFAST_TRY(claim.status());
    const Status done = embed_claimed(chosen, step);
    // A claim that cannot be given back ends with its time, or with this process; what became of
    // the texts must be told whatever becomes of it.
    static_cast<void>(space_.claims().release(*claim));
    HOLDFAST_TRY(done);
    after_ = chosen.back();
    return step;
  }
}

// Whatever adds an observation, or changes its text, writes its row.
Status Filler::wait(Store& store, std::chrono::milliseconds timeout) {
  HOLDFAST_ASSIGN(Snapshot snapshot, store.snapshot());
  search::ReaderSource source(snapshot);
  HOLDFAST_ASSIGN(const auto space_id, memory::find_space(source, space_.segments()));
  if (!space_id) {
    return Status(StatusCode::kNotFound, "there is no space " + space_.path() + " any more");
  }
  const std::string prefix = memory::space_prefix(memory::KeyKind::kRow, *space_id);
  if (!watch_) {
    HOLDFAST_ASSIGN(watch_, store.watch(KeyRange::prefix(prefix)));
    begin_again();
    return Status::ok();
  }
  HOLDFAST_ASSIGN(const WatchResult seen, watch_->wait(timeout));
  if (seen.missed) begin_again();
  for (const WatchedCommit& commit : seen.commits) {
    for (const WatchedKey& key : commit.keys) {
      if (key.deleted || key.key.size() != prefix.size() + Uuid().bytes.size()) continue;
      Uuid id;
      const std::string bytes = memory::complement(key.key.substr(prefix.size()));
      std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
      // The greatest id before it; the first one there is has none before.
      for (auto byte = id.bytes.rbegin(); byte != id.bytes.rend() && (*byte)-- == 0; ++byte) {
      }
      after_ = std::min(after_, id.to_text());
    }
  }
  return Status::ok();
}

Status Filler::embed_claimed(const std::vector<std::string>& ids, FillStep& step) {
  // Who had them at hand until a moment ago may have embedded them.
  HOLDFAST_ASSIGN(const auto missing,
                  space_.vectors().missing(options_.vector_space, kLookedAt, after_));
  std::vector<Observation> observations;
  for (const std::string& id : ids) {
    if (std::find(missing.begin(), missing.end(), id) == missing.end()) continue;
    auto observation = space_.observations().get(id);
    if (observation.status().code() == StatusCode::kNotFound) continue;
    HOLDFAST_TRY(observation.status());
    if (observation->forgotten_us == 0) observations.push_back(std::move(*observation));
  }
  std::vector<NewVector> vectors;
  HOLDFAST_TRY(embed_texts(observations, vectors, step));
  HOLDFAST_ASSIGN(step.embedded, space_.vectors().put_all(options_.vector_space, vectors));
  return Status::ok();
}

Status Filler::embed_texts(std::span<const Observation> observations,
                           std::vector<NewVector>& vectors, FillStep& step) {
  if (observations.empty()) return Status::ok();
  std::vector<std::string> texts;
  for (const Observation& one : observations) {
    const std::string text = embedded_text(one);
    texts.emplace_back(utf8_prefix(text, options_.text_size_max));
  }
  auto embeddings = embeddings_of(embedder_, texts);
  if (embeddings.status().code() == StatusCode::kInvalidArgument) {
    if (observations.size() == 1) {
      ++step.refused;
      step.refusal = embeddings.status();
      return Status::ok();
    }
    // One that is refused does not keep the others from being embedded.
    for (const Observation& one : observations) HOLDFAST_TRY(embed_texts({&one, 1}, vectors, step));
    return Status::ok();
  }
  HOLDFAST_TRY(embeddings.status());
  for (size_t i = 0; i < observations.size(); ++i) {
    vectors.push_back({.id = observations[i].id,
                       .embedding = std::move((*embeddings)[i]),
                       .revision = observations[i].revision});
  }
  return Status::ok();
}

Result<bool> Filler::finish() {
  HOLDFAST_ASSIGN(const auto defined, find(space_, options_.vector_space));
  if (!defined || !defined->successor || !is_of(*defined->successor, embedder_)) return false;
  HOLDFAST_ASSIGN(const auto missing, space_.vectors().missing(options_.vector_space, 1));
  if (!missing.empty()) return false;
  const Status done = space_.vectors().finish_successor(options_.vector_space);
  if (done.code() == StatusCode::kNotFound) return false;  // another was first
  HOLDFAST_TRY(done);
  return true;
}

}  // namespace holdfast
