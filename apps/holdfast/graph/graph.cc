#include "graph/graph.h"

#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "cli/digest.h"

namespace holdfast::graph {
namespace {

using cli::Json;

constexpr const char* kEntities = "entity/";
constexpr const char* kObservations = "observation/";
constexpr const char* kRelations = "relation/";

std::string entity_key(const std::string& name) {
  return kEntities + cli::digest_text(name);
}

std::string observations_prefix(const std::string& name) {
  return kObservations + cli::digest_text(name) + "/";
}

std::string observation_key(const std::string& name, const std::string& content, size_t copy) {
  return observations_prefix(name) + cli::digest_text(content) + "/" + std::to_string(copy);
}

std::string relation_key(const Relation& relation) {
  cli::Digest digest;
  digest.add(relation.from).add(relation.type).add(relation.to);
  return kRelations + digest.text();
}

// When something was made: time, and place within its call.
using Stamp = std::pair<int64_t, uint64_t>;

Stamp stamp_of(const Json& json) {
  return {json.value("at", int64_t{0}), json.value("place", uint64_t{0})};
}

std::string text_of(const Json& json, const char* name) {
  if (!json.contains(name) || !json[name].is_string()) return {};
  return json[name].get<std::string>();
}

std::string lower(const std::string& text) {
  std::string out;
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t size = utf8proc_iterate(at, left, &code);
    if (size <= 0) return text;
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t count = utf8proc_encode_char(utf8proc_tolower(code), bytes);
    out.append(bytes, bytes + count);
    at += size;
    left -= size;
  }
  return out;
}

KnowledgeGraph with_relations(const KnowledgeGraph& graph, std::vector<Entity> entities) {
  std::set<std::string> names;
  for (const Entity& entity : entities) names.insert(entity.name);
  KnowledgeGraph part{std::move(entities), {}};
  for (const Relation& relation : graph.relations) {
    if (names.count(relation.from) + names.count(relation.to) > 0) {
      part.relations.push_back(relation);
    }
  }
  return part;
}

Status bad_line(size_t number, const std::string& what) {
  return Status(StatusCode::kInvalidArgument, "line " + std::to_string(number) + ": " + what);
}

Result<Entity> entity_of(const Json& json, size_t number) {
  Entity entity{text_of(json, "name"), text_of(json, "entityType"), {}};
  if (entity.name.empty()) return bad_line(number, "an entity needs a name");
  const Json observations = json.value("observations", Json::array());
  if (!observations.is_array()) return bad_line(number, "observations must be a list");
  for (const Json& content : observations) {
    if (!content.is_string()) return bad_line(number, "an observation must be a text");
    entity.observations.push_back(content.get<std::string>());
  }
  return entity;
}

}  // namespace

Result<bool> Graph::has(const std::string& key) const {
  HOLDFAST_ASSIGN(const auto value, kv_.get(key));
  return value.has_value();
}

Status Graph::put(const std::string& key, Json row) {
  row["at"] = now_us_;
  row["place"] = made_++;
  return kv_.put(key, row.dump());
}

