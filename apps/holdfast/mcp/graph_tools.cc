#include "mcp/graph_tools.h"

#include <set>
#include <utility>

#include "graph/graph.h"
#include "graph/graph_space.h"
#include "mcp/arguments.h"

namespace holdfast::mcp {
namespace {

using graph::Entity;
using graph::Graph;
using graph::KnowledgeGraph;
using graph::Relation;

Json json_of(const Entity& entity) {
  return {
      {"name", entity.name}, {"entityType", entity.type}, {"observations", entity.observations}};
}

Json json_of(const Relation& relation) {
  return {{"from", relation.from}, {"to", relation.to}, {"relationType", relation.type}};
}

template <typename Thing>
Json list_of(const std::vector<Thing>& things) {
  Json list = Json::array();
  for (const Thing& thing : things) list.push_back(json_of(thing));
  return list;
}

Json json_of(const KnowledgeGraph& graph) {
  return {{"entities", list_of(graph.entities)}, {"relations", list_of(graph.relations)}};
}

// The reference says a list as text, and an object with it as structure.
Json list_result(const char* name, Json list) {
  Json result = {{"content", Json::array({text_content(printed(list, 2))})}};
  result["structuredContent"] = {{name, std::move(list)}};
  return result;
}

Json success(const std::string& message) {
  return {{"content", Json::array({text_content(message)})},
          {"structuredContent", {{"success", true}, {"message", message}}}};
}

// The reference's words, without ours in front.
Result<Json> said_as_there(const Status& status) {
  if (status.code() != StatusCode::kNotFound) return status;
  return Json{{"content", Json::array({text_content(std::string(status.message()))})},
              {"isError", true}};
}

std::vector<Relation> relations_of(const Json& arguments) {
  std::vector<Relation> relations;
  for (const Json& relation : arguments["relations"]) {
    relations.push_back({relation["from"], relation["to"], relation["relationType"]});
  }
  return relations;
}

Result<Json> create_entities(Memory& memory, const Json& arguments) {
  std::vector<Entity> entities;
  for (const Json& entity : arguments["entities"]) {
    entities.push_back({entity["name"], entity["entityType"], texts_of(entity, "observations")});
  }
  std::vector<Entity> created;
  HOLDFAST_TRY(memory.update_graph([&](Graph& graph) -> Status {
    HOLDFAST_ASSIGN(created, graph.create_entities(entities));
    return Status::ok();
  }));
  return list_result("entities", list_of(created));
}

Result<Json> create_relations(Memory& memory, const Json& arguments) {
  const auto relations = relations_of(arguments);
  std::vector<Relation> created;
  HOLDFAST_TRY(memory.update_graph([&](Graph& graph) -> Status {
    HOLDFAST_ASSIGN(created, graph.create_relations(relations));
    return Status::ok();
  }));
  return list_result("relations", list_of(created));
}

Result<Json> add_observations(Memory& memory, const Json& arguments) {
  Json results;
  const Status status = memory.update_graph([&](Graph& graph) -> Status {
    results = Json::array();
    for (const Json& one : arguments["observations"]) {
      const auto name = one["entityName"].get<std::string>();
      HOLDFAST_ASSIGN(const auto added, graph.add_observations(name, texts_of(one, "contents")));
      results.push_back({{"entityName", name}, {"addedObservations", added}});
    }
    return Status::ok();
  });
  if (!status) return said_as_there(status);
  return list_result("results", std::move(results));
}

Result<Json> delete_entities(Memory& memory, const Json& arguments) {
  const auto names = texts_of(arguments, "entityNames");
  HOLDFAST_TRY(memory.update_graph([&](Graph& graph) { return graph.delete_entities(names); }));
  return success("Entities deleted successfully");
}

Result<Json> delete_observations(Memory& memory, const Json& arguments) {
  HOLDFAST_TRY(memory.update_graph([&](Graph& graph) -> Status {
    for (const Json& one : arguments["deletions"]) {
      HOLDFAST_TRY(graph.delete_observations(one["entityName"].get<std::string>(),
                                             texts_of(one, "observations")));
    }
    return Status::ok();
  }));
  return success("Observations deleted successfully");
}

Result<Json> delete_relations(Memory& memory, const Json& arguments) {
  const auto relations = relations_of(arguments);
  HOLDFAST_TRY(
      memory.update_graph([&](Graph& graph) { return graph.delete_relations(relations); }));
  return success("Relations deleted successfully");
}

Result<Json> search_nodes(Memory& memory, const Json& arguments) {
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, memory.graph());
  return structured_result(json_of(graph::found_in(graph, arguments["query"].get<std::string>())));
}

Result<Json> open_nodes(Memory& memory, const Json& arguments) {
  const auto names = texts_of(arguments, "names");
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, memory.graph());
  return structured_result(json_of(graph::named_in(graph, {names.begin(), names.end()})));
}

Result<Json> read_graph(Memory& memory, const Json&) {
  HOLDFAST_ASSIGN(const KnowledgeGraph graph, memory.graph());
  return structured_result(json_of(graph));
}

Json any_list(const std::string& description, Json of) {
  return {{"type", "array"}, {"description", description}, {"items", std::move(of)}};
}

