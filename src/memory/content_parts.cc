#include "memory/content_parts.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast::memory {
namespace {

std::string part_key(const std::string& key, size_t number) {
  return number == 0 ? key : key + static_cast<char>(number);
}

}  // namespace

Status put_parts(search::KeyTarget& target, const std::string& key, std::string_view content) {
  CHECK(content.size() <= 255 * kPartSizeMax);
  size_t number = 0;
  do {
    const std::string_view part = content.substr(0, kPartSizeMax);
    HOLDFAST_TRY(target.put(part_key(key, number++), part));
    content.remove_prefix(part.size());
  } while (!content.empty());
  return Status::ok();
}

Result<std::optional<std::string>> get_parts(search::KeySource& source, const std::string& key,
                                             bool peeks) {
  const auto get = [&](size_t number) {
    const std::string part = part_key(key, number);
    return peeks ? source.peek(part) : source.get(part);
  };
  HOLDFAST_ASSIGN(std::optional<std::string> content, get(0));
  // Only behind a full part there may be another.
  for (size_t number = 1; content && content->size() == number * kPartSizeMax; ++number) {
    HOLDFAST_ASSIGN(const auto part, get(number));
    if (!part) break;
    content->append(*part);
  }
  return content;
}

Status del_parts(search::KeyTarget& target, const std::string& key) {
  return target.del_range(search::prefix_range(key));
}

}  // namespace holdfast::memory
