// Os: the only door to the kernel. Production is PosixOs (os/posix_os.h), a store without files is
// MemoryOs (make_memory_os), tests substitute SimOs (os/sim/). No other room may call libc for
// files, maps, locks, futexes, time or randomness; tests/tidy enforces it.
//
// Who: log, tree, store and the applications that create a Store.
// Thread-safety: every method of Os and File may be called from any thread at once.
// Errors: IoError, NoSpace (ENOSPC, EDQUOT), PermissionDenied (EACCES, EPERM, EROFS), NotFound
//   (ENOENT, ENOTDIR); each carries the path, the call and errno's text. EINTR and short transfers
//   are finished inside and never seen.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "os/shared.h"

namespace holdfast::os {

enum class OpenMode : uint8_t {
  kRead,             // must exist; every change through it is refused by the kernel
  kReadWrite,        // must exist
  kCreate,           // created if absent
  kCreateExclusive,  // kConditionFalse if it exists
};

constexpr bool creates(OpenMode mode) {
  return mode == OpenMode::kCreate || mode == OpenMode::kCreateExclusive;
}

enum class LockKind : uint8_t { kShared, kExclusive };
enum class MapAccess : uint8_t { kRead, kReadWrite };

struct FileInfo {
  uint64_t size_bytes = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
};

// A mapping of a file into this process, shared with all who map it; unmapped on destruction.
// Marked so that a forked child does not inherit it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  virtual ~Mapping() = default;
  char* data() const { return data_; }
  size_t size() const { return size_; }

 protected:
  char* data_ = nullptr;
  size_t size_ = 0;
};

// One open file description. Destruction closes it and releases the locks taken through it.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  // Reads up to `size` bytes at `offset`; returns the count, smaller only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* out, size_t size) = 0;
  // Writes all bytes, extending the file. On an error any prefix may have been written.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // The same for several pieces that follow each other in the file, in one call where possible.
  virtual Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) = 0;
  // fdatasync. After an error the fate of unsynced bytes is unknown: never call it again on this
  // file and believe it (the kernel reports an error once and marks the pages clean).
  virtual Status sync_data() = 0;
  // fallocate: the range can be written without NoSpace; extends the size.
  virtual Status allocate(uint64_t offset, uint64_t size) = 0;
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<FileInfo> info() = 0;

  // Open-file-description byte locks: the kernel releases them when the last descriptor closes,
  // however the process ends. False: another description holds a conflicting lock.
  virtual Result<bool> lock_try(uint64_t byte, LockKind kind) = 0;
  virtual Status unlock(uint64_t byte) = 0;
  // True if another description holds any lock in [first, first + count).
  virtual Result<bool> lock_held_by_other(uint64_t first, uint64_t count) = 0;
  // flock, exclusive, of the whole file: for file systems where byte locks do nothing. False:
  // another description holds it. Released when this one is closed.
  virtual Result<bool> lock_whole_try() = 0;

  // Maps [0, size); `size` may exceed the file's: pages past its end must not be touched until
  // the file has grown over them. The mapping stays valid while the file grows.
  virtual Result<std::unique_ptr<Mapping>> map(size_t size, MapAccess access) = 0;
};

// Whether locks and shared memory of this file system can be trusted.
enum class FileSystemTrust : uint8_t {
  kFull,         // ext4, xfs, f2fs, tmpfs, overlay ...
  kCopyOnWrite,  // btrfs, zfs, bcachefs: trusted, but zero-filling buys nothing
  kLies,         // nfs, smb, 9p, fuse, virtiofs, ceph, afs: locks or shared memory may lie
  kRefused,      // WSL 1: not even one process alone is safe
};
struct FileSystem {
  std::string name;   // "ext4", "9p" ...
  uint64_t type = 0;  // statfs f_type
  FileSystemTrust trust = FileSystemTrust::kFull;
};

enum class WaitResult : uint8_t { kWoken, kTimedOut };

