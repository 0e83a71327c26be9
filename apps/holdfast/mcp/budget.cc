#include "mcp/budget.h"

#include "base/utf8.h"

namespace holdfast::mcp {
namespace {

constexpr size_t kDefault = 4'000;
constexpr size_t kLeast = 200;
constexpr size_t kMost = 100'000;
// What stands around the elements: names, brackets, counts.
constexpr size_t kFrame = 60;

}  // namespace

Budget::Budget(const Json& arguments) : Budget(arguments.value("max_tokens", kDefault)) {}

Budget::Budget(size_t tokens) : tokens_(tokens), left_(tokens - kFrame) {}

Property Budget::property() {
  return {"max_tokens", integer_schema("The answer costs at most so many tokens; " +
                                           std::to_string(kDefault) + " if not given",
                                       kLeast, kMost)};
}

bool Budget::spend(const Json& json) {
  // As it will be printed, indented by two levels.
  const size_t cost = tokens_of(printed(json, 2).size() + 8 * (json.size() + 2));
  if (cost > left_) return false;
  left_ -= cost;
  is_untouched_ = false;
  return true;
}

bool Budget::spend_first(Json& json, const std::string& member) {
  const bool is_first = is_untouched_;
  if (spend(json)) return true;
  if (!is_first) return false;
  // Printed, a byte may become six.
  for (size_t size = 2 * left_; !spend(json); size /= 2) {
    cut_text(json, member, size);
    if (size == 0) break;
  }
  is_untouched_ = false;
  return true;
}

void cut_text(Json& json, const std::string& member, size_t size_max) {
  constexpr size_t kBase64Group = 4;
  for (const bool is_base64 : {false, true}) {
    const std::string name = is_base64 ? member + "_base64" : member;
    if (!json.contains(name) || !json[name].is_string()) continue;
    const auto text = json[name].get<std::string>();
    if (text.size() <= size_max) continue;
    const size_t size = is_base64 ? size_max - size_max % kBase64Group : size_max;
    json[name] = std::string(utf8_prefix(text, size));
    json["cut"] = true;
  }
}

size_t tokens_of(size_t bytes) {
  return (bytes + 2) / 3;
}

}  // namespace holdfast::mcp
