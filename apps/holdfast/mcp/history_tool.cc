#include <utility>

#include "base/time_text.h"
#include "cli/input.h"
#include "cli/observation_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/memory_tools.h"

namespace holdfast::mcp {
namespace {

constexpr size_t kRecentDefault = 20;
constexpr size_t kVersionsDefault = 100;

Json preview_of(const Observation& observation) {
  constexpr size_t kColumns = 200;
  Json json = cli::json_of(observation);
  json.erase("content");
  json.erase("metadata");
  json["preview"] = cli::one_line(observation.content, kColumns);
  return json;
}

Result<Json> recent(const Space& space, const Json& arguments) {
  ObservationListOptions options;
  options.limit = arguments.value("limit", kRecentDefault);
  options.kind = text_of(arguments, "kind");
  options.newest_first = !arguments.value("oldest_first", false);
  options.after = text_of(arguments, "after").value_or("");
  HOLDFAST_ASSIGN(options.since_us, time_of(arguments, "since"));
  HOLDFAST_ASSIGN(options.until_us, time_of(arguments, "until"));
  HOLDFAST_ASSIGN(const auto observations, space.observations().list(options));
  Budget budget(arguments);
  Json found = Json::array();
  for (const Observation& observation : observations) {
    Json json = preview_of(observation);
    if (!budget.spend(json)) break;
    found.push_back(std::move(json));
  }
  const bool more = found.size() < observations.size() || observations.size() == options.limit;
  Json result = {{"entries", found}, {"more", more && !found.empty()}};
  if (more && !found.empty()) result["next"] = found.back()["id"];
  return structured_result(std::move(result));
}

// As many of `entries` as the budget allows; of the first one the text may be cut.
Json within_budget(std::vector<Json> entries, const std::string& text, const Json& arguments) {
  Budget budget(arguments);
  Json found = Json::array();
  for (Json& entry : entries) {
    if (!budget.spend_first(entry, text)) break;
    found.push_back(std::move(entry));
  }
  const bool more = found.size() < entries.size();
  return {{"entries", std::move(found)}, {"more", more}};
}

Result<Json> of_observation(const Space& space, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "id"));
  const Observations observations = space.observations();
  HOLDFAST_ASSIGN(const Observation now, observations.get(arguments["id"].get<std::string>()));
  HOLDFAST_ASSIGN(auto before, observations.history(now.id));
  std::vector<Json> entries;
  for (Observation& one : before) {
    one.embedding.reset();  // numbers that nobody reads
    entries.push_back(cli::json_of(one));
  }
  return structured_result(within_budget(std::move(entries), "content", arguments));
}

Result<Json> of_value(const Space& space, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "key"));
  const auto key = arguments["key"].get<std::string>();
  HOLDFAST_ASSIGN(const auto versions,
                  space.kv().history(key, arguments.value("limit", kVersionsDefault)));
  std::vector<Json> entries;
  for (const KvVersion& version : versions) {
    Json json = {{"version", version.version},
                 {"time", time_text(static_cast<int64_t>(version.time_us))}};
    if (version.is_deletion) {
      json["deleted"] = true;
    } else {
      cli::set_bytes(json, "value", version.value);
    }
    entries.push_back(std::move(json));
  }
  return structured_result(within_budget(std::move(entries), "value", arguments));
}

Result<Json> history(Memory& memory, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  if (action == "recent") return recent(space, arguments);
  return action == "observation" ? of_observation(space, arguments) : of_value(space, arguments);
}

}  // namespace

void add_history_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "history", .title = "History"};
  tool.description =
      "What was before. recent: what was remembered lately, newest first, a line each, to catch up "
      "with what other agents did; give next as after for the page behind. observation: what one "
      "said before it was changed. value: the versions that are kept of a named value.";
  const std::string time_help = kTimeHelp;
  tool.input = object_schema({
      {"action", word_schema("Of what", {"recent", "observation", "value"}), true},
      {"id", text_schema(std::string("observation: ") + kIdHelp)},
      {"key", text_schema("value: its name")},
      {"limit", integer_schema("recent, value: at most so many; 20 and 100 if not given", 1, 500)},
      {"kind", text_schema("recent: only of this kind")},
      {"since", text_schema("recent: only added at or after: " + time_help)},
      {"until", text_schema("recent: only added before: " + time_help)},
      {"after", text_schema("recent: id of the last one of the page before")},
      {"oldest_first", flag_schema("recent: oldest first")},
      Budget::property(),
  });
  tool.output = object_schema({{"entries", objects_schema(), true},
                               {"more", {{"type", "boolean"}}, true},
                               {"next", {{"type", "string"}}}});
  tool.run = [&memory](Peer&, const Json& arguments) { return history(memory, arguments); };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
