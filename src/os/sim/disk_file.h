// DiskFile: one inode of the simulated disk: what the page cache shows and what a power cut leaves.
//
// The cache is one memory area; every change that is not durable yet is kept in a log with the
// bytes before and after it. Durable content is the cache with the log undone; a power cut undoes
// the log and then applies the part of it that the drive is said to have kept.
//
// Who: Disk and Machine. Not thread-safe.
// Invariants:
//   1. What sync() covered survives every power cut.
//   2. Bytes outside the range of a write are not harmed by that write being torn, unless the
//      damage says so: drives promise it (powersafe overwrite), file formats rely on it.
//   3. A failed sync marks sectors clean without making them durable (lost): later syncs succeed
//      and do not help, the cache shows them until eviction, writing them again does help.
//   4. Stores through a writable mapping are never durable.
//   5. Content past the end is zeros: what grows into it finds nothing old there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/os.h"
#include "os/sim/area.h"
#include "os/sim/random.h"

namespace holdfast::sim {

inline constexpr uint64_t kSectorSize = 512;

// What the drive kept of the changes that no sync covered.
enum class Loss : uint8_t {
  kNothing,    // it kept all
  kAll,        // none
  kSuffix,     // those after some point in time; the first of them may be torn
  kReordered,  // each sector shows any of its versions since the last sync
  kTorn,       // the same, and the version after it may be half written or garbage
};
inline constexpr uint64_t kLossCount = 5;

struct Damage {
  Loss loss = Loss::kAll;
  bool powersafe_overwrite = true;
};

class DiskFile {
 public:
  // `kind`: as take_area() has it.
  explicit DiskFile(uint64_t inode, std::string kind = {});
  // The same file, of another disk. REQUIRES: nothing has `other` open.
  DiskFile(const DiskFile& other);
  DiskFile& operator=(const DiskFile&) = delete;
  ~DiskFile();

  uint64_t inode() const { return inode_; }
  uint64_t size() const { return size_; }
  // Writes below it cannot run out of space.
  uint64_t allocated_end() const { return allocated_end_; }
  char* data() const { return area_; }
  bool is_dirty() const { return !changes_.empty(); }

  size_t read(uint64_t offset, char* out, size_t size) const;
  // REQUIRES: offset + bytes.size() <= kAreaSize, here and below.
  void write(uint64_t offset, std::string_view bytes);
  void allocate(uint64_t offset, uint64_t size);
  void resize(uint64_t size);
  void map_writable();
  // From now on touching a page past the end of the file traps, as it does in a real mapping, until
  // the next power cut.
  void trap_past_end();

  void sync();
  // The device failed: every unsynced sector is lost, or some are and the rest became durable.
  void fail_sync(Random& random);
  // Drops clean pages from the cache: what was lost shows its durable bytes again.
  void evict();
  void cut_power(Random& random, const Damage& damage);

  // Counts failed syncs; a description that has not seen the latest reports it once.
  uint64_t error_sequence = 0;
  bool error_seen = true;

  struct Lock {
    uint64_t byte;
    os::LockKind kind;
    const void* holder;
  };
  std::vector<Lock> locks;

 private:
  enum class ChangeKind : uint8_t { kWrite, kCut, kSize };

  struct Change {
    ChangeKind kind;
    bool lost;        // kWrite only: clean in the cache, not durable
    uint64_t offset;  // kSize: the size before
    uint64_t size;    // kSize: the size after
    size_t before;    // positions in bytes_
    size_t after;
  };
  enum class Fate : uint8_t { kDropped, kKept, kTorn };

  // The buffers of files that are gone: growing them anew is half of the cost of a write.
  static std::vector<std::vector<Change>>& unused_changes();
  static std::vector<std::vector<char>>& unused_bytes();
  void take_buffers();
  void give_back_buffers();

  static uint64_t sector_of(const Change& change) { return change.offset / kSectorSize; }

  void set_size(uint64_t size);
  void undo_changes();
  // Cuts every write at sector borders, so that each piece lies in one sector.
  void split_into_sectors();
  void clear_changes();
  void keep_if(const std::vector<bool>& kept);
  uint64_t cut_begin() const;
  // Which changes a successful sync, or eviction, finds lost and not written again.
  // REQUIRES: split into sectors.
  std::vector<bool> stay_lost() const;
  void damage_mapped(Random& random);
  std::vector<Fate> choose(Random& random, Loss loss) const;
  void choose_sizes(Random& random, std::vector<Fate>& fates) const;
  void choose_sectors(Random& random, bool torn, std::vector<Fate>& fates) const;
  void resolve_lost(std::vector<Fate>& fates) const;
  void apply(const Change& change);
  void tear(const Change& change, Random& random, bool powersafe_overwrite);
  uint64_t touched() const;
  // Makes [0, end) accessible.
  void expose(uint64_t end);
  void conceal(uint64_t end);
  void stop_trapping();

  const uint64_t inode_;
  const std::string kind_;
  Area whole_area_;  // its pages from accessible_end on trap
  char* const area_;
  uint64_t size_ = 0;
  uint64_t size_max_ = 0;     // the largest size it ever had
  uint64_t content_end_ = 0;  // nothing was written past it
  uint64_t allocated_end_ = 0;
  uint64_t lost_count_ = 0;
  bool traps_ = false;  // whatever lies past the end does
  bool mapped_writable_ = false;
  bool was_mapped_writable_ = false;
  std::vector<Change> changes_;
  std::vector<char> bytes_;
  // What is to be copied of a file that was mapped for writing: found when it is copied first.
  mutable std::optional<std::vector<Extent>> extents_;
};

}  // namespace holdfast::sim
