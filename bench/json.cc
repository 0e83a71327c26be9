// One JSON object a line: the head of the run, then every measurement.
#include "bench/json.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "bench/engine.h"

namespace holdfast::bench {
namespace {

using Json = nlohmann::ordered_json;

Measurement measurement_of(const Json& object) {
  Measurement run;
  std::set<std::string> known;
  // A member that an older program did not write keeps its default.
  for_each_member(run, [&](const char* name, auto& member) {
    known.insert(name);
    if (!object.contains(name)) return;
    member = object[name].get<std::remove_reference_t<decltype(member)>>();
  });
  for (const auto& [name, value] : object.items()) {
    if (known.count(name) == 0) run.figures.emplace_back(name, value.get<double>());
  }
  return run;
}

}  // namespace

std::string json_line(const Header& header) {
  Json object;
  for (const auto& [name, text] : header) object[name] = text;
  return object.dump();
}

std::string json_line(const Measurement& run) {
  Json object;
  for_each_member(run, [&](const char* name, const auto& member) { object[name] = member; });
  for (const auto& [name, value] : run.figures) object[name] = value;
  return object.dump();
}

Recorded read_lines(const std::string& path) {
  Recorded recorded;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json object = Json::parse(line, nullptr, false);
    if (object.is_discarded()) continue;  // cut short: the run was ended while it wrote
    if (object.contains("workload")) {
      recorded.runs.push_back(measurement_of(object));
    } else if (recorded.header.empty()) {
      for (const auto& [name, text] : object.items()) recorded.header.emplace_back(name, text);
    }
  }
  return recorded;
}

}  // namespace holdfast::bench
