#include "store/cursor_impl.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast {

Cursor::Cursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;

bool Cursor::valid() const {
  return impl_->valid();
}
void Cursor::next() {
  CHECK(valid());
  impl_->next();
}
void Cursor::seek(std::string_view key) {
  impl_->seek(key);
}
std::string_view Cursor::key() const {
  CHECK(valid());
  return impl_->key();
}
std::string_view Cursor::value() const {
  CHECK(valid());
  return impl_->value();
}
const Status& Cursor::status() const {
  return impl_->status();
}

Cursor::Impl::Impl(const PinnedView& view, Transaction::Impl* txn, const KeyRange& range)
    : txn_(txn), begin_(range.begin), end_(range.end) {
  tree_.emplace(*view.engine().context().pages, view.root().root);
  seek(begin_);
}

void Cursor::Impl::seek(std::string_view key) {
  if (!tree_) return;                                // made from an error
  noted_ = std::max(key, std::string_view(begin_));  // a copy: `key` may be the cursor's own
  if (noted_.empty()) {
    tree_->seek_first();
  } else {
    tree_->seek(noted_);
  }
  if (txn_ != nullptr) {
    write_ = txn_->writes.lower_bound(noted_);
    writes_seen_ = txn_->writes.size();
  }
  settle();
}

void Cursor::Impl::next() {
  const bool in_tree = !from_writes_ || (tree_->valid() && tree_->key() == write_->first);
  if (txn_ != nullptr && txn_->writes.size() != writes_seen_) {
    // Keys were written since; one of them may be the next.
    write_ = txn_->writes.upper_bound(key());
    writes_seen_ = txn_->writes.size();
  } else if (from_writes_) {
    ++write_;
  }
  if (in_tree) tree_->next();
  settle();
}

void Cursor::Impl::settle() {
  valid_ = false;
  while (true) {
    if (!tree_->valid() && !tree_->status()) {
      status_ = tree_->status();
      return;
    }
    const bool has_tree = tree_->valid() && inside(tree_->key());
    const bool has_write = txn_ != nullptr && write_ != txn_->writes.end() && inside(write_->first);
    if (!has_tree && !has_write) {
      note_to_end();
      return;
    }
    from_writes_ = has_write && (!has_tree || write_->first <= tree_->key());
    note_through(key());
    if (!from_writes_) {
      auto value = tree_->value();
      if (!value) {
        status_ = value.status();
        return;
      }
      value_ = *value;
      valid_ = true;
      return;
    }
    if (write_->second) {
      own_value_ = *write_->second;
      value_ = own_value_;
      valid_ = true;
      return;
    }
    if (has_tree && tree_->key() == write_->first) tree_->next();
    ++write_;
  }
}

void Cursor::Impl::note_through(std::string_view key) {
  if (txn_ == nullptr) return;
  std::string behind(key);
  behind.push_back('\0');
  txn_->reads.add_range(noted_, behind);
  noted_ = std::move(behind);
}

void Cursor::Impl::note_to_end() {
  if (txn_ == nullptr) return;
  txn_->reads.add_range(noted_, end_);
}

}  // namespace holdfast
