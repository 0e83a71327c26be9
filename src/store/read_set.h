// ReadSet: what an optimistic transaction has read, and its validation against the log. The log
// already holds every key that was written since the snapshot, so conflicts are exact: a commit
// conflicts if and only if it wrote a key that was read, or a key inside a range that was read
// (gaps included, so phantoms conflict).
//
// Thread-safety: as the transaction that owns it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "log/reader.h"
#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

class ReadSet {
 public:
  void add_key(std::string_view key);
  // Keys in [begin, end); an empty end means all above.
  void add_range(std::string_view begin, std::string_view end);
  bool empty() const { return keys_.empty() && ranges_.empty(); }
  bool contains(std::string_view key) const;

 private:
  std::set<std::string, std::less<>> keys_;
  // begin -> end, disjoint; "\xff..." stands for no end, see no_end_.
  std::map<std::string, std::string, std::less<>> ranges_;
  bool unbounded_ = false;
  std::string unbounded_begin_;
};

// Checks the commits behind `position` up to `tail` against `reads` and moves `position` there.
// Errors: Conflict (names the key and the commit), TooOld (the log no longer reaches back).
Status validate(const Context& context, const ReadSet& reads, log::Position& position,
                const Tail& tail);

}  // namespace holdfast::store
