// Merging segments: some of a size become one of the next, without their dead, in steps whose place
// is kept in the manifest.
//
// Who: search/ only. Thread-safety: that of the given target.
#pragma once

#include "search/manifest.h"
#include "search/text_fold.h"

namespace holdfast::search {

// Begins a merge if one is due, or goes on with the one in progress, and writes the manifest.
// False: nothing is due. Errors: Corruption, and those of the target.
Result<bool> merge_step(KeyTarget& target, const IndexKeys& keys, Manifest& manifest,
                        const FoldOptions& options);

}  // namespace holdfast::search
