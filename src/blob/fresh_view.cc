#include "blob/fresh_view.h"

#include "store/fresh_pages.h"
#include "tree/cursor.h"

namespace holdfast::blob {

Result<FreshView> FreshView::of(const Snapshot& snapshot) {
  const PinnedView& view = Snapshot::Impl::view_of(snapshot);
  HOLDFAST_ASSIGN(auto pages, store::fresh_pages(view.engine().context()));
  return FreshView(view, std::move(pages));
}

Result<std::optional<std::string>> FreshView::get(std::string_view key) const {
  HOLDFAST_ASSIGN(const auto found, tree::find(*pages_, view_->root().root, key));
  if (!found) return std::optional<std::string>();
  HOLDFAST_ASSIGN(const std::string_view value, tree::value_bytes(*pages_, *found));
  return std::optional<std::string>(value);
}

Result<bool> FreshView::has_prefix(std::string_view prefix) const {
  tree::Cursor cursor(*pages_, view_->root().root);
  cursor.seek(prefix);
  HOLDFAST_TRY(cursor.status());
  return cursor.valid() && cursor.key().starts_with(prefix);
}

}  // namespace holdfast::blob
