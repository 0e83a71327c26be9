#include <utility>

#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

Result<Json> get(const Kv& kv, const std::string& key, const Json& arguments) {
  HOLDFAST_ASSIGN(const auto value, kv.get(key));
  Json result = {{"key", key}, {"found", value.has_value()}};
  if (value) cli::set_bytes(result, "value", *value);
  (void)Budget(arguments).spend_first(result, "value");  // the first is never left out
  if (result.contains("cut")) result["size"] = value->size();
  return structured_result(std::move(result));
}

Result<Json> list(const Kv& kv, const Json& arguments) {
  KvListOptions options;
  options.prefix = arguments.value("prefix", "");
  options.after = arguments.value("after", "");
  options.limit = arguments.value("limit", size_t{100});
  HOLDFAST_ASSIGN(const auto entries, kv.list(options));
  Budget budget(arguments);
  Json found = Json::array();
  for (const KvEntry& entry : entries) {
    Json json = {{"size", entry.size}};
    cli::set_bytes(json, "key", entry.key);
    if (!entry.is_blob) cli::set_bytes(json, "value", entry.value);
    if (!budget.spend_first(json, "value")) break;
    found.push_back(std::move(json));
  }
  const bool more = found.size() < entries.size() || entries.size() == options.limit;
  return structured_result({{"entries", std::move(found)}, {"more", more}});
}

Result<Json> value(Memory& memory, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  if (action != "list") HOLDFAST_TRY(needs(arguments, "key"));
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Kv kv = space.kv();
  if (action == "list") return list(kv, arguments);
  const auto key = arguments["key"].get<std::string>();
  if (action == "get") return get(kv, key, arguments);
  if (action == "set") {
    HOLDFAST_TRY(needs(arguments, "value"));
    HOLDFAST_TRY(kv.put(key, arguments["value"].get<std::string>()));
  } else {
    HOLDFAST_TRY(kv.del(key));
  }
  return structured_result({{"key", key}});
}

}  // namespace

void add_value_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "value", .title = "Value"};
  tool.description =
      "Named values that all agents of this project share, such as settings and the state of a "
      "task: get, set, delete one by its key, or list them by the beginning of their keys.";
  tool.effect = Effect::kDestroys;
  tool.repeatable = true;
  tool.input = object_schema({
      {"action", word_schema("What to do", {"get", "set", "delete", "list"}), true},
      {"key", text_schema("Name of the value; \"/\" makes folders")},
      {"value", text_schema("set: the text to keep")},
      {"prefix", text_schema("list: only keys that begin so")},
      {"after", text_schema("list: only keys behind this one")},
      {"limit", integer_schema("list: at most so many; 100 if not given", 1, 1000)},
      Budget::property(),
  });
  tool.output = object_schema({
      {"key", text_schema("get, set, delete")},
      {"found", flag_schema("get: there is a value")},
      {"value", text_schema("get: if it is text")},
      {"value_base64", text_schema("get: if it is not")},
      {"cut", flag_schema("get: only the beginning of the value is here")},
      {"size", count_schema("get: its bytes, where it is cut")},
      {"entries", objects_schema("list")},
      {"more", flag_schema("list: go on with after")},
  });
  tool.run = [&memory](Peer&, const Json& arguments) { return value(memory, arguments); };
  catalogue.tools.push_back(std::move(tool));
}

void add_status_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "status", .title = "Status"};
  tool.description = "Which store and space this server uses, and how much is in them.";
  tool.input = object_schema({});
  tool.output = object_schema({{"store", text_schema("Its directory"), true},
                               {"space", text_schema("The only one that the tools see"), true},
                               {"observations", count_schema("In the space"), true},
                               {"version", count_schema("Of the newest commit"), true},
                               {"durable_version", count_schema("On the disk"), true},
                               {"processes", count_schema("That have the store open"), true}});
  tool.run = [&memory](Peer&, const Json&) -> Result<Json> {
    HOLDFAST_ASSIGN(const std::string path, memory.store_path());
    HOLDFAST_ASSIGN(const Space space, memory.space());
    HOLDFAST_ASSIGN(const StoreStats stats, memory.stats());
    HOLDFAST_ASSIGN(const uint64_t observations, space.observations().count());
    return structured_result({{"store", path},
                              {"space", space.path()},
                              {"observations", observations},
                              {"version", stats.version},
                              {"durable_version", stats.durable_version},
                              {"processes", stats.processes}});
  };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
