// Queries: what a text that a person or an agent typed asks for. Every text is a query.
//
// Words are looked for as they are analysed; a document matches that has one of them. In addition:
//   "some words"   a document must have these, one after the other
//   +word          a document must have it; so must both sides of AND, one before AND NOT
//   -word          a document must not have it: a minus before a word of three letters or more, at
//                  the text's beginning or behind a space; also NOT word, and both before a phrase
//   word*          words that begin so, two letters or more: the most frequent ones
//   OR             what words are joined by anyway
// AND, OR and NOT only in capitals and with something to join; where an operator makes no sense it
// is a word, or nothing. A query of exclusions only is one of words.
//
// Who: memory/ and search/. Thread-safety: pure but for the given Analyzer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/analysis.h"
#include "search/phrase.h"

namespace holdfast::search {

// Terms of a query; further distinct ones are ignored, and a phrase ends before them. So are
// further distinct phrases, prefixes, and exclusions, of which there are as many as terms.
constexpr size_t kQueryTermsMax = 256;
constexpr size_t kQueryPhrasesMax = 32;
constexpr size_t kQueryPrefixesMax = 16;
constexpr size_t kPrefixTermsMax = 64;  // that a prefix stands for
// Words that tell what is asked for, of a question whose related words count; what has more of them
// says by itself what it means.
constexpr size_t kRelatedWordsMax = 12;
constexpr size_t kRelatedTermsMax = 1024;  // together
constexpr double kRelatedWeight = 0.3;

struct QueryTerm {
  std::string term;
  // Terms of one number are what one word becomes in different languages, and count as one that as
  // many documents have as have these; nullopt: a term by itself.
  std::optional<uint32_t> word = {};
  // 1 for what was asked for; less for parts of an identifier and single characters of a run,
  // which should help and not decide; 0: does not count.
  double weight = 1;
  bool may_be_misspelt = false;  // it was not quoted, and is a word of letters
  std::string typed = {};        // the unknown term that is read as this one, once ranked
  // Index of the term that this one is related to: it stands behind all that were typed. Of a term
  // and those related to it the one that adds most to a score counts, and none adds more than the
  // term itself could.
  std::optional<uint32_t> related_to = {};
  double score = 0;        // weight times inverse document frequency, once ranked
  uint64_t frequency = 0;  // documents that have it, or one of its word, once ranked
};

struct Prefix {
  std::string text;
  bool is_required = false;
  bool is_excluded = false;
  bool operator==(const Prefix&) const = default;
};

// Indexes into `terms` of a query: one of the first with one of the second right behind it.
struct Adjacency {
  std::vector<uint32_t> first;
  std::vector<uint32_t> second;
};

struct TextQuery {
  std::vector<QueryTerm> terms = {};
  // Indexes into `terms`: of each group a document must have one;
  std::vector<std::vector<uint32_t>> required = {};
  // of none of these groups may it have all.
  std::vector<std::vector<uint32_t>> excluded = {};
  std::vector<Prefix> prefixes = {};
  std::vector<Phrase> phrases = {};  // for matches_phrases(); the words are required above
  // What they must have, as far as an index knows it: ranking leaves out most that lack it.
  std::vector<Adjacency> adjacent = {};

  // Terms that no document has are read as those that are spelt alike (text_spelling.h).
  bool reads_misspelt = false;
  // Of the terms that occur and need not, only so many rarest ones count; 0: all.
  size_t terms_max = 0;

  std::vector<std::string> facets = {};  // all of them must be among a document's
  // Document ids in [id_begin, id_end); an empty end means to the last.
  std::string id_begin = {};
  std::string id_end = {};
};

// Words are taken in each of the languages. REQUIRES: there is one. `with_related`: of an English
// question, that is a text with function words, related words count, too (thesaurus.h).
TextQuery parse_query(Analyzer& analyzer, std::string_view text,
                      std::span<const Language> languages, bool with_related = false);
inline TextQuery parse_query(Analyzer& analyzer, std::string_view text) {
  constexpr Language kEnglish[] = {Language::kEnglish};
  return parse_query(analyzer, text, kEnglish);
}

}  // namespace holdfast::search
