#include <utility>

#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

Json json_of(const Link& link) {
  return {{"from", link.from}, {"type", link.type}, {"to", link.to}, {"weight", link.weight}};
}

LinkFilter filter_of(const Json& arguments) {
  LinkFilter filter;
  const std::string direction = arguments.value("direction", "both");
  filter.direction = direction == "out"  ? LinkDirection::out
                     : direction == "in" ? LinkDirection::in
                                         : LinkDirection::both;
  if (arguments.contains("type")) filter.types = {arguments["type"].get<std::string>()};
  return filter;
}

Result<Json> change(const Links& links, const Json& arguments) {
  for (const char* name : {"from", "type", "to"}) HOLDFAST_TRY(needs(arguments, name));
  NewLink link;
  link.from = arguments["from"].get<std::string>();
  link.type = arguments["type"].get<std::string>();
  link.to = arguments["to"].get<std::string>();
  if (arguments["action"] == "remove") {
    HOLDFAST_TRY(links.remove(link.from, link.type, link.to));
    return structured_result({{"removed", true}});
  }
  link.weight = arguments.value("weight", 1.0);
  HOLDFAST_ASSIGN(const bool existed, links.put(link));
  return structured_result({{"existed", existed}});
}

Result<Json> of(const Links& links, const Json& arguments) {
  LinkListOptions options;
  options.filter = filter_of(arguments);
  options.limit = arguments.value("limit", size_t{100});
  HOLDFAST_ASSIGN(const auto found, links.of(arguments["end"].get<std::string>(), options));
  Budget budget(arguments);
  Json list = Json::array();
  for (const Link& link : found) {
    Json json = json_of(link);
    if (!budget.spend(json)) break;
    list.push_back(std::move(json));
  }
  const bool more = list.size() < found.size() || found.size() == options.limit;
  return structured_result({{"links", std::move(list)}, {"more", more}});
}

Result<Json> walk(const Links& links, const Json& arguments) {
  WalkOptions options;
  options.filter = filter_of(arguments);
  options.depth_max = arguments.value("depth", size_t{3});
  options.limit = arguments.value("limit", size_t{100});
  HOLDFAST_ASSIGN(const WalkResult result,
                  links.walk(arguments["end"].get<std::string>(), options));
  Budget budget(arguments);
  Json list = Json::array();
  for (const WalkedEnd& end : result.ends) {
    Json json = {{"end", end.end}, {"depth", end.depth}, {"by", json_of(end.by)}};
    if (!budget.spend(json)) break;
    list.push_back(std::move(json));
  }
  const bool complete = result.is_complete && list.size() == result.ends.size();
  return structured_result({{"ends", std::move(list)}, {"complete", complete}});
}

Result<Json> run(Memory& memory, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  const Links links = space.links();
  if (action == "add" || action == "remove") return change(links, arguments);
  HOLDFAST_TRY(needs(arguments, "end"));
  return action == "of" ? of(links, arguments) : walk(links, arguments);
}

}  // namespace

void add_link_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "link", .title = "Link"};
  tool.description =
      "Say how things belong together: add a link of a type between two names (files, tasks, "
      "people, observation/ID), list the links of one, or walk along them to what is near.";
  tool.effect = Effect::kDestroys;
  tool.repeatable = true;
  tool.input = object_schema({
      {"action", word_schema("What to do", {"add", "remove", "of", "walk"}), true},
      {"from", text_schema("add, remove: where it begins")},
      {"type", text_schema("add, remove: such as causes, fixes; of, walk: only these")},
      {"to", text_schema("add, remove: where it ends")},
      {"weight", number_schema("add: 1 if not given", -1e6, 1e6)},
      {"end", text_schema("of, walk: the name whose links are wanted")},
      {"direction", word_schema("of, walk: both if not given", {"out", "in", "both"})},
      {"depth", integer_schema("walk: at most so many links away; 3 if not given", 1, 64)},
      {"limit", integer_schema("of, walk: at most so many; 100 if not given", 1, 1000)},
      Budget::property(),
  });
  tool.output = object_schema({
      {"existed", flag_schema("add: its weight was changed")},
      {"removed", flag_schema("remove")},
      {"links", objects_schema("of")},
      {"more", flag_schema("of: there are others")},
      {"ends", objects_schema("walk: nearest first")},
      {"complete", flag_schema("walk: there are no others")},
  });
  tool.run = [&memory](Peer&, const Json& arguments) { return run(memory, arguments); };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
