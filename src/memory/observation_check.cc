// check_observation: what may be stored, and what to tell who offers something else.
#include <algorithm>
#include <cmath>

#include "memory/json_check.h"
#include "memory/observation_row.h"
#include "memory/text_check.h"
#include "memory/vector_spaces.h"
#include "search/language.h"

namespace holdfast::memory {
namespace {

Status check_labels(const NewObservation& observation) {
  struct Label {
    std::string_view name;
    const std::optional<std::string>& value;
  };
  const Label labels[] = {{"source", observation.source},
                          {"kind", observation.kind},
                          {"session", observation.session},
                          {"run", observation.run},
                          {"key", observation.key}};
  for (const Label& label : labels) {
    if (!label.value) continue;
    HOLDFAST_TRY(
        check_text(label.name, *label.value, kLabelSizeMax, "shorten it, or store its hash"));
  }
  if (observation.key && observation.key->empty()) {
    return Status(StatusCode::kInvalidArgument, "key is empty; leave it out instead");
  }
  return Status::ok();
}

Status check_tags(const std::vector<std::string>& tags) {
  if (tags.size() > kTagsMax) {
    return Status(StatusCode::kTooLarge, "there are " + std::to_string(tags.size()) +
                                             " tags; at most " + std::to_string(kTagsMax) +
                                             " are allowed: put the rest into metadata");
  }
  for (const std::string& tag : tags) {
    if (tag.empty()) {
      return Status(StatusCode::kInvalidArgument, "a tag is empty; leave it out");
    }
    HOLDFAST_TRY(check_text("a tag", tag, kTagSizeMax, "shorten it"));
  }
  return Status::ok();
}

Status check_metadata(const std::string& metadata) {
  HOLDFAST_TRY(check_text("metadata", metadata, kMetadataSizeMax, "store the rest with Kv"));
  if (const auto bad = json_first_bad_byte(metadata)) {
    return Status(StatusCode::kInvalidArgument, "metadata is not JSON: unexpected at offset " +
                                                    std::to_string(*bad) +
                                                    "; give one JSON value, nested at most " +
                                                    std::to_string(kJsonDepthMax) + " deep")
        .with_offset(*bad);
  }
  return Status::ok();
}

Status check_embedding(const Embedding& embedding) {
  const VectorSpaceOptions options = options_of(embedding);
  HOLDFAST_TRY(check_vector_options(options));
  HOLDFAST_TRY(search::check_parts(embedding.parts));
  return search::check_vector({VectorMetric::dot, options.dimension}, embedding.values);
}

Status check_share(std::string_view name, const std::optional<double>& value) {
  if (!value || (*value >= 0 && *value <= 1)) return Status::ok();
  return Status(StatusCode::kInvalidArgument, std::string(name) + " must be 0 to 1");
}

Status check_sources(const std::vector<std::string>& ids) {
  if (ids.size() > kSourcesMax) {
    return Status(StatusCode::kTooLarge,
                  "an observation is derived from at most " + std::to_string(kSourcesMax) +
                      " others; add one in between that is derived from some of them");
  }
  for (auto at = ids.begin(); at != ids.end(); ++at) {
    if (!Uuid::parse(*at)) {
      return Status(StatusCode::kInvalidArgument,
                    "\"" + *at + "\", which it is derived from, is not a whole id");
    }
    if (std::find(ids.begin(), at, *at) != at) {
      return Status(StatusCode::kInvalidArgument, "it is derived from " + *at + " twice");
    }
  }
  return Status::ok();
}

}  // namespace

Status check_language(const std::optional<std::string>& language) {
  if (!language || search::find_language(*language)) return Status::ok();
  std::string known;
  for (const search::LanguageInfo& one : search::languages()) {
    known.append(known.empty() ? "" : ", ").append(one.code);
  }
  return Status(StatusCode::kInvalidArgument,
                "there is no language \"" + *language + "\"; there are " + known);
}

Status check_observation(const NewObservation& observation) {
  if (observation.content.empty()) {
    return Status(StatusCode::kInvalidArgument, "content is empty; there is nothing to remember");
  }
  HOLDFAST_TRY(check_text("content", observation.content, kContentSizeMax,
                          "split it into sections and add one observation for each"));
  if (observation.title) {
    HOLDFAST_TRY(check_text("title", *observation.title, kTitleSizeMax, "shorten it"));
  }
  HOLDFAST_TRY(check_labels(observation));
  HOLDFAST_TRY(check_tags(observation.tags));
  HOLDFAST_TRY(check_language(observation.language));
  if (observation.metadata) HOLDFAST_TRY(check_metadata(*observation.metadata));
  HOLDFAST_TRY(check_share("confidence", observation.confidence));
  HOLDFAST_TRY(check_share("importance", observation.importance));
  HOLDFAST_TRY(check_share("trust", observation.trust));
  HOLDFAST_TRY(check_sources(observation.derived_from));
  const bool never_holds = observation.valid_from_us && observation.valid_to_us &&
                           *observation.valid_from_us >= *observation.valid_to_us;
  if (never_holds) {
    return Status(StatusCode::kInvalidArgument, "valid_to_us must be after valid_from_us");
  }
  if (observation.embedding) HOLDFAST_TRY(check_embedding(*observation.embedding));
  return Status::ok();
}

}  // namespace holdfast::memory
