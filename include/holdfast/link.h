// Links: typed, weighted edges between anything, and walks along them.
//
// An end is a name: of an observation (link_end(observation)), a key, a stream, or whatever a
// program calls its things; a link has no opinion. The ends of one link are of one space. A link is
// found from either end. Links of an observation go with it, in the commit that removes it, and
// none can be made to one that is not there; the links of other things go by remove_end().
//
// Thread-safety and errors: as of Kv (holdfast/kv.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kLinkEndSizeMax = 400;        // bytes of UTF-8 without a zero byte, at least 1
constexpr size_t kLinkTypeSizeMax = 100;       // the same
constexpr size_t kLinkDataSizeMax = 64 << 10;  // bytes; any bytes
constexpr double kLinkWeightMax = 1e9;         // either side of 0
constexpr size_t kWalkEndsMax = 10'000;        // that one walk returns
constexpr size_t kWalkLinksMax = 100'000;      // that one walk looks at

// The end that stands for an observation: "observation/<id>". REQUIRES: the whole id.
std::string link_end(std::string_view observation_id);

struct NewLink {
  std::string from = {};
  std::string type = {};  // such as "caused" or "is part of"
  std::string to = {};
  double weight = 1;
  std::string data = {};
};

struct Link {
  std::string from = {};
  std::string type = {};
  std::string to = {};
  double weight = 1;
  std::string data = {};
  int64_t created_us = 0;
  int64_t changed_us = 0;
};

enum class LinkDirection : uint8_t { out, in, both };

// Which links count.
struct LinkFilter {
  LinkDirection direction = LinkDirection::out;
  std::vector<std::string> types = {};  // empty: all
  double weight_min = -kLinkWeightMax;
};

struct LinkListOptions {
  LinkFilter filter = {};
  std::optional<Link> after = {};  // the last of the page before
  size_t limit = 1000;             // 1 to 10,000
};

struct WalkOptions {
  LinkFilter filter = {};
  size_t depth_max = 3;             // 1 to 64 links away
  std::string prefix = {};          // only ends that begin so are returned; others are passed
  size_t limit = 1000;              // 1 to kWalkEndsMax
  size_t links_per_end_max = 1000;  // looked at: the first by type, then by their other end
};

struct WalkedEnd {
  std::string end = {};
  size_t depth = 0;  // the least number of links that lead there
  Link by = {};      // the last of them (without its data)
};

struct WalkResult {
  std::vector<WalkedEnd> ends = {};  // nearest first, then in the order they were found
  bool is_complete = true;           // false: a limit ended it
};

struct Activation {
  std::string end = {};
  double value = 1;
};

struct SpreadOptions {
  LinkFilter filter = {.direction = LinkDirection::both};
  size_t steps = 3;          // 1 to 16
  double decay = 0.5;        // what a step passes on, above 0, at most 1
  double value_min = 0.001;  // less is not passed on
  bool with_seeds = false;   // return what it began with, too
  std::string prefix = {};   // only ends that begin so are returned
  size_t limit = 100;        // 1 to kWalkEndsMax
  size_t links_per_end_max = 1000;
};

class Links {
 public:
  explicit Links(std::shared_ptr<memory::Access> access);  // see Space::links

  // Makes the link, or changes weight and data of the one that is there. True: it was there.
  // Errors: InvalidArgument (ends, type, weight; both ends are the same), TooLarge, NotFound (an
  // end is an observation that does not exist).
  Result<bool> put(const NewLink& link) const;
  // All or none in one commit.
  Status put_all(std::span<const NewLink> links) const;
  // Adds to the weight, within 0 to `weight_max`, and returns what it is then; makes the link.
  Result<double> strengthen(std::string_view from, std::string_view type, std::string_view to,
                            double by, double weight_max = kLinkWeightMax) const;
  Result<std::optional<Link>> get(std::string_view from, std::string_view type,
                                  std::string_view to) const;
  // Errors: NotFound.
  Status remove(std::string_view from, std::string_view type, std::string_view to) const;
  // Removes all links from and to this end, at most `limit` in one commit; how many.
  Result<uint64_t> remove_end(std::string_view end, size_t limit = 10'000) const;

  // Links of an end, in the order of types and other ends; outgoing ones first. Incoming ones come
  // without data and times, which get() has.
  Result<std::vector<Link>> of(std::string_view end, const LinkListOptions& options = {}) const;
  // All links of the space, in the order of `from`. The filter's direction does not matter.
  Result<std::vector<Link>> list(const LinkListOptions& options = {}) const;

  // What can be reached from these ends, themselves left out, breadth first.
  Result<WalkResult> walk(std::span<const std::string> from, const WalkOptions& options = {}) const;
  Result<WalkResult> walk(std::string_view from, const WalkOptions& options = {}) const;

  // Spreading activation: at each step every end passes on what it received in the step before,
  // times `decay`, shared among its links by their weights (negative ones get nothing). What an end
  // receives adds up. The most activated come first, at equal value in the order of their names.
  // With the hits of a recall as seeds it finds what belongs to them.
  Result<std::vector<Activation>> spread(std::span<const Activation> seeds,
                                         const SpreadOptions& options = {}) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
