// A knowledge graph as the reference memory server of the Model Context Protocol keeps it: entities
// with observations, and relations between their names. Kept in the key-values of a space of its
// own, a row for each entity, observation and relation.
//
// Thread-safety: that of the Kv handle.
// Conflicts: writers of different entities, and of different observations of one entity, do not
//   conflict.
// Invariants:
//   1. A name stands for one entity, a triple for one relation. (The reference keeps both when one
//      call gives the same twice.)
//   2. Lists are in the order of their making.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "holdfast/kv.h"

namespace holdfast::graph {

struct Entity {
  std::string name = {};
  std::string type = {};
  std::vector<std::string> observations = {};
};

struct Relation {
  std::string from = {};
  std::string to = {};
  std::string type = {};

  auto operator<=>(const Relation&) const = default;
};

struct KnowledgeGraph {
  std::vector<Entity> entities = {};
  std::vector<Relation> relations = {};
};

class Graph {
 public:
  // `now_us` stamps what is made. For writing, `kv` is of a transaction.
  Graph(Kv kv, int64_t now_us) : kv_(std::move(kv)), now_us_(now_us) {}

  // Those that were not there yet.
  Result<std::vector<Entity>> create_entities(std::span<const Entity> entities);
  Result<std::vector<Relation>> create_relations(std::span<const Relation> relations);
  // Those that the entity did not have yet. Errors: NotFound.
  Result<std::vector<std::string>> add_observations(const std::string& name,
                                                    std::span<const std::string> contents);

  // What is not there counts as deleted. With an entity go the relations from and to it.
  Status delete_entities(std::span<const std::string> names);
  Status delete_observations(const std::string& name, std::span<const std::string> contents);
  Status delete_relations(std::span<const Relation> relations);

  Result<KnowledgeGraph> read() const;

 private:
  Result<bool> has(const std::string& key) const;
  // With the stamp of its making.
  Status put(const std::string& key, cli::Json row);
  Status put_observations(const std::string& name, std::span<const std::string> contents,
                          std::vector<std::string>* added);
  Status for_each(const std::string& prefix,
                  const std::function<Status(const KvEntry& entry)>& visit) const;

  Kv kv_;
  int64_t now_us_;
  uint64_t made_ = 0;
};

// The entities for which name, type or an observation holds `query`, without regard to case, and
// the relations that touch one of them.
KnowledgeGraph found_in(const KnowledgeGraph& graph, const std::string& query);
// The same of those with these names.
KnowledgeGraph named_in(const KnowledgeGraph& graph, const std::set<std::string>& names);

// The file of the reference server: a JSON object a line.
std::string to_lines(const KnowledgeGraph& graph);
// Errors: InvalidArgument, with the number of the line.
Result<KnowledgeGraph> from_lines(const std::string& text);

}  // namespace holdfast::graph
