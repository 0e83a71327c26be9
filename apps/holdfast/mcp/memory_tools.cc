#include "mcp/memory_tools.h"

#include <algorithm>
#include <utility>

#include "base/time_text.h"
#include "base/utf8.h"
#include "cli/input.h"
#include "cli/observation_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"

namespace holdfast::mcp {
namespace {

Result<Json> remember(Memory& memory, const Json& arguments) {
  NewObservation observation;
  observation.content = *text_of(arguments, "content");
  observation.title = text_of(arguments, "title");
  observation.kind = text_of(arguments, "kind");
  observation.source = text_of(arguments, "source");
  observation.session = text_of(arguments, "session");
  observation.run = text_of(arguments, "run");
  observation.key = text_of(arguments, "key");
  observation.tags = texts_of(arguments, "tags");
  if (arguments.contains("metadata")) observation.metadata = arguments["metadata"].dump();
  if (arguments.contains("confidence")) observation.confidence = arguments["confidence"];
  HOLDFAST_ASSIGN(observation.happened_us, time_of(arguments, "happened"));
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const auto added, space.observations().add_all({&observation, 1}));
  return structured_result({{"id", added[0].id}, {"existed", added[0].existed}});
}

// About as much of each content as the budget allows when all hits come.
size_t snippet_size(size_t tokens, size_t hits) {
  constexpr size_t kLeast = 160;
  return std::clamp(tokens * 2 / std::max<size_t>(hits, 1), kLeast, kSnippetSizeMax);
}

Json json_of(const RecallHit& hit) {
  Json json = cli::json_of(hit.observation);
  json.erase("content");
  json["text"] = hit.snippet;
  json["whole"] = hit.snippet.size() == hit.observation.content.size();
  json["score"] = hit.score;
  return json;
}

Result<Json> recall(Memory& memory, const Json& arguments) {
  RecallQuery query;
  query.text = *text_of(arguments, "query");
  query.limit = arguments.value("limit", size_t{10});
  query.kind = text_of(arguments, "kind");
  query.source = text_of(arguments, "source");
  query.session = text_of(arguments, "session");
  query.run = text_of(arguments, "run");
  query.tags = texts_of(arguments, "tags");
  HOLDFAST_ASSIGN(query.since_us, time_of(arguments, "since"));
  HOLDFAST_ASSIGN(query.until_us, time_of(arguments, "until"));
  Budget budget(arguments);
  query.snippet_size = snippet_size(budget.tokens(), query.limit);
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_TRY(memory.embed_query(space, query));
  HOLDFAST_ASSIGN(const auto hits, space.recall(query));
  Json found = Json::array();
  for (const RecallHit& hit : hits) {
    Json json = json_of(hit);
    if (!budget.spend(json)) break;
    found.push_back(std::move(json));
  }
  const size_t omitted = hits.size() - found.size();
  return structured_result({{"hits", std::move(found)}, {"omitted", omitted}});
}

Result<Json> show(Memory& memory, const Json& arguments) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  Budget budget(arguments);
  Json found = Json::array();
  Json failed = Json::array();
  for (const std::string& id : texts_of(arguments, "ids")) {
    auto observation = space.observations().get(id);
    if (!observation) {
      failed.push_back({{"id", id}, {"error", observation.status().to_string()}});
      continue;
    }
    observation->embedding.reset();
    const size_t offset =
        std::min(arguments.value("offset", size_t{0}), observation->content.size());
    const size_t begin = utf8_prefix(observation->content, offset).size();
    observation->content.erase(0, begin);
    Json json = cli::json_of(*observation);
    if (!budget.spend_first(json, "content")) {
      failed.push_back({{"id", id}, {"error", "beyond max_tokens; ask for it alone, or for more"}});
      continue;
    }
    if (json.contains("cut")) json["next"] = begin + json["content"].get<std::string>().size();
    found.push_back(std::move(json));
  }
  if (found.empty() && !failed.empty()) {
    return Status(StatusCode::kNotFound, failed[0]["id"].get<std::string>() + ": " +
                                             failed[0]["error"].get<std::string>());
  }
  return structured_result({{"observations", std::move(found)}, {"failed", std::move(failed)}});
}

Result<Json> forget(Memory& memory, const Json& arguments) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const Observation observation,
                  space.observations().get(*text_of(arguments, "id")));
  HOLDFAST_TRY(space.observations().remove(observation.id));
  return structured_result({{"forgotten", observation.id}});
}

