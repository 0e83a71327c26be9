// Store: one directory, opened by any number of processes at once.
//
// Thread-safety: all methods from any thread. Cheap to move, not to be copied. After fork() every
// call in the child returns Forked: open the store again there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "holdfast/transaction.h"
#include "holdfast/watch.h"

namespace holdfast {

namespace os {
class Os;
}
class Blobs;
class Space;

enum class Durability : uint8_t {
  strict,   // a commit is on the disk before it is acknowledged
  batched,  // survives kill -9 at once, power loss after at most 100 ms
};

// Who may have the store open at once.
enum class Sharing : uint8_t {
  // Any number of processes, where the file system's locks and shared memory can be trusted. Where
  // they may lie (NFS, SMB, 9p, FUSE, virtiofs and whatever is not known): one process at a time.
  automatic,
  required,   // any number, or Unsupported
  exclusive,  // one handle at a time, wherever the store lies
};

struct StoreOptions {
  Durability durability = Durability::strict;
  Sharing sharing = Sharing::automatic;
  // Create the store where the path does not exist or is an empty directory.
  bool create = true;
  // How long a call waits for other processes before it returns Busy.
  std::chrono::milliseconds deadline{30'000};
  // Who writes (process, agent, session, run); recorded with each commit, at most 128 bytes.
  std::string actor = {};
  // Format of a new store, for tests: bytes per page (power of two, 512 to 16,384) and per log
  // segment at most. Ignored when the store exists.
  uint32_t page_size_bytes = 4096;
  uint32_t segment_size_bytes = 16u << 20;
  // Log that this handle lets pile up before it checkpoints; ~0: never by itself. More log makes
  // fewer checkpoints and longer cold starts.
  uint64_t checkpoint_log_bytes = 64u << 20;
  // A helper thread that syncs batched commits in time, prepares log segments and checkpoints.
  // Without it that work is done by the calls themselves.
  bool helper_thread = true;
  // Outlive a page of `data` or `shm` that is cut off, or that the disk cannot give, while it is
  // mapped: the calls return IoError until the store is opened again, instead of SIGBUS ending the
  // process. Off by default: it takes a handler of SIGBUS for the whole process, which is its
  // owner's to give; the handler passes on what is not this store's. What a view or a cursor showed
  // may have become zeros by the time that it is looked at: the next call tells.
  bool guard_mappings = false;
};

// What opening had to do. `cold` is false when the control block of this boot was still there.
struct RecoveryReport {
  bool cold = false;
  bool created = false;
  bool exclusive = false;  // nobody else can have the store open; see Sharing
  uint64_t transactions_applied = 0;
  uint64_t writes_applied = 0;
  uint64_t deletes_applied = 0;
  uint64_t transactions_discarded = 0;  // incomplete at the end of the log
  uint64_t orphaned_entries = 0;        // intact records that belong to no accepted history
  uint64_t bytes_discarded = 0;
  uint64_t version = 0;  // the last version
  uint64_t duration_us = 0;
  std::vector<std::string> warnings;  // one for each kind of thing discarded
};

// A version that was given a name; see Store::create_snapshot.
struct NamedSnapshot {
  std::string name;
  uint64_t version = 0;
  uint64_t commit_time_us = 0;  // since 1970: of that version, and when it was named
  uint64_t created_us = 0;
  // Pages in which this snapshot differs from the newest version and which nothing else keeps:
  // what dropping it would give back at once. Counted from the pages that wait for their readers,
  // so an estimate while others write; what two snapshots share counts for neither.
  uint64_t pages_held = 0;
};

constexpr size_t kSnapshotNameSizeMax = 64;  // bytes
constexpr size_t kNamedSnapshotsMax = 64;

// One of the locks that processes share. Holds of locks that are held for microseconds are timed
// only now and then; the others nearly always.
struct LockStats {
  std::string name;
  std::string holder;        // who holds it now, with the state of its process; empty: nobody
  uint64_t takeovers = 0;    // times that it was taken from an owner that had died
  uint64_t waits = 0;        // times that somebody slept before it got it,
  uint64_t waited_us = 0;    // and for how long in all
  uint64_t holds_timed = 0;  // how many holds these two are about
  uint64_t held_us = 0;      // sum
  uint64_t held_us_max = 0;
};

// A snapshot or transaction that is open.
struct ReaderStats {
  uint64_t version = 0;  // that it pins; it may read a little further, through the log
  // How long ago its version was replaced, at least; 0 while nothing newer is durable.
  uint64_t age_us_min = 0;
  uint64_t pages_held = 0;  // that wait for this version alone; an estimate while others write
  bool keeps_log = false;   // a transaction: what was logged since stays, to validate it
  std::string process;      // "pid 4711, state S (sleeping)"
};

// Figures of the store (all processes) since its control block was made.
struct StoreStats {
  uint64_t version = 0;          // last commit
  uint64_t durable_version = 0;  // last commit that power loss cannot take back
  uint64_t commits = 0;
  uint64_t syncs = 0;
  uint64_t applies = 0;  // batches written into the tree
  uint64_t conflicts = 0;
  uint64_t takeovers = 0;  // locks taken from dead owners
  uint64_t voids = 0;      // log tails voided after a failed sync
  uint64_t checkpoints = 0;
  uint64_t file_pages = 0;
  uint64_t free_pages = 0;
  uint64_t retired_pages = 0;  // waiting for a snapshot or a checkpoint to let go
  uint64_t leaked_pages = 0;   // given up until the next cold start
  uint64_t log_bytes = 0;      // of segments on disk
  uint64_t tree_height = 0;
  uint32_t page_size_bytes = 0;
  uint32_t processes = 0;              // attached now
  uint64_t oldest_pinned_version = 0;  // equals `durable_version` when nothing older is pinned
  std::vector<NamedSnapshot> snapshots;

