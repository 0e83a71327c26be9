// TextIndex: ranked search over the documents of one space, in the caller's transaction.
//
// A document is written as one text record under its id, so documents never conflict with each
// other. Whoever finds enough of them folds them into segments (text_fold.h). A query reads what is
// not folded yet, and of each segment what concerns its terms: the best come first without looking
// at what cannot be among them.
//
// Who: memory/. Thread-safety: one thread at a time per object.
// Invariants:
//   1. What is ranked, and every score, is a function of the live documents alone: it does not
//      depend on what has been folded or merged, and by whom.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"
#include "search/keyspace.h"
#include "search/manifest.h"
#include "search/text_query.h"

namespace holdfast::search {

// Under `prefix` stand the keys of the index (manifest.h). REQUIRES: the document is not there, or
// was dropped.
Status put_document(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                    std::string_view record);
// REQUIRES: the document is there. `record` gives the text record as it was put; it is called only
// where it is needed. Errors also those of `record`.
Status drop_document(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                     const std::function<Result<std::string>()>& record);
// Making the index anew, in transactions that take turns with those of others: begin_rebuild
// empties it, then each rebuild_step puts the documents that `more` gives, in order of their ids,
// from behind the one given. Until it is done, nothing is folded and ranking returns Busy.
struct RebuildDocument {
  DocumentId id;
  std::string record;
};
using RebuildSource =
    std::function<Result<std::vector<RebuildDocument>>(const DocumentId& after)>;  // empty: all
Status begin_rebuild(KeyTarget& target, std::string_view prefix);
// False: it is done.
Result<bool> rebuild_step(KeyTarget& target, std::string_view prefix, const RebuildSource& more);
// Errors: Busy: the index is being made anew, by a rebuild that goes on or was stopped.
Status check_built(KeySource& source, std::string_view prefix);
// Whether the index has been folded, or made anew, by this or another program.
Result<bool> has_manifest(KeySource& source, std::string_view prefix);

// The text record, where the document is not folded yet.
Result<std::optional<std::string>> peek_record(KeySource& source, std::string_view prefix,
                                               const DocumentId& id);

struct TextMatch {
  DocumentId id{};
  double score = 0;
};

// What a term has added to the score of a match.
struct TermScore {
  uint32_t term = 0;    // of Ranking::terms
  uint32_t count = 0;   // in the document, weighted
  uint32_t length = 0;  // of the document, as BM25 takes it
  double score = 0;
};

// Matches best first; of equal scores the greater id, that is the newer document, first.
//
// BM25: k1 0.9 (1.2 for pairs and characters of a run), b 0.75,
// idf = ln(1 + (N - df + 0.5) / (df + 0.5)). N, df and lengths are of all documents of the index
// whatever the filters.
class Ranking {
 public:
  // `count` is how many matches will probably be taken; more can be. Errors: Corruption,
  // Unsupported, and those of the source, which must outlive it.
  static Result<Ranking> open(KeySource& source, std::string_view prefix, TextQuery query,
                              size_t count);
  Ranking(Ranking&&) noexcept;
  Ranking& operator=(Ranking&&) noexcept;
  ~Ranking();

  // False at the end.
  Result<bool> take(TextMatch& match);
  // The terms of the query, those of prefixes too, with their scores and frequencies.
  const std::vector<QueryTerm>& terms() const;
  // Of any document that is there, taken or not.
  Result<std::vector<TermScore>> explain(const DocumentId& id);
  // 0: it has none of the terms; nullopt: it does not have what it must, or has what it must not.
  // Phrases aside, of which it looks at the words only.
  Result<std::optional<double>> score(const DocumentId& id);
  // What no document's score can be over that has every word that was typed, however often.
  double score_max() const;
  uint64_t documents() const;
  double length_mean() const;

 private:
  class Impl;
  explicit Ranking(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::search
