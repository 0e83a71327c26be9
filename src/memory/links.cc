#include <algorithm>
#include <cmath>

#include "base/uuid.h"
#include "holdfast/link.h"
#include "memory/access.h"
#include "memory/link_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::check_link_end;
using memory::check_link_end_exists;
using memory::LinkName;
using memory::LinkRows;

constexpr size_t kListMax = 10'000;

Status check_name(const LinkName& name) {
  HOLDFAST_TRY(check_link_end(name.from));
  HOLDFAST_TRY(check_link_end(name.to));
  HOLDFAST_TRY(memory::check_plain_name("the type of a link", name.type, kLinkTypeSizeMax));
  if (name.from != name.to) return Status::ok();
  return memory::invalid("the link begins and ends with " + std::string(name.from) +
                         "; a link needs two ends");
}

Status check_weight(std::string_view what, double weight) {
  if (std::isfinite(weight) && std::abs(weight) <= kLinkWeightMax) return Status::ok();
  return memory::invalid(std::string(what) + " must be a number of -1e9 to 1e9");
}

Status check_link(const NewLink& link) {
  HOLDFAST_TRY(check_name({link.from, link.type, link.to}));
  HOLDFAST_TRY(check_weight("weight", link.weight));
  if (link.data.size() <= kLinkDataSizeMax) return Status::ok();
  return Status(StatusCode::kTooLarge,
                "the link has " + std::to_string(link.data.size()) + " bytes of data; at most " +
                    std::to_string(kLinkDataSizeMax) + " are allowed: link to a value instead");
}

Status check_ends(search::KeySource& source, uint32_t space_id, const LinkName& name) {
  HOLDFAST_TRY(check_link_end_exists(source, space_id, name.from));
  return check_link_end_exists(source, space_id, name.to);
}

bool is_wanted(const LinkFilter& filter, const Link& link) {
  if (link.weight < filter.weight_min) return false;
  return filter.types.empty() ||
         std::find(filter.types.begin(), filter.types.end(), link.type) != filter.types.end();
}

std::optional<LinkName> name_of(const std::optional<Link>& link) {
  if (!link) return std::nullopt;
  return LinkName{link->from, link->type, link->to};
}

}  // namespace

std::string link_end(std::string_view observation_id) {
  return std::string(memory::kObservationEnd).append(observation_id);
}

Links::Links(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<bool> Links::put(const NewLink& link) const {
  HOLDFAST_TRY(check_link(link));
  const LinkName name{link.from, link.type, link.to};
  bool existed = false;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const LinkRows rows(space_id);
    HOLDFAST_TRY(check_ends(target, space_id, name));
    HOLDFAST_ASSIGN(const auto before, rows.read(target, name));
    existed = before.has_value();
    const int64_t now_us = access_->now_us();
    return rows.write(target, {link.from, link.type, link.to, link.weight, link.data,
                               before ? before->created_us : now_us, now_us});
  }));
  return existed;
}

Status Links::put_all(std::span<const NewLink> links) const {
  for (const NewLink& link : links) HOLDFAST_TRY(check_link(link));
  if (links.empty()) return Status::ok();
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const LinkRows rows(space_id);
    const int64_t now_us = access_->now_us();
    std::vector<Link> written;
    for (const NewLink& link : links) {
      const LinkName name{link.from, link.type, link.to};
      HOLDFAST_TRY(check_ends(target, space_id, name));
      HOLDFAST_ASSIGN(const auto before, rows.read(target, name));
      written.push_back({link.from, link.type, link.to, link.weight, link.data,
                         before ? before->created_us : now_us, now_us});
    }
    for (const Link& link : written) HOLDFAST_TRY(rows.write(target, link));
    return Status::ok();
  });
}

Result<double> Links::strengthen(std::string_view from, std::string_view type, std::string_view to,
                                 double by, double weight_max) const {
  const LinkName name{from, type, to};
  HOLDFAST_TRY(check_name(name));
  HOLDFAST_TRY(check_weight("by", by));
  HOLDFAST_TRY(check_weight("weight_max", weight_max));
  if (weight_max < 0) return memory::invalid("weight_max must not be negative");
  double weight = 0;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const LinkRows rows(space_id);
    HOLDFAST_TRY(check_ends(target, space_id, name));
    HOLDFAST_ASSIGN(auto link, rows.read(target, name));
    const int64_t now_us = access_->now_us();
    if (!link) {
      link = Link{std::string(from), std::string(type), std::string(to), 0, {}, now_us, now_us};
    }
    link->weight = weight = std::clamp(link->weight + by, 0.0, weight_max);
    link->changed_us = now_us;
    return rows.write(target, *link);
  }));
  return weight;
}

Result<std::optional<Link>> Links::get(std::string_view from, std::string_view type,
                                       std::string_view to) const {
  const LinkName name{from, type, to};
  HOLDFAST_TRY(check_name(name));
  std::optional<Link> link;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(link, LinkRows(space_id).read(source, name));
    return Status::ok();
  }));
  return link;
}

Status Links::remove(std::string_view from, std::string_view type, std::string_view to) const {
  const LinkName name{from, type, to};
  HOLDFAST_TRY(check_name(name));
  bool found = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const LinkRows rows(space_id);
    HOLDFAST_ASSIGN(const auto link, rows.read(target, name));
    found = link.has_value();
    return found ? rows.erase(target, name) : Status::ok();
  }));
  if (found) return Status::ok();
  return Status(StatusCode::kNotFound, "there is no link \"" + std::string(type) + "\" from " +
                                           std::string(from) + " to " + std::string(to));
}

Result<uint64_t> Links::remove_end(std::string_view end, size_t limit) const {
  HOLDFAST_TRY(check_link_end(end));
  HOLDFAST_TRY(memory::check_limit(limit, kListMax));
  uint64_t removed = 0;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(removed, memory::erase_links(target, space_id, end, limit));
    return Status::ok();
  }));
  return removed;
}

Result<std::vector<Link>> Links::of(std::string_view end, const LinkListOptions& options) const {
  HOLDFAST_TRY(check_link_end(end));
  HOLDFAST_TRY(memory::check_limit(options.limit, kListMax));
  std::vector<Link> links;
  // A page that ended among the incoming links goes on there.
  const bool is_past_out = options.after && options.after->to == end;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const LinkRows rows(space_id);
    for (const bool incoming : {false, true}) {
      if (options.filter.direction == (incoming ? LinkDirection::out : LinkDirection::in)) continue;
      if (links.size() >= options.limit || (!incoming && is_past_out)) continue;
      const bool goes_on = options.after && incoming == is_past_out;
      HOLDFAST_TRY(rows.visit(source, end, incoming,
                              goes_on ? name_of(options.after) : std::nullopt, [&](Link&& link) {
                                if (is_wanted(options.filter, link)) links.push_back(link);
                                return links.size() < options.limit;
                              }));
    }
    return Status::ok();
  }));
  return links;
}

Result<std::vector<Link>> Links::list(const LinkListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kListMax));
  std::vector<Link> links;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    return LinkRows(space_id).visit_all(source, name_of(options.after), [&](Link&& link) {
      if (is_wanted(options.filter, link)) links.push_back(std::move(link));
      return links.size() < options.limit;
    });
  }));
  return links;
}

}  // namespace holdfast
