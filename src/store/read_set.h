// ReadSet: what an optimistic transaction has read, and its validation against the log. The log
// already holds every key that was written since the snapshot, so conflicts are exact: a commit
// conflicts if and only if it wrote a key that was read, or a key inside a range that was read
// (gaps included, so phantoms conflict). Deleting a range counts as writing every key in it.
//
// Thread-safety: as the transaction that owns it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "log/reader.h"
#include "store/context.h"
#include "store/published.h"
#include "store/range_set.h"

namespace holdfast::store {

class ReadSet {
 public:
  void add_key(std::string_view key);
  // Keys in [begin, end); an empty end means all above.
  void add_range(std::string_view begin, std::string_view end) { ranges_.add(begin, end); }
  bool empty() const { return keys_.empty() && ranges_.empty(); }
  bool contains(std::string_view key) const;
  // Whether some key of [begin, end) was read, or is in a range that was.
  bool overlaps(std::string_view begin, std::string_view end) const;

 private:
  std::set<std::string, std::less<>> keys_;
  RangeSet ranges_;
};

// Checks the commits behind `position` up to `tail` against `reads` and moves `position` there.
// Errors: Conflict (names the key and the commit), TooOld (the log no longer reaches back).
Status validate(const Context& context, const ReadSet& reads, log::Position& position,
                const Tail& tail);

}  // namespace holdfast::store
