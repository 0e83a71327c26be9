#include "tree/page.h"

namespace holdfast::tree {

Result<std::optional<FoundValue>> find(const PageSource& source, const Root& root,
                                       std::string_view key) {
  if (root.height == 0 || key.empty()) return std::optional<FoundValue>();
  Status error;
  PageRef ref = root.page;
  for (uint32_t level = root.height - 1;; --level) {
    const char* bytes = load_at_level(source, ref, level, &error);
    if (bytes == nullptr) return error;
    const Page page(bytes, source.page_size_bytes());
    if (level > 0) {
      ref = page.child(page.child_index(key));
      // A leaf is seldom cached: its checksum's place, slots and prefix at once, not in turn.
      if (level == 1) source.prefetch(ref.pgno);
      continue;
    }
    bool equal = false;
    const uint32_t index = page.lower_bound(key, &equal);
    if (!equal) return std::optional<FoundValue>();
    return std::optional<FoundValue>(page.value(index));
  }
}

Result<std::string_view> value_bytes(const PageSource& source, const FoundValue& value) {
  if (value.overflow.page_count == 0) return value.inline_bytes;
  Status error;
  const char* bytes = source.load_run(value.overflow, &error);
  if (bytes == nullptr) return error;
  return std::string_view(bytes, value.overflow.size_bytes);
}

}  // namespace holdfast::tree
