// Folding: documents that no segment has become a segment, dropped ones become dead, and segments
// are merged, each step a transaction of its own that anybody may do.
//
// Who: memory/. Thread-safety: that of the given target.
// Invariants:
//   1. A step reads, so as to conflict, the manifest and every 'a' and 'd' that it takes; so of two
//      at once one does nothing, and what is dropped or changed meanwhile is not lost.
//   2. A step is bounded: documents and bytes of a fold, postings of a merge. A term of a merge is
//      not divided.
#pragma once

#include <cstdint>
#include <string_view>

#include "search/keyspace.h"

namespace holdfast::search {

struct FoldOptions {
  uint32_t documents_min = 64;     // a fold waits for as many
  uint32_t documents_max = 4096;   // and takes at most these
  uint64_t bytes_max = 4u << 20;   // of text records
  uint32_t segments_max = 8;       // of a tier; then they are merged
  uint64_t postings_max = 24'576;  // of a step of merging, about
};

enum class FoldStep : uint8_t {
  kIdle,  // nothing is due; nothing was written
  kDone,
};

// Whether there is enough for a fold. Reads up to `documents_min` keys.
Result<bool> is_fold_due(KeySource& source, std::string_view prefix, const FoldOptions& options);

// Errors: Corruption, Unsupported (the index has another format), and those of the target.
Result<FoldStep> fold_step(KeyTarget& target, std::string_view prefix,
                           const FoldOptions& options = {});

}  // namespace holdfast::search
