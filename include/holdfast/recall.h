// Recall: finding observations by what they say.
//
// Ranking is BM25 over content, title (weight 2) and tags (weight 3), with the
// statistics of the one space that is asked. Words are compared without case and accents and by
// their English stem; identifiers are found whole and by their parts; Chinese, Japanese, Korean and
// Thai text by characters and pairs. An observation matches when it has at least one term.
//
// With a vector, what is near it is found, too, and ranks by both.
//
// A word that no observation of the space has is read as the words that it may be misspelt for
// (docs/search.md), which count half for each edit. Words in quotes are not. Beside the words of an
// English question others count that are related to them, at 0.3: "oboe" for "instrument".
//
// Any text is a query. In it, "some words" must stand one after the other, +word and both sides of
// AND must occur, -word (behind a space, three letters or more) and NOT word must not, and word*
// stands for the most frequent words that begin so; OR is what words are joined by anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/observation.h"
#include "holdfast/vector.h"

namespace holdfast {

constexpr size_t kRecallLimitMax = 1000;
constexpr size_t kSnippetSizeMax = 4096;  // bytes

// What is near a vector, in one of the space's vector spaces.
struct RecallVector {
  std::vector<float> values = {};
  std::string space = std::string(kMainVectorSpace);
  // Which model has computed the values; compared with the vector space's, unless it is empty.
  std::string model = {};
  std::string model_version = {};
  VectorAccuracy accuracy = VectorAccuracy::standard;
  // What parts of observations are compared with (Embedding::parts). They count beside text only:
  // what words and vector have found is as near as the mean of it and the nearest of its parts.
  // Empty, or of another dimension than the parts: these do not count.
  std::vector<float> part = {};
};

// How the score of the words and that of the vector become one; docs/search.md has the formulas.
enum class Fusion : uint8_t {
  convex,           // of each, as a share of the best
  reciprocal_rank,  // of the places alone
};

struct RecallQuery {
  std::string text = {};  // UTF-8; the first 256 distinct terms count; empty with a vector only
  // Of the words as they are indexed (with the parts of identifiers) only the rarest so many are
  // asked for; 0: all. A recall then takes about as long, whatever the text is. What must occur, or
  // must not, is asked for anyway.
  size_t words_max = 0;
  size_t limit = 10;  // 1 to kRecallLimitMax
  // Filters, all of which must hold; they do not change scores.
  std::optional<std::string> kind = {};
  std::optional<std::string> source = {};
  std::optional<std::string> session = {};
  std::optional<std::string> run = {};
  std::vector<std::string> tags = {};    // has all of them
  std::optional<int64_t> since_us = {};  // created_us >= since_us
  std::optional<int64_t> until_us = {};  // created_us < until_us
  std::optional<int64_t> as_of_us = {};  // holds at that time; absent: now
  std::optional<double> trust_min = {};  // effective_trust >= trust_min
  std::string where = {};                // a filter beside those above (docs/filters.md)
  // Also what the sub-spaces of the space remember, at any depth. Each is ranked by the statistics
  // of its own words; the best scores of all are returned.
  bool with_sub_spaces = false;
  // How far the strength of an observation counts, 0 to 1: its score is that of its text, times
  // 1 - strength_weight + strength_weight * Strength::value().
  double strength_weight = 0;
  size_t snippet_size = 160;  // bytes, about; 16 to kSnippetSizeMax
  bool explain = false;       // fill RecallHit::explanation
  bool as_typed = false;      // unknown words stay unknown, and no related words count
  // Beside the text, or without one: then observations without a vector are not found.
  std::optional<RecallVector> vector = {};
  // 0 to 1: how much the vector counts beside the text, where the best text has about half of what
  // it could; more where words of the query are missing, less where one text has them all often.
  double vector_weight = 0.5;
  Fusion fusion = Fusion::convex;
  // How much links of observations count, 0 to 1: what spreads along them from the best hits, which
  // may find what neither words nor vector do.
  double link_weight = 0;
  // How much likeness to a better hit counts against a hit, 0 to 1 (maximal marginal relevance):
  // what says the same again comes later. Likeness is the share of their words that both have.
  double variety = 0;
  // Of one source, and of one session, at most so many; 0: any number.
  size_t per_source_max = 0;
  size_t per_session_max = 0;
};

// Bytes [begin, end) of a string.
struct TextRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// What a word has added to a score:
// weight * idf * count * (k1 + 1) / (count + k1 * (0.25 + 0.75 * length / length_mean)), where
// idf = ln(1 + (observations - frequency + 0.5) / (frequency + 0.5)), and k1 = 0.9, but 1.2 for
// what is written without spaces (Chinese, Japanese, Korean, Thai).
struct ScoreTerm {
  std::string term;           // as it is indexed: folded, stemmed
  std::string typed;          // the unknown word that is read as this one; empty: none
  std::string related_to;     // the word that this one counts for, being related; empty: none
  double weight = 0;          // 1; less for parts of what was asked for
  uint64_t frequency = 0;     // observations that have it
  uint64_t observations = 0;  // in the space
  uint32_t count = 0;         // in this one; in the title twice, in tags three times
  uint32_t length = 0;        // terms of this one; above 31 in steps of an eighth
  double length_mean = 0;     // of all
  double score = 0;
};

struct RecallHit {
  Observation observation;  // without its embedding
  double score = 0;         // higher is better; comparable within one recall only
  double text_score = 0;    // what the words alone have given
  // With a vector: `score` is the sum of the shares, times what the strength makes of it. Without
  // a text the similarity itself takes their place.
  std::optional<double> similarity;  // cosine, product, or minus the distance; if it has a vector
  std::optional<double> part_similarity;  // cosine of the nearest part, if parts count for it
  double text_share = 0;
  double vector_share = 0;
  double link_share = 0;  // with links: `score` is the rest's share of the best, and this
  double likeness = 0;    // to the most similar better hit, if variety counts
  std::optional<Strength> strength;  // if it counts
  // The best stretch of the content, bytes [snippet_offset, snippet_offset + snippet.size()) of it,
  // cut at whole characters. Control characters are replaced by spaces, so it is safe to print.
  std::string snippet;
  uint64_t snippet_offset = 0;
  std::vector<TextRange> highlights;   // of `snippet`: ascending, apart, at whole characters
  std::vector<ScoreTerm> explanation;  // if asked for; they add up to `text_score`
};

// Why a recall returns an observation, or not.
enum class RecallReason : uint8_t {
  found,
  not_in_space,    // it was removed, or never added
  forgotten,       // it can be restored
  filtered,        // by a filter of the query, or it does not hold at that time
  word_condition,  // a word, a prefix or a phrase that must occur does not, or one does that must
                   // not
  no_common_word,  // and no vector that could be near
  no_vector,       // in the vector space that is asked
  outranked,       // others are better
  crowded_out,     // by variety, or by the limit of its source or session
};

struct RecallVerdict {
  RecallReason reason = RecallReason::found;
  std::string message;                 // the same as a sentence, with what it depends on
  std::optional<size_t> place;         // 1: the best; by its score alone, within kRecallLimitMax
  std::optional<double> score;         // where it has a place
  double last_score = 0;               // of the last hit that its limit lets through
  std::vector<ScoreTerm> explanation;  // of its words; they add up to their score
};

}  // namespace holdfast
