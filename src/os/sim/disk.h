// Disk: the directories and files of a simulated machine.
//
// Directory entries are durable after sync_directory() of their directory and not before; a power
// cut keeps any part of the other changes. Paths are absolute; "//", "/./" and a final "/" are
// ignored.
//
// Who: Machine and SimOs. Not thread-safe.
// Invariants:
//   1. A change of an entry that sync_directory() covered survives every power cut.
//   2. A rename is one change: after a power cut the file, or the directory with all that was
//      changed in it since, has the old name or the new one.
//   3. A removed file lives on while a description or a mapping holds it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/sim/disk_file.h"

namespace holdfast::sim {

// The plain form of a path: "/a/b"; "/" for the root.
std::string plain_path(const std::string& path);

class Disk {
 public:
  Disk();
  // The same names and files, and the same of them durable. REQUIRES: nothing has `other` open.
  Disk(const Disk& other);
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  // null when there is no such file.
  std::shared_ptr<DiskFile> find(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  // NotFound when the parent is not a directory.
  Status require_parent(const std::string& path) const;
  // REQUIRES: the parent exists, the path does not.
  std::shared_ptr<DiskFile> create(const std::string& path);
  Status rename(const std::string& from, const std::string& to);
  Status remove(const std::string& path);
  Status make_directories(const std::string& path);
  Result<std::vector<std::string>> list(const std::string& path) const;

  void sync_directory(const std::string& path);
  void cut_power(Random& random, const Damage& damage);

  // Every file that has a name now.
  void for_each_file(const std::function<void(const std::string& path, DiskFile&)>& visit) const;

 private:
  struct Entry {
    std::shared_ptr<DiskFile> file;  // null: a directory
  };
  using Entries = std::map<std::string, Entry>;
  struct NewEntry {
    std::string path;
    std::optional<Entry> entry;  // nullopt: none any more
  };
  struct Move {
    std::string from;
    std::string to;
  };
  struct Change {
    std::vector<NewEntry> entries;
    std::optional<Move> move = {};  // of a directory and of what is below it
  };

  Status rename_directory(const std::string& from, const std::string& to);
  void change(Change change);
  static std::string moved(const std::string& path, const std::string& from, const std::string& to);
  // `unmade`: moves before it that `entries` does not have; what came after them is found where it
  // would be without them.
  static void apply(const Change& change, const std::vector<Move>& unmade, Entries& entries);
  uint64_t free_inode() const;
  std::shared_ptr<DiskFile> owned(std::unique_ptr<DiskFile> file);

  Entries now_;
  Entries durable_;
  std::vector<Change> pending_;
  struct Inodes;  // the numbers in use
  std::shared_ptr<Inodes> inodes_;
};

}  // namespace holdfast::sim
