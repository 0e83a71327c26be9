// Claims: leases on named resources, by which agents keep out of each other's way.
//
// A claim is on one or several resources, all or nothing, for one holder (exclusive) or for many
// that only exclude an exclusive one (shared). It ends when it is released, when its time has
// passed, and, if it is bound to the store's handle, the instant the process with that handle
// ends: a lock that the kernel holds tells, never a pid.
//
// Fencing: `token` grows with every claim on a resource. guard(), called in the transaction that
// writes what the claim protects, makes the store itself refuse the write when the claim is no
// longer held: a process that was stopped and wakes up too late does no harm. What is outside the
// store can compare tokens.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h).
#pragma once

#include <chrono>
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

constexpr size_t kClaimResourceSizeMax = 900;  // bytes of UTF-8, at least 1
constexpr size_t kClaimResourcesMax = 64;      // of one claim
constexpr size_t kClaimSharersMax = 1000;      // of one resource
constexpr size_t kClaimLabelSizeMax = 1000;    // bytes of holder and purpose
constexpr std::chrono::milliseconds kClaimTtlMax{30LL * 24 * 3600 * 1000};

enum class ClaimMode : uint8_t { exclusive, shared };

struct ClaimOptions {
  ClaimMode mode = ClaimMode::exclusive;
  std::chrono::milliseconds ttl{60'000};  // 1 ms to kClaimTtlMax; renew() extends it
  // Ends with the handle it was taken by. False for one that outlives its process: a command of a
  // shell script that takes, works, and releases.
  bool bound_to_handle = true;
  // How long take() waits for resources that are held. In a transaction it never waits.
  std::chrono::milliseconds wait{0};
  std::string holder = {};   // for people: which agent
  std::string purpose = {};  // for people: what for
};

// What the holder keeps. Plain data: it may be passed to another process.
struct Claim {
  std::string id = {};  // UUID
  std::vector<std::string> resources = {};
  // Greater than the token of every earlier claim on any of its resources.
  uint64_t token = 0;
  int64_t expires_us = 0;  // microseconds since 1970, UTC
};

// What everybody can see of one resource's holder.
struct ClaimHolder {
  std::string claim_id = {};
  ClaimMode mode = ClaimMode::exclusive;
  uint64_t token = 0;
  int64_t taken_us = 0;
  int64_t expires_us = 0;
  bool bound_to_handle = false;
  std::string holder = {};
  std::string purpose = {};
};
struct ClaimedResource {
  std::string resource = {};
  std::vector<ClaimHolder> holders = {};  // several only when shared
};

struct ClaimListOptions {
  std::string prefix = {};  // only resources that begin so
  std::string after = {};   // only resources greater than this one
  size_t limit = 1000;      // 1 to 100,000
};

class Claims {
 public:
  explicit Claims(std::shared_ptr<memory::Access> access);  // see Space::claims

  // Takes all of `resources` or none. Errors: Busy (held; the message names by whom and until
  // when), InvalidArgument (no resource, one named twice, too long, not UTF-8, ttl), TooLarge.
  Result<Claim> take(std::span<const std::string> resources,
                     const ClaimOptions& options = {}) const;
  Result<Claim> take(std::string_view resource, const ClaimOptions& options = {}) const;
  // Extends it to `ttl` from now, also when it has expired but nobody has taken it since.
  // Errors: Fenced (another's by now, or released), InvalidArgument (ttl).
  Result<Claim> renew(const Claim& claim, std::chrono::milliseconds ttl) const;
  // Ends it. Success also when it had ended by itself; what another holds by now stays his.
  Status release(const Claim& claim) const;
  // Ok when `claim` is held. In a transaction: and still is when it commits; the commit conflicts
  // otherwise. Errors: Fenced (expired, released, taken by another: the message says which).
  Status guard(const Claim& claim) const;

  // Who holds it now; empty: nobody.
  Result<std::vector<ClaimHolder>> holders(std::string_view resource) const;
  // Resources that are held now, in order of their names.
  Result<std::vector<ClaimedResource>> list(const ClaimListOptions& options = {}) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
