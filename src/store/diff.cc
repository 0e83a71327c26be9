// The public diff: two pinned roots of one data file, compared by tree/diff.h; and the keys that
// the log behind either root writes, looked up one by one.
#include "holdfast/diff.h"

#include "base/check.h"
#include "store/transaction_impl.h"
#include "tree/diff.h"

namespace holdfast {

class Diff::Impl {
 public:
  Impl(const PinnedView& from, const PinnedView& to, const KeyRange& range)
      : context_(to.engine().context()),
        pages_(*to.engine().context().pages),
        from_(from),
        to_(to),
        end_(range.end),
        trees_(pages_, from.root().root, to.root().root, range.begin, range.end),
        ahead_(first_recent(range.begin, false)) {
    settle();
  }

  bool valid() const { return valid_ && status_; }
  const Status& status() const { return status_; }
  std::string_view key() const { return on_recent_ ? std::string_view(key_) : trees_.key(); }
  uint64_t pages_read() const { return trees_.pages_read(); }

  void next() {
    if (!on_recent_) trees_.next();
    settle();
  }

  Result<std::optional<std::string_view>> before() {
    return on_recent_ ? recent_before_ : value(trees_.before());
  }
  Result<std::optional<std::string_view>> after() {
    return on_recent_ ? recent_after_ : value(trees_.after());
  }

 private:
  using Node = store::RecentTable::Node;

  // Behind every step: what was lost is read as zeros.
  Status checked() const {
    HOLDFAST_TRY(context_.intact());
    return trees_.status();
  }

  // The first key, not below `key` or above it, that either log writes behind its root.
  const Node* first_recent(std::string_view key, bool behind) const {
    const Node* const a = from_.recent().seek(key, behind);
    const Node* const b = to_.recent().seek(key, behind);
    const Node* first = a;
    if (a == nullptr || (b != nullptr && store::RecentTable::key(*b) < store::RecentTable::key(*a)))
      first = b;
    if (first == nullptr) return nullptr;
    return end_.empty() || store::RecentTable::key(*first) < end_ ? first : nullptr;
  }

  // To the first difference that has not been passed.
  void settle() {
    on_recent_ = false;
    while ((status_ = checked())) {
      valid_ = trees_.valid() || ahead_ != nullptr;
      if (ahead_ == nullptr) return;
      const std::string_view recent = store::RecentTable::key(*ahead_);
      if (trees_.valid() && trees_.key() < recent) return;
      if (trees_.valid() && trees_.key() == recent) trees_.next();
      key_ = recent;
      ahead_ = first_recent(key_, true);
      on_recent_ = true;
      if (compare_recent()) return;
      on_recent_ = false;
    }
  }

  // Whether the two have different values of `key_`; or an error.
  bool compare_recent() {
    recent_before_ = from_.get(key_);
    recent_after_ = to_.get(key_);
    if (!recent_before_ || !recent_after_) {
      status_ = !recent_before_ ? recent_before_.status() : recent_after_.status();
      return true;
    }
    return *recent_before_ != *recent_after_;
  }

  Result<std::optional<std::string_view>> value(const std::optional<tree::FoundValue>& found) {
    if (!found) return std::optional<std::string_view>();
    const auto bytes = tree::value_bytes(pages_, *found);
    HOLDFAST_TRY(context_.intact());
    HOLDFAST_TRY(bytes.status());
    return std::optional<std::string_view>(*bytes);
  }

  const store::Context& context_;
  const tree::PageSource& pages_;
  const PinnedView& from_;
  const PinnedView& to_;
  const std::string end_;
  tree::DiffCursor trees_;
  const Node* ahead_;  // the first key of the logs not passed yet
  bool valid_ = false;
  bool on_recent_ = false;  // stands at `key_`, which a log writes
  std::string key_;
  Result<std::optional<std::string_view>> recent_before_{std::nullopt};
  Result<std::optional<std::string_view>> recent_after_{std::nullopt};
  Status status_;
};

namespace {

// Two handles of one process may stand for the same files.
bool same_store(const store::Context& a, const store::Context& b) {
  if (&a == &b) return true;
  const store::ControlHeader& x = a.control().header;
  const store::ControlHeader& y = b.control().header;
  return a.store_id == b.store_id && x.data_device.load() == y.data_device.load() &&
         x.data_inode.load() == y.data_inode.load();
}

}  // namespace

Diff::Diff(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Diff::Diff(Diff&&) noexcept = default;
Diff& Diff::operator=(Diff&&) noexcept = default;
Diff::~Diff() = default;

Result<Diff> Diff::between(const Snapshot& from, const Snapshot& to, const KeyRange& range) {
  const PinnedView& before = Snapshot::Impl::view_of(from);
  const PinnedView& after = Snapshot::Impl::view_of(to);
  HOLDFAST_TRY(before.readable());
  HOLDFAST_TRY(after.readable());
  if (!same_store(before.engine().context(), after.engine().context())) {
    return Status(StatusCode::kInvalidArgument,
                  "the two snapshots are of different stores; a diff needs two of one store")
        .with_path(after.engine().context().path);
  }
  // The mapping of the second is used for both: it must know of every page of either.
  const tree::PageSource& pages = *before.engine().context().pages;
  after.engine().context().pages->set_page_count(pages.page_count());
  return Diff(std::make_unique<Impl>(before, after, range));
}

bool Diff::valid() const {
  return impl_->valid();
}
void Diff::next() {
  CHECK(valid());
  impl_->next();
}
const Status& Diff::status() const {
  return impl_->status();
}
std::string_view Diff::key() const {
  CHECK(valid());
  return impl_->key();
}
Result<std::optional<std::string_view>> Diff::before() const {
  CHECK(valid());
  return impl_->before();
}
Result<std::optional<std::string_view>> Diff::after() const {
  CHECK(valid());
  return impl_->after();
}
uint64_t Diff::pages_read() const {
  return impl_->pages_read();
}

}  // namespace holdfast
