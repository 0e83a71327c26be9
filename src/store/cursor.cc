#include "store/cursor_impl.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

constexpr Cursor::Row kNowhere;  // of a cursor that was moved from

}  // namespace

Cursor::Cursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)), at_(&impl_->row()) {}
Cursor::Cursor(Cursor&& other) noexcept
    : impl_(std::move(other.impl_)), at_(std::exchange(other.at_, &kNowhere)) {}
Cursor& Cursor::operator=(Cursor&& other) noexcept {
  impl_ = std::move(other.impl_);
  at_ = std::exchange(other.at_, &kNowhere);
  return *this;
}
Cursor::~Cursor() = default;

void Cursor::next() {
  CHECK(at_->valid);
  impl_->next();
}
void Cursor::seek(std::string_view key) {
  impl_->seek(key);
}
const Status& Cursor::status() const {
  return impl_->status();
}
void Cursor::refuse() {
  CHECK(false && "the cursor is not valid");
  std::abort();
}

Cursor::Impl::Impl(const PinnedView& view, Transaction::Impl* txn, const KeyRange& range,
                   Remember remember)
    : context_(&view.engine().context()),
      losses_(context_->os.losses()),
      txn_(txn),
      remembers_(txn != nullptr && remember == Remember::kReads),
      begin_(range.begin),
      end_(range.end) {
  tree_.emplace(*view.engine().context().pages, view.recent());
  tree_->set_end(end_);
  seek(begin_);
}

void Cursor::Impl::seek(std::string_view key) {
  if (!tree_) return;  // made from an error
  const std::string_view from = std::max(key, std::string_view(begin_));
  if (txn_ != nullptr) {
    noted_ = std::string(from);  // before the cursor moves: `key` may be its own
    write_ = txn_->writes.writes().lower_bound(noted_);
    writes_seen_ = txn_->writes.generation();
  }
  if (from.empty()) {
    tree_->seek_first();
  } else {
    tree_->seek(txn_ != nullptr ? std::string_view(noted_) : from);
  }
  settle();
}

void Cursor::Impl::next() {
  if (txn_ == nullptr) {
    tree_->next();
    show_tree();
    return;
  }
  const bool in_tree = !from_writes_ || (tree_->valid() && tree_->key() == row_.key);
  if (txn_->writes.generation() != writes_seen_) {
    // Keys were written since; one of them may be the next, and the one at hand may be gone.
    write_ = txn_->writes.writes().upper_bound(row_.key);
    writes_seen_ = txn_->writes.generation();
  } else if (from_writes_) {
    ++write_;
  }
  if (in_tree) tree_->next();
  settle();
}

void Cursor::Impl::show_tree() {
  if (!tree_->valid()) [[unlikely]] {
    row_ = {};
    if (!tree_->status()) status_ = tree_->status();
    if (losses_ != nullptr && losses_->any()) refuse_row();
    return;
  }
  row_.valid = true;
  row_.key = tree_->key();
  if (!tree_->inline_value(&row_.value)) [[unlikely]]
    show_value_outside();
  if (losses_ != nullptr && losses_->any()) [[unlikely]]
    refuse_row();
}

void Cursor::Impl::refuse_row() {
  row_ = {};
  status_ = context_->intact();
}

void Cursor::Impl::show_value_outside() {
  auto value = tree_->value();
  if (value) {
    row_.value = *value;
  } else {
    row_ = {};
    status_ = value.status();
  }
}

bool Cursor::Impl::skip_erased() {
  const store::RangeSet& erased = txn_->writes.erased();
  while (tree_->valid()) {
    const auto end = erased.empty() ? std::nullopt : erased.end_of(tree_->key());
    if (!end) return true;
    if (end->empty()) return false;
    tree_->seek(*end);
  }
  return false;
}

bool Cursor::Impl::show_write(bool has_tree) {
  std::optional<std::string_view> base;
  if (write_->second.is_blind() && has_tree && tree_->key() == write_->first) {
    row_.value = {};
    if (!tree_->inline_value(&row_.value)) show_value_outside();
    if (!status_) return true;
    base = row_.value;
  }
  auto own = store::WriteSet::value_over(write_->second, base);
  if (!own) return false;
  own_value_ = std::move(*own);
  // As it was noted: the write itself may go while the cursor stands here.
  row_ = {std::string_view(noted_).substr(0, noted_.size() - 1), own_value_, true};
  return true;
}

void Cursor::Impl::settle() {
  while (txn_ != nullptr) {
    const bool has_tree = skip_erased();
    if (!tree_->valid() && !tree_->status()) break;
    const bool has_write = write_ != txn_->writes.writes().end() && inside(write_->first);
    if (!has_tree && !has_write) {
      note_to_end();
      row_ = {};
      return;
    }
    from_writes_ = has_write && (!has_tree || write_->first <= tree_->key());
    note_through(from_writes_ ? std::string_view(write_->first) : tree_->key());
    if (!from_writes_) break;
    if (show_write(has_tree)) return;
    if (has_tree && tree_->key() == write_->first) tree_->next();
    ++write_;
  }
  show_tree();
}

void Cursor::Impl::note_through(std::string_view key) {
  std::string behind(key);
  behind.push_back('\0');
  if (remembers_) txn_->reads.add_range(noted_, behind);
  noted_ = std::move(behind);
}

void Cursor::Impl::note_to_end() {
  if (remembers_) txn_->reads.add_range(noted_, end_);
}

}  // namespace holdfast