  uint64_t retries = 0;            // transactions that update() ran again after a conflict
  uint64_t turns = 0;              // those that lost so often that they took their turn
  uint64_t commits_unapplied = 0;  // in the log and not yet in the tree
  uint64_t commits_unsynced = 0;   // not yet on the disk
  uint64_t checkpoint_version = 0;
  uint64_t checkpoint_age_us = 0;
  uint64_t log_segments = 0;           // files, prepared ones included
  uint64_t log_segments_prepared = 0;  // of these, for what comes
  uint64_t log_bytes_needed = 0;       // from the oldest record that something needs to the tail
  std::string log_needed_by;           // "checkpoint", or the transaction's process
  uint32_t readers = 0;                // snapshots and transactions open now
  std::vector<ReaderStats> oldest_readers;  // the oldest first, at most 8
  std::vector<LockStats> locks;

  // Of the histories that keep themselves to a retention (holdfast/history.h).
  uint64_t histories = 0;
  uint64_t history_versions = 0;
  uint64_t history_bytes = 0;
};

// Names one open handle of a store, as long as the store lives. Two handles of one process differ.
struct HandleId {
  uint64_t incarnation = 0;  // of the control block: a new one after each cold start
  uint32_t owner = 0;        // slot and generation in it; 0: no handle

  bool operator==(const HandleId&) const = default;
};

// What check() verified. Any finding makes check() return it in `problems`.
struct CheckReport {
  uint64_t version = 0;
  uint64_t keys = 0;
  uint64_t key_bytes = 0;
  uint64_t value_bytes = 0;
  uint64_t leaf_pages = 0;
  uint64_t branch_pages = 0;
  uint64_t overflow_pages = 0;
  uint64_t free_pages = 0;
  uint64_t retired_pages = 0;
  uint64_t leaked_pages = 0;
  uint64_t file_pages = 0;
  uint64_t snapshots = 0;  // named ones
  uint64_t log_segments = 0;
  uint64_t log_records = 0;
  // What costs nothing now but a reserve: log before the newest checkpoint that cannot be read, so
  // that there is no going back to the older one. The next checkpoint mends it.
  std::vector<std::string> warnings;
  uint64_t problems_count = 0;
  // The first of them; each names file, page or offset, and what is wrong.
  std::vector<std::string> problems;
};

struct CheckOptions {
  // Called now and then with what is looked at, how much of it is done, and how much there is (0:
  // not known).
  std::function<void(std::string_view what, uint64_t done, uint64_t total)> progress = {};
};

class Store {
 public:
  class Impl;
  explicit Store(std::shared_ptr<Impl> impl);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  // the last handle closes; those of spaces count

