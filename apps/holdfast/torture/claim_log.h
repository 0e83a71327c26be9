// What claimants do under claims, in the order of their commits: for each resource rows that the
// commits themselves stamp with their versions. Writing them conflicts with nothing, so that only
// guard() keeps a late holder out; and as they are of the same commits as what they tell, they are
// there also when their writer died before it knew.
//
// Keys: q/<resource>/<version>.
// Invariant, of a store whose claims work: each row's token is the one that was taken last on its
//   resource, or, where all of both are shared, one that was taken since the last exclusive one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/claim.h"
#include "holdfast/store.h"

namespace holdfast::torture {

constexpr uint32_t kClaimed = 2;  // resources
constexpr const char* kClaimSpace = "torture";

std::string resource_name(uint32_t resource);

struct ClaimEntry {
  bool taken = false;  // else written under it
  ClaimMode mode = ClaimMode::exclusive;
  uint32_t worker = 0;
  uint64_t number = 0;  // of the operation in the worker's ledger
  uint64_t token = 0;
};

Status log_claim(Transaction& transaction, uint32_t resource, const ClaimEntry& entry);

struct LoggedClaim {
  uint64_t version = 0;
  std::optional<ClaimEntry> entry;  // nullopt: it is torn
};
// The log of a resource, the oldest first.
Result<std::vector<LoggedClaim>> read_claim_log(Reader& reader, uint32_t resource);

// What contradicts the invariant, a text each.
std::vector<std::string> find_two_holders(const std::vector<LoggedClaim>& log);

}  // namespace holdfast::torture