// For diagnostics only; no decision is ever based on a pid.
struct ProcessIdentity {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;          // 0: not known
  uint64_t pid_namespace_inode = 0;  // 0: not known
};

// What was mapped and is lost: cut off by somebody, or unreadable; see guarded_os.h.
struct Losses {
  std::atomic<bool> pages{false};   // of what is mapped to be read
  std::atomic<bool> shared{false};  // of what is mapped to be written

  // To be asked after what was read, before it is believed: hence the fence.
  bool any_shared() const {
    std::atomic_thread_fence(std::memory_order_acquire);
    return shared.load(std::memory_order_relaxed);
  }
  bool any() const { return any_shared() || pages.load(std::memory_order_relaxed); }
};
struct LostPage {
  std::string path;
  uint64_t offset = 0;
};

class Os {
 public:
  Os() = default;
  Os(const Os&) = delete;
  Os& operator=(const Os&) = delete;
  virtual ~Os() = default;

  // --- Files and directories. All descriptors are close-on-exec and above 2.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Removes a file or an empty directory.
  virtual Status remove(const std::string& path) = 0;
  // Creates a directory and its parents; success if it exists.
  virtual Status make_directories(const std::string& path) = 0;
  // fsync of a directory: entries created, renamed or removed in it are durable afterwards.
  virtual Status sync_directory(const std::string& path) = 0;
  // Names in a directory, sorted, without "." and "..". Errors: NotFound; InvalidArgument (the
  // path, or a part of it, is a file).
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Result<FileSystem> file_system(const std::string& path) = 0;
  // Bytes that files on the file system of `path` can still grow by, as far as it says; 0: not
  // known. Another program may take them at any moment.
  virtual uint64_t free_disk_bytes(const std::string& path) {
    (void)path;
    return 0;
  }
  // The largest mapping to ask for of a file that grows; a power of two.
  virtual uint64_t map_size_max() { return uint64_t{1} << 30; }
  // Bytes of a file that a process had better read than map, of those that it needs first.
  virtual size_t read_first_bytes_max() { return 0; }

  // --- Waiting across processes on a word in shared memory.
  // Returns kWoken when woken, when the word no longer equals `expected`, or spuriously.
  virtual WaitResult futex_wait(const Shared<uint32_t>& word, uint32_t expected,
                                uint64_t timeout_us) = 0;
  virtual void futex_wake(const Shared<uint32_t>& word, uint32_t count) = 0;
  virtual void sleep_us(uint64_t duration_us) = 0;

  // --- Time and identity.
  virtual uint64_t wall_time_us() = 0;       // since 1970; may go backwards
  virtual uint64_t monotonic_time_us() = 0;  // for deadlines and durations
  virtual std::array<char, 16> boot_id() = 0;
  virtual ProcessIdentity process() = 0;
  // Its pid alone, which costs next to nothing.
  virtual uint32_t process_id() { return process().pid; }
  // "pid 4711, state T (stopped)" or "pid 4711, gone": for messages only.
  virtual std::string describe_process(const ProcessIdentity& process) = 0;
  virtual void random_bytes(char* out, size_t size) = 0;
  // Counts fork() calls that led to this process; a handle made at another count is inherited.
  virtual uint32_t fork_count() = 0;
  // False where threads cannot run (the simulated machine): the store then does all work inline.
  virtual bool has_threads() = 0;

  // --- What was mapped through this Os and is lost. Never anything, where it is not guarded.
  const Losses* losses() const { return losses_; }  // nullptr: not guarded
  bool has_lost_memory() const { return losses_ != nullptr && losses_->any(); }
  bool has_lost_shared_memory() const { return losses_ != nullptr && losses_->any_shared(); }
  // The first of it.
  virtual std::optional<LostPage> lost_page() { return std::nullopt; }

 protected:
  const Losses* losses_ = nullptr;  // set while constructing
};

// The production Os, one per process.
Os& posix_os();

// A private Os whose files live in memory and vanish with it; for Store::memory().
std::unique_ptr<Os> make_memory_os();

}  // namespace holdfast::os
