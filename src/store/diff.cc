// The public diff: two pinned roots of one data file, compared by tree/diff.h.
#include "holdfast/diff.h"

#include "base/check.h"
#include "store/transaction_impl.h"
#include "tree/diff.h"

namespace holdfast {

class Diff::Impl {
 public:
  Impl(const PinnedView& from, const PinnedView& to, const KeyRange& range)
      : context(to.engine().context()),
        pages(*to.engine().context().pages),
        cursor(pages, from.root().root, to.root().root, range.begin, range.end),
        status(checked()) {}

  // Behind every step: what was lost is read as zeros.
  Status checked() const {
    HOLDFAST_TRY(context.intact());
    return cursor.status();
  }

  Result<std::optional<std::string_view>> value(const std::optional<tree::FoundValue>& found) {
    if (!found) return std::optional<std::string_view>();
    const auto bytes = tree::value_bytes(pages, *found);
    HOLDFAST_TRY(context.intact());
    HOLDFAST_TRY(bytes.status());
    return std::optional<std::string_view>(*bytes);
  }

  const store::Context& context;
  const tree::PageSource& pages;
  tree::DiffCursor cursor;
  Status status;
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
  return impl_->cursor.valid() && impl_->status;
}
void Diff::next() {
  CHECK(valid());
  impl_->cursor.next();
  impl_->status = impl_->checked();
}
const Status& Diff::status() const {
  return impl_->status;
}
std::string_view Diff::key() const {
  CHECK(valid());
  return impl_->cursor.key();
}
Result<std::optional<std::string_view>> Diff::before() const {
  CHECK(valid());
  return impl_->value(impl_->cursor.before());
}
Result<std::optional<std::string_view>> Diff::after() const {
  CHECK(valid());
  return impl_->value(impl_->cursor.after());
}
uint64_t Diff::pages_read() const {
  return impl_->cursor.pages_read();
}

}  // namespace holdfast
