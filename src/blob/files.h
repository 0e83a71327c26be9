// The files of blobs, and where they are:
//
//   blobs/tmp/<incarnation>            being written
//   blobs/new/<hash>-<incarnation>     whole and durable; perhaps referenced already
//   blobs/ab/<hash>-<incarnation>      in its place; "ab" are the hash's first two digits
//
// A file only ever moves down this list. Whoever writes it holds a lock on it from the moment it is
// made until the handle goes, through every renaming; the kernel lets go however a process ends.
// So whoever gets the lock knows that no handle to the file is left, and may move or remove it.
//
// Why new/: what is durable and not yet committed is found by listing one small directory, and only
// that directory is synced before the commit.
//
// Who: this room. Thread- and process-safety: any.
// Invariants:
//   1. A file in new/ is synced, its name too before anybody is told of it.
//   2. A file is moved or removed by the holder of its lock only.
//   3. Names are never used again: removing one that has gone meanwhile does no harm.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blob/records.h"
#include "os/os.h"

namespace holdfast::blob {

// A file whose lock this process holds.
struct HeldFile {
  std::unique_ptr<os::File> file;
  FileName name;  // hash: all zeros while it is in tmp/
};

class Files {
 public:
  Files(os::Os& os, const std::string& store_path)
      : os_(os), store_path_(store_path), root_(store_path + "/blobs") {}

  std::string temporary_path(uint64_t incarnation) const;
  std::string new_path(const FileName& name) const;
  std::string placed_path(const FileName& name) const;

  // A new, empty, locked file in tmp/. Makes the directories durable first.
  Result<HeldFile> create();
  // Moves a synced file from tmp/ to new/, durably, under its hash. On an error it is removed.
  Status publish(const HeldFile& held);
  // Moves it from new/ to its place. Not durable, and need not be. REQUIRES: its lock is held; a
  // durable version names it in a presence.
  Status place(const FileName& name);

  // Opens a file in its place or in new/. null: in neither.
  Result<std::unique_ptr<os::File>> find(const FileName& name);
  // The path under which find() finds it, for messages.
  std::string path_for_messages(const FileName& name) const { return placed_path(name); }

  // The file in new/ or in its place, with its lock. Neither file nor lock: `gone` is true. Locked
  // by another: nullopt.
  struct Taken {
    bool gone = false;
    HeldFile held;
  };
  Result<std::optional<Taken>> take(const FileName& name);
  // Removes it from wherever it is. REQUIRES: it was taken.
  Status remove(const FileName& name);
  // Makes the removal of `names` durable.
  Status sync_removals(const std::vector<FileName>& names);

  // Removes the files in tmp/ whose writers are gone, at most `limit`; returns how many.
  Result<uint64_t> sweep_temporary(size_t limit);
  // The names in new/, and of the files in their places under two digits "ab".
  Result<std::vector<FileName>> list_new();
  Result<std::vector<FileName>> list_placed(std::string_view digits);

 private:
  Status prepare();
  Status prepare_place(const FileName& name);
  Result<std::vector<FileName>> list_names(const std::string& directory);

  os::Os& os_;
  const std::string store_path_;
  const std::string root_;
  std::atomic<bool> prepared_{false};            // tmp/ and new/ are durable
  std::atomic<bool> places_prepared_[256] = {};  // and these
};

}  // namespace holdfast::blob
