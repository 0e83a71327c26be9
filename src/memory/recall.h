// recall: from a query to ranked observations, on whatever an Access gives.
//
// Who: memory/ only. Thread-safety: that of the Access.
#pragma once

#include <vector>

#include "holdfast/recall.h"
#include "memory/access.h"
#include "search/text_index.h"

namespace holdfast::memory {

// Errors: see Space::recall.
Result<std::vector<RecallHit>> recall(Access& access, const RecallQuery& query);
// Errors: see Space::why_not.
Result<RecallVerdict> why_not(Access& access, const RecallQuery& query, std::string_view id);

// The parts of recall, for why_not. check_query() comes first.
Status check_query(const RecallQuery& query);
Status recall_in(search::KeySource& source, uint32_t space_id, const RecallQuery& query,
                 int64_t now_us, std::vector<RecallHit>& hits);
// Which filter of the query does not let it through; nullptr: none.
const char* failed_filter(const Observation& observation, const RecallQuery& query,
                          int64_t as_of_us);
Result<search::TextQuery> parse_text(search::Analyzer& analyzer, search::KeySource& source,
                                     uint32_t space_id, const RecallQuery& query);
bool has_phrases(search::Analyzer& analyzer, const std::vector<search::Phrase>& phrases,
                 const Observation& observation);
Status fill_explanation(search::Ranking& ranking, const search::DocumentId& id,
                        std::vector<ScoreTerm>& explanation);

}  // namespace holdfast::memory
