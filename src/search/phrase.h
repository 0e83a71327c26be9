// Phrases: words that stand one after the other, which only the text itself can tell.
//
// Who: memory/ and search/. Thread-safety: pure but for the given Analyzer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "search/analysis.h"

namespace holdfast::search {

// Consecutive tokens that a document must, or must not, have.
struct Phrase {
  std::vector<std::vector<std::string>> words;  // of each, the terms in the languages
  std::vector<bool> overlaps;                   // of each, the one before: pairs of a run
  bool is_excluded = false;
  bool operator==(const Phrase&) const = default;
};

// Whether such a token stands for a stretch of text: parts, and the characters of a run of pairs,
// repeat what another says.
inline bool is_primary(TokenKind kind) {
  return kind == TokenKind::kWord || kind == TokenKind::kWhole || kind == TokenKind::kPair;
}

// Whether a document with these texts has every phrase that it must have and none that it must not;
// the analyzer's language is that of the document.
bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts);

}  // namespace holdfast::search
