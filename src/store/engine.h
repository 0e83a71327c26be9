// Engine: one open store, put together from the parts of this room; what Store, Snapshot and
// Transaction of the public API stand on.
//
// Thread-safety: any thread. After fork() every call returns Forked.
// Invariants:
//   1. A strict handle only ever shows versions that are durable; its own commits are among them
//      when they are acknowledged.
//   2. Nothing of a handle that fork() copied touches the shared memory again.
//   3. The process slot, and the lock of who has the store alone, are given up when the handle is
//      closed and nothing uses it any more: no call that runs, no snapshot, transaction or watch.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/store.h"
#include "store/append.h"
#include "store/context.h"
#include "store/maintenance.h"
#include "store/open.h"
#include "store/pins.h"
#include "store/read_set.h"
#include "store/recent.h"
#include "store/retention.h"
#include "store/write_set.h"

namespace holdfast {

class Store::Impl : public std::enable_shared_from_this<Store::Impl> {
 public:
  static Result<std::shared_ptr<Impl>> open(os::Os& os, const std::string& path,
                                            const StoreOptions& options,
                                            std::unique_ptr<os::Os> owned_os);
  Impl(store::Opened opened, std::unique_ptr<os::Os> owned_os);
  ~Impl();

  // Keeps the handle's place among the processes of the store. For a call that runs, and for
  // what is open of it.
  class Use {
   public:
    explicit Use(Impl* engine) : engine_(engine) {}
    Use(Use&& other) noexcept : engine_(std::exchange(other.engine_, nullptr)) {}
    Use& operator=(Use&&) = delete;
    ~Use() { end(); }
    void end() {
      if (engine_ != nullptr) std::exchange(engine_, nullptr)->end_use();
    }

   private:
    Impl* engine_;
  };
  // Errors: those of usable().
  Result<Use> use();
  // ok, or why the handle cannot be used: Closed, Forked.
  Status usable() const;
  Status check_key(std::string_view key) const;

  Result<Snapshot> snapshot();
  // Of what power loss cannot take back, whatever the handle's durability, in one tree if possible.
  Result<Snapshot> durable_snapshot();
  Result<std::optional<std::string>> get(std::string_view key);
  Result<Transaction> begin();
  Result<uint64_t> update(const Work& work);

  // One operation that reads nothing.
  Result<uint64_t> put(std::string_view key, std::string_view value);
  Result<uint64_t> del(std::string_view key);
  Result<uint64_t> add(std::string_view key, int64_t delta);
  // Appends and, as the durability asks, waits. `has_turn`: need not give way.
  Result<uint64_t> commit(const store::WriteSet& writes, const store::ReadSet& reads,
                          const log::Position& position, bool has_turn);

  Result<bool> trim_histories();

  // named_snapshots.cc
  Result<NamedSnapshot> create_snapshot(std::string_view name);
  Result<Snapshot> open_snapshot(std::string_view name);
  Result<std::vector<NamedSnapshot>> list_snapshots();
  Status drop_snapshot(std::string_view name);

  Result<Watch> watch(const KeyRange& range, std::optional<uint64_t> cursor);

  // Strict: waits until what a transaction read at `position` is durable. Aborted: it was voided.
  Status await_read(const log::Position& position);

  Status flush();
  Status checkpoint();
  Status close();
  Result<StoreStats> stats();
  Result<CheckReport> check(const CheckOptions& options);

  HandleId handle_id() const;
  bool handle_alive(const HandleId& id) const;

  const store::Context& context() const { return *context_; }
  store::Pins& pins() { return *pins_; }
  const RecoveryReport& recovery() const { return recovery_; }

 private:
  void end_use();
  // Gives up what others could see of the handle.
  void leave();
  Status tidy_up();
  Status prepare_for_others();
  // The newest commits, applied or not.
  Result<store::RecentView> newest();
  Result<store::RecentView> newest_to_read();
  // Everything that is synced, through the log where that is quicker.
  Result<store::RecentView> synced();
  // The same for somebody who reads `key` alone.
  Result<store::RecentView> synced_for(std::string_view key);
  // The same in the tree; through the log only if whoever applies takes too long.
  Result<store::RecentView> synced_tree();
  Snapshot snapshot_of(store::RecentView view, Use in_use);
  Status give_way();
  Result<Transaction> begin(std::shared_ptr<Impl> holder);
  Status commit_snapshot_change(const Work& work);
  Result<uint64_t> commit_alone(log::PayloadBuilder& payload);
  Result<uint64_t> append_and_wait(log::PayloadBuilder& payload, const store::ReadSet& reads,
                                   const log::Position& position);
  Status after_commit(const store::Appended& appended, const log::PayloadBuilder& payload);
  void retain_if_due(uint64_t version, bool helped);
  // A step of trimming beside other work; whether more is due. Its transaction holds no share of
  // the engine: the helper thread, which calls it, ends with the engine.
  bool retain();
  Result<uint64_t> attempt(const Work& work, bool has_turn);

  std::unique_ptr<os::Os> owned_os_;
  std::unique_ptr<store::Context> context_;
  std::unique_ptr<store::Pins> pins_;
  std::unique_ptr<store::Recent> recent_;
  store::Retainer retainer_;
  std::unique_ptr<store::Maintenance> maintenance_;
  const RecoveryReport recovery_;
  const uint32_t fork_count_;
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> uses_{1};  // and one until close()
  std::atomic<bool> left_{false};
  std::atomic<uint64_t> committed_version_{0};  // the last of this handle
};

}  // namespace holdfast
