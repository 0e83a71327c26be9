#include "holdfast/vector.h"

#include <set>

#include "memory/keys.h"
#include "memory/observation_store.h"
#include "memory/text_check.h"
#include "memory/text_maintenance.h"
#include "memory/vector_spaces.h"

namespace holdfast {
namespace {

using memory::DefinitionKind;
using memory::KeyKind;
using memory::VectorDefinition;
using search::KeySource;
using search::KeyTarget;

Status check_name(std::string_view name) {
  if (name.empty()) return Status(StatusCode::kInvalidArgument, "the vector space has no name");
  return memory::check_text("the name of the vector space", name, kVectorSpaceNameSizeMax,
                            "shorten it");
}

Status no_successor(std::string_view name) {
  return Status(StatusCode::kNotFound,
                "vector space \"" + std::string(name) + "\" has no successor; begin one first");
}

// A successor that goes, or a vector space with all it has.
Status erase_definition(KeyTarget& target, uint32_t space_id, std::string_view name,
                        DefinitionKind kind, const VectorDefinition& definition) {
  HOLDFAST_TRY(target.del(memory::definition_key(space_id, kind, name)));
  return target.del_range(search::prefix_range(definition.prefix(space_id)));
}

// Of the ids, which ascend, those without a vector in the index.
Result<std::vector<Uuid>> without_vector(KeySource& source, const std::string& prefix,
                                         const std::vector<Uuid>& ids) {
  std::vector<Uuid> missing;
  HOLDFAST_ASSIGN(const auto present,
                  search::vectors_between(source, prefix, memory::document_of(ids.front()),
                                          memory::document_of(ids.back())));
  for (const Uuid& id : ids) {
    if (!present.contains(memory::document_of(id))) missing.push_back(id);
  }
  return missing;
}

struct Put {
  const Uuid& id;
  const Observation& observation;
  const Embedding& embedding;
};

// To the vector space or to its successor.
Status put_one(KeyTarget& target, uint32_t space_id, std::string_view name, const Put& put) {
  HOLDFAST_ASSIGN(VectorDefinition definition, memory::require_definition(target, space_id, name));
  HOLDFAST_ASSIGN(const auto successor,
                  memory::find_definition(target, space_id, name, DefinitionKind::kSuccessor));
  if (successor && memory::check_fits(*successor, name, put.embedding)) definition = *successor;
  HOLDFAST_TRY(memory::check_fits(definition, name, put.embedding));
  const std::string prefix = definition.prefix(space_id);
  const search::DocumentId document = memory::document_of(put.id);
  HOLDFAST_TRY(search::drop_vector(target, prefix, document).status());
  HOLDFAST_TRY(search::put_vector(target, prefix, document, memory::signature_of(put.observation),
                                  put.embedding.values));
  return search::put_parts(target, prefix, document, put.embedding.parts);
}

}  // namespace

Vectors::Vectors(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Status Vectors::define(std::string_view name, const VectorSpaceOptions& options) const {
  HOLDFAST_TRY(check_name(name));
  HOLDFAST_TRY(memory::check_vector_options(options));
  return access_->write([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto defined, memory::find_definition(target, space_id, name));
    if (defined && memory::is_same(defined->options, options)) return Status::ok();
    if (defined) {
      return Status(StatusCode::kConditionFalse,
                    "vector space \"" + std::string(name) +
                        "\" is defined in another way; begin a successor, or use another name");
    }
    HOLDFAST_ASSIGN(const auto all, memory::all_definitions(target, space_id));
    if (all.size() >= kVectorSpacesMax) {
      return Status(
          StatusCode::kTooLarge,
          "a space has at most " + std::to_string(kVectorSpacesMax) + " vector spaces; drop one");
    }
    return memory::write_definition(target, space_id, name, DefinitionKind::kCurrent, options)
        .status();
  });
}

Result<std::vector<VectorSpace>> Vectors::list() const {
  std::vector<VectorSpace> spaces;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto all, memory::all_definitions(source, space_id));
    for (const memory::NamedDefinition& one : all) {
      if (one.kind == DefinitionKind::kCurrent) {
        VectorSpace& space = spaces.emplace_back();
        static_cast<VectorSpaceOptions&>(space) = one.definition.options;
        space.name = one.name;
        continue;
      }
      for (VectorSpace& space : spaces) {
        if (space.name == one.name) space.successor = one.definition.options;
      }
    }
    return Status::ok();
  }));
  return spaces;
}

Status Vectors::drop(std::string_view name) const {
  bool is_found = false;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    is_found = true;
    HOLDFAST_ASSIGN(const auto defined, memory::require_definition(target, space_id, name));
    HOLDFAST_ASSIGN(const auto successor,
                    memory::find_definition(target, space_id, name, DefinitionKind::kSuccessor));
    if (successor) {
      HOLDFAST_TRY(
          erase_definition(target, space_id, name, DefinitionKind::kSuccessor, *successor));
    }
    return erase_definition(target, space_id, name, DefinitionKind::kCurrent, defined);
  }));
  return is_found ? Status::ok() : memory::no_such_vector_space(name);
}