Json entity_schema() {
  return object_schema(
      {{"name", text_schema("The name of the entity"), true},
       {"entityType", text_schema("The type of the entity"), true},
       {"observations", any_list("What is known about it", {{"type", "string"}}), true}});
}

Json relation_schema() {
  return object_schema({{"from", text_schema("The name of the entity where it begins"), true},
                        {"to", text_schema("The name of the entity where it ends"), true},
                        {"relationType", text_schema("The type of the relation"), true}});
}

Json graph_schema() {
  return object_schema({{"entities", any_list("Entities", entity_schema()), true},
                        {"relations", any_list("Relations", relation_schema()), true}});
}

Json success_schema() {
  return object_schema(
      {{"success", {{"type", "boolean"}}, true}, {"message", {{"type", "string"}}, true}});
}

struct Form {
  const char* name;
  const char* title;
  const char* description;
  Effect effect;
  Json input;
  Json output;
  Result<Json> (*run)(Memory& memory, const Json& arguments);
};

void add(Catalogue& catalogue, Memory& memory, Form form) {
  Tool tool{.name = form.name, .title = form.title, .description = form.description};
  tool.effect = form.effect;
  tool.repeatable = form.effect == Effect::kDestroys;
  tool.input = std::move(form.input);
  tool.output = std::move(form.output);
  tool.run = [&memory, run = form.run](Peer&, const Json& arguments) {
    return run(memory, arguments);
  };
  catalogue.tools.push_back(std::move(tool));
}

void add_writing_tools(Catalogue& catalogue, Memory& memory) {
  const Json texts = any_list("Texts", {{"type", "string"}});
  const Json entities = any_list("Entities", entity_schema());
  const Json relations = any_list("Relations", relation_schema());
  add(catalogue, memory,
      {"create_entities", "Create Entities", "Create multiple new entities in the knowledge graph",
       Effect::kAdds, object_schema({{"entities", entities, true}}),
       object_schema({{"entities", entities, true}}), create_entities});
  add(catalogue, memory,
      {"create_relations", "Create Relations",
       "Create multiple new relations between entities in the knowledge graph, in active voice",
       Effect::kAdds, object_schema({{"relations", relations, true}}),
       object_schema({{"relations", relations, true}}), create_relations});
  add(catalogue, memory,
      {"add_observations", "Add Observations",
       "Add new observations to entities of the knowledge graph", Effect::kAdds,
       object_schema({{"observations",
                       any_list("What to add to which entity",
                                object_schema({{"entityName", text_schema("Its name"), true},
                                               {"contents", texts, true}})),
                       true}}),
       object_schema({{"results",
                       any_list("What was added",
                                object_schema({{"entityName", text_schema("Its name"), true},
                                               {"addedObservations", texts, true}})),
                       true}}),
       add_observations});
}

void add_deleting_tools(Catalogue& catalogue, Memory& memory) {
  const Json texts = any_list("Texts", {{"type", "string"}});
  const Json relations = any_list("Relations", relation_schema());
  add(catalogue, memory,
      {"delete_entities", "Delete Entities",
       "Delete entities and the relations that touch them from the knowledge graph",
       Effect::kDestroys,
       object_schema({{"entityNames", any_list("Names", {{"type", "string"}}), true}}),
       success_schema(), delete_entities});
  add(catalogue, memory,
      {"delete_observations", "Delete Observations",
       "Delete observations from entities of the knowledge graph", Effect::kDestroys,
       object_schema({{"deletions",
                       any_list("What to delete from which entity",
                                object_schema({{"entityName", text_schema("Its name"), true},
                                               {"observations", texts, true}})),
                       true}}),
       success_schema(), delete_observations});
  add(catalogue, memory,
      {"delete_relations", "Delete Relations", "Delete relations from the knowledge graph",
       Effect::kDestroys, object_schema({{"relations", relations, true}}), success_schema(),
       delete_relations});
}

}  // namespace

void add_graph_tools(Catalogue& catalogue, Memory& memory) {
  add_writing_tools(catalogue, memory);
  add_deleting_tools(catalogue, memory);
  add(catalogue, memory,
      {"read_graph", "Read Graph", "Read the entire knowledge graph", Effect::kReads,
       object_schema({}), graph_schema(), read_graph});
  add(catalogue, memory,
      {"search_nodes", "Search Nodes",
       "Search nodes of the knowledge graph by a part of their name, type or observations",
       Effect::kReads, object_schema({{"query", text_schema("What to look for"), true}}),
       graph_schema(), search_nodes});
  add(catalogue, memory,
      {"open_nodes", "Open Nodes", "Open nodes of the knowledge graph by their names",
       Effect::kReads, object_schema({{"names", any_list("Names", {{"type", "string"}}), true}}),
       graph_schema(), open_nodes});
}

void add_graph_resource(Catalogue& catalogue, Memory& memory) {
  catalogue.resources.push_back({graph::kGraphUri, "knowledge-graph", "Knowledge graph",
                                 "The entire knowledge graph", "application/json",
                                 [&memory]() -> Result<Json> {
                                   HOLDFAST_ASSIGN(const KnowledgeGraph graph, memory.graph());
                                   return Json{{"text", printed(json_of(graph), 2)}};
                                 }});
}

}  // namespace holdfast::mcp
