// Claims: one row for each resource that is held, a list of its holders. Released or expired
// holders leave the row when it is next written; the last one takes the row with it.
//
// Why a token needs no counter: it is the version that the taking transaction read, plus one. The
// next claim on the resource reads the commit of this one, so its token is greater.
#include <algorithm>

#include "base/time_text.h"
#include "holdfast/claim.h"
#include "memory/access.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/lease.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::FieldReader;
using memory::FieldWriter;
using memory::KeyKind;

constexpr std::chrono::milliseconds kClaimTtlMin{1};

constexpr uint32_t kRowHolder = 1;  // repeated
enum HolderField : uint32_t {
  kId = 1,
  kMode = 2,
  kToken = 3,
  kTaken = 4,
  kExpires = 5,
  kHandleIncarnation = 6,
  kHandleOwner = 7,
  kHolder = 8,
  kPurpose = 9,
};

struct Holder {
  ClaimHolder seen;
  HandleId handle;
};

std::string row_key(uint32_t space_id, std::string_view resource) {
  return memory::space_key(KeyKind::kClaim, space_id, resource);
}

std::string encode(const std::vector<Holder>& holders) {
  FieldWriter row;
  for (const Holder& holder : holders) {
    FieldWriter fields;
    fields.text(kId, holder.seen.claim_id)
        .number(kMode, static_cast<uint64_t>(holder.seen.mode))
        .number(kToken, holder.seen.token)
        .integer(kTaken, holder.seen.taken_us)
        .integer(kExpires, holder.seen.expires_us);
    if (holder.seen.bound_to_handle) {
      fields.number(kHandleIncarnation, holder.handle.incarnation)
          .number(kHandleOwner, holder.handle.owner);
    }
    if (!holder.seen.holder.empty()) fields.text(kHolder, holder.seen.holder);
    if (!holder.seen.purpose.empty()) fields.text(kPurpose, holder.seen.purpose);
    row.text(kRowHolder, fields.bytes());
  }
  return row.bytes();
}

Result<std::vector<Holder>> decode(std::string_view bytes, std::string_view resource) {
  const std::string what = "the claim on " + std::string(resource);
  HOLDFAST_ASSIGN(const FieldReader row, FieldReader::parse(bytes, what));
  std::vector<Holder> holders;
  for (const std::string& entry : row.texts(kRowHolder)) {
    HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(entry, what));
    Holder holder;
    holder.seen.claim_id = fields.text_or_empty(kId);
    holder.seen.mode = static_cast<ClaimMode>(fields.number_or(kMode, 0) & 1);
    holder.seen.token = fields.number_or(kToken, 0);
    holder.seen.taken_us = fields.integer_or(kTaken, 0);
    holder.seen.expires_us = fields.integer_or(kExpires, 0);
    holder.seen.holder = fields.text_or_empty(kHolder);
    holder.seen.purpose = fields.text_or_empty(kPurpose);
    if (const auto owner = fields.number(kHandleOwner)) {
      holder.seen.bound_to_handle = true;
      holder.handle = {fields.number_or(kHandleIncarnation, 0), static_cast<uint32_t>(*owner)};
    }
    holders.push_back(std::move(holder));
  }
  return holders;
}

// Whether it still keeps others out.
bool holds(memory::Access& access, const Holder& holder, int64_t now_us) {
  if (holder.seen.expires_us <= now_us) return false;
  return !holder.seen.bound_to_handle || access.handle_alive(holder.handle);
}

Result<std::vector<Holder>> read_row(search::KeySource& source, uint32_t space_id,
                                     std::string_view resource) {
  HOLDFAST_ASSIGN(const auto row, source.get(row_key(space_id, resource)));
  if (!row) return std::vector<Holder>();
  return decode(*row, resource);
}

Status write_row(search::KeyTarget& target, uint32_t space_id, std::string_view resource,
                 const std::vector<Holder>& holders) {
  const std::string key = row_key(space_id, resource);
  return holders.empty() ? target.del(key) : target.put(key, encode(holders));
}

std::vector<Holder>::iterator find_claim(std::vector<Holder>& holders, const Claim& claim) {
  return std::find_if(holders.begin(), holders.end(),
                      [&](const Holder& holder) { return holder.seen.claim_id == claim.id; });
}

Status fenced(const Claim& claim, std::string_view resource, const std::string& why) {
  // Who names a claim by its id alone has no token.
  const std::string token = claim.token == 0 ? "" : " with token " + std::to_string(claim.token);
  return Status(StatusCode::kFenced, "the claim on " + std::string(resource) + token + " " + why +
                                         "; take it again before you write");
}

