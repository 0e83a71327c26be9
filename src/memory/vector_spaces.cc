#include "memory/vector_spaces.h"

#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/observation_store.h"
#include "memory/text_check.h"
#include "search/vector_fold.h"

namespace holdfast::memory {
namespace {

using search::KeySource;
using search::KeyTarget;

enum Field : uint32_t { kNumber = 1, kDimension, kMetric, kModel, kModelVersion };

std::string encode(const VectorDefinition& definition) {
  return FieldWriter()
      .number(kNumber, definition.number)
      .number(kDimension, definition.options.dimension)
      .number(kMetric, static_cast<uint64_t>(definition.options.metric))
      .text(kModel, definition.options.model)
      .text(kModelVersion, definition.options.model_version)
      .bytes();
}

Result<VectorDefinition> decode(std::string_view bytes) {
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(bytes, "a vector space"));
  VectorDefinition definition;
  definition.number = static_cast<uint32_t>(fields.number_or(kNumber, 0));
  const uint64_t dimension = fields.number_or(kDimension, 0);
  const uint64_t metric = fields.number_or(kMetric, UINT64_MAX);
  if (dimension < kDimensionMin || dimension > kDimensionMax ||
      metric > static_cast<uint64_t>(VectorMetric::l2)) {
    return malformed("the definition of a vector space");
  }
  definition.options = {.dimension = static_cast<uint32_t>(dimension),
                        .metric = static_cast<VectorMetric>(metric),
                        .model = fields.text_or_empty(kModel),
                        .model_version = fields.text_or_empty(kModelVersion)};
  return definition;
}

std::string described(const std::string& model, const std::string& version, size_t dimension) {
  return "model \"" + model + "\", version \"" + version + "\", " + std::to_string(dimension) +
         " dimensions";
}

using VectorWork = std::function<Status(const std::string& prefix)>;
Status for_each_index(KeySource& source, uint32_t space_id, const VectorWork& work) {
  HOLDFAST_ASSIGN(const auto all, all_definitions(source, space_id));
  for (const NamedDefinition& one : all) HOLDFAST_TRY(work(one.definition.prefix(space_id)));
  return Status::ok();
}

}  // namespace

std::string definition_key(uint32_t space_id, DefinitionKind kind, std::string_view name) {
  return space_key(KeyKind::kVectors, space_id, std::string(1, static_cast<char>(kind)))
      .append(name);
}

std::string VectorDefinition::prefix(uint32_t space_id) const {
  std::string key = space_key(KeyKind::kVectors, space_id, "v");
  append_big_endian(key, number);
  return key;
}

bool is_same(const VectorSpaceOptions& a, const VectorSpaceOptions& b) {
  return a.dimension == b.dimension && a.metric == b.metric && a.model == b.model &&
         a.model_version == b.model_version;
}

Status check_vector_options(const VectorSpaceOptions& options) {
  if (options.dimension < kDimensionMin || options.dimension > kDimensionMax) {
    return Status(StatusCode::kInvalidArgument, "a vector has " + std::to_string(kDimensionMin) +
                                                    " to " + std::to_string(kDimensionMax) +
                                                    " dimensions, not " +
                                                    std::to_string(options.dimension));
  }
  if (options.model.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "no model is named; vectors of different models cannot be compared, so say which "
                  "makes them");
  }
  HOLDFAST_TRY(check_text("the model", options.model, kLabelSizeMax, "shorten it"));
  return check_text("the model's version", options.model_version, kLabelSizeMax, "shorten it");
}

Result<std::optional<VectorDefinition>> find_definition(KeySource& source, uint32_t space_id,
                                                        std::string_view name,
                                                        DefinitionKind kind) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(definition_key(space_id, kind, name)));
  if (!bytes) return std::optional<VectorDefinition>();
  HOLDFAST_ASSIGN(VectorDefinition definition, decode(*bytes));
  return std::optional(std::move(definition));
}

