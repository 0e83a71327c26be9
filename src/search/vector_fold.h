// Folding vectors: those that no block has become a block of codes, dropped ones are marked dead,
// small blocks and those with many dead are written anew, each step a transaction of its own that
// anybody may do.
//
// Who: memory/. Thread-safety: that of the given target.
// Invariants:
//   1. A step reads, so as to conflict, the manifest and every 'f' and 'd' that it takes; so of two
//      at once one does nothing, and what is dropped or changed meanwhile is not lost.
//   2. A step is bounded: it makes the codes of one group of vectors, or copies those of one block
//      from the blocks that this one is made of.
#pragma once

#include <cstdint>
#include <string_view>

#include "search/keyspace.h"
#include "search/text_fold.h"
#include "search/vector_index.h"

namespace holdfast::search {

struct VectorFoldOptions {
  uint32_t vectors_min = 64;  // a fold waits for as many
  uint32_t vectors_max = 64;  // and takes at most these, or a block's worth
  uint32_t dropped_max = 4096;
  uint32_t blocks_max = 8;  // less than half full; then they are merged
};

// Whether there is enough for a fold. Reads up to `vectors_min` keys.
Result<bool> is_vector_fold_due(KeySource& source, std::string_view prefix,
                                const VectorFoldOptions& options);

// Errors: Corruption, Unsupported (the index has another format), and those of the target.
Result<FoldStep> vector_fold_step(KeyTarget& target, std::string_view prefix,
                                  const VectorShape& shape, const VectorFoldOptions& options = {});

// Deletes all codes. A vector is found again by then on only when relabel_vector() has marked it.
Status forget_codes(KeyTarget& target, std::string_view prefix);

}  // namespace holdfast::search
