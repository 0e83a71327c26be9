// Snapshot::Impl, Transaction::Impl and Cursor::Impl: the inside of holdfast/transaction.h.
#pragma once

#include <memory>
#include <string>

#include "store/engine.h"
#include "tree/cursor.h"

namespace holdfast {

// Errors: TooLarge.
Status check_value_size(uint64_t size);

// A pinned root, unpinned at the end.
class PinnedView {
 public:
  PinnedView(std::shared_ptr<Store::Impl> engine, const store::Pins::Pinned& pinned)
      : engine_(std::move(engine)), pinned_(pinned) {}
  ~PinnedView() { release(); }
  PinnedView(const PinnedView&) = delete;
  PinnedView& operator=(const PinnedView&) = delete;

  Store::Impl& engine() const { return *engine_; }
  const std::shared_ptr<Store::Impl>& engine_pointer() const { return engine_; }
  const store::PublishedRoot& root() const { return pinned_.root; }
  bool is_released() const { return released_; }
  void release();
  // ok, or why nothing can be read any more.
  Status readable() const;
  Result<std::optional<std::string_view>> get(std::string_view key) const;

 private:
  std::shared_ptr<Store::Impl> engine_;
  store::Pins::Pinned pinned_;
  bool released_ = false;
};

class Snapshot::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, const store::Pins::Pinned& pinned)
      : view(std::move(engine), pinned) {}
  PinnedView view;
};

class Transaction::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, const store::Pins::Pinned& pinned)
      : view(std::move(engine), pinned) {}

  static void give_turn(Transaction& txn) { txn.impl_->has_turn = true; }
  Status write(std::string_view key, std::optional<std::string_view> value);
  Status readable() const;

  PinnedView view;
  store::ReadSet reads;
  WriteBuffer writes;
  uint64_t bytes = 0;
  bool has_turn = false;
  bool finished = false;
};

// Merges the tree with a transaction's own writes, and notes what it has read.
class Cursor::Impl {
 public:
  // `txn` may be null. Both outlive the cursor.
  Impl(const PinnedView& view, Transaction::Impl* txn, const KeyRange& range);
  // A cursor that is not valid, for `status`.
  explicit Impl(Status status) : status_(std::move(status)) {}

  bool valid() const { return valid_; }
  void seek(std::string_view key);
  void next();
  std::string_view key() const { return from_writes_ ? write_->first : tree_->key(); }
  std::string_view value() const { return value_; }
  const Status& status() const { return status_; }

 private:
  void settle();
  bool inside(std::string_view key) const { return end_.empty() || key < end_; }
  // Everything from what was noted last up to `key`, itself included, has been read.
  void note_through(std::string_view key);
  void note_to_end();

  std::optional<tree::Cursor> tree_;
  Transaction::Impl* txn_ = nullptr;
  WriteBuffer::const_iterator write_;
  size_t writes_seen_ = 0;  // how many writes there were when `write_` was found; none is erased
  std::string begin_;
  std::string end_;
  std::string noted_;  // everything from the last seek up to here is in the read set
  std::string_view value_;
  std::string own_value_;  // a copy: the transaction may write the key again
  bool from_writes_ = false;
  bool valid_ = false;
  Status status_;
};

}  // namespace holdfast
