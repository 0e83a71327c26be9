#include <algorithm>
#include <utility>

#include "base/time_text.h"
#include "mcp/arguments.h"
#include "mcp/budget.h"
#include "mcp/work_tools.h"

namespace holdfast::mcp {
namespace {

Result<Json> append(const EventStream& stream, const Json& arguments) {
  HOLDFAST_TRY(needs(arguments, "data"));
  NewEvent event;
  event.type = arguments.value("type", "note");
  event.data = arguments["data"].get<std::string>();
  event.source = arguments.value("source", "");
  HOLDFAST_ASSIGN(const std::string id, stream.append(event));
  return structured_result({{"event", id}});
}

// The number from which on there are the newest `limit` events that are asked for. Of one type they
// may lie far back: portions are looked through, the newest first.
Result<uint64_t> newest_of(const EventStream& stream, const EventReadOptions& options) {
  constexpr size_t kPortion = 1000;
  HOLDFAST_ASSIGN(const StreamInfo info, stream.info());
  if (options.type.empty()) return info.next - std::min<uint64_t>(info.next - 1, options.limit);
  size_t wanted = options.limit;
  uint64_t end = info.next;
  while (end > info.first) {
    const uint64_t begin = end - std::min<uint64_t>(end - info.first, kPortion);
    EventReadOptions portion{.from = begin, .limit = kPortion, .type = options.type, .before = end};
    std::vector<uint64_t> numbers;
    while (portion.from < end) {  // a page ends early where events are large
      HOLDFAST_ASSIGN(const EventPage page, stream.read(portion));
      for (const Event& event : page.events) numbers.push_back(event.number);
      if (page.next <= portion.from) break;
      portion.from = page.next;
    }
    if (numbers.size() >= wanted) return numbers[numbers.size() - wanted];
    wanted -= numbers.size();
    end = begin;
  }
  return info.first;
}

Result<Json> read(const EventStream& stream, const Json& arguments) {
  EventReadOptions options;
  options.limit = arguments.value("limit", size_t{100});
  options.type = arguments.value("type", "");
  if (arguments.contains("from")) {
    options.from = arguments["from"].get<uint64_t>();
  } else {
    HOLDFAST_ASSIGN(options.from, newest_of(stream, options));
  }
  HOLDFAST_ASSIGN(const EventPage page, stream.read(options));
  Budget budget(arguments);
  Json events = Json::array();
  uint64_t next = page.next;
  for (const Event& event : page.events) {
    Json json = {
        {"number", event.number}, {"time", time_text(event.time_us)}, {"type", event.type}};
    if (!event.source.empty()) json["source"] = event.source;
    cli::set_bytes(json, "data", event.data);
    if (!budget.spend_first(json, "data")) {
      next = event.number;
      break;
    }
    events.push_back(std::move(json));
  }
  return structured_result(
      {{"events", std::move(events)}, {"next", next}, {"missed", page.missed}});
}

Result<Json> streams(const Events& events, const Json& arguments) {
  constexpr size_t kListed = 200;
  HOLDFAST_ASSIGN(const auto found, events.list(arguments.value("after", ""), kListed));
  Json list = Json::array();
  Budget budget(arguments);
  for (const StreamInfo& info : found) {
    Json json = {{"stream", info.name}, {"first", info.first}, {"next", info.next}};
    if (!budget.spend(json)) break;
    list.push_back(std::move(json));
  }
  const bool more = list.size() < found.size() || found.size() == kListed;
  return structured_result({{"streams", std::move(list)}, {"more", more}});
}

Result<Json> run(Memory& memory, const Json& arguments) {
  const auto action = arguments["action"].get<std::string>();
  HOLDFAST_ASSIGN(const Space space, memory.space());
  if (action == "streams") return streams(space.events(), arguments);
  HOLDFAST_TRY(needs(arguments, "stream"));
  const EventStream stream = space.events().stream(arguments["stream"].get<std::string>());
  return action == "append" ? append(stream, arguments) : read(stream, arguments);
}

}  // namespace

void add_log_tool(Catalogue& catalogue, Memory& memory) {
  Tool tool{.name = "log", .title = "Log"};
  tool.description =
      "Streams of events that nobody can change behind your back: append what happened, in order; "
      "read what others appended, the newest if from is not given. Give next as from to go on.";
  tool.effect = Effect::kAdds;
  tool.input = object_schema({
      {"action", word_schema("What to do", {"append", "read", "streams"}), true},
      {"stream", text_schema("append, read: its name, such as deploys")},
      {"data", text_schema("append: what happened")},
      {"type", text_schema("append: note if not given; read: only these")},
      {"source", text_schema("append: who or what says so")},
      {"from", integer_schema("read: the first number wanted", 1, int64_t{1} << 53)},
      {"limit", integer_schema("read: so many events; 100 if not given", 1, 1000)},
      {"after", text_schema("streams: only names behind this one")},
      Budget::property(),
  });
  tool.output = object_schema({
      {"event", text_schema("append: its id")},
      {"events", objects_schema("read")},
      {"next", count_schema("read: go on with from")},
      {"missed", count_schema("read: so many are kept no longer")},
      {"streams", objects_schema("streams")},
      {"more", flag_schema("streams: go on with after")},
  });
  tool.run = [&memory](Peer&, const Json& arguments) { return run(memory, arguments); };
  catalogue.tools.push_back(std::move(tool));
}

}  // namespace holdfast::mcp
