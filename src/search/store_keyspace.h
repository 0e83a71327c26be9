// KeySource and KeyTarget on the store's Snapshot and Transaction.
//
// Thread-safety: that of what is wrapped, which must outlive the adapter.
#pragma once

#include "holdfast/transaction.h"
#include "search/keyspace.h"

namespace holdfast::search {

inline Status scan_reader(Reader& reader, const KeyRange& range, const KeyVisitor& visit) {
  Cursor cursor = reader.scan(range);
  for (; cursor.valid(); cursor.next()) {
    if (!visit(cursor.key(), cursor.value())) return Status::ok();
  }
  return cursor.status();
}

class ReaderSource final : public KeySource {
 public:
  explicit ReaderSource(Reader& reader) : reader_(reader) {}
  Result<std::optional<std::string>> get(std::string_view key) override { return reader_.get(key); }
  Status scan(const KeyRange& range, const KeyVisitor& visit) override {
    return scan_reader(reader_, range, visit);
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
    return scan_reader(transaction_, range, visit);
  }
  uint64_t version() const override { return transaction_.version(); }
  Status put(std::string_view key, std::string_view value) override {
    return transaction_.put(key, value);
  }
  Status del(std::string_view key) override { return transaction_.del(key); }
  Transaction& transaction() { return transaction_; }

 private:
  Transaction& transaction_;
};

}  // namespace holdfast::search
