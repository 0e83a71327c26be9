// RangeSet: disjoint ranges of keys, joined where they touch.
//
// Thread-safety: as the object that owns it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

class RangeSet {
 public:
  // Keys in [begin, end); an empty end means all above. An empty range adds nothing.
  void add(std::string_view begin, std::string_view end);
  void clear();

  bool empty() const { return ranges_.empty() && !unbounded_begin_; }
  size_t size() const { return ranges_.size() + (unbounded_begin_ ? 1 : 0); }
  bool contains(std::string_view key) const;
  // Whether some key of [begin, end) lies in the set.
  bool overlaps(std::string_view begin, std::string_view end) const;
  // The end of the range that holds `key` (empty: all above), or nullopt.
  std::optional<std::string_view> end_of(std::string_view key) const;

  // Calls visit(begin, end) for each range in order.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [begin, end] : ranges_) {
      if (unbounded_begin_ && begin >= *unbounded_begin_) break;
      const bool joined = unbounded_begin_ && end >= *unbounded_begin_;
      visit(std::string_view(begin), joined ? std::string_view() : std::string_view(end));
      if (joined) return;
    }
    if (unbounded_begin_) visit(std::string_view(*unbounded_begin_), std::string_view());
  }

 private:
  std::map<std::string, std::string, std::less<>> ranges_;  // begin -> end, disjoint
  std::optional<std::string> unbounded_begin_;              // all keys from here on
};

}  // namespace holdfast::store