Result<VectorDefinition> require_definition(KeySource& source, uint32_t space_id,
                                            std::string_view name) {
  HOLDFAST_ASSIGN(auto definition, find_definition(source, space_id, name));
  if (definition) return std::move(*definition);
  HOLDFAST_ASSIGN(const auto all, all_definitions(source, space_id));
  std::string names;
  for (const NamedDefinition& one : all) {
    if (one.kind == DefinitionKind::kCurrent) names += (names.empty() ? "" : ", ") + one.name;
  }
  if (names.empty()) return no_such_vector_space(name);
  return Status(StatusCode::kNotFound,
                "there is no vector space \"" + std::string(name) + "\"; there are: " + names);
}

Status no_such_vector_space(std::string_view name) {
  return Status(StatusCode::kNotFound, "there is no vector space \"" + std::string(name) +
                                           "\", and no other; define one, or embed something");
}

Result<VectorDefinition> write_definition(KeyTarget& target, uint32_t space_id,
                                          std::string_view name, DefinitionKind kind,
                                          const VectorSpaceOptions& options) {
  const std::string counter = space_key(KeyKind::kVectors, space_id, "n");
  HOLDFAST_ASSIGN(const auto bytes, target.get(counter));
  const auto last = bytes ? decode_number(*bytes).value_or(0) : 0;
  VectorDefinition definition{static_cast<uint32_t>(last + 1), options};
  HOLDFAST_TRY(target.put(counter, encode_number(definition.number)));
  HOLDFAST_TRY(target.put(definition_key(space_id, kind, name), encode(definition)));
  return definition;
}

Status put_successor(KeyTarget& target, uint32_t space_id, std::string_view name,
                     const VectorDefinition& successor) {
  HOLDFAST_TRY(target.del(definition_key(space_id, DefinitionKind::kSuccessor, name)));
  return target.put(definition_key(space_id, DefinitionKind::kCurrent, name), encode(successor));
}

Result<std::vector<NamedDefinition>> all_definitions(KeySource& source, uint32_t space_id) {
  std::vector<NamedDefinition> all;
  Status failure;
  for (const DefinitionKind kind : {DefinitionKind::kCurrent, DefinitionKind::kSuccessor}) {
    const std::string prefix = definition_key(space_id, kind, {});
    HOLDFAST_TRY(source.scan(
        search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
          auto definition = decode(value);
          failure = definition.status();
          if (!definition) return false;
          all.push_back({std::string(key.substr(prefix.size())), kind, std::move(*definition)});
          return true;
        }));
    HOLDFAST_TRY(failure);
  }
  return all;
}

Status check_fits(const VectorDefinition& definition, std::string_view name,
                  const Embedding& embedding) {
  const VectorSpaceOptions& options = definition.options;
  if (embedding.model != options.model || embedding.model_version != options.model_version) {
    return Status(StatusCode::kInvalidArgument,
                  "vector space \"" + std::string(name) + "\" holds vectors of " +
                      described(options.model, options.model_version, options.dimension) +
                      "; this one is of " +
                      described(embedding.model, embedding.model_version, embedding.values.size()) +
                      ": use another vector space, or embed all anew");
  }
  HOLDFAST_TRY(search::check_parts(embedding.parts));
  return search::check_vector(definition.shape(), embedding.values);
}

VectorSpaceOptions options_of(const Embedding& embedding) {
  return {.dimension = static_cast<uint32_t>(embedding.values.size()),
          .metric = VectorMetric::cosine,
          .model = embedding.model,
          .model_version = embedding.model_version};
}

search::Signature signature_of(const NewObservation& observation) {
  search::Signature signature;
  for (const std::string& facet : facets_of(observation)) signature.add(facet);
  return signature;
}

Status write_embedding(KeyTarget& target, uint32_t space_id, const Uuid& id,
                       const Observation& observation) {
  const Embedding& embedding = *observation.embedding;
  HOLDFAST_ASSIGN(auto definition, find_definition(target, space_id, kMainVectorSpace));
  if (!definition) {
    HOLDFAST_ASSIGN(definition, write_definition(target, space_id, kMainVectorSpace,
                                                 DefinitionKind::kCurrent, options_of(embedding)));
  }
  HOLDFAST_TRY(check_fits(*definition, kMainVectorSpace, embedding));
  const std::string prefix = definition->prefix(space_id);
  HOLDFAST_TRY(search::put_vector(target, prefix, document_of(id), signature_of(observation),
                                  embedding.values));
  return search::put_parts(target, prefix, document_of(id), embedding.parts);
}