  // Opens (and by default creates) the store in directory `path`; recovers what a crash left.
  // Errors: NotAStore, Unsupported (newer format; file system whose locks lie and that must be
  // shared), Corruption, PermissionDenied, NoSpace, IoError, Busy (past the deadline another
  // process is recovering, or has the store for itself alone).
  static Result<Store> open(const std::string& path, const StoreOptions& options = {});
  // The same on another machine (tests, Store::memory). `os` must outlive the store.
  static Result<Store> open(os::Os& os, const std::string& path, const StoreOptions& options);
  // A store without files, gone when the last handle is.
  static Result<Store> memory(const StoreOptions& options = {});

  // Reads what has been acknowledged: in strict mode nothing that a crash can take back.
  Result<Snapshot> snapshot();
  // Reads the newest commits, durable or not. In strict mode a commit returns, and a commit that
  // wrote nothing too, when all that the transaction read is durable.
  Result<Transaction> begin();

  // Runs `work` in a transaction and commits it; retries on Conflict a bounded number of times,
  // then in its turn, alone. `work` may run more than once and must have no other effect.
  // Returns the commit's version, or the first error that is not a conflict.
  using Work = std::function<Status(Transaction&)>;
  Result<uint64_t> update(const Work& work);

  // One read, and one write, in a transaction of their own.
  Result<std::optional<std::string>> get(std::string_view key);
  Result<uint64_t> put(std::string_view key, std::string_view value);
  Result<uint64_t> del(std::string_view key);
  // Adds to a number (Transaction::add); never conflicts, however many do it at once.
  Result<uint64_t> add(std::string_view key, int64_t delta);

  // Gives the newest version a name under which it can be read until it is dropped, after crashes
  // and restarts too. It keeps the pages that later versions replace, and nothing else; the name is
  // part of the store's contents, so a backup has it. Durable when it returns; costs a checkpoint
  // and a commit. Errors: InvalidArgument (a name has 1 to kSnapshotNameSizeMax bytes),
  // ConditionFalse (the name is taken), TooLarge (kNamedSnapshotsMax are there), and those of
  // checkpoint() and commit(): there is a whole snapshot then, or none.
  Result<NamedSnapshot> create_snapshot(std::string_view name);
  // Reads the version that has this name. It stays readable when the name is dropped meanwhile.
  // Errors: InvalidArgument, NotFound.
  Result<Snapshot> open_snapshot(std::string_view name);
  // In order of their names.
  Result<std::vector<NamedSnapshot>> list_snapshots();
  // Lets go of the name, and of the pages that only it kept. Durable when it returns.
  // Errors: InvalidArgument, NotFound, those of commit().
  Status drop_snapshot(std::string_view name);

  // Watches the keys of `range`. With `cursor`, for commits of later versions than that; without,
  // for those from now on. While it is there it keeps the log behind its cursor, up to about 16
  // segments. Errors: Busy (256 watches are there).
  Result<Watch> watch(const KeyRange& range, std::optional<uint64_t> cursor = std::nullopt);

  // Makes all commits up to now durable.
  Status flush();
  // Writes a checkpoint, so that a cold start replays little; normally done by itself.
  Status checkpoint();
  // One small step of trimming the histories that keep themselves to a retention
  // (holdfast/history.h), if that is due; whether more is. Done by itself beside commits: for who
  // cannot wait.
  Result<bool> trim_histories();
  // Flushes this handle's commits and leaves; an error tells of these, or of damage, but not of
  // want of room for work that is left to others. Further calls return Closed. To others the handle
  // is gone, and a store that it had alone is free, when its last running call has returned and its
  // last snapshot, transaction and watch has gone.
  Status close();

  // This handle, and whether the one that `id` names is still open in a living process: false from
  // the instant its process ends, however it ends. The kernel tells, never a pid.
  HandleId handle_id() const;
  bool handle_alive(const HandleId& id) const;

  const RecoveryReport& recovery() const;
  const std::string& path() const;
  Result<StoreStats> stats();
  // Verifies everything: pages' partition, checksums, order, allocation, named snapshots, the log's
  // chain from the older checkpoint on. Takes 2 bits of memory a page. Blobs: Blobs::check.
  // Runs while others write.
  Result<CheckReport> check(const CheckOptions& options = {});

  // A handle to a space, the capability to use it. `path`: 1 to 8 segments separated by '/',
  // each 1 to 128 bytes of UTF-8. Declared in holdfast/space.h.
  Result<Space> space(std::string_view path);
  // The same for segments that may contain '/'.
  Result<Space> space(const std::vector<std::string>& segments);

  // Large contents beside the tree. Declared in holdfast/blob.h.
  Blobs blobs();

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast
