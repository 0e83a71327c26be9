// What a filter asks for in any case, by which an index can be chosen.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include "holdfast/filter.h"
#include "holdfast/recall.h"

namespace holdfast::memory {

// Fills what `options` leave open: labels, times, the tier, a member of the metadata. Whatever
// passes the filter passes them, too.
void narrow(const ObservationFilter& filter, ObservationListOptions& options);
void narrow(const ObservationFilter& filter, RecallQuery& query);
void narrow(const ArtifactFilter& filter, ArtifactQuery& query);

}  // namespace holdfast::memory
