// Segments: the files of the log. A Segment is one open file; SegmentFiles knows the
// directory: names, preparation of future segments, removal and re-use of old ones.
//
// Segments are read by pread, not through a mapping: each sync would have to write-protect the
// dirty pages in every process that maps them (measured: half of the sync's CPU with 10 processes).
//
// Who: store/ (append, sync, recovery) and log/reader. Thread-safety: Segment is immutable after
// opening except through its File; SegmentFiles may be called from any thread.
// Process-safety: preparing, re-using and removing are done by one process at a time (the
// caller holds the preparation lock or the attach lock); opening by any.
// Invariants:
//   1. A prepared segment is all zeros or leftovers of an earlier use, has all of its space and is
//      synced, and so is its directory entry: starting it is one write of its header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "holdfast/status.h"
#include "log/format.h"
#include "os/os.h"

namespace holdfast::log {

class Segment {
 public:
  // Opens the file and reads its header. Errors: NotFound, Corruption (shorter than a header),
  // Os's.
  static Result<std::shared_ptr<Segment>> open(os::Os& os, const std::string& path, uint64_t number,
                                               os::OpenMode mode = os::OpenMode::kReadWrite);

  uint64_t number() const { return number_; }
  const std::string& path() const { return path_; }
  uint64_t capacity() const { return capacity_; }
  os::File& file() { return *file_; }

  // Bytes [offset, offset + size) into `out`, fewer at the end of the file.
  Status read(uint64_t offset, uint64_t size, std::string& out) const;
  // The same; returns how many.
  Result<size_t> read(uint64_t offset, uint64_t size, char* out) const;

  // The header as it stood when the segment was opened; once started it never changes.
  const SegmentHeader& header() const { return header_; }
  // Whether that header is intact and belongs to this number and store.
  bool started(const std::array<char, 16>& store_id) const;
  // Whether the file is as long as when it was started. No crash makes it shorter.
  bool whole() const { return header_.capacity <= capacity_; }

 private:
  Segment() = default;
  uint64_t number_ = 0;
  std::string path_;
  uint64_t capacity_ = 0;
  std::unique_ptr<os::File> file_;
  SegmentHeader header_;
};

class SegmentFiles {
 public:
  // `directory` exists. `capacity_max`: bytes of a full-grown segment; early ones are smaller.
  SegmentFiles(os::Os& os, std::string directory, uint64_t capacity_max);

  const std::string& directory() const { return directory_; }
  std::string path(uint64_t number) const;
  // Bytes of segment `number` when nothing larger is asked for: the first ones of a store are
  // small so that a new store is cheap.
  uint64_t capacity(uint64_t number) const;

  // The numbers present, ascending.
  Result<std::vector<uint64_t>> list() const;

  // Opens `number`, remembering the last few that were started. Errors: NotFound and
  // Segment::open's.
  Result<std::shared_ptr<Segment>> open(uint64_t number);
  // The same for who only reads, also on a file system that was made read-only since.
  Result<std::shared_ptr<Segment>> open_to_read(uint64_t number);
  // Drops what is remembered of `number`.
  void forget(uint64_t number);

  // Makes segment `number` of at least `capacity` bytes exist, zero-filled and synced, under a
  // temporary name first: syncs of what is written into it later need not change what the file
  // system knows of the file. From when `is_awaited()` on it is not filled but only allocated,
  // which is quick. Errors: NoSpace and Os's; then no space is taken.
  Status prepare(
      uint64_t number, uint64_t capacity,
      const std::function<bool()>& is_awaited = [] { return false; });
  // Makes the no longer needed segment `from` the future segment `to` by renaming it.
  Status recycle(uint64_t from, uint64_t to);
  Status remove(uint64_t number);

 private:
  Status fill(const std::string& path, uint64_t capacity, const std::function<bool()>& is_awaited);

  os::Os& os_;
  const std::string directory_;
  const uint64_t capacity_max_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Segment>> open_;  // most recent last
};

}  // namespace holdfast::log