Status Graph::for_each(const std::string& prefix,
                       const std::function<Status(const KvEntry& entry)>& visit) const {
  return kv_.for_each({.prefix = prefix, .limit = 10'000}, visit);
}

Result<std::vector<Entity>> Graph::create_entities(std::span<const Entity> entities) {
  std::vector<Entity> created;
  for (const Entity& entity : entities) {
    HOLDFAST_ASSIGN(const bool exists, has(entity_key(entity.name)));
    if (exists) continue;
    const Json row = {{"name", entity.name}, {"type", entity.type}};
    HOLDFAST_TRY(put(entity_key(entity.name), row));
    HOLDFAST_TRY(put_observations(entity.name, entity.observations, nullptr));
    created.push_back(entity);
  }
  return created;
}

Status Graph::put_observations(const std::string& name, std::span<const std::string> contents,
                               std::vector<std::string>* added) {
  std::map<std::string, size_t> copies;  // of this call: who says it twice is taken at his word
  for (const std::string& content : contents) {
    const auto copy = copies.find(content);
    if (copy == copies.end()) {
      HOLDFAST_ASSIGN(const bool exists, has(observation_key(name, content, 0)));
      if (exists) continue;
    }
    const size_t number = copies[content]++;
    HOLDFAST_TRY(put(observation_key(name, content, number), {{"text", content}}));
    if (added != nullptr) added->push_back(content);
  }
  return Status::ok();
}

Result<std::vector<std::string>> Graph::add_observations(const std::string& name,
                                                         std::span<const std::string> contents) {
  HOLDFAST_ASSIGN(const bool exists, has(entity_key(name)));
  if (!exists) return Status(StatusCode::kNotFound, "Entity with name " + name + " not found");
  std::vector<std::string> added;
  HOLDFAST_TRY(put_observations(name, contents, &added));
  return added;
}

Result<std::vector<Relation>> Graph::create_relations(std::span<const Relation> relations) {
  std::vector<Relation> created;
  for (const Relation& relation : relations) {
    HOLDFAST_ASSIGN(const bool exists, has(relation_key(relation)));
    if (exists) continue;
    const Json row = {{"from", relation.from}, {"to", relation.to}, {"type", relation.type}};
    HOLDFAST_TRY(put(relation_key(relation), row));
    created.push_back(relation);
  }
  return created;
}

Status Graph::delete_entities(std::span<const std::string> names) {
  std::set<std::string> gone;
  for (const std::string& name : names) {
    HOLDFAST_ASSIGN(const bool exists, has(entity_key(name)));
    gone.insert(name);
    if (!exists) continue;
    HOLDFAST_TRY(kv_.del(entity_key(name)));
    HOLDFAST_TRY(for_each(observations_prefix(name),
                          [this](const KvEntry& entry) { return kv_.del(entry.key); }));
  }
  return for_each(kRelations, [&](const KvEntry& entry) {
    const Json row = Json::parse(entry.value, nullptr, false);
    const bool touches = gone.count(text_of(row, "from")) + gone.count(text_of(row, "to")) > 0;
    return touches ? kv_.del(entry.key) : Status::ok();
  });
}

Status Graph::delete_observations(const std::string& name, std::span<const std::string> contents) {
  for (const std::string& content : contents) {
    for (size_t copy = 0;; ++copy) {
      const std::string key = observation_key(name, content, copy);
      HOLDFAST_ASSIGN(const bool exists, has(key));
      if (!exists) break;
      HOLDFAST_TRY(kv_.del(key));
    }
  }
  return Status::ok();
}

Status Graph::delete_relations(std::span<const Relation> relations) {
  for (const Relation& relation : relations) HOLDFAST_TRY(kv_.del(relation_key(relation)));
  return Status::ok();
}

Result<KnowledgeGraph> Graph::read() const {
  std::map<std::string, std::vector<std::pair<Stamp, std::string>>> observations;  // by digest
  HOLDFAST_TRY(for_each(kObservations, [&](const KvEntry& entry) {
    const Json row = Json::parse(entry.value, nullptr, false);
    const size_t begin = std::string_view(kObservations).size();
    const std::string owner = entry.key.substr(begin, entry.key.find('/', begin) - begin);
    observations[owner].emplace_back(stamp_of(row), text_of(row, "text"));
    return Status::ok();
  }));
  std::vector<std::tuple<Stamp, std::string, Entity>> entities;
  HOLDFAST_TRY(for_each(kEntities, [&](const KvEntry& entry) {
    const Json row = Json::parse(entry.value, nullptr, false);
    Entity entity{text_of(row, "name"), text_of(row, "type"), {}};
    auto& texts = observations[entry.key.substr(std::string_view(kEntities).size())];
    std::sort(texts.begin(), texts.end());
    for (auto& [stamp, text] : texts) entity.observations.push_back(std::move(text));
    entities.emplace_back(stamp_of(row), entity.name, std::move(entity));
    return Status::ok();
  }));
  std::vector<std::pair<Stamp, Relation>> relations;
  HOLDFAST_TRY(for_each(kRelations, [&](const KvEntry& entry) {
    const Json row = Json::parse(entry.value, nullptr, false);
    relations.emplace_back(
        stamp_of(row), Relation{text_of(row, "from"), text_of(row, "to"), text_of(row, "type")});
    return Status::ok();
  }));
  std::sort(entities.begin(), entities.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  std::sort(relations.begin(), relations.end());
  KnowledgeGraph graph;
  for (auto& [stamp, name, entity] : entities) graph.entities.push_back(std::move(entity));
  for (auto& [stamp, relation] : relations) graph.relations.push_back(std::move(relation));
  return graph;
}

KnowledgeGraph found_in(const KnowledgeGraph& graph, const std::string& query) {
  const std::string wanted = lower(query);
  const auto holds = [&](const std::string& text) {
    return lower(text).find(wanted) != std::string::npos;
  };
  std::vector<Entity> found;
  for (const Entity& entity : graph.entities) {
    if (holds(entity.name) || holds(entity.type) ||
        std::any_of(entity.observations.begin(), entity.observations.end(), holds)) {
      found.push_back(entity);
    }
  }
  return with_relations(graph, std::move(found));
}

KnowledgeGraph named_in(const KnowledgeGraph& graph, const std::set<std::string>& names) {
  std::vector<Entity> found;
  for (const Entity& entity : graph.entities) {
    if (names.count(entity.name) != 0) found.push_back(entity);
  }
  return with_relations(graph, std::move(found));
}

std::string to_lines(const KnowledgeGraph& graph) {
  std::string text;
  const auto add = [&text](const Json& json) { text += (text.empty() ? "" : "\n") + json.dump(); };
  for (const Entity& entity : graph.entities) {
    add({{"type", "entity"},
         {"name", entity.name},
         {"entityType", entity.type},
         {"observations", entity.observations}});
  }
  for (const Relation& relation : graph.relations) {
    add({{"type", "relation"},
         {"from", relation.from},
         {"to", relation.to},
         {"relationType", relation.type}});
  }
  return text;
}

Result<KnowledgeGraph> from_lines(const std::string& text) {
  KnowledgeGraph graph;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) return bad_line(number, "is no JSON object");
    const std::string type = text_of(json, "type");
    if (type == "entity") {
      HOLDFAST_ASSIGN(Entity entity, entity_of(json, number));
      graph.entities.push_back(std::move(entity));
    } else if (type == "relation") {
      graph.relations.push_back(
          {text_of(json, "from"), text_of(json, "to"), text_of(json, "relationType")});
    } else {
      return bad_line(number, "is neither an entity nor a relation");
    }
  }
  return graph;
}

}  // namespace holdfast::graph
