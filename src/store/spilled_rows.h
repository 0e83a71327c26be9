// SpilledRows: rows of a load that memory does not hold, in a file: runs of ascending keys, and
// their merge. The file means nothing to anybody else and goes with the object; what a process that
// was killed left is overwritten by the next load.
//
// Who: bulk_load.cc. Not thread-safe.
// Invariants:
//   1. Nothing is believed that does not match the checksum it was written with.
//   2. Of rows with one key the one that was added last is merged, and no other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/os.h"
#include "tree/tree.h"

namespace holdfast::store {

class SpilledRows {
 public:
  SpilledRows(os::Os& os, std::string path) : os_(os), path_(std::move(path)) {}
  ~SpilledRows();
  SpilledRows(const SpilledRows&) = delete;
  SpilledRows& operator=(const SpilledRows&) = delete;

  bool empty() const { return runs_.empty(); }
  // Adds a run. REQUIRES: the keys ascend strictly, each has a value. Errors: Os's.
  Status add(std::span<const tree::Operation> rows);

  // The next row of all runs in the order of their keys; nullopt behind the last. Its views hold
  // until the next call. Errors: Corruption, Os's. REQUIRES: add() is not called any more.
  Result<std::optional<tree::Operation>> next();

 private:
  // The rows of a run that are still to come.
  struct Run {
    uint64_t next = 0;  // where its next block begins
    uint64_t end = 0;
    std::string block;
    size_t at = 0;  // in the block: behind the current row
    tree::Operation row = {};
  };

  Status write_block(std::string_view rows);
  Status read_block(Run& run);
  Result<bool> advance(Run& run);
  Status damaged(uint64_t offset) const;
  bool is_behind(size_t a, size_t b) const;
  Status go_on(size_t run);
  size_t take();

  os::Os& os_;
  const std::string path_;
  std::unique_ptr<os::File> file_;
  uint64_t size_ = 0;
  std::vector<Run> runs_;
  bool merging_ = false;
  std::vector<size_t> order_;    // a heap of runs that are not at their end: the next row on top
  std::optional<size_t> taken_;  // the run whose row was returned
};

}  // namespace holdfast::store
