// FreshView: reads of a snapshot in which every page is verified again. After an error of the disk
// the kernel may show old bytes of a page that this process verified long ago. Whoever only reads
// is told sooner or later, and the log has the truth; who removes a file must know before.
//
// Who: the collector. Thread-safety: one thread at a time; must not outlive the snapshot.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "holdfast/transaction.h"
#include "store/transaction_impl.h"
#include "tree/page_source.h"

namespace holdfast::blob {

class FreshView {
 public:
  // Errors: IoError (no address space).
  static Result<FreshView> of(const Snapshot& snapshot);

  // Errors: Corruption, of any page on the way.
  Result<std::optional<std::string>> get(std::string_view key) const;
  // Whether some key begins with `prefix`.
  Result<bool> has_prefix(std::string_view prefix) const;

 private:
  FreshView(const PinnedView& view, std::unique_ptr<tree::PageSource> pages)
      : view_(&view), pages_(std::move(pages)) {}

  const PinnedView* view_;
  std::unique_ptr<tree::PageSource> pages_;
};

}  // namespace holdfast::blob