Status held(std::string_view resource, const ClaimHolder& by) {
  std::string text = std::string(resource) + " is claimed";
  if (!by.holder.empty()) text += " by " + by.holder;
  if (!by.purpose.empty()) text += " for " + by.purpose;
  text += " until " + time_text(by.expires_us) + "; wait, or ask the holder to release it";
  return Status(StatusCode::kBusy, std::move(text));
}

Status check_resources(std::span<const std::string> resources) {
  if (resources.empty()) {
    return Status(StatusCode::kInvalidArgument, "name at least one resource to claim");
  }
  if (resources.size() > kClaimResourcesMax) {
    return Status(StatusCode::kTooLarge, "a claim names at most " +
                                             std::to_string(kClaimResourcesMax) +
                                             " resources; claim something that stands for all");
  }
  for (const std::string& resource : resources) {
    HOLDFAST_TRY(memory::check_name("a resource's name", resource, kClaimResourceSizeMax));
  }
  std::vector<std::string_view> sorted(resources.begin(), resources.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "resource " + std::string(*twice) + " is named twice; name it once");
}

// The holders left on `resource`, or Busy when they exclude a claim of `mode`.
Result<std::vector<Holder>> make_room(memory::Access& access, search::KeySource& source,
                                      uint32_t space_id, std::string_view resource, ClaimMode mode,
                                      int64_t now_us) {
  HOLDFAST_ASSIGN(std::vector<Holder> holders, read_row(source, space_id, resource));
  std::erase_if(holders, [&](const Holder& holder) { return !holds(access, holder, now_us); });
  for (const Holder& holder : holders) {
    const bool both_shared = mode == ClaimMode::shared && holder.seen.mode == ClaimMode::shared;
    if (!both_shared) return held(resource, holder.seen);
  }
  if (holders.size() >= kClaimSharersMax) {
    return Status(StatusCode::kTooLarge, "resource " + std::string(resource) + " has " +
                                             std::to_string(kClaimSharersMax) +
                                             " sharers; wait until one releases it");
  }
  return holders;
}

// One attempt, in one transaction.
Result<Claim> take_now(memory::Access& access, std::span<const std::string> resources,
                       const ClaimOptions& options) {
  Claim claim;
  claim.id = access.next_stamp().id.to_text();
  claim.resources.assign(resources.begin(), resources.end());
  HOLDFAST_TRY(access.write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    Holder mine;
    mine.seen.claim_id = claim.id;
    mine.seen.mode = options.mode;
    mine.seen.token = claim.token = target.version() + 1;
    mine.seen.taken_us = access.now_us();
    mine.seen.expires_us = claim.expires_us = memory::later(mine.seen.taken_us, options.ttl);
    mine.seen.bound_to_handle = options.bound_to_handle;
    mine.seen.holder = options.holder;
    mine.seen.purpose = options.purpose;
    if (options.bound_to_handle) mine.handle = access.handle_id();
    // All are looked at before any is written: the caller's transaction may go on after a refusal.
    std::vector<std::vector<Holder>> rows;
    for (const std::string& resource : claim.resources) {
      HOLDFAST_ASSIGN(rows.emplace_back(), make_room(access, target, space_id, resource,
                                                     options.mode, mine.seen.taken_us));
      rows.back().push_back(mine);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      HOLDFAST_TRY(write_row(target, space_id, claim.resources[i], rows[i]));
    }
    return Status::ok();
  }));
  return claim;
}

}  // namespace

