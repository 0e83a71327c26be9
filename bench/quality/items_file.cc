#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/engine.h"
#include "bench/quality/task.h"

namespace holdfast::bench {

Task read_items(const std::string& path) {
  std::ifstream file(path);
  require(static_cast<bool>(file), "cannot read the items");
  Task task;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("text")) {
      task.documents.push_back({json["id"].get<std::string>(), json["text"].get<std::string>()});
    } else {
      task.questions.push_back({json["type"].get<std::string>(),
                                json["question"].get<std::string>(),
                                json["answers"].get<std::set<std::string>>()});
    }
  }
  return task;
}

}  // namespace holdfast::bench
