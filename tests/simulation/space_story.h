// Scripts for stories about what a space keeps.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "holdfast/space.h"
#include "simulation/store_story.h"

namespace holdfast::sim {

inline constexpr const char* kSpace = "notes";

// Opens the store and lets `each` use the space so many times, until it fails.
using Use = std::function<bool(Store&, const Space&, Trial&)>;
Script uses(int count, const Use& each);

// The same with transactions, noted in the ledger.
using Work = std::function<Status(const Space&, Transaction&, uint64_t id)>;
Script transacts(int count, const Work& work);

// What follows `prefix` in the keys that begin so.
std::set<std::string> names_below(Reader& reader, const std::string& prefix);

}  // namespace holdfast::sim
