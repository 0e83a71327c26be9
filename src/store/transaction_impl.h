// Snapshot::Impl and Transaction::Impl: the inside of holdfast/transaction.h.
#pragma once

#include <memory>
#include <string>

#include "store/engine.h"

namespace holdfast {

// Errors: TooLarge.
Status check_value_size(uint64_t size);

// A pinned root, with the commits behind it if the view has any; unpinned at the end.
class PinnedView {
 public:
  PinnedView(std::shared_ptr<Store::Impl> engine, store::RecentView view, Store::Impl::Use use)
      : engine_(std::move(engine)), use_(std::move(use)), view_(std::move(view)) {}
  ~PinnedView() { release(); }
  PinnedView(const PinnedView&) = delete;
  PinnedView& operator=(const PinnedView&) = delete;

  Store::Impl& engine() const { return *engine_; }
  const std::shared_ptr<Store::Impl>& engine_pointer() const { return engine_; }
  // Without the commits behind it, which recent() has.
  const store::PublishedRoot& root() const { return view_.pinned.root; }
  const store::RecentView& recent() const { return view_; }
  uint64_t version() const { return view_.version; }
  const log::Position& position() const { return view_.position; }
  bool is_released() const { return released_; }
  void release();
  // ok, or why nothing can be read any more.
  Status readable() const;
  Result<std::optional<std::string_view>> get(std::string_view key) const;

 private:
  std::shared_ptr<Store::Impl> engine_;
  Store::Impl::Use use_;
  store::RecentView view_;
  bool released_ = false;
};

class Snapshot::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, store::RecentView view_in, Store::Impl::Use use)
      : view(std::move(engine), std::move(view_in), std::move(use)) {}
  static const PinnedView& view_of(const Snapshot& snapshot) { return snapshot.impl_->view; }
  PinnedView view;
};

// Whether a transaction's commit is validated against a read.
enum class Remember : uint8_t { kReads, kNothing };

class Transaction::Impl {
 public:
  Impl(std::shared_ptr<Store::Impl> engine, store::RecentView view_in, Store::Impl::Use use)
      : view(std::move(engine), std::move(view_in), std::move(use)) {}

  static void give_turn(Transaction& txn) { txn.impl_->has_turn = true; }
  // Waits until what it has read is durable. Errors: those of Store::Impl::await_read.
  static Status await_read(const Transaction& txn) {
    const Impl& impl = *txn.impl_;
    if (impl.finished || impl.reads.empty()) return Status::ok();
    return impl.view.engine().await_read(impl.view.position());
  }
  Status readable() const;
  Result<std::optional<std::string>> read(std::string_view key, Remember remember);
  // ok, or why `key` cannot be written now.
  Status writable(std::string_view key) const;
  Status change_number(std::string_view key, log::OperationKind kind, int64_t operand);

  PinnedView view;
  store::ReadSet reads;
  store::WriteSet writes;
  bool has_turn = false;
  bool finished = false;
};

}  // namespace holdfast