Status Vectors::put(std::string_view name, std::string_view id, const Embedding& embedding) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  Uuid of;
  bool is_found = false;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(of, memory::resolve_id(target, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(const auto stored, memory::read_row(target, space_id, of));
    is_found = stored.has_value();
    if (!stored) return Status::ok();
    if (stored->is_forgotten) {
      return Status(StatusCode::kConditionFalse,
                    "observation " + of.to_text() + " is forgotten; restore it first");
    }
    return put_one(target, space_id, name, {of, stored->row.observation, embedding});
  }));
  if (!is_found) return memory::no_such_observation(id, access_->space_path());
  memory::fold_when_due(*access_, of);
  return Status::ok();
}

Result<uint64_t> Vectors::put_all(std::string_view name, std::span<const NewVector> vectors) const {
  for (const NewVector& one : vectors) HOLDFAST_TRY(memory::parse_id_prefix(one.id).status());
  std::vector<Uuid> done;
  if (vectors.empty()) return done.size();
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    done.clear();
    for (const NewVector& one : vectors) {
      const auto id = memory::resolve_id(target, space_id, one.id, access_->space_path());
      if (id.status().code() == StatusCode::kNotFound) continue;
      HOLDFAST_TRY(id.status());
      HOLDFAST_ASSIGN(const auto stored, memory::read_row(target, space_id, *id));
      if (!stored || stored->is_forgotten) continue;
      const Observation& observation = stored->row.observation;
      if (one.revision && observation.revision != *one.revision) continue;
      HOLDFAST_TRY(put_one(target, space_id, name, {*id, observation, one.embedding}));
      done.push_back(*id);
    }
    return Status::ok();
  }));
  if (!done.empty()) memory::fold_when_due(*access_, done.back(), done.size());
  return done.size();
}

Result<std::optional<Embedding>> Vectors::get(std::string_view name, std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  std::optional<Embedding> embedding;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid of, memory::resolve_id(source, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(embedding, memory::read_embedding(source, space_id, name, of));
    return Status::ok();
  }));
  return embedding;
}

Result<std::vector<std::string>> Vectors::missing(std::string_view name, size_t limit,
                                                  std::string_view after) const {
  HOLDFAST_TRY(memory::check_limit(limit, kVectorsMissingLimitMax));
  const std::optional<Uuid> last = after.empty() ? Uuid() : Uuid::parse(after);
  if (!last) return Status(StatusCode::kInvalidArgument, "`after` is not an id");
  std::vector<std::string> missing;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(VectorDefinition definition,
                    memory::require_definition(source, space_id, name));
    HOLDFAST_ASSIGN(const auto successor,
                    memory::find_definition(source, space_id, name, DefinitionKind::kSuccessor));
    if (successor) definition = *successor;
    Uuid from = *last;
    while (missing.size() < limit) {
      HOLDFAST_ASSIGN(const auto ids, memory::ids_behind(source, space_id, from, 1'000));
      if (ids.empty()) break;
      from = ids.back();
      HOLDFAST_ASSIGN(const auto without, without_vector(source, definition.prefix(space_id), ids));
      for (const Uuid& id : without) {
        if (missing.size() < limit) missing.push_back(id.to_text());
      }
    }
    return Status::ok();
  }));
  return missing;
}

Status Vectors::begin_successor(std::string_view name, const VectorSpaceOptions& options) const {
  HOLDFAST_TRY(memory::check_vector_options(options));
  return access_->write([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_TRY(memory::require_definition(target, space_id, name).status());
    HOLDFAST_ASSIGN(const auto begun,
                    memory::find_definition(target, space_id, name, DefinitionKind::kSuccessor));
    if (begun && memory::is_same(begun->options, options)) return Status::ok();
    if (begun) {
      return Status(StatusCode::kConditionFalse, "vector space \"" + std::string(name) +
                                                     "\" has another successor; finish or cancel "
                                                     "that one");
    }
    return memory::write_definition(target, space_id, name, DefinitionKind::kSuccessor, options)
        .status();
  });
}

Status Vectors::finish_successor(std::string_view name) const {
  bool is_found = false;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto defined, memory::require_definition(target, space_id, name));
    HOLDFAST_ASSIGN(const auto successor,
                    memory::find_definition(target, space_id, name, DefinitionKind::kSuccessor));
    is_found = successor.has_value();
    if (!successor) return Status::ok();
    HOLDFAST_TRY(erase_definition(target, space_id, name, DefinitionKind::kCurrent, defined));
    return memory::put_successor(target, space_id, name, *successor);
  }));
  return is_found ? Status::ok() : no_successor(name);
}

Status Vectors::cancel_successor(std::string_view name) const {
  bool is_found = false;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const auto successor,
                    memory::find_definition(target, space_id, name, DefinitionKind::kSuccessor));
    is_found = successor.has_value();
    if (!successor) return Status::ok();
    return erase_definition(target, space_id, name, DefinitionKind::kSuccessor, *successor);
  }));
  return is_found ? Status::ok() : no_successor(name);
}

}  // namespace holdfast
