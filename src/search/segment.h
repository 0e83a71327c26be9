// A segment: the inverted form of some documents, immutable but for which of them are dead. Its
// terms stand by themselves (segment_terms.h); here are the ids of the documents, and the dead.
//
// Who: search/ only. Thread-safety: that of the given source.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "search/keyspace.h"
#include "search/manifest.h"

namespace holdfast::search {

// Writes the ids from ordinal `first` on; a multiple of kIdsPerBlock.
Status write_ids(KeyTarget& target, const IndexKeys& keys, uint32_t segment, uint32_t first,
                 std::span<const DocumentId> ids);

// Ids by ordinal.
Result<DocumentId> read_id(KeySource& source, const IndexKeys& keys, uint32_t segment,
                           uint32_t ordinal);
Result<std::vector<DocumentId>> read_ids(KeySource& source, const IndexKeys& keys,
                                         const SegmentInfo& segment);
// How many documents of the segment have a smaller id: the ordinal of the first that has not.
Result<uint32_t> lower_ordinal(KeySource& source, const IndexKeys& keys, const SegmentInfo& segment,
                               std::string_view id);

// One bit per document that is dead; empty where none is.
Result<std::vector<uint64_t>> read_dead(KeySource& source, const IndexKeys& keys,
                                        const SegmentInfo& segment);
// The ordinal under which `id` lives in the segment, whose dead are `dead`.
Result<std::optional<uint32_t>> find_live(KeySource& source, const IndexKeys& keys,
                                          const SegmentInfo& segment,
                                          const std::vector<uint64_t>& dead, const DocumentId& id);
// How many of the dead have the term.
Result<uint64_t> read_dead_count(KeySource& source, const IndexKeys& keys,
                                 const SegmentInfo& segment, std::string_view term);

// A document of a segment that dies, and its text record.
struct Death {
  uint32_t ordinal;
  std::string_view record;
};
// Marks them, and counts them in `segment`. REQUIRES: they are live; ordinals ascend.
Status write_deaths(KeyTarget& target, const IndexKeys& keys, SegmentInfo& segment,
                    std::span<const Death> deaths);

}  // namespace holdfast::search
