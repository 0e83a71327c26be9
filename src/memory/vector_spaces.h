// The vector spaces of a space, and what becomes of an observation's vectors. Behind 08 59 space:
//
// | key            | value                                                                     |
// |----------------|---------------------------------------------------------------------------|
// | 'c' name       | definition, fields: 1 number, 2 dimension, 3 metric, 4 model, 5 version   |
// | 'n'            | number: that of the definition before                                     |
// | 's' name       | definition of its successor                                               |
// | 'v' number:u32 | what begins so is the index: search/vector_keys.h has the table           |
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariants:
//   1. Under a number stand vectors of one model, and a number is given once.
//   2. A vector is live or set aside as its observation is live or forgotten.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "holdfast/observation.h"
#include "memory/access.h"
#include "search/vector_index.h"

namespace holdfast::memory {

struct VectorDefinition {
  uint32_t number = 0;
  VectorSpaceOptions options;

  search::VectorShape shape() const { return {options.metric, options.dimension}; }
  std::string prefix(uint32_t space_id) const;
};

Status check_vector_options(const VectorSpaceOptions& options);
bool is_same(const VectorSpaceOptions& a, const VectorSpaceOptions& b);

enum class DefinitionKind : char { kCurrent = 'c', kSuccessor = 's' };
Result<std::optional<VectorDefinition>> find_definition(
    search::KeySource& source, uint32_t space_id, std::string_view name,
    DefinitionKind kind = DefinitionKind::kCurrent);
// Errors: NotFound, which names those there are.
Result<VectorDefinition> require_definition(search::KeySource& source, uint32_t space_id,
                                            std::string_view name);
Status no_such_vector_space(std::string_view name);
std::string definition_key(uint32_t space_id, DefinitionKind kind, std::string_view name);
// Gives it a number.
Result<VectorDefinition> write_definition(search::KeyTarget& target, uint32_t space_id,
                                          std::string_view name, DefinitionKind kind,
                                          const VectorSpaceOptions& options);
// In place of the one that is there.
Status put_successor(search::KeyTarget& target, uint32_t space_id, std::string_view name,
                     const VectorDefinition& successor);
// Successors, too; behind all others.
struct NamedDefinition {
  std::string name;
  DefinitionKind kind;
  VectorDefinition definition;
};
Result<std::vector<NamedDefinition>> all_definitions(search::KeySource& source, uint32_t space_id);

// Errors: InvalidArgument: it is of another model or dimension, or cannot be compared.
Status check_fits(const VectorDefinition& definition, std::string_view name,
                  const Embedding& embedding);
// What an embedding defines "main" to be, where it is not defined.
VectorSpaceOptions options_of(const Embedding& embedding);
search::Signature signature_of(const NewObservation& observation);

// The embedding of a new observation. REQUIRES: check_fits() of "main", where it is defined.
Status write_embedding(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                       const Observation& observation);
// nullopt: it has none, or there is no such vector space.
Result<std::optional<Embedding>> read_embedding(search::KeySource& source, uint32_t space_id,
                                                std::string_view name, const Uuid& id);

// Of all its vectors, when the observation goes, is forgotten, is restored, or has other labels.
Status drop_vectors(search::KeyTarget& target, uint32_t space_id, const Uuid& id);
Status set_vectors_aside(search::KeyTarget& target, uint32_t space_id, const Uuid& id);
Status put_vectors_back(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                        const NewObservation& observation);
Status relabel_vectors(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                       const NewObservation& observation);

// Does up to `steps` steps of folding in every vector space where something is due, each in a
// transaction of its own.
Status fold_vectors(Access& access, size_t steps);
// Deletes all codes; relabel_vectors() of every observation and folding make them anew.
Status forget_vector_codes(search::KeyTarget& target, uint32_t space_id);

}  // namespace holdfast::memory
