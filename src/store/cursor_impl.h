// Cursor::Impl: the inside of the public Cursor.
//
// Thread-safety: as the snapshot or transaction it reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/recent.h"
#include "store/transaction_impl.h"

namespace holdfast {

// Merges the tree with a transaction's own writes, and notes what it has read.
class Cursor::Impl {
 public:
  // `txn` may be null. Both outlive the cursor.
  Impl(const PinnedView& view, Transaction::Impl* txn, const KeyRange& range,
       Remember remember = Remember::kReads);
  // A cursor that is not valid, for `status`.
  explicit Impl(Status status) : status_(std::move(status)) {}

  void seek(std::string_view key);
  void next();
  // Where the cursor stands; the views hold until it moves.
  const Row& row() const { return row_; }
  const Status& status() const { return status_; }

 private:
  // No row: what was read was lost.
  void refuse_row();
  // The row of the tree's cursor, or none.
  void show_tree();
  void show_value_outside();
  // Moves the tree past keys that the transaction has deleted in a range. False: no key is left.
  bool skip_erased();
  // Shows the write the cursor has come to, or an error. False: the key is deleted.
  bool show_write(bool has_tree);
  // The row that comes first of the tree's and the transaction's.
  void settle();
  bool inside(std::string_view key) const { return end_.empty() || key < end_; }
  // Everything from what was noted last up to `key`, itself included, has been read.
  void note_through(std::string_view key);
  void note_to_end();

  Row row_;
  // With the commits behind it; ends where the range ends.
  std::optional<store::RecentCursor> tree_;
  const store::Context* context_ = nullptr;
  const os::Losses* losses_ = nullptr;
  Transaction::Impl* txn_ = nullptr;
  bool remembers_ = false;  // what was read, in the transaction
  store::WriteSet::Writes::const_iterator write_;
  uint64_t writes_seen_ = 0;  // the generation of the writes that `write_` was found in
  std::string begin_;
  std::string end_;
  std::string noted_;      // everything from the last seek up to here is in the read set
  std::string own_value_;  // a copy: the transaction may write the key again
  bool from_writes_ = false;
  Status status_;
};

}  // namespace holdfast
