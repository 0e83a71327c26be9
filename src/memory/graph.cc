// Walks along links: breadth first, and spreading activation. Both read one view, and are bounded
// in what they look at, whatever the links are.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "holdfast/link.h"
#include "memory/access.h"
#include "memory/graph.h"
#include "memory/link_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::LinkRows;

constexpr size_t kDepthMax = 64;
constexpr size_t kStepsMax = 16;

// The links of one end that a filter lets through, and how many may still be looked at.
class Surroundings {
 public:
  Surroundings(search::KeySource& source, uint32_t space_id, const LinkFilter& filter,
               size_t links_per_end_max)
      : source_(source), rows_(space_id), filter_(filter), links_per_end_max_(links_per_end_max) {}

  Result<std::vector<Link>> of(std::string_view end) {
    std::vector<Link> links;
    size_t seen = 0;
    for (const bool incoming : {false, true}) {
      if (filter_.direction == (incoming ? LinkDirection::out : LinkDirection::in)) continue;
      HOLDFAST_TRY(rows_.visit(source_, end, incoming, {}, [&](Link&& link) {
        if (seen == links_per_end_max_ || seen_in_all_ == kWalkLinksMax) {
          is_complete_ = false;
          return false;
        }
        ++seen;
        ++seen_in_all_;
        const auto& types = filter_.types;
        const bool is_wanted =
            link.weight >= filter_.weight_min &&
            (types.empty() || std::find(types.begin(), types.end(), link.type) != types.end());
        if (is_wanted) links.push_back(std::move(link));
        return true;
      }));
    }
    return links;
  }
  bool is_complete() const { return is_complete_; }

 private:
  search::KeySource& source_;
  LinkRows rows_;
  const LinkFilter& filter_;
  const size_t links_per_end_max_;
  size_t seen_in_all_ = 0;
  bool is_complete_ = true;
};

const std::string& other_end(const Link& link, std::string_view end) {
  return link.from == end ? link.to : link.from;
}

Status walk_from(Surroundings& surroundings, std::span<const std::string> from,
                 const WalkOptions& options, WalkResult& result) {
  std::unordered_set<std::string> seen(from.begin(), from.end());
  std::vector<std::string> edge(from.begin(), from.end());
  for (size_t depth = 1; depth <= options.depth_max && !edge.empty(); ++depth) {
    std::vector<std::string> next;
    for (const std::string& end : edge) {
      HOLDFAST_ASSIGN(std::vector<Link> links, surroundings.of(end));
      for (Link& link : links) {
        const std::string other = other_end(link, end);
        if (!seen.insert(other).second) continue;
        next.push_back(other);
        if (!other.starts_with(options.prefix)) continue;
        if (result.ends.size() == options.limit) {
          result.is_complete = false;
          return Status::ok();
        }
        link.data.clear();
        result.ends.push_back({other, depth, std::move(link)});
      }
    }
    edge = std::move(next);
  }
  result.is_complete = surroundings.is_complete();
  return Status::ok();
}

Status check_ends(std::span<const std::string> ends) {
  for (const std::string& end : ends) {
    HOLDFAST_TRY(memory::check_name("the end of a link", end, kLinkEndSizeMax));
  }
  return Status::ok();
}

// In the order of names, so that sums of rounded numbers are the same each time.
using Values = std::map<std::string, double>;

Status spread_from(Surroundings& surroundings, const SpreadOptions& options, Values values,
                   Values& sums) {
  for (size_t step = 0; step < options.steps && !values.empty(); ++step) {
    Values received;
    for (const auto& [end, value] : values) {
      if (value < options.value_min) continue;
      HOLDFAST_ASSIGN(const std::vector<Link> links, surroundings.of(end));
      double weights = 0;
      for (const Link& link : links) weights += std::max(link.weight, 0.0);
      if (weights <= 0) continue;
      for (const Link& link : links) {
        if (link.weight <= 0) continue;
        received[other_end(link, end)] += value * options.decay * (link.weight / weights);
      }
    }
    for (const auto& [end, value] : received) sums[end] += value;
    values = std::move(received);
  }
  return Status::ok();
}

Status check_spread(std::span<const Activation> seeds, const SpreadOptions& options) {
  HOLDFAST_TRY(memory::check_limit(options.limit, kWalkEndsMax));
  HOLDFAST_TRY(memory::check_limit(options.links_per_end_max, kWalkLinksMax));
  for (const Activation& seed : seeds) {
    HOLDFAST_TRY(memory::check_name("the end of a link", seed.end, kLinkEndSizeMax));
    if (seed.value > 0 && seed.value <= kLinkWeightMax) continue;
    return Status(StatusCode::kInvalidArgument,
                  "the activation of " + seed.end + " must be above 0 and at most 1e9");
  }
  if (options.steps == 0 || options.steps > kStepsMax) {
    return Status(StatusCode::kInvalidArgument, "steps must be 1 to 16");
  }
  if (options.decay > 0 && options.decay <= 1 && options.value_min >= 0) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "decay must be above 0 and at most 1, value_min not negative");
}

Values values_of(std::span<const Activation> seeds) {
  Values values;
  for (const Activation& seed : seeds) values[seed.end] += seed.value;
  return values;
}

std::vector<Activation> most_activated(const Values& begin, Values sums,
                                       const SpreadOptions& options) {
  std::vector<Activation> activations;
  if (options.with_seeds) {
    for (const auto& [end, value] : begin) sums[end] += value;
  }
  for (const auto& [end, value] : sums) {
    if (!options.with_seeds && begin.contains(end)) continue;
    if (end.starts_with(options.prefix)) activations.push_back({end, value});
  }
  std::stable_sort(activations.begin(), activations.end(),
                   [](const Activation& a, const Activation& b) { return a.value > b.value; });
  if (activations.size() > options.limit) activations.resize(options.limit);
  return activations;
}

}  // namespace

Result<WalkResult> Links::walk(std::span<const std::string> from,
                               const WalkOptions& options) const {
  HOLDFAST_TRY(check_ends(from));
  HOLDFAST_TRY(memory::check_limit(options.limit, kWalkEndsMax));
  HOLDFAST_TRY(memory::check_limit(options.links_per_end_max, kWalkLinksMax));
  if (options.depth_max == 0 || options.depth_max > kDepthMax) {
    return Status(StatusCode::kInvalidArgument, "depth_max must be 1 to 64");
  }
  WalkResult result;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
    Surroundings surroundings(source, space_id, options.filter, options.links_per_end_max);
    return walk_from(surroundings, from, options, result);
  }));
  return result;
}

Result<WalkResult> Links::walk(std::string_view from, const WalkOptions& options) const {
  const std::string end(from);
  return walk(std::span(&end, 1), options);
}

Result<std::vector<Activation>> memory::spread_activation(search::KeySource& source,
                                                          uint32_t space_id,
                                                          std::span<const Activation> seeds,
                                                          const SpreadOptions& options) {
  const Values begin = values_of(seeds);
  Values sums;
  Surroundings surroundings(source, space_id, options.filter, options.links_per_end_max);
  HOLDFAST_TRY(spread_from(surroundings, options, begin, sums));
  return most_activated(begin, std::move(sums), options);
}

Result<std::vector<Activation>> Links::spread(std::span<const Activation> seeds,
                                              const SpreadOptions& options) const {
  HOLDFAST_TRY(check_spread(seeds, options));
  std::vector<Activation> activations = most_activated(values_of(seeds), {}, options);
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(activations, memory::spread_activation(source, space_id, seeds, options));
    return Status::ok();
  }));
  return activations;
}

}  // namespace holdfast
