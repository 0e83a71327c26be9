#include "mcp/budget.h"

namespace holdfast::mcp {
namespace {

constexpr size_t kDefault = 4'000;
constexpr size_t kLeast = 200;
constexpr size_t kMost = 100'000;
// What stands around the elements: names, brackets, counts.
constexpr size_t kFrame = 60;

}  // namespace

Budget::Budget(const Json& arguments)
    : tokens_(arguments.value("max_tokens", kDefault)), left_(tokens_ - kFrame) {}

Property Budget::property() {
  return {"max_tokens", integer_schema("The answer costs at most so many tokens; " +
                                           std::to_string(kDefault) + " if not given",
                                       kLeast, kMost)};
}

bool Budget::spend(const Json& json) {
  // As it will be printed, indented by two levels.
  const size_t cost = tokens_of(json.dump(2).size() + 8 * (json.size() + 2));
  if (cost > left_) return false;
  left_ -= cost;
  return true;
}

size_t tokens_of(size_t bytes) {
  return (bytes + 2) / 3;
}

}  // namespace holdfast::mcp