Claims::Claims(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<Claim> Claims::take(std::span<const std::string> resources,
                           const ClaimOptions& options) const {
  HOLDFAST_TRY(check_resources(resources));
  HOLDFAST_TRY(memory::check_span("ttl", options.ttl, kClaimTtlMin, kClaimTtlMax));
  HOLDFAST_TRY(memory::check_text("holder", options.holder, kClaimLabelSizeMax));
  HOLDFAST_TRY(memory::check_text("purpose", options.purpose, kClaimLabelSizeMax));
  const int64_t give_up_us = memory::later(access_->now_us(), options.wait);
  while (true) {
    Result<Claim> claim = take_now(*access_, resources, options);
    if (claim || claim.status().code() != StatusCode::kBusy) return claim;
    if (access_->now_us() >= give_up_us || !access_->pause()) return claim;
  }
}

Result<Claim> Claims::take(std::string_view resource, const ClaimOptions& options) const {
  const std::string name(resource);
  return take(std::span(&name, 1), options);
}

Result<Claim> Claims::renew(const Claim& claim, std::chrono::milliseconds ttl) const {
  HOLDFAST_TRY(check_resources(claim.resources));
  HOLDFAST_TRY(memory::check_span("ttl", ttl, kClaimTtlMin, kClaimTtlMax));
  Claim renewed = claim;
  bool found_space = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    found_space = true;
    renewed.expires_us = memory::later(access_->now_us(), ttl);
    std::vector<std::vector<Holder>> rows;
    for (const std::string& resource : claim.resources) {
      HOLDFAST_ASSIGN(rows.emplace_back(), read_row(target, space_id, resource));
      const auto mine = find_claim(rows.back(), claim);
      if (mine == rows.back().end()) return fenced(claim, resource, "was released or is another's");
      mine->seen.expires_us = renewed.expires_us;
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      HOLDFAST_TRY(write_row(target, space_id, claim.resources[i], rows[i]));
    }
    return Status::ok();
  }));
  if (!found_space) return fenced(claim, claim.resources.front(), "is of another space");
  return renewed;
}

Status Claims::release(const Claim& claim) const {
  HOLDFAST_TRY(check_resources(claim.resources));
  return access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    for (const std::string& resource : claim.resources) {
      HOLDFAST_ASSIGN(std::vector<Holder> holders, read_row(target, space_id, resource));
      const auto mine = find_claim(holders, claim);
      if (mine == holders.end()) continue;
      holders.erase(mine);
      HOLDFAST_TRY(write_row(target, space_id, resource, holders));
    }
    return Status::ok();
  });
}

Status Claims::guard(const Claim& claim) const {
  HOLDFAST_TRY(check_resources(claim.resources));
  bool found_space = false;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    found_space = true;
    const int64_t now_us = access_->now_us();
    for (const std::string& resource : claim.resources) {
      HOLDFAST_ASSIGN(std::vector<Holder> holders, read_row(source, space_id, resource));
      const auto mine = find_claim(holders, claim);
      if (mine == holders.end()) return fenced(claim, resource, "was released or is another's");
      if (mine->seen.expires_us <= now_us) {
        return fenced(claim, resource, "expired at " + time_text(mine->seen.expires_us));
      }
      if (!holds(*access_, *mine, now_us)) {
        return fenced(claim, resource, "ended with the process that took it");
      }
    }
    return Status::ok();
  }));
  if (!found_space) return fenced(claim, claim.resources.front(), "is of another space");
  return Status::ok();
}

Result<std::vector<ClaimHolder>> Claims::holders(std::string_view resource) const {
  HOLDFAST_TRY(memory::check_name("a resource's name", resource, kClaimResourceSizeMax));
  std::vector<ClaimHolder> seen;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const std::vector<Holder> holders, read_row(source, space_id, resource));
    const int64_t now_us = access_->now_us();
    for (const Holder& holder : holders) {
      if (holds(*access_, holder, now_us)) seen.push_back(holder.seen);
    }
    return Status::ok();
  }));
  return seen;
}

Result<std::vector<ClaimedResource>> Claims::list(const ClaimListOptions& options) const {
  constexpr size_t kLimitMax = 100'000;
  HOLDFAST_TRY(memory::check_limit(options.limit, kLimitMax));
  std::vector<ClaimedResource> listed;
  Status damage;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) {
    const std::string space = memory::space_prefix(KeyKind::kClaim, space_id);
    KeyRange range = search::prefix_range(space + options.prefix);
    if (!options.after.empty()) range.begin = std::max(range.begin, space + options.after + '\0');
    if (range.begin >= range.end) return Status::ok();
    const int64_t now_us = access_->now_us();
    return source.scan(range, [&](std::string_view key, std::string_view value) {
      const std::string_view resource = key.substr(space.size());
      auto holders = decode(value, resource);
      if (!holders) {
        damage = holders.status();
        return false;
      }
      ClaimedResource claimed{std::string(resource), {}};
      for (const Holder& holder : *holders) {
        if (holds(*access_, holder, now_us)) claimed.holders.push_back(holder.seen);
      }
      if (!claimed.holders.empty()) listed.push_back(std::move(claimed));
      return listed.size() < options.limit;
    });
  }));
  HOLDFAST_TRY(damage);
  return listed;
}

}  // namespace holdfast