Result<std::optional<Embedding>> read_embedding(KeySource& source, uint32_t space_id,
                                                std::string_view name, const Uuid& id) {
  std::optional<Embedding> embedding;
  HOLDFAST_ASSIGN(const auto definition, find_definition(source, space_id, name));
  if (!definition) return embedding;
  const std::string prefix = definition->prefix(space_id);
  HOLDFAST_ASSIGN(auto values, search::read_vector(source, prefix, document_of(id)));
  if (!values) return embedding;
  HOLDFAST_ASSIGN(auto parts, search::read_parts(source, prefix, document_of(id)));
  embedding = Embedding{definition->options.model, definition->options.model_version,
                        std::move(*values), std::move(parts)};
  return embedding;
}

Status drop_vectors(KeyTarget& target, uint32_t space_id, const Uuid& id) {
  return for_each_index(target, space_id, [&](const std::string& prefix) {
    return search::drop_vector(target, prefix, document_of(id)).status();
  });
}

Status set_vectors_aside(KeyTarget& target, uint32_t space_id, const Uuid& id) {
  return for_each_index(target, space_id, [&](const std::string& prefix) {
    return search::set_vector_aside(target, prefix, document_of(id));
  });
}

Status put_vectors_back(KeyTarget& target, uint32_t space_id, const Uuid& id,
                        const NewObservation& observation) {
  return for_each_index(target, space_id, [&](const std::string& prefix) {
    return search::put_vector_back(target, prefix, document_of(id), signature_of(observation));
  });
}

Status relabel_vectors(KeyTarget& target, uint32_t space_id, const Uuid& id,
                       const NewObservation& observation) {
  return for_each_index(target, space_id, [&](const std::string& prefix) {
    return search::relabel_vector(target, prefix, document_of(id), signature_of(observation));
  });
}

namespace {

// Idle: there is nothing to do, or the space is gone or another one, or the vectors are.
Result<search::FoldStep> fold_vectors_once(Access& access, uint32_t space, uint32_t number) {
  search::FoldStep step = search::FoldStep::kIdle;
  HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    step = search::FoldStep::kIdle;
    if (space_id != space) return Status::ok();
    HOLDFAST_ASSIGN(const auto all, all_definitions(target, space_id));
    for (const NamedDefinition& one : all) {
      if (one.definition.number != number) continue;
      HOLDFAST_ASSIGN(step, search::vector_fold_step(target, one.definition.prefix(space_id),
                                                     one.definition.shape()));
    }
    return Status::ok();
  }));
  return step;
}

}  // namespace

Status fold_vectors(Access& access, size_t steps) {
  std::vector<uint32_t> due;  // numbers, in the space as it is now
  uint32_t space_of_due = 0;
  HOLDFAST_TRY(access.read([&](KeySource& source, uint32_t space_id) -> Status {
    space_of_due = space_id;
    HOLDFAST_ASSIGN(const auto all, all_definitions(source, space_id));
    for (const NamedDefinition& one : all) {
      HOLDFAST_ASSIGN(const bool is_due,
                      search::is_vector_fold_due(source, one.definition.prefix(space_id), {}));
      if (is_due) due.push_back(one.definition.number);
    }
    return Status::ok();
  }));
  Status failed;  // first; one that fails keeps none of the others waiting
  for (const uint32_t number : due) {
    for (size_t i = 0; i < steps; ++i) {
      const auto step = fold_vectors_once(access, space_of_due, number);
      if (!step && failed) failed = step.status();
      if (!step || *step == search::FoldStep::kIdle) break;
    }
  }
  return failed;
}

Status forget_vector_codes(KeyTarget& target, uint32_t space_id) {
  return for_each_index(target, space_id, [&](const std::string& prefix) {
    return search::forget_codes(target, prefix);
  });
}

}  // namespace holdfast::memory
