#include "care/salvage_target.h"

#include "base/check.h"
#include "store/named.h"

namespace holdfast::care {
namespace {

constexpr uint64_t kPendingBytesMax = 4u << 20;
constexpr size_t kPendingWritesMax = 20'000;

}  // namespace

Result<std::unique_ptr<SalvageTarget>> SalvageTarget::create(os::Os& os, const std::string& path,
                                                             const StoreOptions& options,
                                                             const store::Beginning& beginning) {
  HOLDFAST_TRY(os.make_directories(path));
  HOLDFAST_TRY(store::create_store(os, path, options, beginning));
  HOLDFAST_ASSIGN(Store store, Store::open(os, path, options));
  return std::unique_ptr<SalvageTarget>(new SalvageTarget(std::move(store)));
}

Status SalvageTarget::add(Write write) {
  pending_bytes_ += write.key.size() + write.value.size();
  pending_.push_back(std::move(write));
  const bool full = pending_bytes_ >= kPendingBytesMax || pending_.size() >= kPendingWritesMax;
  return full ? flush() : Status::ok();
}

Status SalvageTarget::put(std::string_view key, std::string_view value) {
  if (key.starts_with(store::named_prefix())) {
    snapshot_names_.emplace(key.substr(store::named_prefix().size()));
    return Status::ok();
  }
  return add({log::OperationKind::kPut, std::string(key), std::string(value)});
}

Status SalvageTarget::del(std::string_view key) {
  if (key.starts_with(store::named_prefix())) {
    snapshot_names_.erase(std::string(key.substr(store::named_prefix().size())));
    return Status::ok();
  }
  return add({log::OperationKind::kDelete, std::string(key), {}});
}

Status SalvageTarget::change_number(log::OperationKind kind, std::string_view key,
                                    int64_t operand) {
  return add({kind, std::string(key), {}, operand});
}

Status SalvageTarget::del_range(std::string_view begin, std::string_view end) {
  std::erase_if(snapshot_names_, [&](const std::string& name) {
    const std::string key = std::string(store::named_prefix()) + name;
    return key >= begin && (end.empty() || key < end);
  });
  return add({log::OperationKind::kDeleteRange, std::string(begin), std::string(end)});
}

Status SalvageTarget::write_to(Transaction& txn, const Write& write) {
  switch (write.kind) {
    case log::OperationKind::kPut:
    case log::OperationKind::kPutStamped:
      return txn.put(write.key, write.value);
    case log::OperationKind::kDelete:
      return txn.del(write.key);
    case log::OperationKind::kDeleteRange:
      return txn.del_range({write.key, write.value});
    case log::OperationKind::kAdd:
    case log::OperationKind::kMax:
      break;
  }
  const bool is_addition = write.kind == log::OperationKind::kAdd;
  const Status status =
      is_addition ? txn.add(write.key, write.operand) : txn.raise(write.key, write.operand);
  // What is no number stays as it is.
  return status.code() == StatusCode::kInvalidArgument ? Status::ok() : status;
}

Status SalvageTarget::flush() {
  if (pending_.empty()) return Status::ok();
  const auto version = store_.update([this](Transaction& txn) -> Status {
    for (const Write& write : pending_) {
      HOLDFAST_TRY(write_to(txn, write));
    }
    return Status::ok();
  });
  pending_.clear();
  pending_bytes_ = 0;
  return version.status();
}

Status SalvageTarget::begin_replacing() {
  HOLDFAST_TRY(flush());
  snapshot_names_.clear();
  base_.reset();
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  base_.emplace(std::move(snapshot));
  return Status::ok();
}

Status SalvageTarget::replace(const KeySpan& span, std::vector<KeyValue> rows) {
  CHECK(base_.has_value());
  if (span.empty()) return Status::ok();
  Cursor old = base_->scan({span.lower, span.upper.value_or("")});
  const auto del_old = [&]() -> Status {
    if (!old.key().starts_with(store::named_prefix())) HOLDFAST_TRY(del(old.key()));
    old.next();
    return Status::ok();
  };
  for (KeyValue& row : rows) {
    while (old.valid() && old.key() < row.key) HOLDFAST_TRY(del_old());
    const bool there = old.valid() && old.key() == row.key;
    if (!there || old.value() != row.value) HOLDFAST_TRY(put(row.key, row.value));
    if (there) old.next();
  }
  while (old.valid()) HOLDFAST_TRY(del_old());
  return old.status();
}

Result<NamedSnapshot> SalvageTarget::name_snapshot(const std::string& name) {
  HOLDFAST_TRY(flush());
  return store_.create_snapshot(name);
}

Result<SalvageTarget::Counts> SalvageTarget::count(const KeyRange& range) {
  HOLDFAST_TRY(store_.flush());
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  Counts counts;
  counts.version = snapshot.version();
  Cursor cursor = snapshot.scan(range);
  for (; cursor.valid(); cursor.next()) {
    ++counts.keys;
    counts.key_bytes += cursor.key().size();
    counts.value_bytes += cursor.value().size();
  }
  HOLDFAST_TRY(cursor.status());
  return counts;
}

Result<BlobCheck> SalvageTarget::check_blobs() {
  HOLDFAST_ASSIGN(Snapshot snapshot, store_.snapshot());
  return store_.blobs().check(snapshot, true);
}

Status SalvageTarget::close() {
  base_.reset();
  HOLDFAST_TRY(store_.checkpoint());
  return store_.close();
}

}  // namespace holdfast::care