std::vector<Property> filters() {
  return {{"kind", text_schema("Only of this kind")},
          {"source", text_schema("Only from this source")},
          {"session", text_schema("Only of this session")},
          {"run", text_schema("Only of this run")},
          {"tags", list_schema("Only with all of these tags", {{"type", "string"}}, 0, kTagsMax)},
          {"since", text_schema(std::string("Only added at or after: ") + kTimeHelp)},
          {"until", text_schema(std::string("Only added before: ") + kTimeHelp)},
          Budget::property()};
}

Tool remember_tool(Memory& memory) {
  Tool tool{.name = "remember", .title = "Remember"};
  tool.description =
      "Keep a text so that every agent of this project finds it from now on. One fact, decision or "
      "lesson a call, in whole sentences. Once this returns, no crash of an agent loses it.";
  tool.effect = Effect::kAdds;
  tool.input = object_schema({
      {"content", text_schema("What to remember"), true},
      {"title", text_schema("Counts double when recalling")},
      {"kind", text_schema("note, fact, decision, lesson ...")},
      {"source", text_schema("Where it came from: tool:bash, a path, a URL")},
      {"session", text_schema("Of which session of an agent")},
      {"run", text_schema("In which run")},
      {"tags", list_schema("Words to find it by", {{"type", "string"}}, 0, kTagsMax)},
      {"metadata", map_schema("Any JSON object")},
      {"confidence", number_schema("How sure it is", 0, 1)},
      {"happened", text_schema(std::string("When it happened: ") + kTimeHelp)},
      {"key", text_schema("Idempotency key: with the same key nothing is added again")},
  });
  tool.output =
      object_schema({{"id", {{"type", "string"}}, true}, {"existed", {{"type", "boolean"}}, true}});
  tool.run = [&memory](Peer&, const Json& arguments) { return remember(memory, arguments); };
  return tool;
}

Tool recall_tool(Memory& memory) {
  Tool tool{.name = "recall", .title = "Recall"};
  tool.description =
      "Find what any agent of this project remembered, best first. Ask with the words that matter: "
      "names, error texts, identifiers. Use show for the whole of a hit that is cut.";
  std::vector<Property> properties = filters();
  properties.insert(properties.begin(),
                    {{"query", text_schema("What to look for"), true},
                     {"limit", integer_schema("At most so many hits; 10 if not given", 1, 100)}});
  tool.input = object_schema(properties);
  tool.output =
      object_schema({{"hits", objects_schema(), true}, {"omitted", {{"type", "integer"}}, true}});
  tool.run = [&memory](Peer&, const Json& arguments) { return recall(memory, arguments); };
  return tool;
}

Tool show_tool(Memory& memory) {
  Tool tool{.name = "show", .title = "Show"};
  tool.description =
      "Read observations whole, by the ids that recall and history give. The content of a very "
      "long one is cut: give its next as offset to go on.";
  tool.input =
      object_schema({{"ids", list_schema("Ids", text_schema(kIdHelp), 1, 20), true},
                     {"offset", integer_schema("From this byte of the content on", 0, 1 << 30)},
                     Budget::property()});
  tool.output =
      object_schema({{"observations", objects_schema(), true}, {"failed", objects_schema(), true}});
  tool.run = [&memory](Peer&, const Json& arguments) { return show(memory, arguments); };
  return tool;
}

Tool forget_tool(Memory& memory) {
  Tool tool{.name = "forget", .title = "Forget"};
  tool.description =
      "Remove an observation that is wrong or no longer wanted, from every index at once.";
  tool.effect = Effect::kDestroys;
  tool.input = object_schema({{"id", text_schema(kIdHelp), true}});
  tool.output = object_schema({{"forgotten", {{"type", "string"}}, true}});
  tool.run = [&memory](Peer&, const Json& arguments) { return forget(memory, arguments); };
  return tool;
}

}  // namespace

void add_memory_tools(Catalogue& catalogue, Memory& memory) {
  catalogue.tools.push_back(remember_tool(memory));
  catalogue.tools.push_back(recall_tool(memory));
  catalogue.tools.push_back(show_tool(memory));
  catalogue.tools.push_back(forget_tool(memory));
}

}  // namespace holdfast::mcp
