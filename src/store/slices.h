// Slices: the operations of a stretch in the order of their keys, so many at a time as memory
// allows. They are read from the log again and verified again: it may have changed since.
//
// Who: replay.h. One thread at a time, not necessarily the one that made it.
// Invariants:
//   1. Applying slice after slice has the effect of the stretch's operations one by one: those of
//      one key come in the order of the log.
//   2. Nearly all slices hold keys behind all those before. Only operations on keys that cannot be
//      told apart by their places, more than fit one slice, come as several slices of these keys.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "store/change.h"
#include "store/context.h"
#include "store/stretch.h"

namespace holdfast::store {

// In key order, those of one key in the order of the log.
struct Slice {
  std::vector<Change> changes;
  std::unique_ptr<char[]> bytes;  // what they point into
  uint64_t room = 0;
};

class Slices {
 public:
  // Will sort `stretch`. `bytes_max`: of operations in one slice, except for a single larger one.
  Slices(const Context& context, Stretch& stretch, uint64_t bytes_max);

  // Before the first next(). Errors: those of opening a segment.
  Status open();
  // Fills `slice`; false: there are no more. Errors: Corruption, Os's.
  Result<bool> next(Slice& slice);

 private:
  // A segment to read single operations of, all over the place: mapped, because a call for each
  // takes longer than all the rest. By then it has been brought into the page cache.
  struct Source {
    std::shared_ptr<log::Segment> segment;
    std::unique_ptr<os::Mapping> map;  // nullptr: to be read by calls
  };
  // Places that no slice has had yet.
  struct Rest {
    std::span<Place> places;
    bool in_key_order;  // else in the order of the log, of keys with the same head
  };

  std::span<Place> take(Rest& rest);
  Result<bool> divide(std::span<Place> places);
  Status load(std::span<const Place> places, Slice& slice);
  Result<Change> load(const Place& place, char* bytes) const;
  Status copy(const Place& place, char* out) const;
  void prefetch(const Place& place) const;
  Status damaged(const Place& place) const;

  const Context& context_;
  Stretch& stretch_;
  const uint64_t bytes_max_;
  std::vector<Source> sources_;  // by Place::segment_index()
  std::vector<Rest> rests_;      // the next one last
  bool is_sorted_ = false;
};

}  // namespace holdfast::store
