// The keys and rows of links.
//
// | key (f, y, t: from, type, to as ordered strings) | value                            |
// |--------------------------------------------------|----------------------------------|
// | 08 20 space f y t                                | link: its row                    |
// | 08 21 space t y f                                | link: its weight, f64            |
//
// Who: links.cc, graph.cc, and whoever removes something that may have links. Thread-safety: that
//   of the given source or target.
// Invariants:
//   1. A link has both keys or none, with one weight.
//   2. Who removes an end has read the range of its links, so a link that is made meanwhile
//      conflicts; who links to an observation has read its row.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/link.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// What the ends begin with that stand for observations.
constexpr std::string_view kObservationEnd = "observation/";
// Errors: InvalidArgument, TooLarge.
Status check_link_end(std::string_view end);
// An observation that is linked to exists, and still does when this commits. Errors: NotFound,
// InvalidArgument (this is how observations are named, but not one).
Status check_link_end_exists(search::KeySource& source, uint32_t space_id, std::string_view end);

struct LinkName {
  std::string_view from;
  std::string_view type;
  std::string_view to;
};

class LinkRows {
 public:
  explicit LinkRows(uint32_t space_id) : space_id_(space_id) {}

  Result<std::optional<Link>> read(search::KeySource& source, const LinkName& name) const;
  Status write(search::KeyTarget& target, const Link& link) const;
  Status erase(search::KeyTarget& target, const LinkName& name) const;

  // Links of one end in one direction, behind `after`, in order of types and other ends; incoming
  // ones without data and times. False ends it.
  using Visit = std::function<bool(Link&& link)>;
  Status visit(search::KeySource& source, std::string_view end, bool incoming,
               const std::optional<LinkName>& after, const Visit& visit) const;
  // All links of the space by `from`.
  Status visit_all(search::KeySource& source, const std::optional<LinkName>& after,
                   const Visit& visit) const;

 private:
  std::string key(bool incoming, const LinkName& name) const;
  Status scan(search::KeySource& source, bool incoming, const KeyRange& range,
              const Visit& visit) const;

  uint32_t space_id_;
};

// Removes the links of an end, at most `limit`; how many.
Result<uint64_t> erase_links(search::KeyTarget& target, uint32_t space_id, std::string_view end,
                             uint64_t limit = std::numeric_limits<uint64_t>::max());

}  // namespace holdfast::memory
