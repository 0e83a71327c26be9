#include "holdfast/history.h"

#include <algorithm>

#include "base/check.h"
#include "store/history_rows.h"

namespace holdfast {

using store::HistoryFinder;
using store::HistoryRow;

// --- HistoryCursor

class HistoryCursor::Impl {
 public:
  explicit Impl(Status status) : status_(std::move(status)) {}
  Impl(Reader& reader, const std::string& prefix, const KeyRange& range, const AsOf& as_of)
      : prefix_(prefix) {
    finder_.emplace(reader, prefix, store::rows_of(prefix, range), as_of);
    settle();
  }

  bool valid() const { return valid_; }
  void next() {
    finder_->leave(group_);
    settle();
  }
  std::string_view key() const { return key_; }
  const HistoryRow& row() const { return row_; }
  uint64_t version() const { return version_; }
  const Status& status() const { return status_; }

 private:
  // To the first key, from the cursor's group on, that exists.
  void settle() {
    valid_ = false;
    while (finder_->valid()) {
      auto group = finder_->group();
      const auto found = group ? finder_->settle(&row_) : group.status();
      if (!found) {
        status_ = found.status();
        return;
      }
      group_ = std::move(*group);
      if (*found && !row_.is_deletion()) return show();
      finder_->leave(group_);
    }
    status_ = finder_->cursor().status();
  }
  void show() {
    auto key = store::key_of_group(prefix_, group_);
    if (!key) {
      status_ = key.status();
      return;
    }
    key_ = std::move(*key);
    version_ = store::version_of_row(finder_->cursor().key());
    valid_ = true;
  }

  std::string prefix_;
  std::optional<HistoryFinder> finder_;
  std::string group_;
  std::string key_;
  HistoryRow row_;
  uint64_t version_ = 0;
  bool valid_ = false;
  Status status_;
};

HistoryCursor::HistoryCursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HistoryCursor::HistoryCursor(HistoryCursor&&) noexcept = default;
HistoryCursor& HistoryCursor::operator=(HistoryCursor&&) noexcept = default;
HistoryCursor::~HistoryCursor() = default;

bool HistoryCursor::valid() const {
  return impl_->valid();
}
void HistoryCursor::next() {
  CHECK(valid());
  impl_->next();
}
std::string_view HistoryCursor::key() const {
  CHECK(valid());
  return impl_->key();
}
std::string_view HistoryCursor::value() const {
  CHECK(valid());
  return impl_->row().value;
}
uint64_t HistoryCursor::version() const {
  CHECK(valid());
  return impl_->version();
}
uint64_t HistoryCursor::time_us() const {
  CHECK(valid());
  return impl_->row().time_us;
}
const Status& HistoryCursor::status() const {
  return impl_->status();
}

// --- History

namespace {

Status check_key(std::string_view key) {
  if (!key.empty()) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "a key must not be empty");
}

// Counts blindly. What the transaction itself has put under the key before gives way, so it is not
// counted twice.
Status put_row(Transaction& txn, const std::string& prefix, std::string_view key, uint8_t flags,
               std::string_view value) {
  const std::string group = store::group_of(prefix, key);
  const std::string row_key = store::row_key(group, std::numeric_limits<uint64_t>::max());
  HOLDFAST_ASSIGN(const auto own, txn.peek(row_key));
  std::string row(1, static_cast<char>(flags));
  row.append(value);
  HOLDFAST_TRY(txn.put_stamped(group, {}, row, {.descending = true, .has_time = true}));
  auto bytes = static_cast<int64_t>(store::row_bytes(row_key, row) + sizeof(uint64_t));
  if (own) bytes -= static_cast<int64_t>(store::row_bytes(row_key, *own));
  if (!own) HOLDFAST_TRY(txn.add(store::version_count_key(prefix), 1));
  return txn.add(store::byte_count_key(prefix), bytes);
}

Status check_retention(const std::string& prefix, const Retention& retention) {
  if (prefix.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "a history that keeps itself to a retention needs a prefix of its own");
  }
  if (retention.age.count() >= 0) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "the age to keep is negative; 0 is for ever");
}

}  // namespace

Status History::put(Transaction& txn, std::string_view key, std::string_view value) const {
  HOLDFAST_TRY(check_key(key));
  return put_row(txn, prefix_, key, 0, value);
}

