#include "blob/fresh_view.h"

#include <algorithm>

#include "store/superblock.h"
#include "tree/cursor.h"

namespace holdfast::blob {
namespace {

uint32_t pages_max(const store::Context& context) {
  const uint64_t mapped = context.data_map->size() >> context.page_shift;
  return static_cast<uint32_t>(std::min<uint64_t>(mapped, store::kPagesMax));
}

}  // namespace

FreshView::FreshView(const Snapshot& snapshot)
    : view_(Snapshot::Impl::view_of(snapshot)),
      pages_(view_.engine().context().data_map->data(), view_.engine().context().page_shift,
             pages_max(view_.engine().context())) {
  pages_.set_page_count(view_.engine().context().pages->page_count());
}

Result<std::optional<std::string>> FreshView::get(std::string_view key) const {
  HOLDFAST_ASSIGN(const auto found, tree::find(pages_, view_.root().root, key));
  if (!found) return std::optional<std::string>();
  HOLDFAST_ASSIGN(const std::string_view value, tree::value_bytes(pages_, *found));
  return std::optional<std::string>(value);
}

Result<bool> FreshView::has_prefix(std::string_view prefix) const {
  tree::Cursor cursor(pages_, view_.root().root);
  cursor.seek(prefix);
  HOLDFAST_TRY(cursor.status());
  return cursor.valid() && cursor.key().starts_with(prefix);
}

}  // namespace holdfast::blob
