// How many live documents have a term, whatever has been folded and merged.
//
// Who: search/ only. Thread-safety: that of the given source.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "search/keyspace.h"
#include "search/manifest.h"

namespace holdfast::search {

using Frequencies = std::map<std::string, uint64_t, std::less<>>;

// Sets those of the terms that are there. Errors: Corruption, those of the source.
Status count_live(KeySource& source, const IndexKeys& keys, const Manifest& manifest,
                  Frequencies& frequencies);
// How many documents live.
Result<uint64_t> count_documents(KeySource& source, const IndexKeys& keys,
                                 const Manifest& manifest);

}  // namespace holdfast::search
