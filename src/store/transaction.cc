#include "store/transaction_impl.h"

#include "store/cursor_impl.h"
#include "store/named.h"

namespace holdfast {
namespace {

constexpr uint64_t kValueSizeMax = 1u << 20;

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
  use_.end();
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
  HOLDFAST_TRY(engine_->context().intact());
  if (!found) {
    return found.status().with_path(engine_->context().data_path()).with_version(version());
  }
  if (!*found) return std::optional<std::string_view>();
  if ((*found)->overflow.page_count == 0) {
    return std::optional<std::string_view>((*found)->inline_bytes);
  }
  const auto value = tree::value_bytes(pages, **found);
  HOLDFAST_TRY(engine_->context().intact());
  HOLDFAST_TRY(value.status());
  return std::optional<std::string_view>(*value);
}

// --- Snapshot

Snapshot::Snapshot(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Result<std::optional<std::string>> Snapshot::get(std::string_view key) {
  HOLDFAST_ASSIGN(const auto view, impl_->view.get(key));
  auto value = view ? std::optional<std::string>(*view) : std::nullopt;
  HOLDFAST_TRY(impl_->view.engine().context().intact());
  return value;
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

Status Transaction::Impl::writable(std::string_view key) const {
  HOLDFAST_TRY(readable());
  return view.engine().check_key(key);
}

Status Transaction::Impl::change_number(std::string_view key, log::OperationKind kind,
                                        int64_t operand) {
  HOLDFAST_TRY(writable(key));
  return writes.change_number(key, {kind, operand});
}

Result<std::optional<std::string>> Transaction::get(std::string_view key) {
  return impl_->read(key, Remember::kReads);
}
Result<std::optional<std::string>> Transaction::peek(std::string_view key) {
  return impl_->read(key, Remember::kNothing);
}

Result<std::optional<std::string>> Transaction::Impl::read(std::string_view key,
                                                           Remember remember) {
  HOLDFAST_TRY(readable());
  const auto& own_writes = writes.writes();
  const auto own = own_writes.find(key);
  if (own != own_writes.end() && !own->second.is_blind()) return own->second.value;
  if (own == own_writes.end() && writes.erased().contains(key)) {
    return std::optional<std::string>();
  }
  HOLDFAST_ASSIGN(const auto stored, view.get(key));
  if (remember == Remember::kReads) reads.add_key(key);
  std::optional<std::string> value;
  if (own != own_writes.end()) {
    value = store::WriteSet::value_over(own->second, stored);
  } else if (stored) {
    value = *stored;
  }
  HOLDFAST_TRY(view.engine().context().intact());
  return value;
}

Cursor Transaction::scan(const KeyRange& range) {
  if (Status status = impl_->readable(); !status) {
    return Cursor(std::make_unique<Cursor::Impl>(std::move(status)));
  }
  return Cursor(std::make_unique<Cursor::Impl>(impl_->view, impl_.get(), range));
}

Cursor Transaction::peek_scan(const KeyRange& range) {
  if (Status status = impl_->readable(); !status) {
    return Cursor(std::make_unique<Cursor::Impl>(std::move(status)));
  }
  return Cursor(
      std::make_unique<Cursor::Impl>(impl_->view, impl_.get(), range, Remember::kNothing));
}

uint64_t Transaction::version() const {
  return impl_->view.version();
}

Status Transaction::put(std::string_view key, std::string_view value) {
  HOLDFAST_TRY(impl_->writable(key));
  HOLDFAST_TRY(check_value_size(value.size()));
  return impl_->writes.put(key, value);
}

Status Transaction::del(std::string_view key) {
  HOLDFAST_TRY(impl_->writable(key));
  return impl_->writes.del(key);
}

Status Transaction::del_range(const KeyRange& range) {
  HOLDFAST_TRY(impl_->readable());
  for (const std::string& key : {range.begin, range.end}) {
    if (!key.empty()) HOLDFAST_TRY(impl_->writable(key));
  }
  // Without the names of snapshots, whose pages would stay pinned, or be freed under them.
  const std::string_view own = store::kOwnKeysBegin, behind = store::kOwnKeysEnd;
  if (range.begin >= behind || (!range.end.empty() && range.end <= own)) {
    return impl_->writes.erase(range.begin, range.end);
  }
  if (range.begin < own) HOLDFAST_TRY(impl_->writes.erase(range.begin, own));
  if (!range.end.empty() && range.end <= behind) return Status::ok();
  return impl_->writes.erase(behind, range.end);
}

Status Transaction::add(std::string_view key, int64_t delta) {
  return impl_->change_number(key, log::OperationKind::kAdd, delta);
}

Status Transaction::raise(std::string_view key, int64_t least) {
  return impl_->change_number(key, log::OperationKind::kMax, least);
}

Status Transaction::put_stamped(std::string_view before, std::string_view after,
                                std::string_view value, const StampOptions& options) {
  log::Stamp stamp;
  stamp.descending = options.descending;
  stamp.has_time = options.has_time;
  std::string key(before);
  if (options.version_in == StampOptions::Place::kKey) {
    stamp.key_offset = static_cast<uint32_t>(before.size());
    key.append(log::Stamp::kSize, '\0');
  } else {
    const bool in_value = options.version_in == StampOptions::Place::kValue;
    stamp.place = in_value ? log::StampPlace::kValue : log::StampPlace::kNowhere;
  }
  key.append(after);
  HOLDFAST_TRY(impl_->writable(key));
  std::string stored(stamp.value_room(), '\0');
  HOLDFAST_TRY(check_value_size(stored.size() + value.size()));
  stored.append(value);
  return impl_->writes.put_stamped(std::move(key), std::move(stored), stamp);
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
