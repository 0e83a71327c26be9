// KeySource and KeyTarget on the store's Snapshot and Transaction.
//
// Thread-safety: that of what is wrapped, which must outlive the adapter.
#pragma once

#include <memory>

#include "holdfast/transaction.h"
#include "search/keyspace.h"

namespace holdfast::search {

inline Status visit_all(Cursor cursor, const KeyVisitor& visit) {
  for (; cursor.valid(); cursor.next()) {
    if (!visit(cursor.key(), cursor.value())) return Status::ok();
  }
  return cursor.status();
}

class StoreCursor final : public KeyCursor {
 public:
  explicit StoreCursor(Cursor cursor) : cursor_(std::move(cursor)) {}
  void seek(std::string_view key) override { cursor_.seek(key); }
  void next() override { cursor_.next(); }
  bool valid() const override { return cursor_.valid(); }
  std::string_view key() const override { return cursor_.key(); }
  std::string_view value() const override { return cursor_.value(); }
  const Status& status() const override { return cursor_.status(); }

 private:
  Cursor cursor_;
};

class ReaderSource final : public KeySource {
 public:
  explicit ReaderSource(Reader& reader) : reader_(reader) {}
  Result<std::optional<std::string>> get(std::string_view key) override { return reader_.get(key); }
  Status scan(const KeyRange& range, const KeyVisitor& visit) override {
    return visit_all(reader_.scan(range), visit);
  }
  std::unique_ptr<KeyCursor> peek_cursor(const KeyRange& range) override {
    return std::make_unique<StoreCursor>(reader_.scan(range));
  }
  Reader& reader() { return reader_; }
  uint64_t version() const override { return reader_.version(); }

 private:
  Reader& reader_;
};

class TransactionTarget final : public KeyTarget {
 public:
  explicit TransactionTarget(Transaction& transaction) : transaction_(transaction) {}
  Result<std::optional<std::string>> get(std::string_view key) override {
    return transaction_.get(key);
  }
  Status scan(const KeyRange& range, const KeyVisitor& visit) override {
    return visit_all(transaction_.scan(range), visit);
  }
  Result<std::optional<std::string>> peek(std::string_view key) override {
    return transaction_.peek(key);
  }
  Status peek_scan(const KeyRange& range, const KeyVisitor& visit) override {
    return visit_all(transaction_.peek_scan(range), visit);
  }
  std::unique_ptr<KeyCursor> peek_cursor(const KeyRange& range) override {
    return std::make_unique<StoreCursor>(transaction_.peek_scan(range));
  }
  uint64_t version() const override { return transaction_.version(); }
  Status put(std::string_view key, std::string_view value) override {
    return transaction_.put(key, value);
  }
  Status del(std::string_view key) override { return transaction_.del(key); }
  Transaction& transaction() { return transaction_; }
  Status del_range(const KeyRange& range) override { return transaction_.del_range(range); }
  Status add(std::string_view key, int64_t delta) override { return transaction_.add(key, delta); }
  Status raise(std::string_view key, int64_t least) override {
    return transaction_.raise(key, least);
  }
  Status put_stamped(std::string_view before, std::string_view after, std::string_view value,
                     const StampOptions& options) override {
    return transaction_.put_stamped(before, after, value, options);
  }

 private:
  Transaction& transaction_;
};

}  // namespace holdfast::search
