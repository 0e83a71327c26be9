// Resources and prompts about what is remembered.
#include <strings.h>

#include <set>
#include <utility>

#include "cli/observation_text.h"
#include "mcp/budget.h"
#include "mcp/memory_tools.h"

namespace holdfast::mcp {
namespace {

constexpr const char* kJsonType = "application/json";
constexpr size_t kRecent = 20;
constexpr size_t kRecentTokens = 16'000;
constexpr size_t kRecentSizeMax = 2'000;  // bytes of each content
constexpr size_t kPromptTokens = 4'000;

Json text_of(const Json& json) {
  return {{"text", printed(json, 2)}};
}

Result<Json> read_recent(Memory& memory) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const auto observations, space.observations().list({.limit = kRecent}));
  Budget budget(kRecentTokens);
  Json found = Json::array();
  for (const Observation& observation : observations) {
    Json json = cli::json_of(observation);
    cut_text(json, "content", kRecentSizeMax);
    if (!budget.spend(json)) break;
    found.push_back(std::move(json));
  }
  return text_of({{"observations", std::move(found)}});
}

Result<Json> read_observation(Memory& memory, const std::string& id) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(Observation observation, space.observations().get(id));
  observation.embedding.reset();
  return text_of(cli::json_of(observation));
}

// How many of the newest observations completions are taken from.
constexpr size_t kLookedAt = 1'000;

Result<std::vector<std::string>> recent_ids(Memory& memory, const std::string& begin) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const auto observations, space.observations().list({.limit = kLookedAt}));
  std::vector<std::string> ids;
  for (const Observation& observation : observations) {
    if (observation.id.compare(0, begin.size(), begin) == 0) ids.push_back(observation.id);
  }
  return ids;
}

// Topics that there is something about: tags, then titles.
Result<std::vector<std::string>> recent_topics(Memory& memory, const std::string& begin) {
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const auto observations, space.observations().list({.limit = kLookedAt}));
  std::vector<std::string> topics;
  std::set<std::string> seen;
  const auto add = [&](const std::string& topic) {
    const bool fits = ::strncasecmp(topic.c_str(), begin.c_str(), begin.size()) == 0;
    if (fits && seen.insert(topic).second) topics.push_back(topic);
  };
  for (const Observation& observation : observations) {
    for (const std::string& tag : observation.tags) add(tag);
  }
  for (const Observation& observation : observations) {
    if (observation.title) add(*observation.title);
  }
  return topics;
}

// The text of a "user" message.
Json message_of(const std::string& text) {
  return Json::array({{{"role", "user"}, {"content", text_content(text)}}});
}

Result<Json> recall_prompt(Memory& memory, const Json& arguments) {
  const auto topic = arguments["topic"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  HOLDFAST_ASSIGN(const auto hits, space.recall({.text = topic, .limit = 20, .snippet_size = 400}));
  std::string text = "What this project's agents remembered about \"" + topic + "\":\n";
  size_t shown = 0;
  for (const RecallHit& hit : hits) {
    const std::string line = "\n- [" + hit.observation.id + "] " +
                             (hit.observation.title ? *hit.observation.title + ": " : "") +
                             hit.snippet;
    if (tokens_of(text.size() + line.size()) > kPromptTokens) break;
    text += line;
    ++shown;
  }
  if (shown == 0) text += "\n(nothing yet)";
  text += "\n\nUse it where it helps, and say where it contradicts what you see.";
  return message_of(text);
}

Json handover_prompt(const Json& arguments) {
  std::string text =
      "You are about to stop working. Write down for the next agent what it cannot see in the "
      "files: call remember once for each decision and its reason, each lesson, each thing that "
      "was tried and did not work, and the next step. Whole sentences, names and error texts as "
      "they are, no secrets.";
  if (arguments.contains("task")) {
    text += " The task was: " + arguments["task"].get<std::string>();
  }
  return message_of(text);
}

}  // namespace

void add_memory_resources(Catalogue& catalogue, Memory& memory) {
  catalogue.resources.push_back({"holdfast://recent", "recent", "Remembered lately",
                                 "The newest 20 observations, long ones cut", kJsonType,
                                 [&memory] { return read_recent(memory); }});
  ResourceTemplate family;
  family.prefix = "holdfast://observation/";
  family.variable = "id";
  family.name = "observation";
  family.title = "Observation";
  family.description = "One observation, whole";
  family.media_type = kJsonType;
  family.read = [&memory](const std::string& id) { return read_observation(memory, id); };
  family.complete = [&memory](const std::string& begin) { return recent_ids(memory, begin); };
  catalogue.templates.push_back(std::move(family));
}

void add_memory_prompts(Catalogue& catalogue, Memory& memory) {
  Prompt recalled{.name = "recall", .title = "Recall"};
  recalled.description = "Put what is remembered about a topic into the conversation";
  recalled.arguments = {{"topic", "What it is about", true, [&memory](const std::string& begin) {
                           return recent_topics(memory, begin);
                         }}};
  recalled.get = [&memory](const Json& arguments) { return recall_prompt(memory, arguments); };
  catalogue.prompts.push_back(std::move(recalled));
  Prompt handover{.name = "handover", .title = "Hand over"};
  handover.description = "Have what was learned written down before the work ends";
  handover.arguments = {{"task", "What the work was about", false}};
  handover.get = [](const Json& arguments) -> Result<Json> { return handover_prompt(arguments); };
  catalogue.prompts.push_back(std::move(handover));
}

}  // namespace holdfast::mcp
