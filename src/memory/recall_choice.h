// Which of the ranked hits a recall returns: what links add to them, and variety among them.
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "holdfast/link.h"
#include "holdfast/recall.h"
#include "search/analysis.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// How many hits are ranked to choose query.limit from.
size_t pool_size(const RecallQuery& query);

// What observations receive along links from the best hits, which come best first, by their ids.
using LinkValues = std::map<std::string, double>;
Result<LinkValues> activate_links(search::KeySource& source, uint32_t space_id,
                                  const std::vector<RecallHit>& hits);

// Gives the hits their share of what links bring and orders them by that and their scores, of which
// only the first `ranked` have one.
void join_links(double link_weight, const LinkValues& values, size_t ranked,
                std::vector<RecallHit>& hits);

// query.limit of the hits, which come best first, or as many as the limits of their sources and
// sessions leave.
std::vector<RecallHit> choose_hits(search::Analyzer& analyzer, const RecallQuery& query,
                                   std::vector<RecallHit> hits);

}  // namespace holdfast::memory
