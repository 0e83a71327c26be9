// FreshView: reads of a snapshot in which every page is verified again. After an error of the disk
// the kernel may show old bytes of a page that this process verified long ago. Whoever only reads
// is told sooner or later, and the log has the truth; who removes a file must know before.
//
// Who: the collector. Thread-safety: one thread at a time; must not outlive the snapshot.
#pragma once

#include <optional>
#include <string>

#include "holdfast/transaction.h"
#include "store/transaction_impl.h"
#include "tree/page_source.h"

namespace holdfast::blob {

class FreshView {
 public:
  explicit FreshView(const Snapshot& snapshot);

  // Errors: Corruption, of any page on the way.
  Result<std::optional<std::string>> get(std::string_view key) const;
  // Whether some key begins with `prefix`.
  Result<bool> has_prefix(std::string_view prefix) const;

 private:
  const PinnedView& view_;
  tree::PageSource pages_;
};

}  // namespace holdfast::blob
