#include "store/transaction_impl.h"

#include "store/cursor_impl.h"

namespace holdfast {
namespace {

constexpr uint64_t kValueSizeMax = 1u << 20;
constexpr uint64_t kTransactionBytesMax = 64u << 20;
constexpr uint64_t kTransactionOperationsMax = 256u << 10;

Status finished_error() {
  return Status(StatusCode::kInvalidArgument, "the transaction is finished; begin another one");
}

}  // namespace

Status check_value_size(uint64_t size) {
  if (size <= kValueSizeMax) return Status::ok();
  return Status(StatusCode::kTooLarge, "a value may have 1048576 bytes; this one has " +
                                           std::to_string(size) +
                                           ": keep it as a blob (holdfast/blob.h), or split it");
}

KeyRange KeyRange::prefix(std::string_view prefix) {
  KeyRange range{std::string(prefix), std::string(prefix)};
  // The end is the prefix with its last byte that is not 0xff counted up.
  while (!range.end.empty() && static_cast<unsigned char>(range.end.back()) == 0xff) {
    range.end.pop_back();
  }
  if (!range.end.empty()) range.end.back() = static_cast<char>(range.end.back() + 1);
  return range;
}

void PinnedView::release() {
  if (released_) return;
  released_ = true;
  if (engine_->usable().code() != StatusCode::kForked) engine_->pins().unpin(view_.pinned.slot);
}

Status PinnedView::readable() const {
  return engine_->usable();
}

Result<std::optional<std::string_view>> PinnedView::get(std::string_view key) const {
  HOLDFAST_TRY(readable());
  HOLDFAST_TRY(engine_->check_key(key));
  if (const store::RecentTable::Node* node = view_.find(key)) {
    return store::RecentTable::value(*node);
  }
  const tree::PageSource& pages = *engine_->context().pages;
  auto found = tree::find(pages, root().root, key);
  if (!found) {
    return found.status().with_path(engine_->context().data_path()).with_version(version());
  }
  if (!*found) return std::optional<std::string_view>();
  if ((*found)->overflow.page_count == 0) {
    return std::optional<std::string_view>((*found)->inline_bytes);
  }
  HOLDFAST_ASSIGN(const std::string_view value, tree::value_bytes(pages, **found));
  return std::optional<std::string_view>(value);
}

// --- Snapshot

Snapshot::Snapshot(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Result<std::optional<std::string>> Snapshot::get(std::string_view key) {
  HOLDFAST_ASSIGN(const auto view, impl_->view.get(key));
  return view ? std::optional<std::string>(*view) : std::nullopt;
}

Result<std::optional<std::string_view>> Snapshot::get_view(std::string_view key) {
  return impl_->view.get(key);
}

Cursor Snapshot::scan(const KeyRange& range) {
  if (Status status = impl_->view.readable(); !status) {
    return Cursor(std::make_unique<Cursor::Impl>(std::move(status)));
  }
  return Cursor(std::make_unique<Cursor::Impl>(impl_->view, nullptr, range));
}

uint64_t Snapshot::version() const {
  return impl_->view.version();
}

// --- Transaction

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Status Transaction::Impl::readable() const {
  return finished ? finished_error() : view.readable();
}

Status Transaction::Impl::write(std::string_view key, std::optional<std::string_view> value) {
  HOLDFAST_TRY(readable());
  HOLDFAST_TRY(view.engine().check_key(key));
  const uint64_t size = value ? value->size() : 0;
  HOLDFAST_TRY(check_value_size(size));
  auto entry = writes.find(key);
  const bool is_new = entry == writes.end();
  const uint64_t size_before = !is_new && entry->second ? entry->second->size() : 0;
  const uint64_t bytes_after = bytes + (is_new ? key.size() : 0) + size - size_before;
  if (bytes_after > kTransactionBytesMax ||
      (is_new && writes.size() >= kTransactionOperationsMax)) {
    return Status(StatusCode::kTooLarge,
                  "a transaction may write 64 MiB and 262144 keys; commit in smaller steps");
  }
  bytes = bytes_after;
  if (is_new) entry = writes.try_emplace(std::string(key)).first;
  if (value) {
    entry->second = std::string(*value);
  } else {
    entry->second.reset();
  }
  return Status::ok();
}

Result<std::optional<std::string>> Transaction::get(std::string_view key) {
  HOLDFAST_TRY(impl_->readable());
  if (const auto own = impl_->writes.find(key); own != impl_->writes.end()) return own->second;
  HOLDFAST_ASSIGN(const auto view, impl_->view.get(key));
  impl_->reads.add_key(key);
  return view ? std::optional<std::string>(*view) : std::nullopt;
}

Cursor Transaction::scan(const KeyRange& range) {
  if (Status status = impl_->readable(); !status) {
    return Cursor(std::make_unique<Cursor::Impl>(std::move(status)));
  }
  return Cursor(std::make_unique<Cursor::Impl>(impl_->view, impl_.get(), range));
}

uint64_t Transaction::version() const {
  return impl_->view.version();
}

Status Transaction::put(std::string_view key, std::string_view value) {
  return impl_->write(key, value);
}

Status Transaction::del(std::string_view key) {
  return impl_->write(key, std::nullopt);
}

Result<uint64_t> Transaction::commit() {
  HOLDFAST_TRY(impl_->readable());
  impl_->finished = true;
  const uint64_t version = impl_->view.version();
  if (impl_->writes.empty()) {
    Status lasting;
    if (!impl_->reads.empty()) {
      lasting = impl_->view.engine().await_read(impl_->view.position());
    }
    impl_->view.release();
    if (!lasting) return lasting;
    return version;
  }
  auto result = impl_->view.engine().commit(impl_->writes, impl_->reads, impl_->view.position(),
                                            impl_->has_turn);
  impl_->view.release();
  return result;
}

void Transaction::abort() {
  impl_->finished = true;
  impl_->view.release();
}

}  // namespace holdfast