Status History::del(Transaction& txn, std::string_view key) const {
  HOLDFAST_TRY(check_key(key));
  return put_row(txn, prefix_, key, store::kRowIsDeletion, {});
}

// A round of trimming that was underway is forgotten: its commit conflicts with this one, and the
// next begins under the new retention.
Status History::keep(Transaction& txn, const Retention& retention) const {
  HOLDFAST_TRY(check_retention(prefix_, retention));
  HOLDFAST_TRY(txn.del(store::trim_state_key(prefix_)));
  return txn.put(store::retention_key(prefix_), store::retention_value(retention));
}

Status History::stop_keeping(Transaction& txn) const {
  HOLDFAST_TRY(txn.del(store::trim_state_key(prefix_)));
  return txn.del(store::retention_key(prefix_));
}

Status History::begin_here(Transaction& txn) const {
  HOLDFAST_TRY(txn.put_stamped(store::floor_version_key(prefix_), {}, {},
                               {.version_in = StampOptions::Place::kValue}));
  return txn.put_stamped(store::floor_time_key(prefix_), {}, {},
                         {.has_time = true, .version_in = StampOptions::Place::kNowhere});
}

Status History::erase(Transaction& txn) const {
  HOLDFAST_TRY(txn.del_range(KeyRange::prefix(prefix_)));
  return txn.del(store::retention_key(prefix_));
}

Result<std::optional<KeyVersion>> History::find(Reader& reader, std::string_view key,
                                                const AsOf& as_of) const {
  HOLDFAST_TRY(check_key(key));
  HOLDFAST_TRY(HistoryFinder::check(reader, *this, as_of));
  HistoryFinder finder(reader, prefix_, store::rows_of_key(prefix_, key, as_of), as_of);
  std::optional<KeyVersion> version;
  if (!finder.valid()) {
    HOLDFAST_TRY(Status(finder.cursor().status()));
    return version;
  }
  HistoryRow row;
  HOLDFAST_ASSIGN(const bool found, finder.settle(&row));
  if (found && !row.is_deletion()) {
    version = {store::version_of_row(finder.cursor().key()), row.time_us, false,
               std::string(row.value)};
  }
  return version;
}

Result<std::optional<std::string>> History::get(Reader& reader, std::string_view key,
                                                const AsOf& as_of) const {
  HOLDFAST_ASSIGN(auto found, find(reader, key, as_of));
  return found ? std::optional<std::string>(std::move(found->value)) : std::nullopt;
}

HistoryCursor History::scan(Reader& reader, const KeyRange& range, const AsOf& as_of) const {
  if (Status status = HistoryFinder::check(reader, *this, as_of); !status) {
    return HistoryCursor(std::make_unique<HistoryCursor::Impl>(std::move(status)));
  }
  return HistoryCursor(std::make_unique<HistoryCursor::Impl>(reader, prefix_, range, as_of));
}

Result<std::vector<KeyVersion>> History::versions(Reader& reader, std::string_view key,
                                                  size_t limit, uint64_t before) const {
  HOLDFAST_TRY(check_key(key));
  std::vector<KeyVersion> versions;
  const std::string group = store::group_of(prefix_, key);
  // Those of the transaction itself stand at the greatest version, which is below no other.
  const bool from_newest = before == std::numeric_limits<uint64_t>::max();
  if (limit == 0 || before == 0) return versions;
  Cursor cursor = reader.scan(
      {from_newest ? group : store::row_key(group, before - 1), store::group_end(group)});
  for (; cursor.valid() && versions.size() < limit; cursor.next()) {
    HOLDFAST_ASSIGN(const HistoryRow row, store::parse_row(cursor.value()));
    if (row.is_floor()) break;
    versions.push_back({store::version_of_row(cursor.key()), row.time_us, row.is_deletion(),
                        std::string(row.value)});
  }
  HOLDFAST_TRY(Status(cursor.status()));
  return versions;
}

Result<HistoryFloor> History::floor(Reader& reader) const {
  HOLDFAST_ASSIGN(const uint64_t version,
                  store::read_count(reader, store::floor_version_key(prefix_)));
  HOLDFAST_ASSIGN(const uint64_t time_us,
                  store::read_count(reader, store::floor_time_key(prefix_)));
  return HistoryFloor{version, time_us};
}

}  // namespace holdfast
