// Snippets: the stretch of a text that shows best why it was found, with the places to highlight.
//
// Who: memory/. Thread-safety: pure but for the given Analyzer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/analysis.h"
#include "search/text_index.h"

namespace holdfast::search {

struct SnippetRange {
  uint32_t begin;
  uint32_t end;
};

struct Snippet {
  // Bytes [offset, offset + text.size()) of the source, cut at characters and where possible at
  // spaces; control characters are replaced by as many spaces (a text must not command a terminal).
  std::string text;
  uint64_t offset = 0;
  std::vector<SnippetRange> highlights;  // of `text`; ascending, apart from each other
  bool matched = false;                  // the source contains at least one of the terms
};

// The best window of at most about `size_max` bytes: the one whose distinct terms weigh most, the
// first of equals; the beginning of `source` when no term occurs. Of a long source, what lies more
// than 64 KiB behind the first match is not considered.
Snippet make_snippet(Analyzer& analyzer, std::string_view source, std::span<const QueryTerm> terms,
                     size_t size_max);

}  // namespace holdfast::search
